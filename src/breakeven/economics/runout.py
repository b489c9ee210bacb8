"""When a limit is reached: the day on which spending, as forecast, passes a budget.

A budget says what may be spent until it resets; a forecast says what will be. Their meeting is the one date an owner can act on.
The band of a *cumulated* forecast decides: the sum of daily bands would be far too wide, because good and bad days cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from breakeven.economics.money import ATTO

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SpendPath:
    """Forecast spending from `start` on, cumulated: after step i (from 0) `point[i]` currency units, surely within low..high.

    `low` and `high` are None where too little history allows no interval. All are non-decreasing, in units (not atto-units):
    a forecast is an estimate, not money that was spent.
    """

    start: datetime
    point: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    step: timedelta = DAY


@dataclass(frozen=True, slots=True)
class RunOut:
    """When the limit is reached. `expected`, `earliest` and `latest` are None where it is not reached before `until`.

    `earliest` follows the upper edge of the band and `latest` the lower one; without a band both are None and `banded` is false.
    `left` is what remains of the limit now, in atto-units; negative is already overspent.
    """

    until: datetime
    left: int
    expected: datetime | None
    earliest: datetime | None = None
    latest: datetime | None = None
    banded: bool = False

    @property
    def already(self) -> bool:
        """Whether the limit is reached before any forecast is needed."""
        return self.left <= 0


def run_out(forecast: SpendPath, spent: int, limit: int, resets: datetime | None = None) -> RunOut:
    """When `limit` is reached, given what is `spent` of it and the forecast of what follows.

    Formula: the first instant at which spent + cumulated forecast ≥ limit, linear within a step; days from `resets` on belong to
    the next budget and do not count. `spent` and `limit` are exact atto-units of the forecast's currency; without `resets` the
    whole forecast counts. Raises ValueError for a forecast whose point and band differ in length.
    """
    left = limit - spent
    end = forecast.start + len(forecast.point) * forecast.step
    until = end if resets is None else min(resets, end)
    if left <= 0:
        return RunOut(until, left, forecast.start, forecast.start, forecast.start, banded=True)
    need = left / ATTO
    low, high = forecast.low, forecast.high
    if low is None or high is None:
        return RunOut(until, left, _crossing(forecast, forecast.point, need, until))
    if not len(low) == len(high) == len(forecast.point):
        raise ValueError("a forecast's point and band must have the same length")
    expected, earliest, latest = (_crossing(forecast, path, need, until) for path in (forecast.point, high, low))
    return RunOut(until, left, expected, earliest, latest, banded=True)


def _crossing(forecast: SpendPath, path: Sequence[float], need: float, until: datetime) -> datetime | None:
    """The first instant before `until` at which a cumulated path reaches `need`."""
    before = 0.0
    for index, after in enumerate(path):
        if after >= need:
            within = (need - before) / (after - before)
            at = forecast.start + (index + within) * forecast.step
            return at if at < until else None
        before = after
    return None
