"""Cost classes: which part of the income statement a cost line belongs to, by dated policy.

Gross margin counts the cost of revenue only, so a pilot's or a developer's calls must not be mixed into it. The policy is an
ordered list of rules; the first rule that matches a line's attribution and time decides; without a match it is cost of revenue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

COST_CLASSES: tuple[str, ...] = ("cost_of_revenue", "research", "operating", "internal")
DEFAULT_COST_CLASS = COST_CLASSES[0]


@dataclass(frozen=True, slots=True)
class CostClassRule:
    """One rule: lines with the dimensions given (None matches all) are `cost_class` from `since` until before `until`, UTC."""

    cost_class: str
    feature: str | None = None
    team: str | None = None
    environment: str | None = None
    workflow: str | None = None
    customer: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> Iterator[tuple[str, str]]:
        """The dimensions that the rule names, with the value each must have."""
        for dimension in ("feature", "team", "environment", "workflow", "customer"):
            value = getattr(self, dimension)
            if value is not None:
                yield dimension, value

    def matches(self, dimensions: Mapping[str, str | None], at: datetime) -> bool:
        """Whether a line with these dimensions at this time falls under the rule."""
        in_force = (self.since is None or at >= self.since) and (self.until is None or at < self.until)
        return in_force and all(dimensions.get(name) == value for name, value in self.conditions())


def cost_class_of(rules: Sequence[CostClassRule], dimensions: Mapping[str, str | None], at: datetime) -> str:
    """The cost class of a line: that of the first matching rule, else cost of revenue."""
    return next((rule.cost_class for rule in rules if rule.matches(dimensions, at)), DEFAULT_COST_CLASS)
