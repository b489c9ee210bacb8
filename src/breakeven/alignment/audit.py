"""The audit: for each task class and cheaper rung, whether the replays prove that it is enough.

A rung is *enough* where its differences (`evidence/betting.py`) are shown to lose at most the margin on average, *not enough* where
they are shown to lose more, and otherwise there is *too little evidence*. All questions of one audit share an error budget α by
e-BH: of the rungs that it calls enough, an expected share of at most α are not, however often it is run; likewise for *not enough*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from breakeven.alignment.evidence.betting import EXPECTED_DROP
from breakeven.alignment.evidence.bounds import Bounds, agreement_bounds, bounds
from breakeven.alignment.evidence.budget import e_bh, e_bh_threshold
from breakeven.alignment.evidence.exact import share_at_most
from breakeven.alignment.evidence.paths import log_wealths
from breakeven.alignment.evidence.planning import Expected, replays_needed

Verdict = Literal["enough", "not enough", "too little evidence"]
ALPHA = 0.05
MARGIN = 0.02
"""Where a feature declares no quality floor: at most two answers in a hundred may be worse than the stronger rung's."""
POWER = 0.8
PRIOR_REPLAYS, PRIOR_WORSE = 100.0, 0.25
"""What is expected before replays say more, worth so many of them: a quarter of the margin is lost, and nothing gained."""
MOST_REPLAYS = 1_000_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """The replays of one class on one rung, in the order in which they count.

    `differences`: the cheaper score minus the stronger one, or agreed minus 1 where only agreement is known (`paired` false).
    `weights`: one over the propensity of each. `slack`: how much a judge's mean score may be off; the margin shrinks by it.
    """

    differences: NDArray[np.float64]
    agreed: NDArray[np.bool_]
    weights: NDArray[np.float64]
    margin: float
    paired: bool = False
    slack: float = 0.0

    @property
    def count(self) -> int:
        """How many replays there are."""
        return int(self.differences.size)

    @property
    def allowed(self) -> float:
        """The loss that may be shown: the margin without what the judge may be off."""
        return max(self.margin - self.slack, 0.0)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the replays of one class on one rung prove.

    `agreement` and `difference` hold simultaneously at all times with the confidence of the audit, each side for itself;
    `harm_at_most` is the exact bound on the share of tasks that are answered worse, for the number of replays there are.
    `log_enough` is the logarithm of the e-value for *enough*. `needed`: how many more replays would tell; None where they would
    not.
    """

    verdict: Verdict
    agreement: Bounds
    difference: Bounds
    harm_at_most: float
    log_enough: float
    needed: int | None


def judge(evidence: Sequence[Evidence], alpha: float = ALPHA, power: float = POWER) -> list[Judgement]:
    """The verdict on each, all under one error budget."""
    fors = [_log_e(one.differences, -one.allowed, one.weights) if one.allowed else 0.0 for one in evidence]
    limits = [one.margin + one.slack for one in evidence]
    againsts = [
        _log_e(-one.differences, limit, one.weights, EXPECTED_DROP * limit) for one, limit in zip(evidence, limits, strict=True)
    ]
    enough, not_enough = e_bh(fors, alpha), e_bh(againsts, alpha)
    decided = max(sum(enough), 1)
    threshold = e_bh_threshold(len(evidence), decided, alpha) if evidence else 0.0
    return [
        _judgement(one, "enough" if yes else "not enough" if no else "too little evidence", log, threshold, alpha, power)
        for one, log, yes, no in zip(evidence, fors, enough, not_enough, strict=True)
    ]


def _log_e(differences: NDArray[np.float64], mean: float, weights: NDArray[np.float64], guess: float = 0.0) -> float:
    if not differences.size:
        return 0.0
    return float(log_wealths(differences, mean, weights=weights, guess=guess)[0, -1])


def _judgement(one: Evidence, verdict: Verdict, log: float, threshold: float, alpha: float, power: float) -> Judgement:
    needed = 0 if verdict != "too little evidence" else more_replays(one, math.exp(-threshold), power)
    return Judgement(
        verdict=verdict,
        agreement=agreement_bounds(one.agreed, alpha, weights=one.weights),
        difference=bounds(one.differences, alpha, weights=one.weights),
        harm_at_most=share_at_most(int((one.differences < 0).sum()), one.count, 1 - alpha),
        log_enough=log,
        needed=needed,
    )


def expected(one: Evidence) -> Expected:
    """How often the cheaper rung is expected to do better and worse, from its replays and what is expected before any."""
    worse = float((one.weights * np.maximum(-one.differences, 0)).sum()) + PRIOR_REPLAYS * PRIOR_WORSE * one.margin
    better = float((one.weights * np.maximum(one.differences, 0)).sum())
    total = float(one.weights.sum()) + PRIOR_REPLAYS
    return Expected(better / total, worse / total)


def more_replays(one: Evidence, alpha: float = ALPHA, power: float = POWER) -> int | None:
    """How many replays are needed besides those there are; None where what is expected is too near to the margin to ever tell.

    Where the rung is expected to be too bad, the replays that would show *that* are counted.
    """
    guess = expected(one)
    loss = guess.worse - guess.better
    if loss < one.allowed:
        total = replays_needed(one.allowed, guess, alpha=alpha, power=power)
    else:  # the reversed question: whether it loses more than the margin
        total = replays_needed(-(one.margin + one.slack), Expected(guess.worse, guess.better), alpha=alpha, power=power)
    if total is None or total > MOST_REPLAYS:
        return None
    return max(total - one.count, 1)
