"""Invoices as facts: every line of a vendor's invoice, kept so that days can be held against it and FOCUS can show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, DecimalException
from pathlib import Path

from breakeven.economics.money import amount
from breakeven.errors import DataError, UsageError
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target
from breakeven.exchange.invoices import Invoice, Reading, read_invoice
from breakeven.ledger import ImportResult, Ledger
from breakeven.ledger.port import Quotes

_CURRENCY = re.compile(r"[A-Z]{3}\Z")


class InvoiceImporter:
    """FOCUS Invoice Detail, or whatever else `breakeven reconcile` reads. A file is taken whole or not at all."""

    name = "invoice"
    summary = "A vendor's invoice: FOCUS Invoice Detail or Cost and Usage, any table of amounts, OpenAI's or Anthropic's costs."
    suffixes: tuple[str, ...] = (".csv", ".json", ".jsonl", ".parquet")

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Read every file and add its lines; the same file again adds nothing. Raises DataError where a line cannot be read."""
        reading = _reading(request)
        invoices = [(path, read_invoice(path, reading)) for path in request.files]
        report = ImportReport(ImportResult(), files=len(request.files))
        with target.ledger.intake(source=f"import:{self.name}", quotes=target.quotes, recorded_at=request.now) as intake:
            for path, invoice in invoices:
                lines = sum(line.amount + line.exchange for line in invoice.lines)
                request.say(f"{path.name}: invoice {invoice.name}, {len(invoice.lines)} lines, ${amount(lines):,.2f}")
                intake.facts_rows("invoice_lines", _rows(path, invoice, request.since))
            return report.with_result(intake.commit(dry_run=request.dry_run, progress=request.progress))


def keep(ledger: Ledger, quotes: Quotes, invoice: Invoice, path: Path, now: datetime) -> int:
    """Keep the lines of an invoice that was read from a file, as its import would; returns how many are new."""
    with ledger.intake(source=f"import:{INVOICE.name}", quotes=quotes, recorded_at=now) as intake:
        intake.facts_rows("invoice_lines", _rows(path, invoice, None))
        return intake.commit().facts_added.get("invoice_lines", 0)


def _reading(request: ImportRequest) -> Reading:
    """`--set EUR=1.08` is a rate of the books; everything else that is set is a field."""
    rates = {name: _rate(name, text) for name, text in request.constants.items() if _CURRENCY.match(name)}
    fields = {name: text for name, text in request.constants.items() if name not in rates and name != "provider"}
    return Reading(request.constants.get("provider"), request.columns, fields, rates)


def _rate(currency: str, text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except DecimalException:
        rate = Decimal(0)
    if not rate.is_finite() or rate <= 0:
        raise UsageError(f"{currency}={text} is not a rate", f"Write dollars for one {currency}, such as --set {currency}=1.08.")
    return rate


def _rows(path: Path, invoice: Invoice, since: datetime | None) -> Iterator[dict[str, object]]:
    if invoice.start is None or invoice.end is None:
        raise DataError(
            f"{path}: the invoice does not say which days it bills",
            "Say it: --set period_start=2026-10-01 --set period_end=2026-11-01.",
        )
    if since is not None and invoice.end <= since:
        return
    for number, line in enumerate(invoice.lines, start=1):
        yield {
            "identity": f"{invoice.digest}:{number}",
            "period_start": invoice.start,
            "period_end": invoice.end,
            "day": line.day,
            "provider": line.provider,
            "invoice": line.invoice or invoice.name,
            "invoice_digest": invoice.digest,
            "line": number,
            "account": line.account,
            "category": line.category,
            "model": line.model,
            "usage_class": line.usage_class,
            "tier": line.tier,
            "api_key": line.key,
            "quantity": line.quantity,
            "amount": amount(line.amount),
            "exchange": amount(line.exchange),
            "in_dollars": not line.foreign,
            "currency": line.currency,
            "paid": None if line.paid is None else amount(line.paid),
            "smallest_unit": amount(line.quantum),
            "description": line.description,
            "source_ref": line.place,
        }


INVOICE = InvoiceImporter()
