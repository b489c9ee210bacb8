"""Non-inferiority as a bet: whoever doubts that the cheaper rung is enough is bet against, and too much money won settles it.

A difference D is the score of the cheaper rung minus that of the stronger one on the same task, between −1 and 1 (where only
agreement is known: 0 agreed, −1 not). The doubt is H0: E[D] ≤ m, with m = −margin. Wealth starts at 1 and after each difference is
multiplied by 1 + λ(D − m), where the stake λ ≥ 0 depends on earlier differences only and can never ruin. Under the doubt the
expected wealth never grows, so that it ever reaches 1/α has a probability of at most α (Ville 1939), however often one looks.

The stake is nearly the one that grows fastest (Kelly 1956; adaptive as in Waudby-Smith & Ramdas 2024). With the mean gain g = E[D]
− m, its variance σ² = v₋ + v₊ split by the sign of the gain, and the worst loss L of a stake of 1, it solves g = λv₋/(1 − λL) +
λv₊:

    λ = (b − √(b² − 4·v₊·L·g)) / (2·v₊·L),  b = σ² + g·L

which is exact where there is one size of loss and one of gain. g is learned from a prior guess of equal quality that is worth
`PRIOR / |m|` differences. At most 75% of the wealth is ever at stake.

Where tasks were not sampled with equal probability, a difference carries the weight w = (share of the class) / (share of the
sample), known beforehand and at most `heaviest`: the factor is 1 + λ·w·(D − m), which keeps the guarantee for the whole class.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

STAKE_MOST = 0.75
"""The largest part of the wealth that one difference can lose."""
PRIOR = 8.0
PRIOR_VARIANCE, PRIOR_VARIANCE_COUNT = 0.02, 8.0
VARIANCE_LEAST = 1e-4
EXPECTED_DROP = 5.0
"""The reversed bet, that a rung is too bad, is quickest for a loss of so many margins; it finds others later, and none falsely."""
MEAN_LEAST = 0.005
"""A hypothesised mean nearer to 0 than this has the prior of this one, so that the guess of equal quality can be unlearned."""


@dataclass(slots=True)
class Wealth:
    """The wealth of a bet against E[D] ≤ `mean`, for differences of at least `lowest`.

    `guess` is what the mean is believed to be before any evidence (equal quality); a wrong guess costs power, never validity.
    `log` is the wealth now, an *e-value* at any time one stops; `highest` the most it ever was, whose inverse is a p-value.
    """

    mean: float
    lowest: float = -1.0
    heaviest: float = 1.0
    guess: float = 0.0
    count: int = 0
    log: float = 0.0
    highest: float = 0.0
    gains: float = 0.0
    squares: float = 0.0
    losses: float = 0.0

    def add(self, difference: float, weight: float = 1.0) -> None:
        """Settle one bet, with the stake that earlier differences suggested. Raises ValueError beyond the declared bounds."""
        if difference < self.lowest or not 0 <= weight <= self.heaviest:
            raise ValueError(f"difference {difference} with weight {weight} lies beyond what was declared")
        gain = weight * (difference - self.mean)
        self.log += math.log1p(self.stake() * gain)
        self.highest = max(self.highest, self.log)
        self.count += 1
        self.gains += gain
        self.squares += gain * gain
        self.losses += gain * gain if gain < 0 else 0.0

    def stake(self) -> float:
        """What will be staked on the next difference."""
        most = worst_loss(self.mean, self.lowest, self.heaviest)
        if most <= 0:
            return 0.0  # no difference can lie below the mean: there is nothing to bet on
        prior = prior_count(self.mean)
        gain = (self.gains + (self.guess - self.mean) * prior) / (prior + self.count)
        if gain <= 0:
            return 0.0
        spread = self.squares - self.gains * self.gains / max(self.count, 1)
        known = PRIOR_VARIANCE * PRIOR_VARIANCE_COUNT
        variance = max((known + spread) / (PRIOR_VARIANCE_COUNT + self.count), VARIANCE_LEAST)
        upper = variance * (1 - (self.losses + known / 2) / (self.squares + known))
        middle = variance + gain * most
        return min(2 * gain / (middle + math.sqrt(middle * middle - 4 * upper * most * gain)), STAKE_MOST / most)

    @property
    def e_value(self) -> float:
        """The wealth now: at least 1/α with a probability of at most α where the doubt is right."""
        return exp(self.log)

    @property
    def p_value(self) -> float:
        """One over the highest wealth: valid however often one looked."""
        return math.exp(-self.highest)


def worst_loss(mean: float, lowest: float, heaviest: float) -> float:
    """What a stake of 1 loses at the worst difference."""
    return heaviest * (mean - lowest)


def prior_count(mean: float) -> float:
    """How many differences the guess of equal quality is worth: few where the doubt is coarse, many where it is fine."""
    return PRIOR / max(abs(mean), MEAN_LEAST)


def exp(log: float) -> float:
    """The number e to this power, without overflow: more money than a float holds is as good as all of it."""
    return math.exp(min(log, 700.0))


def wealth_of(differences: Iterable[float], mean: float, *, lowest: float = -1.0) -> Wealth:
    """The wealth after these differences, in this order."""
    wealth = Wealth(mean, lowest)
    for difference in differences:
        wealth.add(difference)
    return wealth


def p_value(differences: Iterable[float], margin: float) -> float:
    """The anytime-valid p-value of *worse by more than the margin*: small where the cheaper rung is shown to be good enough."""
    return wealth_of(differences, -margin).p_value
