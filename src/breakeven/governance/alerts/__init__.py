"""Alerts: the kinds there are, what an alert says, and once per crossing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from breakeven.governance.alerts.budgets import forecast_to_cross, thresholds_crossed
from breakeven.governance.alerts.crossings import Crossing, Turn, told_together, turn
from breakeven.governance.alerts.facts import (
    Alert,
    BudgetForecast,
    BudgetStatus,
    Coverage,
    CustomerCost,
    Document,
    Facts,
    FeatureMargin,
    MeteringGap,
    Projected,
    Reading,
    Rule,
    UnpricedModel,
)
from breakeven.governance.alerts.features import coverage_below_target, customer_past_line, margin_below_floor
from breakeven.governance.alerts.metering import gap_in_metering, unpriced_model_seen
from breakeven.governance.alerts.projection import Projection, run_rate

Read = Literal["budgets", "forecasts", "margins", "customers", "coverage", "unpriced", "gaps"]
"""A field of `Facts` that a kind looks at."""
Field = Literal["budget", "feature", "customer", "line", "target", "days"]
"""A field of a rule, besides `when` and `to`."""


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One kind of alert: its name in `when:`, what it tells, and its pure function.

    `reads` is what of the facts it needs. `fields` are those of a rule that it understands, `required` those that it cannot do
    without. `days` is how far back it looks unless the rule says. `listed`: its readings name everything that is crossed, so that
    what they do not name is clear. `usual`: there is a rule of this kind for every sink where the configuration has no rules.
    """

    name: str
    summary: str
    evaluate: Callable[[Rule, Facts, datetime], Sequence[Reading]]
    reads: Read
    fields: tuple[Field, ...] = ()
    required: tuple[Field, ...] = ()
    days: int | None = None
    listed: bool = False
    usual: bool = True


ALERTS: tuple[AlertKind, ...] = (
    AlertKind("threshold", "A threshold of a budget is crossed.", thresholds_crossed, "budgets", ("budget", "feature", "customer")),
    AlertKind(
        "forecast",
        "A budget will be spent before it resets.",
        forecast_to_cross,
        "forecasts",
        ("budget", "feature", "customer"),
    ),
    AlertKind("margin", "A feature's margin is below its floor.", margin_below_floor, "margins", ("feature", "days"), days=30),
    AlertKind(
        "customer_cost",
        "A customer's cost of the month has passed a line.",
        customer_past_line,
        "customers",
        ("customer", "feature", "line"),
        required=("line",),
        listed=True,
        usual=False,
    ),
    AlertKind("coverage", "Too much cost has no owner.", coverage_below_target, "coverage", ("target", "days"), days=7),
    AlertKind(
        "unpriced", "A model without a price is called.", unpriced_model_seen, "unpriced", ("feature", "days"), days=30, listed=True
    ),
    AlertKind("gap", "Calls whose usage is unknown.", gap_in_metering, "gaps", ("feature", "days"), days=2, listed=True),
)
"""Every kind that ships; others join through the entry points `breakeven.alerts`."""

__all__ = [
    "ALERTS",
    "Alert",
    "AlertKind",
    "BudgetForecast",
    "BudgetStatus",
    "Coverage",
    "Crossing",
    "CustomerCost",
    "Document",
    "Facts",
    "FeatureMargin",
    "MeteringGap",
    "Projected",
    "Projection",
    "Reading",
    "Rule",
    "Turn",
    "UnpricedModel",
    "run_rate",
    "told_together",
    "turn",
]
