"""What a budget's account will have spent when it resets, from what its days have cost: run rate with the rhythm of the week.

spent at reset = spent now + sum over the days left of (usual amount of that weekday x part of the day that is left)

The usual amount of a weekday is its mean over the last four weeks where two whole weeks are known, else the mean of all known days
(at least three). A period of two days or less is projected from itself: spent / elapsed part, once a quarter of it is over.
Assumption: the rest of the period resembles the last four weeks. `economics/forecast.py` knows trends and intervals; whatever
implements `Projection` may take this one's place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction

from breakeven.governance.alerts.facts import BudgetStatus, Projected

Projection = Callable[[BudgetStatus, Mapping[date, int], datetime], Projected | None]
"""(account, what each past day in UTC has spent of what it covers, now) → projection; None where too little is known."""

WEEKS = 4
FEWEST_DAYS = 3
DAYS_OF_RHYTHM = 14
SHORT = timedelta(days=2)
FEWEST_OF_SHORT = Fraction(1, 4)
_DAY = timedelta(days=1)


def run_rate(status: BudgetStatus, history: Mapping[date, int], at: datetime) -> Projected | None:
    """The projection of this module; None for accounts that never reset, or where too little is known."""
    starts, resets_at = status.starts, status.resets_at
    if starts is None or resets_at is None or not starts <= at < resets_at:
        return None
    if resets_at - starts <= SHORT:
        return _within(status, starts, resets_at, at)
    usual = _usual(history, at)
    return None if usual is None else _walked(status, usual, resets_at, at)


def _within(status: BudgetStatus, starts: datetime, resets_at: datetime, at: datetime) -> Projected | None:
    elapsed = _ratio(at - starts, resets_at - starts)
    if elapsed < FEWEST_OF_SHORT:
        return None
    spent = int(status.spent / elapsed)
    reached = None
    if status.spent < status.limit <= spent:
        reached = at + (at - starts) * ((status.limit - status.spent) / status.spent)
    return Projected(spent, reached, "run rate of this period")


def _usual(history: Mapping[date, int], at: datetime) -> list[Fraction] | None:
    """The usual amount of each weekday, Monday first; days before the first amount are not known, later ones without are 0."""
    today = at.date()
    since = max(today - timedelta(weeks=WEEKS), min((day for day in history if day < today), default=today))
    days = [since + timedelta(days=number) for number in range((today - since).days)]
    if len(days) < FEWEST_DAYS:
        return None
    if len(days) < DAYS_OF_RHYTHM:
        return [Fraction(sum(history.get(day, 0) for day in days), len(days))] * 7
    same = [[history.get(day, 0) for day in days if day.weekday() == weekday] for weekday in range(7)]
    return [Fraction(sum(amounts), len(amounts)) for amounts in same]


def _walked(status: BudgetStatus, usual: list[Fraction], resets_at: datetime, at: datetime) -> Projected:
    total, reached, start = Fraction(status.spent), None, at
    while start < resets_at:
        end = min(resets_at, datetime(start.year, start.month, start.day) + _DAY)  # noqa: DTZ001 - instants here are UTC without zone
        more = usual[start.weekday()] * _ratio(end - start, _DAY)
        if reached is None and total < status.limit <= total + more:
            reached = start + (end - start) * float((status.limit - total) / more)
        total, start = total + more, end
    rhythm = len(set(usual)) > 1
    return Projected(int(total), reached, "weekday averages of the last four weeks" if rhythm else "average of the days so far")


def _ratio(part: timedelta, whole: timedelta) -> Fraction:
    return Fraction(part // timedelta(microseconds=1), whole // timedelta(microseconds=1))
