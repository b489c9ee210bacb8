"""How many replays would tell, before they are paid for.

A bet with a fixed stake λ grows by G = E[log(1 + λ(D + δ))] per replay, and must reach log(1/α). With power 1 − β the number n of
replays solves n·G − z·√(n·V) = log(1/α) + `LEARNING`, where V is the variance of one step, z the normal quantile of the power, and
`LEARNING` what it costs to find the stake while playing (Kelly 1956; the constant is measured in `bench/evidence.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

from breakeven.alignment.evidence.betting import STAKE_MOST

LEARNING = 0.3
NEVER = 10_000_000
_STAKES = 200


class Expected(NamedTuple):
    """What a replay is expected to bring: the share of tasks on which the cheaper rung does better, and on which it does worse."""

    better: float
    worse: float


def replays_needed(margin: float, expected: Expected, *, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """How many replays settle *enough* with this power; None where they never will, because what is expected is no better.

    A negative margin asks for superiority: whether the rung is better by more than its size.
    """
    steps = _best_steps([(1.0, expected.better), (-1.0, expected.worse), (0.0, 1 - expected.better - expected.worse)], margin)
    if steps is None:
        return None
    growth, variance = steps
    z = NormalDist().inv_cdf(power)
    target = math.log(1 / alpha) + LEARNING
    root = (z * math.sqrt(variance) + math.sqrt(z * z * variance + 4 * growth * target)) / (2 * growth)
    needed = math.ceil(root * root)
    return needed if needed < NEVER else None


def _best_steps(outcomes: Sequence[tuple[float, float]], margin: float) -> tuple[float, float] | None:
    """Mean and variance of one step of log wealth at the stake that grows fastest; None where none grows."""
    best: tuple[float, float] | None = None
    for number in range(1, _STAKES + 1):
        stake = STAKE_MOST / (1 - margin) * number / _STAKES
        steps = [(math.log1p(stake * (value + margin)), share) for value, share in outcomes]
        mean = math.fsum(step * share for step, share in steps)
        if mean > 0 and (best is None or mean > best[0]):
            best = mean, math.fsum((step - mean) ** 2 * share for step, share in steps)
    return best
