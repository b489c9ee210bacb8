"""The exact test of *worse by the margin or more*, for a number of pairs fixed beforehand of which each side is right or wrong.

Of n pairs, L are answered right by the strong rung only and G by the policy only; all else cancels. Under the doubt the chance of
an L exceeds that of a G by the margin δ. Results are ordered by the score statistic (Tango 1998)

    z = (L − G − nδ) / √(n (2q + δ − δ²)),   q the likeliest chance of a G if the doubt is right,

so that few losses count for more where few pairs differ. Given the chance ψ that a pair differs at all, the number of differing
pairs is binomial (n, ψ) and L among them binomial with (ψ + δ) / 2ψ, so that the chance of a z at most as large as the one seen
is a sum over the number of differing pairs. ψ is not known: the largest probability over its Clopper–Pearson interval with
confidence 1 − `UNSURE` counts, and `UNSURE` is added (Berger & Boos 1994). It holds for every n, but for the grid on which the
largest is searched; unlike a bet it may be looked at only once.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr, gammaln, xlog1py, xlogy

from breakeven.alignment.evidence.exact import share_at_least, share_at_most

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

UNSURE = 0.0005
_CHANCES = 24
_DEVIATIONS = 6.0
_SAME = 1e-9
"""Results whose z differ by no more count as equal: rounding must not part what belongs together."""


@lru_cache(maxsize=65_536)  # the same few counts recur along a family of policies
def paired_p_value(lost: int, gained: int, pairs: int, margin: float) -> float:
    """How likely so small a z is, if the policy were worse by the margin; 1 where there are no pairs."""
    if not pairs or lost - gained >= margin * pairs:
        return 1.0
    low = max(share_at_least(lost + gained, pairs, 1 - UNSURE / 2), margin)
    high = max(share_at_most(lost + gained, pairs, 1 - UNSURE / 2), margin)
    psi = np.linspace(low, high, _CHANCES)[:, None]
    least = pairs * low - _DEVIATIONS * math.sqrt(pairs * low * (1 - low)) - _DEVIATIONS
    most = pairs * high + _DEVIATIONS * math.sqrt(pairs * high * (1 - high)) + _DEVIATIONS
    differing = np.arange(max(0, math.floor(least)), min(pairs, math.ceil(most)) + 1, dtype=np.float64)
    ways = gammaln(pairs + 1) - gammaln(differing + 1) - gammaln(pairs - differing + 1)
    chance = np.exp(ways + xlogy(differing, psi) + xlog1py(pairs - differing, -psi))
    at_most = _losses_at_most(differing, float(_score(lost, gained, pairs, margin)), pairs, margin)
    few = np.where(at_most < 0, 0.0, bdtr(np.maximum(at_most, 0.0), differing.astype(np.int64), (psi + margin) / (2 * psi)))
    outside = np.maximum(0.0, 1.0 - chance.sum(axis=1))
    return min(1.0, UNSURE + float(((chance * few).sum(axis=1) + outside).max()))


def _score(lost: ArrayLike, gained: ArrayLike, pairs: int, margin: float) -> NDArray[np.float64]:
    """z: how many deviations the losses, net of gains, lie above what the margin allows."""
    one, other = np.asarray(lost, dtype=np.float64), np.asarray(gained, dtype=np.float64)
    middle = one + other - (2 * pairs - one + other) * margin
    likeliest = (middle + np.sqrt(middle**2 + 8 * pairs * other * margin * (1 - margin))) / (4 * pairs)
    likeliest = np.maximum(likeliest, 0.0)
    return np.asarray((one - other - pairs * margin) / np.sqrt(pairs * (2 * likeliest + margin - margin**2)))


def _losses_at_most(differing: NDArray[np.float64], limit: float, pairs: int, margin: float) -> NDArray[np.float64]:
    """For each number of differing pairs the most losses whose z is within the limit, by bisection; −1 where none is."""
    low, high = np.full(len(differing), -1.0), differing.copy()
    while (low < high).any():
        middle = np.ceil((low + high) / 2)
        within = _score(middle, differing - middle, pairs, margin) <= limit + _SAME
        low, high = np.where(within, middle, low), np.where(within, high, middle - 1)
    return low
