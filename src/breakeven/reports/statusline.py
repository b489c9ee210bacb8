"""The shortest report: one line's worth of figures."""

from __future__ import annotations

from datetime import datetime

import msgspec

from breakeven.economics.periods import month_of, parse_period
from breakeven.reports.pnl import PnlRow, pnl
from breakeven.reports.question import Facts, Question, wanted
from breakeven.reports.today import attention_in
from breakeven.settings import CURRENCY, Settings


class StatusLine(msgspec.Struct, frozen=True, kw_only=True):
    """Cost of the present day and month (UTC), the month's margin, and how many things `breakeven` would name as needing attention.

    Money is exact digits; null is unknown.
    """

    feature: str | None
    currency: str
    month: str
    today_cost: str | None
    month_cost: str | None
    margin: float | None
    attention: int


def statusline(ledger: Facts, settings: Settings, now: datetime, feature: str | None = None) -> StatusLine:
    """The figures at the instant `now`, of all features or of one."""
    filters = (("feature", wanted(feature)),) if feature is not None else ()
    day, month = (Question(period, filters=filters) for period in (parse_period("day", now), month_of(now)))
    found = pnl(ledger, settings, month)
    return StatusLine(
        feature=feature,
        currency=CURRENCY,
        month=f"{now:%b}",
        today_cost=_cost(pnl(ledger, settings, day).total),
        month_cost=_cost(found.total),
        margin=found.total.margin,
        attention=len(attention_in(ledger, found, month)) if found.total.calls else 0,
    )


def _cost(total: PnlRow) -> str | None:
    """What was paid; nothing was called, nothing was paid."""
    return total.cost if total.calls else "0"
