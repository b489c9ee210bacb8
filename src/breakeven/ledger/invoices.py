"""The invoices that the ledger keeps, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from breakeven.economics.money import ATTO, atto
from breakeven.economics.reconciliation import InvoiceLine
from breakeven.errors import UsageError
from breakeven.ledger.store import Ledger

_LINES = """
    SELECT provider, category, amount, source_ref, CAST(day AS DATE), model, usage_class, tier, quantity, api_key, exchange,
        NOT in_dollars, smallest_unit, invoice, account, description, currency, paid,
        invoice_digest, period_start, period_end
    FROM invoice_lines WHERE invoice = $name
        AND invoice_digest = (
            SELECT arg_max(invoice_digest, (recorded_at, invoice_digest)) FROM invoice_lines WHERE invoice = $name
        )
    ORDER BY line"""


class Stored(NamedTuple):
    """An invoice: its lines, the SHA-256 of its file, and the days that it bills (`end` is excluded)."""

    name: str
    digest: str
    lines: Sequence[InvoiceLine]
    start: datetime
    end: datetime


def stored_invoice(ledger: Ledger, name: str) -> Stored:
    """The lines of the invoice `name`, of its latest file where it was imported anew. Raises UsageError where there is none."""
    rows = ledger.query(_LINES, {"name": name})
    if not rows:
        known = [row[0] for row in ledger.query("SELECT DISTINCT invoice FROM invoice_lines ORDER BY invoice")]
        raise UsageError(
            f"the ledger has no invoice {name!r}",
            f"It has {', '.join(known[-20:])}." if known else "Bring it in: breakeven import invoice FILE.",
        )
    lines = [
        InvoiceLine(
            provider, category, atto(amount), place, day, model, usage_class, tier, quantity, key,
            exchange=0 if exchange is None else atto(exchange), foreign=foreign,
            quantum=ATTO // 100 if unit is None else atto(unit), invoice=number, account=account, description=words,
            currency=currency, paid=None if paid is None else atto(paid),
        )
        for provider, category, amount, place, day, model, usage_class, tier, quantity, key, exchange, foreign, unit, number,
            account, words, currency, paid, *_ in rows
    ]  # fmt: skip
    digest, start, end = rows[0][-3:]
    return Stored(name, digest, lines, start, end)
