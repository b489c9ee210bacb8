"""The daily history that forecasts rest on: cost and value per group and day, up to the last whole day with facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period
from breakeven.economics.value import RevenueShare
from breakeven.reports.question import Facts, Question, ask, statement, whole
from breakeven.reports.shared import revenue
from breakeven.reports.tallies import outcome_tallies
from breakeven.settings import Settings

Floats = NDArray[np.float64]
Key = tuple[str | None, ...]
Daily = Mapping[Key, Mapping[datetime, int]]
DAY = timedelta(days=1)
DAYS_LOOKED_BACK = 456
"""A year of origins, each with eight weeks before it."""


@dataclass(frozen=True, slots=True)
class History:
    """Exact sums (atto-units) by group and day; `start` is the first day, from the midnight `origin` on everything is forecast.

    Days from `origin` on may have facts too: today's, which is not over.
    """

    start: datetime
    origin: datetime
    cost: Daily
    value: Daily

    @property
    def days(self) -> int:
        """Whole days known."""
        return (self.origin - self.start) // DAY

    def series(self, of: Daily, keys: Iterable[Key]) -> Floats:
        """Daily sums of some groups in currency units, from the first day on which there is something."""
        found = np.zeros(self.days)
        for key in keys:
            for day, amount in of.get(key, {}).items():
                if day < self.origin:
                    found[(day - self.start) // DAY] += amount / ATTO
        found = found.clip(min=0.0)  # a credit of a day is no negative use
        something = np.flatnonzero(found)
        return found[something[0] :] if len(something) else found[:0]

    def within(self, of: Daily, keys: Iterable[Key], start: datetime, end: datetime) -> int:
        """The exact sum of some groups over days of a period."""
        return sum(amount for key in keys for day, amount in of.get(key, {}).items() if start <= day < end)


def daily_history(ledger: Facts, settings: Settings, question: Question, now: datetime) -> History | None:
    """Everything known until now by `question.by`, whatever its period; None where the ledger has no facts."""
    first = ask(ledger, "bounds", question, (), filtered=False)[0][0]
    if first is None or ledger.query(statement("latest_day"))[0][0] is None:
        return None
    origin = first_day_to_come(ledger, now)
    start = max(min(_midnight(first), origin), origin - DAYS_LOOKED_BACK * DAY)
    span = question.over(Period(f"{start:%Y-%m-%d}..", start, origin + DAY))
    value = _values(ledger, settings, span) if question.divides_outcomes else {}
    return History(start, origin, _costs(ledger, span), value)


def first_day_to_come(ledger: Facts, now: datetime) -> datetime:
    """The day after the last one with usage; today where the ledger has today's calls, or none at all."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    latest = ledger.query(statement("latest_day"))[0][0]
    return today if latest is None else min(today, _midnight(latest) + DAY)


def _midnight(day: object) -> datetime:
    return datetime.fromisoformat(f"{day}"[: len("2026-10-31")])


def _costs(ledger: Facts, question: Question) -> Daily:
    found: dict[Key, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    width = len(question.by)
    for row in ask(ledger, "daily_costs", question, question.by):
        found[row[:width]][_midnight(row[width])] += whole(row[width + 1])
    return found


def _values(ledger: Facts, settings: Settings, question: Question) -> Daily:
    """Value per group and day by the value models in force; groups without any are absent, which is not a value of 0."""
    found: dict[Key, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    keys = (*question.by, "day")
    for (*key, day), tally in outcome_tallies(ledger, settings, question, keys).items():
        if tally.value is not None:
            found[tuple(key)][_midnight(day)] += tally.value
    if any(isinstance(model, RevenueShare) for model in settings.values):
        for (*key, day), part in revenue(ledger, settings.values, replace(question, by=keys)).parts.items():
            found[tuple(key)][_midnight(day)] += part
    return found
