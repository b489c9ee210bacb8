"""Sharing what nobody caused alone: fixed costs, and revenue that several features earn together.

Two steps, both exact. *In time*: an amount that covers a span is spread evenly over it, and the part of a period is the difference
of two running totals, so that the parts of any split of a period sum to the whole. *Among rows*: in proportion to a declared
driver, by largest remainder, so that shares sum to the amount; what has no driver units stays visible as unallocated.
Only integers.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Literal, TypeVar

from breakeven.economics.money import shares
from breakeven.economics.periods import LATEST, Period, by_month

Driver = Literal["tokens", "calls", "cost", "outcomes", "even", "weights"]
"""What causes a shared amount: metered units; or nothing measurable (`even`, declared `weights`, both among features)."""
DRIVERS: tuple[Driver, ...] = ("tokens", "calls", "cost", "outcomes", "even", "weights")
MEASURED: frozenset[str] = frozenset({"tokens", "calls", "cost", "outcomes"})
METHOD = "proportional, largest remainder, month by month (allocation/1)"

Span = Literal["span", "month", "year"]
SPANS: tuple[Span, ...] = ("span", "month", "year")

Key = TypeVar("Key", bound=Hashable)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class FixedCost:
    """A cost that does not grow with each call: provisioned throughput, a subscription, a GPU.

    `amount` (atto-units) covers the whole span `[start, end)` when `per` is "span", otherwise each calendar month or year of it.
    `provider` and `feature` limit whose usage carries it. `weights` are whole numbers per feature, for the driver `weights`.
    """

    id: str
    amount: int
    start: datetime
    end: datetime | None = None
    per: Span = "span"
    driver: Driver = "cost"
    provider: str | None = None
    feature: str | None = None
    weights: Mapping[str, int] = field(default_factory=dict)
    cost_class: str = "cost_of_revenue"
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Cell(Generic[Key]):
    """Some usage that may carry a share: the row it belongs to, its feature, and its driver units (never negative)."""

    key: Key
    feature: str | None
    units: int


def prorated(amount: int, span: tuple[datetime, datetime], period: Period) -> int:
    """The part of `amount`, spread evenly over `span`, that falls into `period`; atto-units.

    part = ⌊amount × elapsed at the end / length⌋ − ⌊amount × elapsed at the start / length⌋. Telescopes over any split of a period.
    """
    start, end = span
    low, high = max(start, period.start), min(end, period.end)
    if low >= high:
        return 0
    length = (end - start) // _MICROSECOND
    return amount * ((high - start) // _MICROSECOND) // length - amount * ((low - start) // _MICROSECOND) // length


def fixed_within(cost: FixedCost, period: Period) -> int:
    """What a fixed cost amounts to within `period`: a month it covers only in part counts by its share of the month's days."""
    end = cost.end or LATEST
    if cost.per == "span":
        return prorated(cost.amount, (cost.start, end), period)
    low, high = max(cost.start, period.start), min(end, period.end)
    spans = {_whole(part, cost.per) for part in by_month(Period(period.name, low, high))}
    covered = Period(period.name, low, high)
    return sum(prorated(cost.amount, span, covered) for span in sorted(spans))


def _whole(part: Period, per: str) -> tuple[datetime, datetime]:
    first = part.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if per == "year":
        first = first.replace(month=1)
        return first, first.replace(year=first.year + 1)
    following = first.replace(month=first.month % 12 + 1, year=first.year + first.month // 12)
    return first, following


def allocated(amount: int, cells: Sequence[Cell[Key]]) -> tuple[dict[Key, int], int]:
    """`amount` shared over the cells' rows by their units, and what stays unallocated because there are no units at all."""
    if sum(cell.units for cell in cells) == 0:
        return {}, amount
    return _summed(zip((cell.key for cell in cells), shares(amount, [cell.units for cell in cells]), strict=True)), 0


def allocated_by_feature(amount: int, cells: Sequence[Cell[Key]], weights: Mapping[str, int]) -> tuple[dict[Key, int], int]:
    """`amount` shared among features by declared whole `weights`, and each feature's part over its own cells by their units.

    A feature without units cannot carry its part; that part stays unallocated, never silently borne by the others.
    """
    names = sorted(name for name, weight in weights.items() if weight > 0)
    if not names:
        return {}, amount
    found: list[tuple[Key, int]] = []
    unallocated = 0
    for name, part in zip(names, shares(amount, [weights[name] for name in names]), strict=True):
        carried, left = allocated(part, [cell for cell in cells if cell.feature == name])
        found.extend(carried.items())
        unallocated += left
    return _summed(found), unallocated


def _summed(parts: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    sums: dict[Key, int] = {}
    for key, part in parts:
        sums[key] = sums.get(key, 0) + part
    return sums
