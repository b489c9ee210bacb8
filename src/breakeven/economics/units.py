"""What one unit costs: an outcome, a success, a call, an active user, a customer; and what failure costs.

    unit cost               R = Σ cost / Σ units, a ratio of sums; interval R ± t(0.975, G − 1) · √V, clustered by day or customer,
                            whichever is wider, V = (G − 1)/G · Σ_g ((cost_g − R · n_g) / (N − n_g))²
    cost per success        ((attempt + review) / p) + rework · (1 − p) / p, p = successes / outcomes
                            = (Σ cost + review · outcomes + rework · failures) / Σ successes
    cost of failure         billed attempts that bought nothing + what unsuccessful outcomes cost besides
    gross margin effect     −(cost of revenue, variable and allocated fixed) / revenue of the product

V is the jackknife form of the delta method: each cluster is judged by what the others say. In simulations of customers of very
different size it held 93.0–95.4% where 95% is promised, the plain form (N instead of N − n_g) 92.0–94.9%.

Reliability dominates price: at p = 0.5 every success pays for two attempts. Review and rework are people's time, declared, not
metered: they are in the cost per success alone, never in the cost. None is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from breakeven.economics.pnl import per, share
from breakeven.economics.verdict import CONFIDENCE, FEWEST_CLUSTERS, Cluster, Interval, t_quantile

MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class Review:
    """People's time on the answers of a feature: minutes to review each outcome, to redo each that failed; rate in atto-units."""

    minutes: Decimal
    rework_minutes: Decimal
    hourly_rate: int

    @property
    def each(self) -> int:
        """What the review of one outcome costs, atto-units, rounded half-even."""
        return round(Fraction(self.minutes) * self.hourly_rate / MINUTES_PER_HOUR)

    @property
    def redone(self) -> int:
        """What it costs to do one failed outcome again by hand."""
        return round(Fraction(self.rework_minutes) * self.hourly_rate / MINUTES_PER_HOUR)


@dataclass(frozen=True, slots=True)
class UnitCost:
    """Cost of one unit in atto-units; `interval` (currency units) is None where fewer than ten clusters carry it."""

    amount: int
    count: int
    interval: Interval | None
    by: str | None


def unit_cost(cost: int | None, count: int | None, clusterings: Mapping[str, Sequence[Cluster]]) -> UnitCost | None:
    """Σ cost / Σ units with the widest of the intervals that clusterings give; None where cost or units are unknown, or 0 units."""
    amount = per(cost, count)
    if amount is None or count is None:
        return None
    found = {name: interval for name, clusters in clusterings.items() if (interval := ratio_interval(clusters)) is not None}
    by = max(found, key=lambda name: found[name].high - found[name].low, default=None)
    return UnitCost(amount, count, found[by] if by is not None else None, by)


def ratio_interval(clusters: Sequence[Cluster], confidence: float = CONFIDENCE) -> Interval | None:
    """Interval of Σ cost / Σ units; None with fewer than ten clusters that have units."""
    counted = [cluster for cluster in clusters if cluster.outcomes > 0]
    groups, units = len(counted), sum(cluster.outcomes for cluster in counted)
    if groups < FEWEST_CLUSTERS:
        return None
    ratio = math.fsum(cluster.net for cluster in clusters) / units
    squares = math.fsum(((one.net - ratio * one.outcomes) / (units - one.outcomes)) ** 2 for one in counted)
    half = t_quantile((1 + confidence) / 2, groups - 1) * math.sqrt((groups - 1) / groups * squares)
    return Interval(ratio, ratio - half, ratio + half, groups)


def with_people(cost: int, outcomes: int, failures: int, review: Review | None) -> int:
    """Σ cost + review of every outcome + rework of every failure: what the successes have to carry."""
    return cost if review is None else cost + review.each * outcomes + review.redone * failures


def of_unsuccessful(cost: int, bought_nothing: int, outcomes: int, unsuccessful: int) -> int:
    """What unsuccessful outcomes cost at the average of all, without the attempts that are counted as failed already."""
    return per((cost - bought_nothing) * unsuccessful, outcomes) or 0


def gross_margin_effect(cost_of_revenue: int, revenue: int | None) -> float | None:
    """By how much AI lowers the gross margin of the product's revenue: −0.05 is five points; None without revenue."""
    return share(-cost_of_revenue, revenue)
