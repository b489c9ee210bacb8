"""Reconciliation: why an invoice is not what was metered, cause by cause; the parts sum to the difference to the last atto-unit.

    invoiced − metered = sum of parts,   each part one cause in one cell (vendor × model × token class × tier × day)

What is no usage (a credit, tax, a fee, rounding), what the invoice's own exchange differs from the books', and the usage of keys
that are not ours are parts as they stand. The rest is compared cell by cell. With quantity q and amount a invoiced, and r and c
metered, the difference of a cell is a difference of quantity, valued at the invoice's price where more was invoiced and at ours
where less was, and a difference of price on what both have:

    volume = a·(q − r)/q  or  c·(q − r)/r,      price = (a − c) − volume

A volume that is missing in one cell and too much in its neighbour has moved: between tiers (batch, served tier) or between classes
(cached or not). What is left over is of calls whose usage we never learned, as far as those can have used so much, or of calls
that passed us by; where *less* was invoiced than metered, no cause is known and it stays unexplained. A price is rounding within
half of the smallest unit for each line, a discount where one ratio fits a vendor's whole invoice, else another price.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Literal, NamedTuple

from breakeven.economics.invoicedays import best_shift, day_of
from breakeven.economics.money import ATTO, shares
from breakeven.economics.usage import CLASS_BY_NAME

Cause = Literal[
    "unseen key", "not metered", "disconnects", "batch", "served tier", "cache class", "output class", "discount", "price",
    "unpriced", "credit", "tax", "fee", "currency", "rounding", "time zone", "unexplained",
]  # fmt: skip
CAUSES: tuple[Cause, ...] = Cause.__args__  # type: ignore[attr-defined] # the words of the literal
USAGE = "usage"
_DATED = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2})$")
_RATIO_PLACES = 10_000
_SLACK = 1_000_000
"""A ratio fits where it is off by no more than the rounding of the lines and a millionth of the amount."""


class Cell(NamedTuple):
    """Where a difference lies. None: the vendor's invoice does not say it, so that it is compared in one sum."""

    provider: str
    model: str | None
    usage_class: str | None
    tier: str | None
    day: date | None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice. `amount` is in atto-dollars by the invoice's own exchange; `exchange` what the books' adds to it.

    `category`: usage, credit, tax, fee or rounding. `foreign`: the invoice says no amount in dollars. `place`: its row in the file.
    `paid`: the amount in `currency`, in which it is paid, in units of 10⁻¹⁸.
    """

    provider: str
    category: str
    amount: int
    place: str
    day: date | None = None
    model: str | None = None
    usage_class: str | None = None
    tier: str | None = None
    quantity: int | None = None
    key: str | None = None
    exchange: int = 0
    foreign: bool = False
    quantum: int = ATTO // 100
    invoice: str | None = None
    account: str | None = None
    description: str | None = None
    currency: str = "USD"
    paid: int | None = None


def plain_model(name: str) -> str:
    """A model's name without the date of its release, since invoices and answers do not agree on it."""
    return _DATED.sub("", name.lower())


@dataclass(frozen=True, slots=True)
class Metered:
    """What was metered in one hour: `cost` of what is priced, `unpriced` the part of `quantity` that has no price."""

    provider: str
    model: str
    usage_class: str | None
    tier: str
    hour: datetime
    quantity: int
    cost: int
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """Calls of a day whose usage was never learned, and the most that any known call of the model used of each class."""

    provider: str
    model: str
    day: date
    calls: int
    largest: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One cause in one cell. `detail` names the key, ratio or shift it was recognised by; `quantity` where it is one of usage."""

    cause: Cause
    cell: Cell
    amount: int
    quantity: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides of one cell, before causes are told apart."""

    cell: Cell
    metered: int
    invoiced: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The result. `metered` + the sum of `parts` = `invoiced`, exactly. `shifts`: hours that a vendor's day starts after ours."""

    metered: int
    invoiced: int
    cells: Sequence[Compared]
    parts: Sequence[Part]
    shifts: Mapping[str, int]

    @property
    def difference(self) -> int:
        """Invoiced less metered."""
        return self.invoiced - self.metered

    @property
    def unexplained(self) -> int:
        """The sum of the sizes of what no cause explains: opposite signs do not hide each other."""
        return sum(abs(part.amount) for part in self.parts if part.cause == "unexplained")


@dataclass(slots=True)
class _Sides:
    """One cell while its difference is taken apart: `volume` and `price` are what is not explained yet."""

    quantity: int = 0
    amount: int = 0
    lines: int = 0
    known: bool = True
    foreign: bool = False
    quantum: int = 0
    metered_quantity: int = 0
    cost: int = 0
    unpriced: int = 0
    surplus: int = 0
    volume: int = 0
    price: int = 0

    @property
    def bound(self) -> int:
        return self.lines * self.quantum // 2

    @property
    def both(self) -> int:
        """Our cost of the quantity that both sides have."""
        if self.surplus < 0 and self.metered_quantity:
            return self.cost * self.quantity // self.metered_quantity
        return self.cost


def reconcile(
    lines: Sequence[InvoiceLine],
    metered: Sequence[Metered],
    unknown: Sequence[Unknown],
    span: tuple[datetime, datetime],
    *,
    our_keys: Sequence[str] = (),
    shift: int | None = None,
) -> Reconciliation:
    """Take the difference of an invoice apart. `metered` covers the span and a day on either side, for days of other time zones.

    `our_keys`: the keys that go through us; lines of other keys are not ours. Without them a key is told by its quantities, where
    those are exactly what is missing. `shift`: hours by which the vendor's day starts after ours; else found from the quantities.
    """
    parts = [part for line in lines for part in _as_it_stands(line)]
    usage = [line for line in lines if line.category == USAGE]
    within = [row for row in metered if span[0] <= row.hour < span[1]]
    strange = _strange_keys(usage, within, our_keys)
    parts += [
        Part("unseen key", _cell_of(line), line.amount, line.quantity or 0, line.key or "") for line in usage if line.key in strange
    ]
    usage = [line for line in usage if line.key not in strange]
    compared: list[Compared] = []
    shifts: dict[str, int] = {}
    for provider in sorted({line.provider for line in lines}):
        mine = [line for line in usage if line.provider == provider]
        theirs = [row for row in metered if row.provider == provider]
        hours = best_shift(mine, theirs, span) if shift is None else shift
        moved, counted = _shifted(theirs, span, hours)
        parts += moved
        shifts |= {provider: hours} if hours else {}
        sides = _paired(provider, mine, counted, hours)
        compared += [Compared(cell, side.cost, side.amount) for cell, side in sides.items()]
        parts += _explained(sides, [gap for gap in unknown if gap.provider == provider])
    whole = sum(row.cost for row in within)
    invoiced = sum(line.amount + line.exchange for line in lines)
    return Reconciliation(whole, invoiced, compared, [part for part in parts if part.amount], shifts)


def _cell_of(line: InvoiceLine) -> Cell:
    return Cell(line.provider, line.model, line.usage_class, line.tier, line.day)


def _as_it_stands(line: InvoiceLine) -> Iterator[Part]:
    if line.category != USAGE:
        causes: Mapping[str, Cause] = {"credit": "credit", "tax": "tax", "rounding": "rounding"}
        yield Part(causes.get(line.category, "fee"), _cell_of(line), line.amount)
    if line.exchange:
        yield Part("currency", _cell_of(line), line.exchange, 0, "the invoice's own exchange")


def _strange_keys(usage: Sequence[InvoiceLine], metered: Sequence[Metered], ours: Sequence[str]) -> frozenset[str | None]:
    """Keys that are not ours: said so, or (where quantities are known) exactly what is invoiced beyond what was metered."""
    keys = {line.key for line in usage if line.key}
    if ours:
        return frozenset(keys - set(ours))
    missing: dict[tuple[str, str | None, str | None], int] = defaultdict(int)
    by_key: dict[str, dict[tuple[str, str | None, str | None], int]] = defaultdict(lambda: defaultdict(int))
    for line in usage:
        cell = (line.provider, line.model, line.usage_class)
        missing[cell] += line.quantity or 0
        if line.key and line.quantity:
            by_key[line.key][cell] += line.quantity
    for row in metered:
        missing[row.provider, row.model, row.usage_class] -= row.quantity
    return frozenset(key for key, used in by_key.items() if all(missing[cell] == quantity for cell, quantity in used.items()))


def _shifted(rows: Sequence[Metered], span: tuple[datetime, datetime], hours: int) -> tuple[list[Part], list[Metered]]:
    """What falls into the vendor's span, and the cost that enters or leaves at its edges because its days start at another hour."""
    moved = timedelta(hours=hours)
    counted = [row for row in rows if span[0] <= row.hour - moved < span[1]]
    edges: dict[Cell, int] = defaultdict(int)
    for rows_of, sign in ((counted, 1), ([row for row in rows if span[0] <= row.hour < span[1]], -1)):
        for row in rows_of:
            edges[Cell(row.provider, row.model, row.usage_class, None, None)] += sign * row.cost
    detail = f"the invoice's day starts at {hours % 24:02d}:00 UTC"
    return [Part("time zone", cell, amount, 0, detail) for cell, amount in edges.items() if amount], counted


def _paired(provider: str, usage: Sequence[InvoiceLine], metered: Sequence[Metered], hours: int) -> dict[Cell, _Sides]:
    """Both sides by cell, at the finest grain that the invoice has throughout."""
    has_day = bool(usage) and all(line.day is not None for line in usage)
    has_model = bool(usage) and all(line.model is not None for line in usage)
    has_class = has_model and all(line.usage_class for line in usage) and all(row.usage_class or not row.cost for row in metered)
    has_tier = any(line.tier for line in usage)
    coarse = _coarser({line.usage_class for line in usage})
    sides: dict[Cell, _Sides] = defaultdict(_Sides)
    for line in usage:
        side = sides[Cell(provider, line.model if has_model else None, line.usage_class if has_class else None,
                          (line.tier or "standard") if has_tier else None, line.day if has_day else None)]  # fmt: skip
        side.quantity += line.quantity or 0
        side.known = side.known and line.quantity is not None
        side.foreign = side.foreign or line.foreign
        side.quantum = max(side.quantum, line.quantum)
        side.amount += line.amount
        side.lines += 1
    for row in metered:
        name = coarse(row.usage_class or "") if has_class else None
        side = sides[Cell(provider, row.model if has_model else None, name, (row.tier or "standard") if has_tier else None,
                          day_of(row.hour, hours) if has_day else None)]  # fmt: skip
        side.metered_quantity += row.quantity
        side.cost += row.cost
        side.unpriced += row.unpriced
    return dict(sides)


def _coarser(invoiced: set[str | None]) -> Callable[[str], str]:
    """Our classes as the invoice names them: a vendor that has no line for reasoning bills it as output, and so on."""

    def name_of(mine: str) -> str:
        if mine in invoiced or mine not in CLASS_BY_NAME:
            return mine
        kind = CLASS_BY_NAME[mine]
        alike = [name for name in sorted(filter(None, invoiced)) if name in CLASS_BY_NAME]
        writes = [name for name in alike if CLASS_BY_NAME[name].cache == kind.cache == "write"]
        if kind.cache == "write" and len(writes) == 1:
            return writes[0]
        return "output" if mine == "reasoning" and "output" in invoiced else mine

    return name_of


def _explained(sides: dict[Cell, _Sides], unknown: Sequence[Unknown]) -> list[Part]:
    for side in sides.values():
        _split(side)
    parts = _transferred(sides, lambda cell: cell._replace(tier=None), _tier_cause)
    parts += _transferred(sides, lambda cell: cell._replace(usage_class=_side_of(cell.usage_class), tier=None), _class_cause)
    parts += _left_over(sides, unknown)
    return [*parts, *_prices(sides)]


def _split(side: _Sides) -> None:
    """The difference of one cell as one of quantity and one of price."""
    whole = side.amount - side.cost
    if side.known and side.quantity != side.metered_quantity:
        side.surplus = side.quantity - side.metered_quantity
        base, of = (side.amount, side.quantity) if side.surplus > 0 else (side.cost, side.metered_quantity)
        side.volume = base * side.surplus // of
    side.price = whole - side.volume


def _side_of(usage_class: str | None) -> str | None:
    known = CLASS_BY_NAME.get(usage_class or "")
    return None if known is None else f"{known.direction} {known.unit}"


def _tier_cause(cells: Iterable[Cell]) -> Cause:
    return "batch" if any(cell.tier == "batch" for cell in cells) else "served tier"


def _class_cause(cells: Iterable[Cell]) -> Cause:
    return "output class" if all((cell.usage_class or "").startswith(("output", "reasoning")) for cell in cells) else "cache class"


def _transferred(
    sides: Mapping[Cell, _Sides], family: Callable[[Cell], Cell], cause: Callable[[Iterable[Cell]], Cause]
) -> list[Part]:
    """What is too much in some cells of a family and missing in others: one cause, with what it costs net."""
    families: dict[Cell, list[Cell]] = defaultdict(list)
    for cell, side in sides.items():
        if side.surplus:
            families[family(cell)].append(cell)
    parts: list[Part] = []
    for cells in families.values():
        more = [cell for cell in cells if sides[cell].surplus > 0]
        less = [cell for cell in cells if sides[cell].surplus < 0]
        moved = min(sum(sides[cell].surplus for cell in more), -sum(sides[cell].surplus for cell in less))
        if not moved:
            continue
        named = cause([*more, *less])
        detail = f"{_names(less)} → {_names(more)}"
        for group, sign in ((more, 1), (less, -1)):
            for cell, quantity in zip(group, shares(moved, [abs(sides[cell].surplus) for cell in group]), strict=True):
                side = sides[cell]
                value = side.volume * quantity // abs(side.surplus)
                side.volume -= value
                side.surplus -= sign * quantity
                parts.append(Part(named, cell, value, sign * quantity, detail))
    return parts


def _names(cells: Iterable[Cell]) -> str:
    return ", ".join(sorted({" ".join(filter(None, (cell.tier, cell.usage_class))) for cell in cells}))


def _left_over(sides: Mapping[Cell, _Sides], unknown: Sequence[Unknown]) -> list[Part]:
    """Quantities that are on one side only."""
    groups: dict[Cell, list[Cell]] = defaultdict(list)
    parts: list[Part] = []
    for cell, side in sides.items():
        if side.surplus > 0:
            groups[cell._replace(usage_class=None, tier=None)].append(cell)
        elif side.volume:
            parts.append(Part("unexplained", cell, side.volume, side.surplus, "metered, not invoiced"))
    for place, cells in groups.items():
        gaps = [gap for gap in unknown if place.model in (None, gap.model) and place.day in (None, gap.day)]
        calls = sum(gap.calls for gap in gaps)
        most = {name: max(gap.largest.get(name, 0) for gap in gaps) for gap in gaps for name in gap.largest}
        ours = calls and all(_may_have_used(sides[cell].surplus, cell, calls, most) for cell in cells)
        cause: Cause = "disconnects" if ours else "not metered"
        detail = f"{calls} calls whose usage is not known" if ours else ""
        parts += [Part(cause, cell, sides[cell].volume, sides[cell].surplus, detail) for cell in cells]
    return parts


def _may_have_used(surplus: int, cell: Cell, calls: int, most: Mapping[str, int]) -> bool:
    return surplus <= calls * (sum(most.values()) if cell.usage_class is None else most.get(cell.usage_class, 0))


def _prices(sides: Mapping[Cell, _Sides]) -> list[Part]:
    """Differences of price on what both sides have."""
    open_cells = {cell: side for cell, side in sides.items() if side.price}
    parts: list[Part] = []
    for cell, side in list(open_cells.items()):
        named = _plain_price(cell, side)
        if named is not None:
            parts.append(named)
            del open_cells[cell]
    ratio = _one_ratio(sides.values())
    if open_cells and ratio is not None and len({(cell.model, cell.usage_class) for cell in sides}) > 1:
        foreign = any(side.foreign for side in open_cells.values())
        cause: Cause = "currency" if foreign else "discount" if ratio < 1 else "price"
        return parts + [part for cell, side in open_cells.items() for part in _at_ratio(cause, cell, side, ratio)]
    by_price: dict[Cell, dict[Cell, _Sides]] = defaultdict(dict)
    for cell, side in open_cells.items():
        by_price[cell._replace(day=None)][cell] = side
    for run in (run for group in by_price.values() for run in _runs(group)):
        ratio = _one_ratio(run.values())
        for cell, side in run.items():
            mine = ratio or Fraction(side.both + side.price, side.both)
            parts += _at_ratio("batch" if mine == Fraction(1, 2) else "price", cell, side, mine)
    return parts


def _runs(group: Mapping[Cell, _Sides]) -> Iterator[dict[Cell, _Sides]]:
    """The days of one price in runs, each as long as one ratio fits: a price that changed within the period is two."""
    run: dict[Cell, _Sides] = {}
    for cell, side in sorted(group.items(), key=lambda each: (each[0].day is not None, each[0].day)):
        if run and _one_ratio([*run.values(), side]) is None:
            yield run
            run = {}
        run[cell] = side
    yield run


def _plain_price(cell: Cell, side: _Sides) -> Part | None:
    """What needs no ratio: rounding, no price of ours, or no quantity to compare."""
    if abs(side.price) <= side.bound:
        return Part("rounding", cell, side.price)
    if side.unpriced and side.price > 0:
        return Part("unpriced", cell, side.price, side.unpriced)
    if side.both <= 0 or side.both + side.price <= 0:
        missing = "" if side.known else "the invoice says no quantity"
        return Part("unexplained", cell, side.price, 0, missing or "invoiced at no price of ours")
    if not side.known:
        return Part("unexplained", cell, side.price, 0, "the invoice says no quantity")
    return None


def _one_ratio(sides: Iterable[_Sides]) -> Fraction | None:
    """The one ratio of the vendor's prices to ours that fits all cells, to at most four places, the fewest; None where none does.

    Each cell leaves it some room, the rounding of its lines; what lies in the room of all of them fits.
    """
    known = [side for side in sides if side.known and side.both > 0 and side.both + side.price > 0]
    if not known:
        return None
    rooms = [(side.both + side.price, side.bound + side.amount // _SLACK, side.both) for side in known]
    low = max(Fraction(mine - room, ours) for mine, room, ours in rooms)
    high = min(Fraction(mine + room, ours) for mine, room, ours in rooms)
    ratio = plainest(low, high, _RATIO_PLACES)
    return ratio if ratio != 1 else None


def plainest(low: Fraction, high: Fraction, finest: int) -> Fraction | None:
    """The number of fewest decimals between two bounds, the nearest to their middle; None where `finest` parts are too few."""
    parts = 1
    while parts <= finest:
        first, last = ceil(low * parts), floor(high * parts)
        if first <= last:
            return Fraction(min(max(round((low + high) / 2 * parts), first), last), parts)
        parts *= 10
    return None


def _at_ratio(cause: Cause, cell: Cell, side: _Sides, ratio: Fraction) -> Iterator[Part]:
    priced = round(side.both * (ratio - 1))
    if abs(side.price - priced) > side.bound:
        priced = side.price
    yield Part(cause, cell, priced, min(side.quantity, side.metered_quantity), f"{float(ratio):.4f} of our price")
    if side.price != priced:
        yield Part("rounding", cell, side.price - priced)
