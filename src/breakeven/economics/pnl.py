"""What a feature earns, costs and keeps: the arithmetic of one row of the P&L.

    contribution            = value − variable cost
    margin                  = contribution / value
    gross margin            = (value − cost of revenue, variable and allocated fixed) / value
    cost per outcome        = Σ cost / Σ outcomes              (a ratio of sums, never a mean of ratios)
    cost per success        = Σ cost, failures included / Σ successful outcomes

Sums are exact; a quotient is rounded half-even to 18 places. None is unknown and stays unknown: a row whose calls are all unpriced
has no cost and no margin, not a cost of 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums of one group. Money in atto-units; None means that nothing is known, 0 that it is known to be nothing.

    `unknown_calls` are the calls whose cost is unknown in whole or part (no price, or no usage): `cost` is then a lower bound.
    """

    cost: int | None = None
    cost_of_revenue: int | None = None
    fixed_cost: int = 0
    fixed_cost_of_revenue: int = 0
    value: int | None = None
    avoided_cost: int | None = None
    calls: int = 0
    unknown_calls: int = 0
    outcomes: int | None = None
    successful: int | None = None
    lines: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(  # written out: a grid of customers and months adds tens of thousands of these
            cost=_plus(self.cost, other.cost),
            cost_of_revenue=_plus(self.cost_of_revenue, other.cost_of_revenue),
            fixed_cost=self.fixed_cost + other.fixed_cost,
            fixed_cost_of_revenue=self.fixed_cost_of_revenue + other.fixed_cost_of_revenue,
            value=_plus(self.value, other.value),
            avoided_cost=_plus(self.avoided_cost, other.avoided_cost),
            calls=self.calls + other.calls,
            unknown_calls=self.unknown_calls + other.unknown_calls,
            outcomes=_plus(self.outcomes, other.outcomes),
            successful=_plus(self.successful, other.successful),
            lines=self.lines + other.lines,
        )

    @property
    def contribution(self) -> int | None:
        """Value − variable cost: what the feature keeps before fixed costs. Without any value it is the cost, negated."""
        return None if self.cost is None else (self.value or 0) - self.cost

    @property
    def margin(self) -> float | None:
        """Contribution / value, from −∞ to 1; None without positive value."""
        return share(self.contribution, self.value)

    @property
    def gross_margin(self) -> float | None:
        """(value − cost of revenue) / value, where cost of revenue is variable lines and fixed costs of that class only."""
        if self.value is None or self.cost is None:
            return None
        return share(self.value - (self.cost_of_revenue or 0) - self.fixed_cost_of_revenue, self.value)

    @property
    def cost_per_outcome(self) -> int | None:
        """Σ cost / Σ outcomes."""
        return per(self.cost, self.outcomes)

    @property
    def cost_per_success(self) -> int | None:
        """Σ cost / Σ successful outcomes: failures and retries are paid for by what succeeds."""
        return per(self.cost, self.successful)

    @property
    def cost_per_call(self) -> int | None:
        """Σ cost / calls whose cost is known (a wholly unpriced call is not a free one)."""
        return per(self.cost, self.calls - self.unknown_calls)


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of all rows."""
    rows = list(tallies)
    return Tally(
        cost=_known(row.cost for row in rows),
        cost_of_revenue=_known(row.cost_of_revenue for row in rows),
        fixed_cost=sum(row.fixed_cost for row in rows),
        fixed_cost_of_revenue=sum(row.fixed_cost_of_revenue for row in rows),
        value=_known(row.value for row in rows),
        avoided_cost=_known(row.avoided_cost for row in rows),
        calls=sum(row.calls for row in rows),
        unknown_calls=sum(row.unknown_calls for row in rows),
        outcomes=_known(row.outcomes for row in rows),
        successful=_known(row.successful for row in rows),
        lines=sum(row.lines for row in rows),
    )


def per(amount: int | None, count: int | None) -> int | None:
    """`amount` / `count` in atto-units, rounded half-even; None where either is unknown or there is nothing to divide by."""
    if amount is None or not count or count < 0:
        return None
    quotient, rest = divmod(amount, count)
    return quotient + (1 if 2 * rest > count or (2 * rest == count and quotient % 2) else 0)


def share(part: int | None, whole: int | None) -> float | None:
    """`part` / `whole` as a number; None where either is unknown or the whole is not positive."""
    if part is None or whole is None or whole <= 0:
        return None
    return part / whole


def _known(values: Iterable[int | None]) -> int | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _plus(left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else left + right
