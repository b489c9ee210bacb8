"""Who is reached by falling prices: the price of a fixed capability beside the price of always taking the best model.

From any table of dated results (a leaderboard, one's own replays): a model, a day, a score, and what the run cost.

    cost of a success     run cost / (cases · score)           a ratio of sums: what one solved task costs, failures included
    fixed capability      the lowest cost of a success so far among models with at least the first record's score
    best model            the cost of a success of whoever holds the record score that day
    trend                 OLS of ln cost on years over the steps of a path, with Student's t interval; None below four steps

A path is what a buyer would have paid who re-routed on the day of each result. A run that cost nothing is a preview whose price is
not known, never a free capability: it is counted and left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from breakeven.economics.scenario.ranges import LEVEL
from breakeven.economics.verdict import t_quantile

DAYS_OF_A_YEAR = 365.25
FEWEST_STEPS = 4


@dataclass(frozen=True, slots=True)
class Result:
    """One model on one day: `score` is the share of cases solved (0 to 1), `cost` what the whole run cost; None: not known."""

    model: str
    day: date
    score: float
    cost: float | None
    cases: float = 1.0

    @property
    def priced(self) -> bool:
        """Whether the cost of a success can be said."""
        return self.cost is not None and self.cost > 0 and self.score > 0 and self.cases > 0

    @property
    def per_success(self) -> float:
        """Cost of one solved case."""
        return (self.cost or 0.0) / (self.cases * self.score)


@dataclass(frozen=True, slots=True)
class Trend:
    """The factor per year of a path, with its 90% interval."""

    factor: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Deflation:
    """The two paths, oldest first. `unpriced` results have no known cost; `capability` is the score that is held fixed."""

    capability: float
    fixed: tuple[Result, ...]
    best: tuple[Result, ...]
    results: int
    unpriced: int

    @property
    def fold(self) -> float:
        """How many times cheaper the fixed capability has become."""
        return self.fixed[0].per_success / self.fixed[-1].per_success

    @property
    def best_ratio(self) -> float:
        """Cost of a success of the last best model over that of the first."""
        return self.best[-1].per_success / self.best[0].per_success

    @property
    def cheaper(self) -> bool | None:
        """Whether always taking the best model got cheaper: its trend's interval lies below 1. None: too few records to say."""
        found = trend(self.best)
        return None if found is None else found.high < 1


def deflation(results: Sequence[Result], capability: float | None = None) -> Deflation | None:
    """Both paths of a table of results; None where no result has a cost, or none reaches the capability.

    `capability` is the score that is held fixed; by default that of the best model of the first day.
    """
    priced = sorted((one for one in results if one.priced), key=lambda one: (one.day, -one.score, one.per_success))
    if not priced:
        return None
    wanted = priced[0].score if capability is None else capability
    reaching = sorted((one for one in priced if one.score >= wanted), key=lambda one: (one.day, one.per_success))
    fixed = _records(reaching, lambda one: -one.per_success)
    best = _records(priced, lambda one: one.score)
    if not fixed:
        return None
    return Deflation(wanted, fixed, best, len(results), len(results) - len(priced))


def trend(path: Sequence[Result]) -> Trend | None:
    """By how much a path moves a year, with what its scatter leaves open; None with fewer than four steps or on a single day."""
    count = len(path)
    years = [(one.day - path[0].day).days / DAYS_OF_A_YEAR for one in path]
    if count < FEWEST_STEPS or years[-1] <= 0:
        return None
    logs = [math.log(one.per_success) for one in path]
    mean_year, mean_log = math.fsum(years) / count, math.fsum(logs) / count
    spread = math.fsum((year - mean_year) ** 2 for year in years)
    slope = math.fsum((year - mean_year) * (log - mean_log) for year, log in zip(years, logs, strict=True)) / spread
    squares = math.fsum((log - mean_log - slope * (year - mean_year)) ** 2 for year, log in zip(years, logs, strict=True))
    half = t_quantile((1 + LEVEL) / 2, count - 2) * math.sqrt(squares / (count - 2) / spread)
    return Trend(math.exp(slope), _exp(slope - half), _exp(slope + half))


def _exp(log: float) -> float:
    return math.exp(min(max(log, -700.0), 700.0))


def _records(ordered: Sequence[Result], better: Callable[[Result], float]) -> tuple[Result, ...]:
    """The results that are better than all before them."""
    found: list[Result] = []
    for one in ordered:
        if not found or better(one) > better(found[-1]):
            found.append(one)
    return tuple(found)
