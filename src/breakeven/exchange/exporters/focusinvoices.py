"""The two datasets that FOCUS 1.4 puts beside Cost and Usage: Billing Period and Invoice Detail.

A billing period is open until its month is closed in the ledger, which is when it was last updated. Invoice Detail has the lines of
the invoices that were imported; what an invoice does not say is null, or in words where the specification wants a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from breakeven.exchange.exporters.writing import copy_to
from breakeven.ledger import Ledger
from breakeven.ledger.closing import closes

_MONTH = "date_trunc('month', line.occurred_at)"
_BILLING_PERIODS = f"""
    SELECT min(line.recorded_at) AS "BillingPeriodCreated", CAST({_MONTH} + INTERVAL 1 MONTH AS TIMESTAMP) AS "BillingPeriodEnd",
        greatest(max(line.recorded_at), max(done.closed_at)) AS "BillingPeriodLastUpdated",
        CAST({_MONTH} AS TIMESTAMP) AS "BillingPeriodStart",
        CASE WHEN count(done.closed_at) > 0 THEN 'Closed' ELSE 'Open' END AS "BillingPeriodStatus",
        coalesce(vendors.name, line.provider, 'Unknown') AS "InvoiceIssuerName"
    FROM cost_lines AS line LEFT JOIN focus_vendors AS vendors ON vendors.provider = line.provider
    LEFT JOIN focus_closes AS done ON done.starts <= {_MONTH} AND done.ends >= {_MONTH} + INTERVAL 1 MONTH
    WHERE {_MONTH} IN (SELECT date_trunc('month', day) FROM focus_charges)
    GROUP BY ALL ORDER BY "BillingPeriodStart", "InvoiceIssuerName" """
_DATE, _TEXT, _MONEY = "TIMESTAMP", "VARCHAR", "DECIMAL(38,18)"
_INVOICE_DETAIL: Mapping[str, str] = {
    "BilledCost": _MONEY,
    "BillingAccountId": _TEXT,
    "BillingCurrency": _TEXT,
    "BillingPeriodEnd": _DATE,
    "BillingPeriodStart": _DATE,
    "ChargeCategory": _TEXT,
    "InvoiceDetailCreated": _DATE,
    "InvoiceDetailDescription": _TEXT,
    "InvoiceDetailGrain": _TEXT,
    "InvoiceDetailId": _TEXT,
    "InvoiceDetailLastUpdated": _DATE,
    "InvoiceId": _TEXT,
    "InvoiceIssueDate": _DATE,
    "InvoiceIssueStatus": _TEXT,
    "InvoiceIssuerName": _TEXT,
    "PaymentCurrency": _TEXT,
    "PaymentCurrencyBilledCost": _MONEY,
    "PaymentCurrencyInvoiceDetailId": _TEXT,
    "PaymentDueDate": _DATE,
    "PaymentTerms": _TEXT,
    "PurchaseOrderNumber": _TEXT,
    "ReferenceInvoiceId": _TEXT,
}
_CATEGORIES = """CASE line.category WHEN 'usage' THEN 'Usage' WHEN 'credit' THEN 'Credit' WHEN 'tax' THEN 'Tax'
    WHEN 'fee' THEN 'Purchase' ELSE 'Adjustment' END"""
_VALUES: Mapping[str, str] = {
    "BilledCost": "line.amount",
    "BillingAccountId": "coalesce(line.account, vendors.account, line.provider)",
    "BillingCurrency": "'USD'",
    "BillingPeriodEnd": "line.period_end",
    "BillingPeriodStart": "line.period_start",
    "ChargeCategory": _CATEGORIES,
    "InvoiceDetailCreated": "line.recorded_at",
    "InvoiceDetailDescription": "line.description",
    "InvoiceDetailId": "line.invoice_line_id",
    "InvoiceDetailLastUpdated": "line.recorded_at",
    "InvoiceId": "line.invoice",
    "InvoiceIssueStatus": "'Issued'",
    "InvoiceIssuerName": "coalesce(vendors.name, line.provider)",
    "PaymentCurrency": "line.currency",
    "PaymentCurrencyBilledCost": "line.paid",
    "PaymentTerms": "'Not stated'",
    "ReferenceInvoiceId": "line.invoice",
}
_DETAILS = """
    FROM invoice_lines AS line LEFT JOIN focus_vendors AS vendors ON vendors.provider = line.provider
    WHERE date_trunc('month', line.period_start) IN (SELECT date_trunc('month', day) FROM focus_charges)
        AND line.invoice_digest IN (
            SELECT arg_max(invoice_digest, (recorded_at, invoice_digest)) FROM invoice_lines GROUP BY provider, invoice
        )
    ORDER BY line.provider, line.invoice, line.line"""
"""Of an invoice that was imported from two files, the later one holds."""
_PERIOD_TIMES = frozenset({"BillingPeriodCreated", "BillingPeriodEnd", "BillingPeriodLastUpdated", "BillingPeriodStart"})


def companions(ledger: Ledger, output: Path) -> list[Path]:
    """Write both beside the file of the charges: NAME-invoice-detail and NAME-billing-period."""
    _closed(ledger)
    columns = ", ".join(f'CAST({_VALUES.get(name, "NULL")} AS {kind}) AS "{name}"' for name, kind in _INVOICE_DETAIL.items())
    dates = frozenset(name for name, kind in _INVOICE_DETAIL.items() if kind == _DATE)
    details = copy_to(ledger.connection, f"SELECT {columns} {_DETAILS}", _beside(output, "invoice-detail"), times=dates)
    return [details, copy_to(ledger.connection, _BILLING_PERIODS, _beside(output, "billing-period"), times=_PERIOD_TIMES)]


def _closed(ledger: Ledger) -> None:
    """Fill `focus_closes`: the spans that are signed off, and when."""
    ledger.connection.execute("CREATE OR REPLACE TEMP TABLE focus_closes (starts TIMESTAMP, ends TIMESTAMP, closed_at TIMESTAMP)")
    rows = [(*one.span, _utc(one.closed_at)) for one in closes(ledger.layout)]
    if rows:
        ledger.connection.executemany("INSERT INTO focus_closes VALUES (?, ?, ?)", rows)


def _utc(text: str) -> datetime:
    """An instant of a statement, without zone as facts have it."""
    instant = datetime.fromisoformat(text)
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def _beside(output: Path, what: str) -> Path:
    return output.with_name(f"{output.stem}-{what}{output.suffix}")
