"""What kind of cost is it: serving customers (cost of revenue), research, internal use; variable and fixed, feature by feature?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from breakeven.economics.money import digits
from breakeven.reports.pnl import bounded
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.shared import COST_OF_REVENUE, fixed_costs
from breakeven.reports.trail import instant
from breakeven.reports.words import count, dollars, percent
from breakeven.settings import CURRENCY, Settings

FORMULA: Mapping[str, str] = {
    "variable": "sum of the cost lines of a class, which is decided by the first rule of `cost_classes` that fits a line",
    "fixed": "the part of each declared fixed cost that falls into the period, shared by its driver",
}
UNCARRIED = "Not allocated"


class ClassRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature: variable cost by class, and fixed cost, of which so much is cost of revenue. `unknown_lines` have no cost."""

    label: str
    kind: str
    variable: Mapping[str, str | None]
    cost: str | None
    fixed_cost: str
    fixed_cost_of_revenue: str
    unknown_lines: int


class CostClasses(msgspec.Struct, frozen=True, kw_only=True):
    """The report: features, dearest first. `classes` are those that occur."""

    period: str
    label: str
    currency: str
    classes: Sequence[str]
    rows: Sequence[ClassRow]
    total: ClassRow
    sentence: str
    trail: Mapping[str, Any]


def cost_classes(ledger: Facts, settings: Settings, question: Question) -> CostClasses:
    """Cost by feature and class. A class in which no line has a known cost is unknown, not 0."""
    question = bounded(ledger, replace(question, by=("feature",), versus=None))
    known: dict[str | None, dict[str, int]] = defaultdict(dict)
    unknown: dict[str | None, int] = defaultdict(int)
    lines = 0
    for feature, name, cost, counted, missing in ask(ledger, "costs", question, ("feature",)):
        lines += counted
        unknown[feature] += missing
        if counted > missing:
            known[feature][name] = known[feature].get(name, 0) + whole(cost)
    shared = fixed_costs(ledger, settings.fixed_costs, question)
    features = sorted({*known, *unknown, *(key[0] for key in shared.parts)}, key=lambda one: (one is None, one or ""))
    classes = sorted({name for found in known.values() for name in found}, key=lambda name: (name != COST_OF_REVENUE, name))
    rows = [
        _row(
            feature or "Unattributed",
            "group" if feature is not None else "unattributed",
            known[feature],
            (shared.parts.get((feature,), 0), shared.of_revenue.get((feature,), 0)),
            unknown[feature],
        )
        for feature in features
    ]
    rows.sort(key=lambda row: (row.kind == "unattributed", -sum(known[None if row.kind == "unattributed" else row.label].values())))
    if shared.unallocated:
        rows.append(_row(UNCARRIED, "unallocated", {}, (shared.unallocated, shared.unallocated_of_revenue), 0))
    sums = {name: sum(found.get(name, 0) for found in known.values()) for name in classes}
    fixed = (
        sum(shared.parts.values()) + shared.unallocated,
        sum(shared.of_revenue.values()) + shared.unallocated_of_revenue,
    )
    return CostClasses(
        period=question.period.name,
        label=question.period.label,
        currency=CURRENCY,
        classes=classes,
        rows=rows,
        total=_row("Total", "total", sums, fixed, sum(unknown.values())),
        sentence=_sentence(question.period.label, sums, fixed[0], sum(unknown.values())),
        trail={"formula": FORMULA, "rows": {"cost_lines": lines}, "recorded_as_of": instant(question.as_of)},
    )


def _row(label: str, kind: str, known: Mapping[str, int], fixed: tuple[int, int], unknown_lines: int) -> ClassRow:
    return ClassRow(
        label=label,
        kind=kind,
        variable={name: digits(cost) for name, cost in known.items()},
        cost=digits(sum(known.values())) if known or not unknown_lines else None,
        fixed_cost=digits(fixed[0]) or "0",
        fixed_cost_of_revenue=digits(fixed[1]) or "0",
        unknown_lines=unknown_lines,
    )


def _sentence(label: str, sums: Mapping[str, int], fixed: int, unknown_lines: int) -> str:
    if not sums:
        return f"No cost is known in {label}." if unknown_lines else f"There is no cost in {label}."
    all_of_it = sum(sums.values())
    said = ", ".join(
        f"{dollars(cost)} ({percent(cost / all_of_it if all_of_it else None)}) {words(name)}" for name, cost in sums.items()
    )
    more = f" Fixed cost adds {dollars(fixed)}." if fixed else " No fixed cost is declared for it."
    missing = f" The cost of {count(unknown_lines, 'line')} is unknown." if unknown_lines else ""
    return f"Of the variable cost in {label} {said}.{more}{missing}"


def words(name: str) -> str:
    """A cost class as it is said."""
    return {"cost_of_revenue": "serves customers", "cogs": "serves customers"}.get(name, f"is {name.replace('_', ' ')}")
