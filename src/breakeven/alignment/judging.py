"""How much a judge may be off where it compares two rungs: measured against people, for each rung where there are labels of each.

    error of an answer      =  what the judge says − what a person says, from −1 to 1
    off on the difference   =  mean error on the cheaper rung − mean error on the dear one

A judge that is kind to everybody is kind to both, and that cancels; one that is kinder to one of them is believed by so much less.
With labels of both rungs each mean has an interval at α / 2, and the worse end of their difference counts. Without, only the mean
error over all labels is known: twice its bound counts, which holds where the judge does not err in opposite directions on the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from breakeven.alignment.evidence.bounds import bounds

FEWEST = 10
"""Labels of a rung below which nothing is measured for it alone."""
ALPHA = 0.05


class JudgeError(NamedTuple):
    """How much the difference of two mean scores may be off, and whether that was measured per rung or over all labels."""

    value: float
    measured: Literal["per rung", "over all labels"]


def judge_error(weak: Sequence[float], strong: Sequence[float], others: Sequence[float] = (), alpha: float = ALPHA) -> JudgeError:
    """How far a judge may be off, from its errors on labelled answers of the cheaper rung, the dear one, and of no known rung."""
    if min(len(weak), len(strong)) >= FEWEST:
        low, high = bounds(np.array(weak, dtype=np.float64), alpha / 2), bounds(np.array(strong, dtype=np.float64), alpha / 2)
        return JudgeError(min(max(abs(low.low - high.high), abs(low.high - high.low)), 1.0), "per rung")
    found = bounds(np.array([*weak, *strong, *others], dtype=np.float64), alpha)
    return JudgeError(min(2 * max(abs(found.low), abs(found.high)), 1.0), "over all labels")
