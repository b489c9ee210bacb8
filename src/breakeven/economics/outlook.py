"""A series, its forecast and the band around it: what reports ask for, a period end or a year ahead alike.

    point(a, b)   forecast sum of steps a+1 … b at constant prices, × the known price change where one is booked
    low, high     point · exp(∓ half-width), from the errors of the same method for the same span at its past origins

Parts sum: the point of a total is the sum of its parts' points, and its band comes from the errors of the summed forecasts, because
good and bad days of different features cancel, which only their joint past can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.forecast import BENCHMARKS, NEGLIGIBLE, error_of, mixture, recent, sums_ahead
from breakeven.economics.intervals import FARTHEST, FEWEST_ERRORS, LEVEL, fewest, online, widths

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_STEPS = 2
"""One step says nothing about the next."""
MOST_ORIGINS = 400
"""Older origins teach little about the present; the bound keeps a year of days and a fortnight of hours whole."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Cumulated forecasts 1..H steps after the last known one, in currency units; beside them past ones and what came instead."""

    point: Floats
    past: Floats  # origins × horizon
    actual: Floats  # origins × horizon, NaN where it has not come yet
    scale: float  # the mean of a step


@dataclass(frozen=True, slots=True)
class Band:
    """A forecast sum; `low` and `high` are None where too little is known for an interval.

    `half` is the half-width of the log; `carried` says that it comes from a shorter horizon, widened.
    """

    point: float
    low: float | None = None
    high: float | None = None
    half: float | None = None
    carried: bool = False


def outlook(series: Floats, horizon: int, season: int, change: Floats | None = None) -> Outlook | None:
    """The forecast of the next `horizon` steps; `change` multiplies each (known prices). None: fewer than two steps are known."""
    if len(series) < FEWEST_STEPS:
        return None
    forecast, actual = _from_the_past(series, horizon, season)
    point = forecast[-1]
    if change is not None:
        point = np.cumsum(np.diff(point, prepend=0.0) * change)
    return Outlook(point, forecast[:-1], actual[:-1], float(series.mean()))


def _from_the_past(series: Floats, horizon: int, season: int) -> tuple[Floats, Floats]:
    """Forecasts and what came, from every origin that has a season before it (or a step, where there is less), the present last."""
    first = max(min(season, len(series) - 1), len(series) - MOST_ORIGINS)
    origins = np.arange(first, len(series) + 1)
    return mixture(series, origins, horizon, season), sums_ahead(series, origins, horizon)


def summed(parts: Sequence[Outlook]) -> Outlook:
    """The forecast of a sum of series that end together; their common past is the shortest one's."""
    origins = min(len(part.past) for part in parts)
    past = np.sum([part.past[len(part.past) - origins :] for part in parts], axis=0)
    actual = np.sum([part.actual[len(part.past) - origins :] for part in parts], axis=0)
    return Outlook(np.sum([part.point for part in parts], axis=0), past, actual, sum(part.scale for part in parts))


def band(seen: Outlook, start: int, end: int, level: float = LEVEL) -> Band:
    """The forecast sum of steps start+1 … end, with its interval where the past allows one."""
    point = float(_span(seen.point[None, :], start, end)[0])
    half, carried = _half(lambda a, b: span_errors(seen, a, b), start, end, level)
    if half is None:
        return Band(point)
    floor = float(NEGLIGIBLE * seen.scale * (end - start))
    return Band(point, max(0.0, (point + floor) * exp(-half) - floor), (point + floor) * exp(half) - floor, half, carried)


def ratio_half(top: Outlook, bottom: Outlook, start: int, end: int, level: float = LEVEL) -> float | None:
    """The half-width of ln(top / bottom) of a span, such as cost over value: they err together, as their differences show."""
    origins = min(len(top.past), len(bottom.past))

    def differences(a: int, b: int) -> Floats:
        over, under = span_errors(top, a, b), span_errors(bottom, a, b)
        return np.asarray(over[len(over) - origins :] - under[len(under) - origins :])

    return _half(differences, start, end, level)[0]


def path(seen: Outlook, level: float = LEVEL) -> tuple[Floats, Floats, Floats]:
    """Point, low and high of the cumulated sums, for fans and run-out dates; low and high NaN where nothing is said."""
    half = widths(error_of(seen.actual, seen.past, seen.scale), level).half
    floor = NEGLIGIBLE * seen.scale * np.arange(1, len(seen.point) + 1)
    low, high = ((seen.point + floor) * np.exp(sign * half) - floor for sign in (-1, 1))
    return seen.point, np.maximum.accumulate(low.clip(min=0)), np.maximum.accumulate(high)


def span_errors(seen: Outlook, start: int, end: int) -> Floats:
    """ln(actual / forecast) of the sum of steps start+1 … end, per past origin; NaN where it has not come yet."""
    actual, forecast = _span(seen.actual, start, end), _span(seen.past, start, end)
    return error_of(actual[:, None], forecast[:, None], seen.scale * (end - start))[:, 0]


def _span(cumulated: Floats, start: int, end: int) -> Floats:
    return cumulated[:, end - 1] - (cumulated[:, start - 1] if start else 0.0)


def _half(errors: Callable[[int, int], Floats], start: int, end: int, level: float) -> tuple[float | None, bool]:
    """The half-width of a span and whether it is carried on from the latest span of its length that has past errors enough."""
    found = errors(start, end)
    known = found[~np.isnan(found)]
    if len(known) >= fewest(end):
        return online(known, end, level).half, False
    longest = min(len(found) - FEWEST_ERRORS + 1, (len(found) + 1) // 2)
    if longest < 1 or end > FARTHEST * longest:
        return None, False
    nearer = errors(max(0, start - (end - longest)), longest)
    return online(nearer[~np.isnan(nearer)], longest, level).half * sqrt(end / longest), True


@dataclass(frozen=True, slots=True)
class Trial:
    """How forecasts of sums `ahead` steps would have done at the past origins.

    `error`: Σ |actual − forecast| / Σ actual, of the forecast and of each benchmark, at the same origins. `coverage`: the share of
    intervals, each from what was known at its origin, that held what came; None where too little was known for any.
    """

    ahead: int
    origins: int
    error: float | None
    benchmarks: Mapping[str, float | None]
    coverage: float | None
    intervals: int


def backtest(series: Floats, aheads: Sequence[int], season: int, level: float = LEVEL) -> list[Trial]:
    """Forecast again from every past origin that has two seasons before it, and compare with what came."""
    origins = np.arange(max(1, 2 * season, len(series) - MOST_ORIGINS), len(series))
    if not len(origins):
        return [Trial(ahead, 0, None, dict.fromkeys(BENCHMARKS), None, 0) for ahead in aheads]
    horizon = max(aheads)
    forecast, actual = (found[:-1][-len(origins) :] for found in _from_the_past(series, horizon, season))
    seen = recent(series, origins, season)
    naive = {name: method(seen, horizon) for name, method in BENCHMARKS.items()}
    missed = error_of(actual, forecast, float(series.mean()))
    return [_trial(ahead, actual, forecast, naive, missed, level) for ahead in aheads]


def _trial(ahead: int, actual: Floats, forecast: Floats, naive: Mapping[str, Floats], missed: Floats, level: float) -> Trial:
    came = ~np.isnan(actual[:, ahead - 1])
    track = online(missed[came, ahead - 1], ahead, level) if came.any() else None
    scored = {name: _error(made[came, ahead - 1], actual[came, ahead - 1]) for name, made in naive.items()}
    return Trial(
        ahead=ahead,
        origins=int(came.sum()),
        error=_error(forecast[came, ahead - 1], actual[came, ahead - 1]),
        benchmarks=scored,
        coverage=track.hits / track.tried if track is not None and track.tried else None,
        intervals=track.tried if track is not None else 0,
    )


def _error(forecast: Floats, actual: Floats) -> float | None:
    total = float(actual.sum())
    return float(np.abs(forecast - actual).sum()) / total if total > 0 else None
