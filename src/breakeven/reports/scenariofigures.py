"""From numbers to rows: amounts as digits, bands, points of a path, drivers, and the public figures used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

import msgspec

from breakeven.economics.money import digits
from breakeven.economics.scenario.public import BY_ID
from breakeven.economics.scenario.ranges import Range
from breakeven.economics.scenario.simulate import Fan, Run
from breakeven.errors import UsageError
from breakeven.reports.scenariorows import Amount, DriverRow, FigureRow, Part, Point

_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)
_MOST = 1e19
_DIGITS = 9
"""Decimal places of an amount that is assumed anyway."""


def exact(value: float) -> str:
    """An assumed amount as digits, to a billionth. Raises UsageError where it is beyond every amount."""
    if not abs(value) < _MOST:
        raise UsageError("these assumptions lead to more than 10^19 a month", "Look fewer years ahead, or assume smaller changes.")
    return digits(Decimal(value).quantize(Decimal(1).scaleb(-_DIGITS), context=_EXACT)) or "0"


def exact_or_none(value: float | None) -> str | None:
    """The same, where there is an amount."""
    return None if value is None else exact(value)


def amount(point: float, low: float, high: float) -> Amount:
    """An amount with its band."""
    return Amount(exact(point), exact(low), exact(high))


def change_of(one: Range) -> Part:
    """A yearly factor as a change: 0.7 is −0.3."""
    return Part(one.mid - 1, one.low - 1, one.high - 1)


def points(path: Run) -> list[Point]:
    """The path with its bands."""
    unit, cost, value = path.unit_cost, path.cost, path.value
    contribution, margin = path.contribution, path.margin
    return [
        Point(
            months=months,
            tasks=float(path.middle.tasks[0, at]),
            unit_cost=_at(unit, at),
            cost=amount(cost.point[at] or 0.0, cost.low[at] or 0.0, cost.high[at] or 0.0),
            value=None if value is None else _at(value, at),
            contribution=None if contribution is None else _at(contribution, at),
            margin=None if margin is None else Part(margin.point[at], margin.low[at], margin.high[at]),
        )
        for at, months in enumerate(path.months)
    ]


def without_tasks(found: Iterable[Point]) -> list[Point]:
    """The points of several features together: an answer and a document do not add up."""
    return [msgspec.structs.replace(point, tasks=None, unit_cost=None) for point in found]


def _at(fan: Fan, at: int) -> Amount | None:
    point, low, high = fan.point[at], fan.low[at], fan.high[at]
    return None if point is None or low is None or high is None else amount(point, low, high)


def driver_rows(ranges: Mapping[str, Range], history: Mapping[str, Range]) -> list[DriverRow]:
    """Each driver with what is assumed of it, and what its own history said."""
    return [
        DriverRow(name, change_of(one), one.origin, one.rests_on, change_of(history[name]) if name in history else None)
        for name, one in ranges.items()
    ]


def figures(used: Iterable[str]) -> list[FigureRow]:
    """Public figures by their ids, each once."""
    found = (BY_ID[name] for name in dict.fromkeys(used))
    return [FigureRow(one.id, one.says, one.low, one.high, one.published, one.source, one.scope) for one in found]
