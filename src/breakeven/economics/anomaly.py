"""What is unusual: one bucket (a day or an hour) of a series against its own last eight weeks.

    u        ln of the figure less the profile of its weekday (and hour): medians over 8 seasons of ln figure − median of the season
    level    median of u over the two seasons before the bucket
    r        u − level
    z        direction · r / √(s² + max(0, v − median v));  s = 1.4826 · median |r| over 8 seasons, at least 5%;
             v = the sampling variance of ln figure, from the number of calls: a bucket with few calls may stray further
    jump     one-sided p of z by Student's t with 20 degrees of freedom, Benjamini–Hochberg over all series of one bucket at q
    shift    CUSUM: C ← max(0, C + clip(z, ±3) − 0.75), found at C > 5; it starts anew after it is found
    floors   the money at stake must reach a floor, and the figure a relative one: what is small is not news

A doubling is seen at once by the jump, a step of 30% within days by the shift; neither sees both (`docs/concepts/anomalies.md` has
the simulations). Shifts are for days: hours wander together, and their sums told 4.7 false shifts a month. q is chosen so that at
most 0.75 false jumps of days and 0.5 of hours per feature and month are expected; simulated traffic stays below. Assumptions: eight
weeks resemble the present; residuals are no heavier-tailed than t(20) after the floors.
Sources: Benjamini & Hochberg 1995; Page 1954.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SEASONS = 8
FEWEST_SEASONS = 2
LEVEL_SEASONS = 2
SMALLEST_SPREAD = 0.05
DEGREES = 20
MAD_TO_SIGMA = 1.4826
CLIPPED, SLACK, SHIFTED = 3.0, 0.75, 5.0
FALSE_ALARMS = 0.75
"""Jumps of days that are expected per feature and month where nothing is wrong: the bound that q is chosen for."""
FALSE_ALARMS_OF_HOURS = 0.5
"""The same for hours, which come on top: in simulated traffic together less than one a month."""
LARGEST_Q = 0.1
DAYS_A_MONTH = 30


@dataclass(frozen=True, slots=True)
class Panel:
    """Series side by side, a column per bucket of equal length, the examined ones last.

    `logs` is the ln of each figure (NaN where there is none), `noise` the sampling variance of it, `direction` +1 where more is
    worse and −1 where less is. `season` is the number of buckets after which the rhythm repeats: 7 days or 168 hours.
    """

    logs: Floats
    noise: Floats
    direction: Floats
    season: int

    @property
    def buckets_a_day(self) -> int:
        """1 for days, 24 for hours."""
        return self.season // 7


@dataclass(frozen=True, slots=True)
class Scores:
    """For each series and examined bucket: residual of the log, z in the bad direction, CUSUM. NaN where nothing can be said."""

    residual: Floats
    z: Floats
    cusum: Floats


def false_discovery_rate(features: int, buckets_a_day: int, alarms: float | None = None) -> float:
    """The q of one bucket at which at most `alarms` a feature and month are expected, as a bucket errs with chance q at most."""
    if alarms is None:
        alarms = FALSE_ALARMS if buckets_a_day == 1 else FALSE_ALARMS_OF_HOURS
    return min(LARGEST_Q, alarms * max(features, 1) / (DAYS_A_MONTH * buckets_a_day))


def scores(panel: Panel, examined: int) -> Scores:
    """Score the last `examined` buckets, a season at a time, each against the eight seasons before its block."""
    count, length = panel.logs.shape
    shape = (count, examined)
    residual, z, cusum = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    running = np.zeros(count)
    first = length - examined
    for start in range(first, length, panel.season):
        stop = min(start + panel.season, length)
        block = _block(panel, start, stop)
        if block is None:
            continue
        at = slice(start - first, stop - first)
        residual[:, at], z[:, at] = block[0][:, -(stop - start) :], block[1][:, -(stop - start) :]
        if not cusum[:, : start - first].size or np.isnan(cusum[:, : start - first]).all():
            running = _warm(block[1][:, : -(stop - start)])
        cusum[:, at], running = _cusum(z[:, at], running)
    return Scores(residual, z, cusum)


def jumps(found: Scores, eligible: Bools, q: float) -> Bools:
    """Benjamini–Hochberg in each bucket over the series that are eligible there (by floors that do not look at the bucket)."""
    p = np.where(eligible & ~np.isnan(found.z), 1 - stdtr(DEGREES, np.nan_to_num(found.z)), np.nan)
    ordered = np.sort(p, axis=0)  # NaN last
    tests = np.count_nonzero(~np.isnan(p), axis=0)
    ranks = np.arange(1, len(p) + 1)[:, None]
    below = ordered <= q * ranks / np.maximum(tests, 1)
    last = np.where(below.any(axis=0), len(p) - 1 - np.argmax(below[::-1], axis=0), -1)
    threshold = np.where(last >= 0, np.take_along_axis(ordered, last.clip(0)[None, :], axis=0)[0], -1.0)
    return np.asarray(np.nan_to_num(p, nan=2.0) <= threshold[None, :])


def shifts(found: Scores, eligible: Bools) -> Bools:
    """Where the CUSUM has passed its limit."""
    return np.asarray((np.nan_to_num(found.cusum) > SHIFTED) & eligible)


def _block(panel: Panel, start: int, stop: int) -> tuple[Floats, Floats] | None:
    """Residuals and z of the seasons before `start` and of the block itself; None where two whole seasons are not known."""
    season = panel.season
    seasons = min(SEASONS, start // season)
    if seasons < FEWEST_SEASONS:
        return None
    begin = start - seasons * season
    logs, noise = panel.logs[:, begin:stop], panel.noise[:, begin:stop]
    past = logs[:, : seasons * season].reshape(len(logs), seasons, season)
    profile = _nanmedian(past - _nanmedian(past, 2)[:, :, None], 1)
    phase = np.arange(stop - begin) % season
    u = logs - np.nan_to_num(profile)[:, phase]
    residual = u - _levels(u, season, panel.buckets_a_day)
    known = residual[:, season : seasons * season]
    spread = np.maximum(MAD_TO_SIGMA * _nanmedian(np.abs(known), 1), SMALLEST_SPREAD)
    usual = _nanmedian(noise[:, season : seasons * season], 1)
    scale = np.sqrt(spread[:, None] ** 2 + np.maximum(0.0, noise - usual[:, None]))
    enough = np.count_nonzero(~np.isnan(known), axis=1) >= season
    z = np.where(enough[:, None], panel.direction[:, None] * residual / scale, np.nan)
    return np.asarray(residual), np.asarray(z)


def _levels(u: Floats, season: int, stride: int) -> Floats:
    """The median of the two seasons before each bucket (what there is of them, at least one), renewed once a day."""
    length = u.shape[1]
    levels = np.full(u.shape, np.nan)
    for at in range(season, length, stride):
        seen = u[:, max(0, at - LEVEL_SEASONS * season) : at]
        levels[:, at : at + stride] = _nanmedian(seen, 1)[:, None]
    return levels


def _warm(z: Floats) -> Floats:
    """The CUSUM at the end of the past: what was building up before the first examined bucket."""
    return _cusum(z[:, -SEASONS * 7 :], np.zeros(len(z)))[1]


def _cusum(z: Floats, running: Floats) -> tuple[Floats, Floats]:
    track = np.zeros(z.shape)
    for at in range(z.shape[1]):
        running = np.where(running > SHIFTED, 0.0, running)
        running = np.maximum(0.0, running + np.nan_to_num(z[:, at]).clip(-CLIPPED, CLIPPED) - SLACK)
        track[:, at] = running
    return track, running


def _nanmedian(values: Floats, axis: int) -> Floats:
    """The median of what is known; NaN, without a warning, where nothing is."""
    ordered = np.sort(values, axis=axis)  # NaN last
    count = np.count_nonzero(~np.isnan(values), axis=axis)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, np.maximum(count - 1, 0))
    picked = [np.take_along_axis(ordered, np.expand_dims(at, axis), axis=axis).squeeze(axis) for at in (low, high)]
    return np.asarray((picked[0] + picked[1]) / 2)
