"""The two datasets that FOCUS 1.4 puts beside Cost and Usage: Billing Period and Invoice Detail.

A billing period stays open here until an invoice closes it. Invoice Detail has the specification's columns and no row as long as the
ledger knows no invoice: a row without an invoice would claim one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from breakeven.exchange.exporters.writing import copy_to
from breakeven.ledger import Ledger

_MONTH = "date_trunc('month', line.occurred_at)"
_BILLING_PERIODS = f"""
    SELECT min(line.recorded_at) AS "BillingPeriodCreated", CAST({_MONTH} + INTERVAL 1 MONTH AS TIMESTAMP) AS "BillingPeriodEnd",
        max(line.recorded_at) AS "BillingPeriodLastUpdated", CAST({_MONTH} AS TIMESTAMP) AS "BillingPeriodStart",
        'Open' AS "BillingPeriodStatus", coalesce(vendors.name, line.provider, 'Unknown') AS "InvoiceIssuerName"
    FROM cost_lines AS line LEFT JOIN focus_vendors AS vendors ON vendors.provider = line.provider
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
_PERIOD_TIMES = frozenset({"BillingPeriodCreated", "BillingPeriodEnd", "BillingPeriodLastUpdated", "BillingPeriodStart"})


def companions(ledger: Ledger, output: Path) -> list[Path]:
    """Write both beside the file of the charges: NAME-invoice-detail and NAME-billing-period."""
    columns = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in _INVOICE_DETAIL.items())
    dates = frozenset(name for name, kind in _INVOICE_DETAIL.items() if kind == _DATE)
    details = copy_to(ledger.connection, f"SELECT {columns} WHERE false", _beside(output, "invoice-detail"), times=dates)
    return [details, copy_to(ledger.connection, _BILLING_PERIODS, _beside(output, "billing-period"), times=_PERIOD_TIMES)]


def _beside(output: Path, what: str) -> Path:
    return output.with_name(f"{output.stem}-{what}{output.suffix}")
