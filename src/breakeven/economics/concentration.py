"""How unevenly cost and margin lie on customers and users: Gini, shares of the dearest, deciles of engagement, the whale curve.

    Gini = n/(n − 1) · (2·Σ i·x₍ᵢ₎ / (n·Σ x) − (n + 1)/n)        x₍₁₎ ≤ … ≤ x₍ₙ₎

n/(n − 1) corrects what few subjects hide. The 95% interval is a percentile bootstrap over subjects; below 30 subjects none of it
is said, because a heavy tail then shows too little of itself. The Gini is for cost, which is never negative; margin can be, so
that for it the whale curve is drawn: cumulated profit from the most profitable subject on, as a share of the final profit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 30
"""Fewer subjects than these have no Gini."""
DECILES = 10
TOPS = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the dearest subjects at which the concentration is said."""
_DRAWS = 500
_MOST_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Gini:
    """From 0, all alike, to 1, one bears everything; with its 95% interval."""

    estimate: float
    low: float
    high: float


def gini(amounts: Sequence[float], random: np.random.Generator) -> Gini | None:
    """The Gini of amounts ≥ 0 with its bootstrap interval; None below 30 subjects or where all are nothing."""
    ordered = np.sort(np.asarray(amounts, dtype=np.float64))
    count = len(ordered)
    if count < FEWEST or ordered[0] < 0 or ordered.sum() <= 0:
        return None
    draws = max(min(_DRAWS, _MOST_CELLS // count), 100)
    drawn = [_weighted(ordered, random.multinomial(count, np.full(count, 1 / count)).astype(np.float64)) for _ in range(draws)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    point = _weighted(ordered, np.ones(count))
    return Gini(point, float(min(low, point)), float(max(high, point)))


def _weighted(ordered: Floats, weight: Floats) -> float:
    """The corrected Gini of ordered amounts, each as often as its weight says."""
    count = weight.sum()
    amounts = weight * ordered
    total = amounts.sum()
    if total <= 0:
        return 0.0
    rank = np.cumsum(weight) - (weight - 1) / 2  # the mean place of equal amounts
    plain = 2 * float((rank * amounts).sum()) / (count * total) - (count + 1) / count
    return float(plain * count / (count - 1))


def top_share(amounts: Sequence[int], share: float) -> float | None:
    """Which part of the sum the dearest `share` of subjects have, at least one of them; None where the sum is nothing."""
    ordered = sorted(amounts, reverse=True)
    whole = sum(ordered)
    if not ordered or whole <= 0:
        return None
    return sum(ordered[: most_of(len(ordered), share)]) / whole


def most_of(count: int, share: float) -> int:
    """How many subjects a share of them is: rounded, at least one."""
    return max(1, round(count * share))


def curve(amounts: Sequence[int], points: int = 20) -> list[tuple[float, float]]:
    """The concentration curve: share of subjects, dearest first, and their share of the sum, from (0, 0) to (1, 1)."""
    ordered = sorted(amounts, reverse=True)
    whole = sum(ordered)
    if whole <= 0:
        return []
    places = sorted({ceil(len(ordered) * at / points) for at in range(points + 1)})
    sums = [0, *np.cumsum(np.array([amount / whole for amount in ordered])).tolist()]
    return [(place / len(ordered), float(sums[place])) for place in places]


@dataclass(frozen=True, slots=True)
class Whale:
    """The most that is earned before losing subjects take it back: how many subjects earn it, the peak, and the final sum."""

    earning: int
    peak: int
    final: int


def whale(keeps: Sequence[int]) -> Whale:
    """The whale curve in three numbers: cumulated profit peaks where the first losing subject comes."""
    gains = [kept for kept in keeps if kept > 0]
    return Whale(len(gains), sum(gains), sum(keeps))


def whale_curve(keeps: Sequence[int], points: int = 20) -> list[tuple[float, int]]:
    """Share of subjects, most profitable first, and their cumulated profit in the amount's own units."""
    ordered = sorted(keeps, reverse=True)
    places = sorted({ceil(len(ordered) * at / points) for at in range(points + 1)})
    sums = [0]
    for kept in ordered:
        sums.append(sums[-1] + kept)
    return [(place / len(ordered), sums[place]) for place in places] if ordered else []


def deciles(count: int) -> list[int]:
    """The decile, 1 to 10, of each place in an order from the least to the most engaged; larger groups come first."""
    groups = min(DECILES, count)
    if not groups:
        return []
    size, more = divmod(count, groups)
    return [number + 1 for number in range(groups) for _ in range(size + (number < more))]
