"""What the true mean difference, or the true share of agreements, cannot plausibly be below or above, at all times at once.

The lower bound is the lowest mean m whose doubt *E[D] ≤ m* was never settled: the wealth of the bet against it has stayed below
1/α (a confidence sequence by betting, Waudby-Smith & Ramdas 2024). It holds with probability 1 − α simultaneously after every
difference, so one may look, and stop, whenever one likes. It is searched on a grid that is made finer around the end, and never
said to lie above the observed mean. The upper bound is the mirror image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from breakeven.alignment.evidence.paths import Floats, highest, log_wealths

_STEPS, _ROUNDS = 40, 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """A mean with what it lies between, each side with the confidence asked for; ±1 where nothing is known."""

    mean: float
    low: float
    high: float


def lower_bound(differences: ArrayLike, alpha: float, *, weights: ArrayLike | None = None, lowest: float = -1.0) -> float:
    """The lower bound on E[D] with confidence 1 − `alpha`, after all these differences in this order."""
    values = np.asarray(differences, dtype=np.float64)
    if not values.size:
        return lowest
    heavy = np.ones(values.size) if weights is None else np.asarray(weights, dtype=np.float64)
    mean = float((heavy * values).sum() / heavy.sum())
    low, high = lowest, mean
    for _ in range(_ROUNDS):
        grid = np.linspace(low, high, _STEPS + 1)[1:]
        settled = _settled(values, grid, alpha, heavy, lowest)
        first = int(np.argmin(settled)) if not settled.all() else _STEPS
        if first == _STEPS:
            return mean
        low, high = (float(grid[first - 1]) if first else low), float(grid[first])
    return min(low, mean)


def _settled(values: Floats, means: Floats, alpha: float, weights: Floats, lowest: float) -> NDArray[np.bool_]:
    """For each hypothesised mean, whether the wealth of the bet against it has ever reached 1/α."""
    return np.asarray(highest(log_wealths(values, means, weights=weights, lowest=lowest)) >= math.log(1 / alpha))


def upper_bound(differences: ArrayLike, alpha: float, *, weights: ArrayLike | None = None, highest_value: float = 1.0) -> float:
    """The upper bound on E[D]: the lower bound of −D with the sign turned."""
    return -lower_bound(-np.asarray(differences, dtype=np.float64), alpha, weights=weights, lowest=-highest_value)


def bounds(
    differences: ArrayLike, alpha: float, *, weights: ArrayLike | None = None, span: tuple[float, float] = (-1.0, 1.0)
) -> Bounds:
    """Mean, lower and upper bound of differences within `span`, each side with confidence 1 − `alpha`."""
    values = np.asarray(differences, dtype=np.float64)
    if not values.size:
        return Bounds(math.nan, *span)
    heavy = np.ones(values.size) if weights is None else np.asarray(weights, dtype=np.float64)
    mean = float((heavy * values).sum() / heavy.sum())
    low = lower_bound(values, alpha, weights=weights, lowest=span[0])
    return Bounds(mean, low, upper_bound(values, alpha, weights=weights, highest_value=span[1]))


def agreement_bounds(agreed: Sequence[bool] | ArrayLike, alpha: float, *, weights: ArrayLike | None = None) -> Bounds:
    """The share of agreements with its bounds, on the scale from 0 to 1: an agreement is a difference of 0, its lack one of −1."""
    found = bounds(np.asarray(agreed, dtype=np.float64) - 1.0, alpha, weights=weights, span=(-1.0, 0.0))
    return Bounds(1.0 + found.mean, 1.0 + found.low, 1.0 + found.high)
