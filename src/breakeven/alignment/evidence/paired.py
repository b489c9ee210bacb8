"""The exact test of *worse by the margin or more*, for a number of pairs fixed beforehand of which each side is right or wrong.

Of n pairs, L are answered right by the strong rung only and G by the policy only; all else cancels. Under the doubt the chance of
an L exceeds that of a G by the margin δ. Given the chance ψ that a pair differs at all, the number of differing pairs is binomial
(n, ψ) and L among them binomial with (ψ + δ) / 2ψ, so that the probability of an L − G at most as large as the one seen is a sum
over the number of differing pairs. ψ is not known: the largest probability over its Clopper–Pearson interval with confidence
1 − `UNSURE` counts, and `UNSURE` is added (Berger & Boos 1994). Exact for every n, and about as sharp as a normal approximation is
where that holds; unlike a bet it may be looked at only once.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtr, gammaln, xlog1py, xlogy

from breakeven.alignment.evidence.exact import share_at_least, share_at_most

UNSURE = 0.0005
_CHANCES = 12
_DEVIATIONS = 6.0


def paired_p_value(lost: int, gained: int, pairs: int, margin: float) -> float:
    """How likely so few losses are, net of gains, if the policy were worse by the margin; 1 where there are no pairs."""
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
    at_most = np.minimum(np.floor((differing + lost - gained) / 2), differing)
    few = np.where(at_most < 0, 0.0, bdtr(np.maximum(at_most, 0.0), differing.astype(np.int64), (psi + margin) / (2 * psi)))
    outside = np.maximum(0.0, 1.0 - chance.sum(axis=1))
    return min(1.0, UNSURE + float(((chance * few).sum(axis=1) + outside).max()))
