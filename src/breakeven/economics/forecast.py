"""What comes next: four simple forecasts, mixed by how well each one did before.

A season is m steps: 7 for days, 24 for hours. Every forecast is a level × the profile of the season × a trend:

    last     the mean of the last season
    steady   the mean of the last four seasons
    trend    the mean of the last two, and 0.7 of the slope of the log over the last four, fading
    now      `last` × how the latest quarter of a season went against it, which is forgotten within a season
    mixture  exp Σ w_k · ln forecast_k,   w_k ∝ exp(−loss_k / (0.3 · the smallest loss)),
             loss_k = mean of |ln(actual / forecast_k)| over the past origins whose end is known, for the same horizon

The profile is the median over the last 8 seasons of step / season mean, so that an incident does not become a habit (a ratio of
sums where many steps are nothing). All sums are cumulated from the origin, as budgets and period ends ask for them.

Assumptions: the next weeks resemble the last eight; holidays and launches are not known; nothing is negative. Beside it stand the
two methods it must beat: run rate (the mean of the last two seasons) and seasonal naive (the last season again). Measured in
`docs/concepts/forecast.md`. Sources: exponential weights after Cesa-Bianchi & Lugosi 2006, damped trends after Gardner & McKenzie
1985.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method = Callable[["Recent", int], Floats]
"""(what each origin sees, horizon) → sums from each origin to each step ahead, a row per origin."""

WEEK, DAY_OF_HOURS = 7, 24
SEASONS = 8
"""Seasons that a forecast looks back on."""
SEASONS_OF_TREND = 4
CARRIED = 0.7
"""Share of the recent slope that is carried on."""
FADING_SEASONS = 8.0
"""The trend that is carried on fades with this time constant, so that twelve months are not an exponential."""
STEEPEST = 0.25
"""The largest change of the log per season that is believed."""
MOSTLY_SOMETHING = 0.8
"""The share of steps above nothing from which the profile is a median."""
LATEST = 4
"""`now` looks at a quarter of a season, and half of what it sees is forgotten every quarter."""
SELECTIVITY = 0.3
FEWEST_PAST_ERRORS = 3
WORST_LOSS = 2.0
NEGLIGIBLE = 0.01
"""This share of what a span brings on average is added before logs are taken: nothing against little is no infinity."""


@dataclass(frozen=True, slots=True)
class Recent:
    """What each origin sees: its last whole seasons, oldest first, NaN where the history does not reach; and their means.

    Seasons are counted back from the origin, so that column j of any season is the rhythm of step j + 1 ahead.
    """

    steps: Floats  # origins × seasons × season
    means: Floats  # origins × seasons
    short: Floats  # origins: the mean of what there is, for histories shorter than a season
    profile: Floats  # origins × season, of mean 1

    @property
    def season(self) -> int:
        """Steps of a season."""
        return int(self.steps.shape[2])


def recent(series: Floats, origins: Ints, season: int) -> Recent:
    """What is known at each origin (the number of steps that lie before it)."""
    at = origins[:, None] - np.arange(SEASONS * season, 0, -1)[None, :]
    values = np.where(at >= 0, series[at.clip(0)], np.nan)
    latest = values[:, -2 * season :]
    there = np.count_nonzero(~np.isnan(latest), axis=1)
    short = np.nansum(latest, axis=1) / np.maximum(there, 1)
    steps = values.reshape(len(origins), SEASONS, season)
    whole = np.asarray(~np.isnan(steps).any(axis=2))
    means = np.where(whole, np.nan_to_num(steps).mean(axis=2), np.nan)
    steps = np.where(whole[:, :, None], steps, np.nan)
    return Recent(steps, means, short, _profile(steps, means))


def last(seen: Recent, horizon: int) -> Floats:
    """The last season's mean, in the rhythm of the season."""
    return _cumulated(seen, _level(seen, 1), horizon)


def steady(seen: Recent, horizon: int) -> Floats:
    """The mean of the last four seasons, in the rhythm of the season."""
    return _cumulated(seen, _level(seen, SEASONS_OF_TREND), horizon)


def trend(seen: Recent, horizon: int) -> Floats:
    """The mean of the last two seasons with a damped and fading trend."""
    ahead = np.arange(horizon) // seen.season + 0.5
    carried = CARRIED * (0.5 + FADING_SEASONS * (1 - np.exp(-ahead / FADING_SEASONS)))
    return _cumulated(seen, _level(seen, 2), horizon, np.exp(_slope(seen)[:, None] * carried[None, :]))


def now(seen: Recent, horizon: int) -> Floats:
    """`last`, corrected by how the latest quarter of a season went against it."""
    width = max(1, seen.season // LATEST)
    level = _level(seen, 1)
    fitted = level * seen.profile[:, -width:].sum(axis=1)
    actual = np.nan_to_num(seen.steps[:, -1, -width:]).sum(axis=1)
    known = ~np.isnan(seen.means[:, -1])
    floor = NEGLIGIBLE * level * width + np.finfo(float).tiny
    surprise = np.where(known, np.log((actual + floor) / (fitted + floor)), 0.0).clip(-1.5, 1.5)
    kept = 0.5 ** ((np.arange(horizon) + 1) * LATEST / seen.season)
    return _cumulated(seen, level, horizon, np.exp(surprise[:, None] * kept[None, :]))


EXPERTS: tuple[Method, ...] = (last, steady, trend, now)


def run_rate(seen: Recent, horizon: int) -> Floats:
    """The benchmark of most dashboards: every step to come is the mean of the recent ones."""
    level = np.where(np.isnan(seen.means[:, -1]), seen.short, _level(seen, 2))
    return np.asarray(level[:, None] * np.arange(1, horizon + 1)[None, :])


def seasonal_naive(seen: Recent, horizon: int) -> Floats:
    """The benchmark that knows the rhythm: the last season again; without a whole season the mean."""
    season = np.where(np.isnan(seen.steps[:, -1, :]), seen.short[:, None], seen.steps[:, -1, :])
    return np.asarray(np.cumsum(season[:, np.arange(horizon) % seen.season], axis=1))


BENCHMARKS: dict[str, Method] = {"run rate": run_rate, "seasonal naive": seasonal_naive}


def sums_ahead(series: Floats, origins: Ints, horizon: int) -> Floats:
    """What really came, cumulated from each origin; NaN where the series has not got there yet."""
    total = np.concatenate([[0.0], np.cumsum(series)])
    end = origins[:, None] + np.arange(1, horizon + 1)[None, :]
    known = end <= len(series)
    return np.asarray(np.where(known, total[np.where(known, end, 0)] - total[origins][:, None], np.nan))


def error_of(actual: Floats, forecast: Floats, scale: float) -> Floats:
    """ln(actual / forecast) of cumulated sums; `scale` is the mean of a step. NaN where the actual is not known yet."""
    floor = (NEGLIGIBLE * scale + np.finfo(float).tiny) * np.arange(1, actual.shape[1] + 1)
    return np.asarray(np.log((actual + floor) / (forecast + floor)))


def mixture(series: Floats, origins: Ints, horizon: int, season: int) -> Floats:
    """The forecast from consecutive `origins`, each mixed by the losses known at it; rows cumulated to `horizon`."""
    seen = recent(series, origins, season)
    actual = sums_ahead(series, origins, horizon)
    scale = float(series.mean()) if len(series) else 0.0
    floor = (NEGLIGIBLE * scale + np.finfo(float).tiny) * np.arange(1, horizon + 1)
    logs, losses = [], []
    for expert in EXPERTS:
        forecast = expert(seen, horizon)
        logs.append(np.log(forecast + floor))
        losses.append(_known_loss(np.abs(error_of(actual, forecast, scale)).clip(max=WORST_LOSS)))
    weights = _weights(np.stack(losses))
    mixed = np.exp((weights * np.stack(logs)).sum(axis=0)) - floor
    return np.asarray(np.maximum.accumulate(mixed.clip(0), axis=1))


def _known_loss(loss: Floats) -> Floats:
    """At each origin and horizon the mean loss of the earlier origins whose end is known there; NaN where those are too few."""
    count, horizon = loss.shape
    total = np.concatenate([np.zeros((1, horizon)), np.cumsum(np.nan_to_num(loss), axis=0)])
    complete = np.arange(count)[:, None] - np.arange(1, horizon + 1)[None, :] + 1
    summed = np.take_along_axis(total, complete.clip(0), axis=0)
    mean = np.where(complete >= FEWEST_PAST_ERRORS, summed / np.maximum(complete, 1), np.nan)
    nearest = np.maximum.accumulate(np.where(np.isnan(mean), 0, np.arange(horizon)[None, :]), axis=1)
    return np.asarray(np.take_along_axis(mean, nearest, axis=1))


def _weights(losses: Floats) -> Floats:
    """Weights of the experts (first axis); equal where no loss is known yet."""
    known = np.nan_to_num(losses)
    least = known.min(axis=0)
    raw = np.exp(-(known - least) / (SELECTIVITY * least + 1e-9))
    return np.asarray(raw / raw.sum(axis=0))


def _cumulated(seen: Recent, level: Floats, horizon: int, growth: Floats | None = None) -> Floats:
    steps = level[:, None] * seen.profile[:, np.arange(horizon) % seen.season]
    return np.asarray(np.cumsum(steps if growth is None else steps * growth, axis=1))


def _level(seen: Recent, seasons: int) -> Floats:
    """The mean of the last whole seasons, as many as there are of those wanted; else of what there is."""
    means = seen.means[:, -seasons:]
    known = ~np.isnan(means)
    level = np.nan_to_num(means).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.where(known.any(axis=1), level, seen.short))


def _profile(steps: Floats, means: Floats) -> Floats:
    """Each step of the season against its mean; 1 where no whole season is known or nothing happened."""
    season = steps.shape[2]
    known = np.nan_to_num(means) > 0
    ratios = np.where(known[:, :, None], steps / np.where(known, means, 1.0)[:, :, None], np.nan)
    some = np.nan_to_num(steps)
    ratio_of_sums = some.sum(axis=1) / np.maximum(some.sum(axis=(1, 2)) / season, np.finfo(float).tiny)[:, None]
    count = known.sum(axis=1)
    busy = (some > 0).sum(axis=(1, 2)) >= MOSTLY_SOMETHING * count * season
    profile = np.where(busy[:, None], _median(ratios), ratio_of_sums)
    mean = profile.mean(axis=1, keepdims=True)
    return np.asarray(np.where((count[:, None] > 0) & (mean > 0), profile / np.where(mean > 0, mean, 1.0), 1.0))


def _median(ratios: Floats) -> Floats:
    """The median over the seasons that are known; 0 where none is."""
    ordered = np.nan_to_num(np.sort(ratios, axis=1))  # unknown seasons come last
    count = np.maximum((~np.isnan(ratios)).sum(axis=1), 1)
    low, high = (count - 1) // 2, count // 2
    picked = [np.take_along_axis(ordered, at[:, None, :], axis=1)[:, 0, :] for at in (low, high)]
    return np.asarray((picked[0] + picked[1]) / 2)


def _slope(seen: Recent) -> Floats:
    """The least-squares slope of the log of the last four season means, per season; 0 where fewer than three are positive."""
    means = seen.means[:, -SEASONS_OF_TREND:]
    known = np.nan_to_num(means) > 0
    logs = np.log(np.where(known, means, 1.0))
    time = np.arange(SEASONS_OF_TREND, dtype=float)
    count = known.sum(axis=1)
    centred = np.where(known, time - ((time * known).sum(axis=1) / np.maximum(count, 1))[:, None], 0.0)
    spread = (centred**2).sum(axis=1)
    slope = (centred * logs).sum(axis=1) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.where(count >= SEASONS_OF_TREND - 1, slope.clip(-STEEPEST, STEEPEST), 0.0))
