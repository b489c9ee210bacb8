"""Several questions under one error budget.

`e_bh` keeps the expected share of wrong ones among what is declared below α, for e-values that depend on each other in any way
(Wang & Ramdas 2022). `holm` keeps the probability of a single wrong one below α, for p-values that depend on each other in any way
(Holm 1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def e_bh(log_e_values: Sequence[float], alpha: float) -> list[bool]:
    """Which questions are decided: the k with the highest e-values, for the largest k whose k-th is at least n / (α·k).

    Takes and keeps logarithms, because evidence soon exceeds what a float holds.
    """
    count = len(log_e_values)
    ranked = sorted(log_e_values, reverse=True)
    decided = max((k for k in range(1, count + 1) if ranked[k - 1] >= e_bh_threshold(count, k, alpha)), default=0)
    return [decided > 0 and value >= ranked[decided - 1] for value in log_e_values]


def e_bh_threshold(count: int, decided: int, alpha: float) -> float:
    """The logarithm of the e-value that a question needs where `decided` of `count` are decided."""
    return math.log(count / (alpha * decided))


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which questions are decided, smallest p-value first, until one exceeds α / (number of those left)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    decided = [False] * len(p_values)
    for place, number in enumerate(order):
        if p_values[number] > alpha / (len(p_values) - place):
            break
        decided[number] = True
    return decided
