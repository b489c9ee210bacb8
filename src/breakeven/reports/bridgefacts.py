"""The facts behind a bridge: what a period used, in small grouped tables, as the drivers of cost and value want them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from breakeven.economics.costdrivers import Amounts, Attempts, Served, Text, Used
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.tallies import sums
from breakeven.settings import Settings

LEVELS = ("feature", "plan", "provider", "model", "rung", "class")
"""What the leaves of a bridge are told apart by, from the root down; `class` is the usage class."""
OF_VALUE = ("feature", "plan")
"""The levels at which value is known, too."""
_ALL, _PLAN, _FEATURE = 3, 2, 0
"""Which grouping a count of customers belongs to, by the bits of GROUPING(feature, plan)."""
Place = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Told:
    """What one period used, and what is unknown about it. `calls` are attempts that were answered or billed."""

    used: Used
    calls: int
    unpriced: int


def told(ledger: Facts, question: Question) -> Told:
    """Calls, usage, customers and outcomes of a period, without value."""
    attempts, amounts = _attempts(ledger, question), _amounts(ledger, question)
    customers = _customers(ledger, question)
    used = replace(
        customers,
        tasks={(row[0], row[1]): row[2] for row in ask(ledger, "bridge_tasks", question, ())},
        attempts=attempts,
        amounts=amounts,
    )
    counted = sum(own.counted for own in attempts.values())
    return Told(used, counted, counted - sum(own.known for own in attempts.values()))


def with_value(told_of: Told, ledger: Facts, settings: Settings, question: Question) -> Told:
    """The same with value and allocated fixed cost by feature and plan, as the P&L counts them."""
    plans = {row[0]: row[1] for row in ask(ledger, "plans", question, (), filtered=False)}
    found = sums(ledger, settings, replace(question, by=("feature", "customer")))
    value: dict[Place, int] = defaultdict(int)
    fixed: dict[Place, int] = defaultdict(int)
    for (feature, customer), tally in found.rows.items():
        place = feature, plans.get(customer) if customer is not None else None
        value[place] += tally.value or 0
        fixed[place] += tally.fixed_cost
    fixed[None, None] += found.unallocated
    return replace(told_of, used=replace(told_of.used, value=_something(value), fixed=_something(fixed)))


def _something(amounts: Mapping[Place, int]) -> dict[Place, int]:
    return {place: amount for place, amount in amounts.items() if amount}


def narrowed(told_of: Told, wanted: Mapping[str, str | None]) -> Told:
    """What one part of the tree used: `wanted` names levels. Customers and outcomes are those of the feature and plan wanted."""
    used = told_of.used

    def holds(path: tuple[str | None, ...]) -> bool:
        return all(path[LEVELS.index(name)] == value for name, value in wanted.items() if LEVELS.index(name) < len(path))

    attempts = _kept(used.attempts, holds)
    counted = sum(own.counted for own in attempts.values())
    kept = replace(
        used,
        using=_kept(used.using, holds),
        in_segment={plan: count for plan, count in used.in_segment.items() if wanted.get("plan", plan) == plan},
        tasks=_kept(used.tasks, holds),
        attempts=attempts,
        amounts={cell: amounts for cell, amounts in used.amounts.items() if holds((*cell[0], cell[1]))},
        value=_kept(used.value, holds),
        fixed=_kept(used.fixed, holds),
    )
    return Told(kept, counted, counted - sum(own.known for own in attempts.values()))


def _kept(figures: Mapping[Any, Any], holds: Callable[[tuple[str | None, ...]], bool]) -> dict[Any, Any]:
    return {key: figure for key, figure in figures.items() if holds(key)}


def _attempts(ledger: Facts, question: Question) -> dict[Served, Attempts]:
    found = {}
    for row in ask(ledger, "bridge_attempts", question, ()):
        good, counted, known, *texts = (int(figure) for figure in row[5:])
        found[Served(*row[:5])] = Attempts(good, counted, known, Text(*texts[:3]), Text(*texts[3:]))
    return found


def _amounts(ledger: Facts, question: Question) -> dict[tuple[Served, str | None], Amounts]:
    return {
        (Served(*row[:5]), row[5]): Amounts(int(row[6]), whole(row[7]), whole(row[8]))
        for row in ask(ledger, "bridge_amounts", question, ())
    }


def _customers(ledger: Facts, question: Question) -> Used:
    """How many customers were active; none known is no driver."""
    rows = ask(ledger, "bridge_customers", question, ())
    return Used(
        customers=next((row[3] for row in rows if row[0] == _ALL), 0),
        in_segment={row[2]: row[3] for row in rows if row[0] == _PLAN},
        using={(row[1], row[2]): row[3] for row in rows if row[0] == _FEATURE},
    )
