"""How wrong a forecast may be: intervals from its own past errors, by horizon, corrected while they are used.

The textbook interval assumes independent normal errors of a known model and covered 28–45% where it promised 90%. Here:

    error       e = ln(actual sum / forecast sum) of every past origin whose end is known, for each horizon h by itself
    half-width  the mean of (a) the conformal quantile of |e| at rank ⌈(n + 1)·level⌉ and
                (b) Student's t with k = 1 + (n − 1)/h degrees of freedom × root mean square of e × √(1 + 1/k),
                because neighbouring origins share most of their days: k counts the spans that do not overlap
    interval    forecast · exp(± half-width)
    online      the level asked for is moved after every origin: α ← α + γ·(target − missed), adaptive conformal inference
                (Gibbs & Candès 2021), so that a series that has changed gets the width that it needs now

A horizon h needs at least max(5, h) past errors. Up to 4 times the longest such horizon the width is carried on with the square
root of h, as the errors of a level that wanders grow; beyond that there is no interval. Assumption: future errors resemble past
ones.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL = 0.9
FEWEST_ERRORS = 5
FARTHEST = 4
"""So many times the longest horizon with past errors enough is a width carried on."""
STEP = 0.02
"""γ of adaptive conformal inference: a miss widens the next interval by about a fiftieth of the level."""
ALPHA_LIMITS = (0.01, 0.5)
_ANCHORS = (1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 60, 90, 120, 150, 180, 270, 365)


@dataclass(frozen=True, slots=True)
class Widths:
    """Half-widths of the log of the cumulated sum for horizons 1..H, NaN where none can be said.

    Up to `observed` steps they come from errors of that horizon; beyond they are carried on.
    """

    half: Floats
    observed: int


def widths(errors: Floats, level: float = LEVEL) -> Widths:
    """Half-widths from past errors: a row per origin (consecutive, oldest first), a column per horizon, NaN where not known yet."""
    horizon = errors.shape[1]
    anchors = [h for h in sorted({*_ANCHORS, horizon}) if h <= horizon]
    found: list[tuple[int, float]] = []
    for ahead in anchors:
        column = errors[:, ahead - 1]
        known = column[~np.isnan(column)]
        if len(known) < fewest(ahead):
            break
        found.append((ahead, online(known, ahead, level).half))
    if not found:
        return Widths(np.full(horizon, np.nan), 0)
    return Widths(_between(found, horizon), found[-1][0])


def fewest(ahead: int) -> int:
    """How many past errors an interval `ahead` steps out needs: five, and two spans that do not overlap."""
    return max(FEWEST_ERRORS, ahead)


@dataclass(frozen=True, slots=True)
class Track:
    """The half-width now, and how often the interval of the time held."""

    half: float
    hits: int
    tried: int


def online(errors: Floats, ahead: int, level: float = LEVEL) -> Track:
    """Run along the errors of one horizon as they became known; each is judged by the width that was known before its origin."""
    target = alpha = 1 - level
    ordered: list[float] = []
    squares, hits, tried = 0.0, 0, 0
    needed = fewest(ahead)
    for index, error in enumerate(errors):
        new = index - ahead
        if new >= 0:
            insort(ordered, abs(float(errors[new])))
            squares += float(errors[new]) ** 2
        if len(ordered) >= needed:
            missed = abs(float(error)) > _half(ordered, squares, ahead, 1 - alpha)
            tried, hits = tried + 1, hits + (not missed)
            alpha = min(max(alpha + STEP * (target - missed), ALPHA_LIMITS[0]), ALPHA_LIMITS[1])
    everything = sorted(abs(float(error)) for error in errors)
    return Track(_half(everything, float((errors**2).sum()), ahead, 1 - alpha), hits, tried)


def _half(ordered: Sequence[float], squares: float, ahead: int, level: float) -> float:
    count = len(ordered)
    independent = 1 + (count - 1) / ahead
    conformal = ordered[min(count, ceil((count + 1) * level)) - 1]
    student = float(stdtrit(independent, (1 + level) / 2)) * sqrt(squares / count) * sqrt(1 + 1 / independent)
    return (conformal + student) / 2


def _between(found: Sequence[tuple[int, float]], horizon: int) -> Floats:
    """Half-widths at every horizon: linear between anchors, beyond the last with the square root, to four times it."""
    at = np.arange(1, horizon + 1, dtype=float)
    last, half = found[-1]
    inside = np.interp(at, [float(h) for h, _ in found], [width for _, width in found])
    beyond = np.where(at <= FARTHEST * last, half * np.sqrt(at / last), np.nan)
    return np.asarray(np.where(at <= last, inside, beyond))
