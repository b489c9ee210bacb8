"""The wealth of `betting.py` for many hypothesised means at once, in numpy: the same figures, thousands of times faster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from breakeven.alignment.evidence.betting import (
    MEAN_LEAST,
    PRIOR,
    PRIOR_VARIANCE,
    PRIOR_VARIANCE_COUNT,
    STAKE_MOST,
    VARIANCE_LEAST,
)

Floats = NDArray[np.float64]


def log_wealths(
    differences: ArrayLike,
    means: float | Sequence[float] | Floats,
    *,
    weights: ArrayLike | None = None,
    lowest: float = -1.0,
    guess: float = 0.0,
) -> Floats:
    """The logarithm of wealth after each difference: one row per hypothesised mean.

    `differences` is one sequence, or a matrix with one sequence per row, which then has as many rows as there are means (or one
    mean for all). The heaviest weight that is declared is the heaviest that occurs, so give weights of the whole design.
    """
    values = np.atleast_2d(np.asarray(differences, dtype=np.float64))
    mean = np.atleast_1d(np.asarray(means, dtype=np.float64))[:, None]
    heavy = np.ones(values.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64)
    gains = heavy * (values - mean)
    count = np.arange(values.shape[1], dtype=np.float64)
    total, squares = _before(gains), _before(gains * gains)
    prior = PRIOR / np.maximum(np.abs(mean), MEAN_LEAST)
    gain = np.maximum((total + (guess - mean) * prior) / (prior + count), 0.0)
    spread = squares - total * total / np.maximum(count, 1.0)
    variance = np.maximum((PRIOR_VARIANCE * PRIOR_VARIANCE_COUNT + spread) / (PRIOR_VARIANCE_COUNT + count), VARIANCE_LEAST)
    most = (float(heavy.max()) if heavy.size else 1.0) * (mean - lowest)
    limit = np.where(most > 0, STAKE_MOST / np.where(most > 0, most, 1.0), 0.0)
    known = PRIOR_VARIANCE * PRIOR_VARIANCE_COUNT
    upper = variance * (1 - (_before(np.minimum(gains, 0.0) ** 2) + known / 2) / (squares + known))
    worst = np.maximum(most, 0.0)
    middle = variance + gain * worst
    stakes = np.minimum(2 * gain / (middle + np.sqrt(middle * middle - 4 * upper * worst * gain)), limit)
    return np.asarray(np.cumsum(np.log1p(stakes * gains), axis=1))


def _before(values: Floats) -> Floats:
    """Running sums that leave the present one out: a stake may depend on the past only."""
    sums = np.zeros_like(values)
    np.cumsum(values[:, :-1], axis=1, out=sums[:, 1:])
    return sums


def highest(paths: Floats) -> Floats:
    """The most that each wealth ever was, in logarithms; 0 where it never grew."""
    return np.maximum(paths.max(axis=1), 0.0) if paths.shape[1] else np.zeros(paths.shape[0])
