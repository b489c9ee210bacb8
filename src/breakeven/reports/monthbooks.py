"""Do the books of a period tie to the vendors' invoices, what was posted to make them tie, and may the period be closed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from breakeven.economics.money import digits
from breakeven.ledger.closing import Close, digest
from breakeven.reports.closing import InvoiceRow, invoices_of
from breakeven.reports.corrections import corrections
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.reconciled import not_held
from breakeven.reports.words import count, dollars, percent, prose
from breakeven.settings import CURRENCY

FORMULA: Mapping[str, str] = {
    "booked": "metered + adjusted",
    "adjusted": "sum of what was posted for invoices",
    "reconciled": "metered cost on days of a vendor that tie with its invoice / metered cost",
}


class BooksRow(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's model. `reconciled`: the share of its metered cost on days that tie with an invoice; null without cost."""

    provider: str | None
    model: str | None
    metered: str
    adjusted: str
    booked: str
    reconciled: float | None


class PostedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was posted for one cause of a difference."""

    provider: str | None
    model: str | None
    cause: str
    amount: str


class ClosedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed the period off, when, and the digest of the statement."""

    period: str
    closed_at: str
    by: str
    role: str
    digest: str


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `closable`: a whole month that is over and not closed; `open_because` says what stands in the way."""

    period: str
    label: str
    currency: str
    metered: str
    adjusted: str
    booked: str
    reconciled: float | None
    rows: Sequence[BooksRow]
    posted: Sequence[PostedRow]
    invoices: Sequence[InvoiceRow]
    closed: ClosedRow | None
    closable: bool
    open_because: str
    sentence: str
    trail: Mapping[str, Any]


def books(ledger: Facts, question: Question, closed: Sequence[Close], now: datetime) -> Books:
    """How a period, or some of its cost, stands to the vendors' invoices; `closed` are the periods that are signed off."""
    found = ask(ledger, "books_models", question, ())
    metered, adjusted, tied = (sum(whole(row[at]) for row in found) for at in (2, 3, 4))
    share = tied / metered if metered else None
    made = next((each for each in closed if each.span == (question.period.start, question.period.end)), None)
    invoices = invoices_of(ledger, question)
    corrected = corrections(ledger, question).sentence(question.period.label)
    because = "" if made is not None else _open_because(question, now, share)
    return Books(
        period=question.period.name,
        label=question.period.label,
        currency=CURRENCY,
        metered=digits(metered) or "0",
        adjusted=digits(adjusted) or "0",
        booked=digits(metered + adjusted) or "0",
        reconciled=share,
        rows=[_row(*row) for row in found],
        posted=[
            PostedRow(provider=provider, model=model, cause=cause, amount=digits(amount) or "0")
            for provider, model, cause, amount in ask(ledger, "books_causes", question, ())
        ],
        invoices=invoices,
        closed=None if made is None else _closed(made),
        closable=made is None and question.period.whole_month and question.period.end <= now and bool(found),
        open_because=because,
        sentence=prose(_sentence(question.period.label, metered, adjusted, share, len(invoices), made), corrected),
        trail={
            "formula": FORMULA,
            "rows": {"models": len(found), "invoices": len(invoices)},
            "invoices": [f"{each.provider} {each.invoice}" for each in invoices],
        },
    )


def _row(provider: str | None, model: str | None, metered: Any, adjusted: Any, tied: Any) -> BooksRow:  # noqa: ANN401 - decimals as DuckDB gives them
    cost, more = whole(metered), whole(adjusted)
    return BooksRow(
        provider=provider,
        model=model,
        metered=digits(cost) or "0",
        adjusted=digits(more) or "0",
        booked=digits(cost + more) or "0",
        reconciled=whole(tied) / cost if cost else None,
    )


def _closed(made: Close) -> ClosedRow:
    return ClosedRow(period=made.period, closed_at=made.closed_at, by=made.by, role=made.role, digest=digest(made))


def _open_because(question: Question, now: datetime, share: float | None) -> str:
    if not question.period.whole_month:
        return "Only a whole month can be closed."
    if question.period.end > now:
        return f"{question.period.label} is not over."
    if share is None:
        return f"There is no cost in {question.period.label}."
    held = not_held(share)
    return held and f"{held[0].upper()}{held[1:]}."


def _sentence(label: str, metered: int, adjusted: int, share: float | None, invoices: int, made: Close | None) -> str:
    if not metered and not adjusted:
        return f"There is no cost in {label}."
    held = "held against no invoice yet" if not invoices else f"held against {count(invoices, 'invoice')}"
    tie = "" if not share else f"; {percent(share)} of it ties"
    posted = "" if not adjusted else f", with {dollars(adjusted)} posted to tie"
    end = f" {label} is closed: {made.by} signed it off on {made.closed_at[:10]}." if made is not None else f" {label} is open."
    return f"{dollars(metered)} was metered in {label} and {held}{tie}{posted}.{end}"
