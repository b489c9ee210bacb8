"""Which limits of its charter a feature would break, and whether a change is to blame.

A limit is broken *newly* where the change broke it, tightened it, or made worse what was broken before. What was broken already and
does not get worse is told, and does not fail a pull request that has nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from breakeven.economics.pnl import Tally, per
from breakeven.governance.budgets import Budget
from breakeven.governance.charter import Charter
from breakeven.governance.spans import Calendar

Limit = Literal["margin floor", "unit cost ceiling", "budget", "rungs"]


@dataclass(frozen=True, slots=True)
class Breach:
    """One limit that would be broken.

    `actual` and `limit` are a share (margin floor) or an amount in atto-dollars or calls; `names` are the models of a rung that is
    not allowed, or the id of the budget. `newly` says whether the change is to blame.
    """

    limit_kind: Limit
    feature: str | None
    place: str
    newly: bool
    actual: Fraction | int = 0
    limit: Decimal | int = 0
    names: tuple[str, ...] = ()
    measure: str = "usd"


@dataclass(frozen=True, slots=True)
class Month:
    """A feature's month: its figures, and the charter that holds for them."""

    charter: Charter | None
    tally: Tally


def broken(before: Month | None, after: Month, rung_of: Callable[[str], str | None]) -> list[Breach]:
    """The limits of the charter after the change that its figures would break."""
    if after.charter is None:
        return []
    found = (_margin(before, after), _unit_cost(before, after), _rungs(before, after, rung_of))
    return [breach for breach in found if breach is not None]


def exact_margin(tally: Tally) -> Fraction | None:
    """Contribution / value as an exact fraction; None without positive value or with unknown cost."""
    if tally.value is None or tally.value <= 0 or tally.contribution is None:
        return None
    return Fraction(tally.contribution, tally.value)


def _margin(before: Month | None, after: Month) -> Breach | None:
    charter, margin = after.charter, exact_margin(after.tally)
    if charter is None or charter.margin_floor is None or margin is None or margin >= Fraction(charter.margin_floor):
        return None
    floor = before.charter.margin_floor if before is not None and before.charter is not None else None
    was = exact_margin(before.tally) if before is not None else None
    old = floor is not None and floor >= charter.margin_floor and was is not None and was < Fraction(floor) and margin >= was
    return Breach("margin floor", charter.feature, charter.at("margin_floor"), not old, margin, charter.margin_floor)


def _unit_cost(before: Month | None, after: Month) -> Breach | None:
    charter, cost = after.charter, per(after.tally.cost, after.tally.outcomes)
    if charter is None or charter.unit_cost_ceiling is None or cost is None or cost <= charter.unit_cost_ceiling:
        return None
    ceiling = before.charter.unit_cost_ceiling if before is not None and before.charter is not None else None
    was = per(before.tally.cost, before.tally.outcomes) if before is not None else None
    old = ceiling is not None and ceiling <= charter.unit_cost_ceiling and was is not None and was > ceiling and cost <= was
    return Breach("unit cost ceiling", charter.feature, charter.at("unit_cost_ceiling"), not old, cost, charter.unit_cost_ceiling)


def _rungs(before: Month | None, after: Month, rung_of: Callable[[str], str | None]) -> Breach | None:
    charter = after.charter
    forbidden = tuple(_forbidden(charter, rung_of)) if charter is not None else ()
    if charter is None or not forbidden:
        return None
    known = _forbidden(before.charter, rung_of) if before is not None and before.charter is not None else []
    return Breach(
        "rungs", charter.feature, charter.at("models", "model", "rungs"), not set(forbidden) <= set(known), names=forbidden
    )


def _forbidden(charter: Charter, rung_of: Callable[[str], str | None]) -> list[str]:
    return [model for model in charter.models if charter.allows(model, rung_of(model)) is False]


Months = Mapping[str | None, Tally]
"""The month of every feature; None: what no feature is known for."""


def over_budget(budgets: Sequence[Budget], earlier: Sequence[Budget], before: Months, after: Months) -> list[Breach]:
    """The monthly budgets in money or calls, of features or of everything, that the months would break.

    Budgets of customers, users, keys or models, of other periods, and in tokens are not judged: a change of configuration does not
    say whose calls they will be.
    """
    known = {budget.id: budget for budget in earlier}
    found: list[Breach] = []
    for budget in budgets:
        if not monthly(budget):
            continue
        old = known.get(budget.id)
        was = _spent(old, before) if old is not None and monthly(old) else {}
        for feature, spent in _spent(budget, after).items():
            if spent <= budget.limit:
                continue
            earlier_spent = was.get(feature)
            already = old is not None and budget.limit >= old.limit and earlier_spent is not None and earlier_spent > old.limit
            worse = earlier_spent is None or spent > earlier_spent
            place = (budget.id,)
            found.append(Breach("budget", feature, budget.place, worse or not already, spent, budget.limit, place, budget.measure))
    return found


def monthly(budget: Budget) -> bool:
    """Whether months of features can be held against this budget."""
    span = budget.span
    return (
        isinstance(span, Calendar)
        and span.unit == "month"
        and budget.kind == "budget"
        and budget.measure in ("usd", "calls")
        and set(budget.per) <= {"feature"}
        and all(name == "feature" for name, _ in budget.scope)
    )


def _spent(budget: Budget, months: Months) -> dict[str | None, int]:
    """What a budget's features spend: each its own account where it is `per: feature`, else all of them together."""
    names = _features(budget)
    known = {
        name: amount
        for name, tally in months.items()
        if (names is None or name in names) and (amount := _amount(budget, tally)) is not None
    }
    if "feature" in budget.per:
        return {name: amount for name, amount in known.items() if name is not None}
    only = next(iter(names)) if names is not None and len(names) == 1 else None
    return {only: sum(known.values())} if known else {}


def _amount(budget: Budget, tally: Tally) -> int | None:
    return tally.cost if budget.measure == "usd" else tally.calls


def _features(budget: Budget) -> frozenset[str] | None:
    return frozenset(value for _, values in budget.scope for value in values) or None
