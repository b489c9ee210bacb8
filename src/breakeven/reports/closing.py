"""What was signed off for a period: its P&L, its price versions, its invoices and its cost lines; and what has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from breakeven.economics.money import digits
from breakeven.economics.periods import Period
from breakeven.ledger.closing import Close, digest
from breakeven.reports.corrections import corrections
from breakeven.reports.pnl import Pnl, pnl
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.words import dollars, percent, prose
from breakeven.settings import CURRENCY, Settings


class VersionRow(msgspec.Struct, frozen=True):
    """The cost lines of one price version; null is of lines that no price applies to."""

    price_version: str | None
    lines: int
    cost: str
    unknown: int


class InvoiceRow(msgspec.Struct, frozen=True):
    """One invoice that days of the period were held against."""

    provider: str
    invoice: str
    digest: str
    days: int
    metered: str
    adjusted: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The statement of a period as it is signed off."""

    period: str
    label: str
    currency: str
    pnl: Pnl
    price_versions: Sequence[VersionRow]
    invoices: Sequence[InvoiceRow]
    lines: int
    unknown_lines: int
    cost: str
    sentence: str


class ShownClose(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-off period and how the ledger stands to it now. `unchanged`: no cost line has come into the period since.

    `corrections`: what was corrected of it since, by the month in which that is booked.
    """

    period: str
    closed_at: str
    by: str
    role: str
    why: str | None
    digest: str
    logged: bool
    cost: str
    cost_now: str
    lines: int
    lines_now: int
    unchanged: bool
    corrections: Mapping[str, str]
    sentence: str
    statement: Mapping[str, Any]


def statement_of(ledger: Facts, settings: Settings, period: Period) -> Statement:
    """The statement of a period as the ledger has it now."""
    question = Question(period)
    found = pnl(ledger, settings, question)
    versions = [VersionRow(name, lines, digits(cost) or "0", unknown) for name, lines, cost, unknown in _versions(ledger, question)]
    invoices = invoices_of(ledger, question)
    cost = sum((Decimal(row.cost) for row in versions), Decimal(0))
    return Statement(
        period=period.name,
        label=period.label,
        currency=CURRENCY,
        pnl=found,
        price_versions=versions,
        invoices=invoices,
        lines=sum(row.lines for row in versions),
        unknown_lines=sum(row.unknown for row in versions),
        cost=digits(cost) or "0",
        sentence=f"{found.sentence} {_known(found, invoices)}",
    )


def invoices_of(ledger: Facts, question: Question) -> list[InvoiceRow]:
    """The invoices that days of the period were held against."""
    return [
        InvoiceRow(provider, invoice, hashed, days, digits(metered) or "0", digits(adjusted) or "0")
        for provider, invoice, hashed, days, metered, adjusted in ask(ledger, "close_invoices", question, ())
    ]


def shown_close(ledger: Facts, close: Close, decided: Sequence[str | None], period: Period) -> ShownClose:
    """A signed-off period beside the ledger of now. `decided`: the digests that the decisions log has for it."""
    now = list(_versions(ledger, Question(period)))
    lines, cost = sum(row[1] for row in now), digits(sum((row[2] for row in now), Decimal(0))) or "0"
    before = close.statement
    hashed = digest(close)
    change = whole(Decimal(cost)) - whole(Decimal(before["cost"]))
    corrected = corrections(ledger, Question(period))
    unchanged = (lines, cost) == (before["lines"], before["cost"])
    return ShownClose(
        period=close.period,
        closed_at=close.closed_at,
        by=close.by,
        role=close.role,
        why=close.why,
        digest=hashed,
        logged=hashed in decided,
        cost=before["cost"],
        cost_now=cost,
        lines=before["lines"],
        lines_now=lines,
        unchanged=unchanged,
        corrections={month: digits(sum_of) or "0" for month, sum_of in corrected.later.items()},
        sentence=prose(
            _since(close, period, change, lines - before["lines"], logged=hashed in decided),
            replace(corrected, carried={}).sentence(period.label),
        ),
        statement=before,
    )


def readable(close: Close, statement: Statement) -> str:
    """The statement as a page."""
    rows = [*statement.pnl.rows, statement.pnl.total]
    table = "\n".join(f"| {row.label} | {_text(row.value)} | {_text(row.cost)} | {_text(row.contribution)} |" for row in rows)
    versions = "\n".join(f"| {row.price_version or 'no price'} | {row.lines:,} | {row.cost} |" for row in statement.price_versions)
    invoices = "\n".join(_invoice_line(row) for row in statement.invoices)
    remark = f": {close.why}" if close.why else ""
    return f"""# Statement of {statement.label}

{statement.sentence}

Signed off by {close.by} ({close.role}) at {close.closed_at}{remark}.
Amounts are {statement.currency}, to the last digit.

| | Value | Cost | Contribution |
|---|---:|---:|---:|
{table}

## Price versions

| Version | Cost lines | Cost |
|---|---:|---:|
{versions}

## Invoices

| Vendor | Invoice | Days | Metered | Adjusted | SHA-256 |
|---|---|---:|---:|---:|---|
{invoices or "| none | | | | | |"}

SHA-256 of the statement for machines, as the decisions log has it: `{digest(close)}`.
Statement signed off before: `{close.previous}`.
"""


def _versions(ledger: Facts, question: Question) -> list[tuple[Any, ...]]:
    return ask(ledger, "close_lines", replace(question, by=()), ())


def _invoice_line(row: InvoiceRow) -> str:
    return f"| {row.provider} | {row.invoice} | {row.days} | {row.metered} | {row.adjusted} | `{row.digest}` |"


def _text(value: str | None) -> str:
    return "not known" if value is None else value


def _known(found: Pnl, invoices: Sequence[InvoiceRow]) -> str:
    if not invoices:
        return "It was closed without an invoice."
    return f"{percent(found.shares.reconciled)} of its cost is reconciled with an invoice."


def _since(close: Close, period: Period, change: int, lines: int, *, logged: bool) -> str:
    who = f"{period.label} was signed off by {close.by} at {close.closed_at}"
    if not logged:
        return f"{who}, but this statement is not the one in the decisions log: it was altered."
    if not (change or lines):
        return f"{who}; nothing has been added to it since."
    return f"{who}; since then {lines:,} cost lines of {dollars(change)} have come into it, which the statement does not have."
