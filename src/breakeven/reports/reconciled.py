"""How much of the cost has been held against an invoice, and through which day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.words import percent


class Tie(NamedTuple):
    """`share`: metered cost on days of vendors that tie with an invoice / metered cost, null until one was posted.

    `through`: all until then ties.
    """

    share: float | None = None
    through: date | None = None


def tie(ledger: Facts, question: Question) -> Tie:
    """The reconciled share of a question's cost. A day counts for the vendors whose invoice for it was posted."""
    days, cost, reconciled, first_open, last_tied = ask(ledger, "reconciled", question, ())[0]
    if not days:
        return Tie()
    whole_cost = whole(cost)
    if not whole_cost:
        return Tie()
    if first_open is None:
        return Tie(1.0, last_tied)
    earlier = first_open - timedelta(days=1)
    known = last_tied is not None and earlier >= question.period.start.date()
    return Tie(whole(reconciled) / whole_cost, earlier if known else None)


def not_held(share: float | None) -> str:
    """What of a period's cost no invoice was posted for, in words that follow on a colon; empty where all of it ties."""
    if not share:
        return "no invoice was posted for it"
    return "" if share == 1 else f"{percent(1 - share)} of its cost was held against no invoice"
