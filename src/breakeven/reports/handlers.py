"""Which handlers there are, on what terms they answer, and how they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from breakeven.alignment.standing import Bounds, bounds, patience, sentence
from breakeven.handlers.standings import Record, Standings, fingerprint
from breakeven.reports.words import count
from breakeven.settings.handlers import HandlerSettings


class HandlerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One handler: shares are numbers from 0 to 1, unknown is null."""

    name: str
    kind: str
    source: str
    mode: str
    share: float
    checked: float
    floor: float
    timeout_ms: float
    checks: int
    agreements: int
    agreement: float | None
    lower_bound: float | None
    proven: bool | None
    """Whether the lower bound reaches the floor; null before the first check."""
    withdrawn: bool
    why: str | None
    withdrawn_at: str | None
    recorded_since: str | None
    fingerprint: str
    place: str
    sentence: str


class Handlers(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    rows: Sequence[HandlerRow]
    sentence: str


def handler_list(handlers: Mapping[str, HandlerSettings], standings: Standings) -> Handlers:
    """Every declared handler with its record."""
    rows = [handler_row(one, standings) for one in handlers.values()]
    withdrawn = sum(row.withdrawn for row in rows)
    answering = sum(row.mode in {"trial", "live"} and not row.withdrawn for row in rows)
    said = f"{count(len(rows), 'handler')}, {answering} answering" + (f", {withdrawn} withdrawn" if withdrawn else "")
    return Handlers(rows=rows, sentence=f"{said}." if rows else "No handler is declared.")


def handler_row(handler: HandlerSettings, standings: Standings) -> HandlerRow:
    """One handler with its record."""
    printed = fingerprint(handler)
    record: Record = standings.record(handler.name, printed)
    standing = record.standing
    found: Bounds | None = bounds(standing.agreements, standing.checks) if standing.checks else None
    return HandlerRow(
        name=handler.name,
        kind=handler.kind,
        source=handler.source,
        mode=handler.terms.mode,
        share=handler.terms.share,
        checked=handler.terms.checked,
        floor=handler.terms.floor,
        timeout_ms=handler.timeout * 1000,
        checks=standing.checks,
        agreements=standing.agreements,
        agreement=standing.agreement,
        lower_bound=None if found is None else found.low,
        proven=None if found is None else found.low >= handler.terms.floor,
        withdrawn=standing.withdrawn is not None,
        why=standing.withdrawn,
        withdrawn_at=_instant(record.withdrawn_at),
        recorded_since=_instant(record.began_at),
        fingerprint=printed,
        place=handler.place,
        sentence=sentence(handler.name, handler.terms, standing),
    )


def due(row: HandlerRow) -> int:
    """After how many checks in all this handler must have proven its floor."""
    return patience(row.floor)


def _instant(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
