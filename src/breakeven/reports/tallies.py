"""The sums behind the P&L: cost, calls, outcomes, value and fixed cost of every row of one question.

SQL scans and sums; what comes back are small grouped tables that the pure functions of `economics/` turn into tallies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from breakeven.economics.pnl import Tally, total
from breakeven.economics.value import EARNING, AvoidedCost, Units, avoided, breakpoints, earned, holds
from breakeven.reports.question import DIMENSIONS, Facts, Question, ask, whole
from breakeven.reports.shared import Shared, fixed_costs, revenue
from breakeven.settings import Settings

Key = tuple[str | None, ...]
COST_OF_REVENUE = "cost_of_revenue"


@dataclass(frozen=True, slots=True)
class Sums:
    """Tallies by row key, what belongs to no row, and the grand total."""

    rows: Mapping[Key, Tally]
    total: Tally
    unallocated: int = 0
    unshared_revenue: int = 0
    notes: tuple[str, ...] = field(default=())


def sums(ledger: Facts, settings: Settings, question: Question) -> Sums:
    """Every figure of the P&L for one period, grouped as asked."""
    rows = _metered(ledger, question)
    notes: list[str] = []
    divided = question.divides_outcomes
    values: dict[Key, Tally] = {}
    unshared = 0
    if not divided:
        notes.append("value and outcomes are not recorded per model, provider or rung, so only their total is known")
    if divided or not _filters_undivided(question):
        values, unshared = _values(ledger, settings, question if divided else replace(question, by=()))
    undivided = Tally() if divided else total(values.values())
    for key, tally in values.items() if divided else ():
        rows[key] = rows.get(key, Tally()) + tally
    fixed = fixed_costs(ledger, settings.fixed_costs, question)
    for key, part in _fixed_tallies(fixed).items():
        rows[key] = rows.get(key, Tally()) + part
    unallocated = Tally(fixed_cost=fixed.unallocated, fixed_cost_of_revenue=fixed.unallocated_of_revenue)
    whole_sum = total(rows.values()) + undivided + unallocated
    if whole_sum.calls:
        rows = {key: _without_calls(tally) for key, tally in rows.items()}
    return Sums(rows, whole_sum, fixed.unallocated, unshared, tuple(notes))


def _filters_undivided(question: Question) -> bool:
    """Whether a filter asks for what outcomes do not know: then not even the total of value is known."""
    return any(not DIMENSIONS[name].of_outcomes for name, _ in question.filters)


def _without_calls(tally: Tally) -> Tally:
    """Among rows with calls, a row without any costs a known nothing."""
    return replace(tally, cost=0) if tally.cost is None and tally.calls == 0 else tally


def _metered(ledger: Facts, question: Question) -> dict[Key, Tally]:
    """Cost and calls per row: what works before any value arrives."""
    width = len(question.by)
    parts: dict[Key, list[Tally]] = defaultdict(list)
    for row in ask(ledger, "costs", question, question.by):
        cost_class, cost, lines, unknown_lines = row[width:]
        known = None if lines == unknown_lines else whole(cost)
        of_revenue = known if cost_class == COST_OF_REVENUE else None
        parts[row[:width]].append(Tally(cost=known, cost_of_revenue=of_revenue, lines=lines))
    counted = {row[:width]: row[width:] for row in ask(ledger, "calls", question, question.by)}
    rows = _joined(parts)
    return {key: _with_calls(rows.get(key), *counted.get(key, (0, 0))[:2]) for key in dict.fromkeys((*rows, *counted))}


def _with_calls(costs: Tally | None, calls: int, unknown_calls: int) -> Tally:
    """A row of nothing but billed-free calls costs a known 0; a row of calls of unknown cost costs an unknown amount."""
    found = costs or Tally()
    cost = 0 if found.cost is None and not unknown_calls else found.cost
    return Tally(cost, found.cost_of_revenue, calls=calls, unknown_calls=unknown_calls, lines=found.lines)


def _values(ledger: Facts, settings: Settings, question: Question) -> tuple[dict[Key, Tally], int]:
    """Outcomes and value per row, and the revenue that nobody shares."""
    rows = outcome_tallies(ledger, settings, question, question.by)
    shared: Shared = revenue(ledger, settings.values, question)
    for key, part in shared.parts.items():
        rows[key] = rows.get(key, Tally()) + Tally(value=part)
    return rows, shared.unallocated


def outcome_tallies(ledger: Facts, settings: Settings, question: Question, keys: tuple[str, ...]) -> dict[Key, Tally]:
    """Outcomes, earned value and avoided cost per group, by the unit-based value models of each outcome's feature and date.

    Nothing where outcomes cannot be told apart by what is asked: they do not know which model served them.
    """
    if not replace(question, by=keys).divides_outcomes:
        return {}
    models = settings.values
    breaks = breakpoints(models)
    width = len(keys)
    parts: dict[Key, list[Tally]] = defaultdict(list)
    for row in ask(ledger, "outcomes", question, ("feature", *keys), breaks=list(breaks)):
        feature, (window, everything, failed, successful, judged, *carried) = row[0], row[width + 1 :]
        units = Units(everything, failed, successful, *(whole(value) for value in carried))
        holding = [model for model in models if model.feature == feature and holds(model, window, breaks)]
        value = [earned(model, units) for model in holding if isinstance(model, EARNING)]
        spared = [avoided(model, units) for model in holding if isinstance(model, AvoidedCost)]
        tally = Tally(
            outcomes=everything,
            successful=successful if judged else None,
            value=sum(value) if value else None,
            avoided_cost=sum(spared) if spared else None,
        )
        parts[row[1 : width + 1]].append(tally)
    return _joined(parts)


def _joined(parts: Mapping[Key, Sequence[Tally]]) -> dict[Key, Tally]:
    return {key: each[0] if len(each) == 1 else total(each) for key, each in parts.items()}


def _fixed_tallies(fixed: Shared) -> dict[Key, Tally]:
    return {key: Tally(fixed_cost=part, fixed_cost_of_revenue=fixed.of_revenue.get(key, 0)) for key, part in fixed.parts.items()}
