"""What unit costs say: of everything, what bought nothing, and who is nearest to break-even."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from breakeven.economics.money import atto
from breakeven.reports.words import count, dollars, percent

if TYPE_CHECKING:
    from breakeven.reports.units import Unit, UnitRow


def sentence(label: str, rows: Sequence[UnitRow], total: UnitRow) -> str:
    """Cost per call, user and customer; the dearest feature per success; what bought nothing; who breaks even first."""
    if total.calls == 0 and total.cost in (None, "0"):
        return f"There are no calls in {label}."
    if total.cost is None:
        return f"What a call cost in {label} is unknown: none of {count(total.calls, 'call')} has a price."
    parts = [_headline(label, total), *_of_features(rows), _nothing(rows), _unpriced(total)]
    return " ".join(part for part in parts if part)


def _headline(label: str, total: UnitRow) -> str:
    named = (("a call", total.per_call), ("an active user", total.per_user), ("a customer", total.per_customer))
    said = [f"{dollars(atto(unit.cost))} {name}" for name, unit in named if unit is not None]
    what = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}" if said else dollars(atto(total.cost or "0"))
    return f"In {label} AI cost {what}."


def _of_features(rows: Sequence[UnitRow]) -> list[str]:
    """The feature that loses most, or has least room: cost and value per outcome, and the price at which it breaks even."""
    judged = [row for row in rows if row.per_outcome is not None and row.value is not None and "price" in row.breakeven]
    if not judged:
        return []
    worst = min(judged, key=lambda row: row.breakeven["price"].factor or 0.0)
    unit = worst.per_outcome
    if unit is None:
        return []
    margin = f"{worst.label} costs {dollars(atto(unit.cost))} an outcome{_interval(unit)}{_success(worst)}"
    factor = worst.breakeven["price"].factor
    if factor is None:
        return [f"{margin} and would earn nothing at any price of models."]
    way = "loses until prices fall to" if factor < 1 else "earns until prices rise to"
    return [f"{margin}; it {way} {factor:.2f} times today's."]


def _success(row: UnitRow) -> str:
    return f" and {dollars(atto(row.per_success.cost))} a success{_people(row)}" if row.per_success is not None else ""


def _people(row: UnitRow) -> str:
    return ", review included" if row.people is not None else ""


def _interval(unit: Unit) -> str:
    if unit.low is None or unit.high is None:
        return ""
    return f" ({dollars(atto(Decimal(unit.low)))} to {dollars(atto(Decimal(unit.high)))})"


def _nothing(rows: Sequence[UnitRow]) -> str:
    lost = sum(atto(row.failure.cost) for row in rows if row.failure is not None)
    cost = sum(atto(row.cost) for row in rows if row.cost is not None)
    return f"{dollars(lost)} ({percent(lost / cost)} of cost) bought nothing." if lost > 0 and cost > 0 else ""


def _unpriced(total: UnitRow) -> str:
    if not total.unpriced_calls:
        return ""
    verb = "is" if total.unpriced_calls == 1 else "are"
    return f"{count(total.unpriced_calls, 'call')} without a price {verb} not in these figures."
