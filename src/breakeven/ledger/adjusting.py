"""Adjustments after an invoice: lines that make metered cost what was paid, and the fact that these days tie.

An adjustment is a cost line of its own, of no call: `kind` is `invoice:<cause>`, `state` is `invoiced`, `price_version` names the
invoice. Nothing is edited. An invoice that comes again, corrected, takes back what the one before it posted by reversal lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from breakeven.ledger import numbering
from breakeven.ledger.closing import CORRECTION, booked_at, closed_spans, correction_mark, kept_mark
from breakeven.ledger.schema import COST_LINES, RECONCILIATIONS
from breakeven.ledger.seals import seal
from breakeven.ledger.store import Ledger, explained_faults

KIND = "invoice:"
_HEX_OF_DIGEST = 16


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One amount to post, in dollars, for one day and one group of those who caused the cost; None is nobody."""

    cause: str
    day: date
    provider: str
    model: str | None
    usage_class: str | None
    amount: Decimal
    cost_class: str
    reason: str
    attribution: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Tied:
    """One day of a vendor that was compared and ties, with what was metered and what was posted for it."""

    provider: str
    day: date
    metered: Decimal
    adjusted: Decimal


@dataclass(frozen=True, slots=True)
class Posting:
    """What posting did: lines written, lines of an earlier posting taken back, days marked, lines booked into a later period."""

    lines: int
    reversed_lines: int
    days: int
    corrections: int


def post(
    ledger: Ledger, invoice: str, digest: str, adjustments: Sequence[Adjustment], tied: Sequence[Tied], recorded_at: datetime
) -> Posting:
    """Post an invoice's adjustments and mark its days, all in one segment; the same file again changes nothing."""
    ledger.require_writer()
    with explained_faults(ledger.layout.root):
        if ledger.query("SELECT 1 FROM reconciliations WHERE invoice_digest = $digest LIMIT 1", {"digest": digest}):
            return Posting(0, 0, 0, 0)
        _stage_lines(ledger, invoice, digest, adjustments, recorded_at)
        _stage_reversals(ledger, tied, recorded_at)
        _stage_days(ledger, invoice, digest, tied, recorded_at)
        spans = closed_spans(ledger.layout)
        moved = f"occurred_at <> {booked_at('occurred_at', spans)}"
        corrections = ledger.query(f"SELECT count(*) FROM adjusting_lines WHERE {moved}")[0][0]
        names = ", ".join(COST_LINES)
        ledger.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE posted_lines AS SELECT {names} FROM (SELECT * REPLACE ("
            f"CASE WHEN reason LIKE '%{CORRECTION}' THEN reason"
            f" ELSE reason || {correction_mark('occurred_at', spans)} END AS reason,"
            f" {booked_at('occurred_at', spans)} AS occurred_at) FROM adjusting_lines)"
        )
        manifest = seal(
            ledger.connection,
            ledger.layout,
            {"cost_lines": "posted_lines", "reconciliations": "tied_days"},
            segment=ledger.next_segment(),
            kind="reconciliation",
            source=f"invoice {invoice}",
            recorded_at=recorded_at,
        )
        ledger.load(manifest)
        reversed_lines = ledger.query("SELECT count(*) FROM posted_lines WHERE adjustment_of IS NOT NULL")[0][0]
        return Posting(len(adjustments), reversed_lines, len(tied), corrections)


def _version(digest: str) -> str:
    return f"{KIND}{digest[:_HEX_OF_DIGEST]}"


def _stage_lines(ledger: Ledger, invoice: str, digest: str, adjustments: Sequence[Adjustment], recorded_at: datetime) -> None:
    declared = ", ".join(f"{name} {kind}" for name, kind in COST_LINES.items())
    ledger.connection.execute(f"CREATE OR REPLACE TEMP TABLE adjusting_lines ({declared})")
    rows = []
    for number, item in enumerate(adjustments):
        values = {
            "call_id": _identity(f"{digest}:{number}", item.day),
            "attempt": 0,
            "line": 0,
            "part": 0,
            "occurred_at": datetime(item.day.year, item.day.month, item.day.day),  # noqa: DTZ001 - facts are UTC without zone
            "recorded_at": recorded_at,
            "provider": item.provider,
            "model": item.model,
            "usage_class": item.usage_class,
            "kind": f"{KIND}{item.cause}",
            "cost": item.amount,
            "state": "invoiced",
            "price_version": _version(digest),
            "cost_class": item.cost_class,
            "reason": f"invoice {invoice}: {item.reason}",
            **item.attribution,
        }
        rows.append([values.get(name) for name in COST_LINES])
    if rows:
        ledger.connection.executemany(f"INSERT INTO adjusting_lines VALUES ({', '.join('?' * len(COST_LINES))})", rows)


def _stage_reversals(ledger: Ledger, tied: Sequence[Tied], recorded_at: datetime) -> None:
    """What earlier invoices posted for these days is taken back: they are compared anew."""
    ledger.connection.execute("CREATE OR REPLACE TEMP TABLE compared_days (provider VARCHAR, day TIMESTAMP)")
    if tied:
        ledger.connection.executemany("INSERT INTO compared_days VALUES (?, ?)", [(row.provider, row.day) for row in tied])
    ledger.connection.execute(
        f"""
        INSERT INTO adjusting_lines BY NAME
        SELECT * REPLACE (line + {numbering.REVERSAL} AS line, line AS adjustment_of, -cost AS cost,
            $recorded_at::TIMESTAMP AS recorded_at, 'reversed by a later invoice' || {kept_mark("reason", "''")} AS reason)
        FROM sealed.cost_lines AS line
        WHERE kind LIKE '{KIND}%' AND adjustment_of IS NULL AND (provider, price_version) IN (
            SELECT (provider, concat('{KIND}', left(invoice_digest, {_HEX_OF_DIGEST})))
            FROM reconciliations SEMI JOIN compared_days USING (provider, day)
        ) AND NOT EXISTS (
            SELECT 1 FROM sealed.cost_lines AS later WHERE later.call_id = line.call_id AND later.adjustment_of = line.line
        )""",
        {"recorded_at": recorded_at},
    )


def _stage_days(ledger: Ledger, invoice: str, digest: str, tied: Sequence[Tied], recorded_at: datetime) -> None:
    declared = ", ".join(f"{name} {kind}" for name, kind in RECONCILIATIONS.items())
    ledger.connection.execute(f"CREATE OR REPLACE TEMP TABLE tied_days ({declared})")
    rows = [
        [_identity(f"{digest}:{row.provider}", row.day), recorded_at, row.day, row.provider, invoice, digest, row.metered,
         row.adjusted,         "reconcile"]
        for row in tied
    ]  # fmt: skip
    if rows:
        ledger.connection.executemany(f"INSERT INTO tied_days VALUES ({', '.join('?' * len(RECONCILIATIONS))})", rows)


def _identity(text: str, day: date) -> str:
    """A UUIDv7 of the day and a hash, so that posting the same invoice gives the same ids."""
    milliseconds = (day - date(1970, 1, 1)).days * 86_400_000
    hashed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    number = milliseconds << 80 | 7 << 76 | (hashed >> 64 & 0xFFF) << 64 | 2 << 62 | (hashed & ((1 << 62) - 1))
    return str(UUID(int=number))
