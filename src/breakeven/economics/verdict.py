"""Does a feature create or destroy value? A stated rule on an interval and on the grade of the evidence.

The figure is the net value per outcome, a ratio of sums R = Σ net / Σ outcomes. Its interval comes from the delta method,
clustered: calls of one day, or of one customer, rise and fall together, so that days or customers are the independent units,
not calls:

    Var(R) = G/(G−1) · Σ_g (net_g − R · n_g)² / (Σ n)²        R ± t(0.975, G−1) · √Var(R)

Every clustering with enough clusters is computed and the widest interval counts. The rule (version `verdict/1`):

    no value model                                      cost only
    evidence of grade C, or too little to compute       unproven
    interval above 0 and all but 1% of calls priced    creates
    interval below 0                                    destroys (a missing price can only make it worse)
    interval around 0, or cost unknown                  unproven
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Literal

from breakeven.economics.value import Grade

RULE = "verdict/1"
CONFIDENCE = 0.95
FEWEST_CLUSTERS = 10
MOST_UNKNOWN_CALLS = 0.01
_NORMAL_FROM = 1_000  # degrees of freedom from which t and normal quantiles agree to three digits

Finding = Literal["creates", "destroys", "unproven", "cost only"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Net value (value − cost, currency units) and number of outcomes of one day or one customer."""

    net: float
    outcomes: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Net value per outcome with its 95% interval, from `clusters` independent units."""

    estimate: float
    low: float
    high: float
    clusters: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The finding, why in words, and the interval it rests on."""

    finding: Finding
    reason: str
    interval: Interval | None = None


def net_interval(clusters: Sequence[Cluster], confidence: float = CONFIDENCE) -> Interval | None:
    """Interval of net value per outcome; None with fewer than ten clusters, or without outcomes."""
    count = len(clusters)
    outcomes = sum(cluster.outcomes for cluster in clusters)
    if count < FEWEST_CLUSTERS or outcomes <= 0:
        return None
    ratio = math.fsum(cluster.net for cluster in clusters) / outcomes
    squares = math.fsum((cluster.net - ratio * cluster.outcomes) ** 2 for cluster in clusters)
    half = t_quantile((1 + confidence) / 2, count - 1) * math.sqrt(count / (count - 1) * squares) / outcomes
    return Interval(ratio, ratio - half, ratio + half, count)


def widest(clusterings: Sequence[Sequence[Cluster]]) -> Interval | None:
    """The widest interval of those that the data supports: correlation within days or within customers, whichever is stronger."""
    found = [interval for clusters in clusterings if (interval := net_interval(clusters)) is not None]
    return max(found, key=lambda interval: interval.high - interval.low, default=None)


def judged(grade: Grade | None, interval: Interval | None, unknown_calls: float = 0.0) -> Verdict:  # noqa: PLR0911 - one return per line of the rule
    """The verdict by the rule above. `grade` is None without a value model; `unknown_calls`: share of calls of unknown cost."""
    if grade is None:
        return Verdict("cost only", "no value model is declared")
    if interval is None:
        return Verdict("unproven", f"too few: fewer than {FEWEST_CLUSTERS} days or customers with outcomes")
    if grade == "C":
        return Verdict("unproven", "the value is declared, not measured (evidence grade C)", interval)
    if interval.high < 0:
        return Verdict("destroys", "net value per outcome lies below 0", interval)
    if interval.low <= 0:
        return Verdict("unproven", "net value per outcome may lie on either side of 0", interval)
    if unknown_calls > MOST_UNKNOWN_CALLS:
        return Verdict("unproven", f"the cost of {unknown_calls:.1%} of calls is unknown", interval)
    return Verdict("creates", "net value per outcome lies above 0", interval)


@cache
def t_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t for `probability` ≥ 0.5, by bisection on its exact distribution function."""
    if degrees >= _NORMAL_FROM:
        return NormalDist().inv_cdf(probability)
    low, high = 0.0, 1.0
    while t_probability(high, degrees) < probability:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_probability(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def t_probability(t: float, degrees: int) -> float:
    """P(T ≤ t) of Student's t for whole degrees of freedom and t ≥ 0: the finite sums of Abramowitz & Stegun, 26.7.3 and 26.7.4.

    The normal distribution from 1,000 degrees on.
    """
    if degrees >= _NORMAL_FROM:
        return NormalDist().cdf(t)
    angle = math.atan(t / math.sqrt(degrees))
    square = math.cos(angle) ** 2
    odd = degrees % 2
    term = math.cos(angle) if odd else 1.0
    sums = term if degrees > 1 else 0.0
    for step in range(3 if odd else 2, degrees - 1, 2):
        term *= square * ((step - 1) / step)
        sums += term
    inside = (angle + math.sin(angle) * sums) * 2 / math.pi if odd else math.sin(angle) * sums
    return (1 + inside) / 2
