"""Dated price rows: the one shape that the archived base catalogue, our corrections and a user's overlay share.

A row says what single units cost in a half-open period. Money is whole atto-dollars (10⁻¹⁸) per single unit, times are naive UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from breakeven.economics.usage import CLASSES

EVERY_MODEL = "*"
BENEATH = -1  # a tier without a base price leaves the price below the tier to the layer beneath
TOKEN_CLASSES: tuple[str, ...] = tuple(c.name for c in CLASSES if c.unit == "tokens")
TOOL_CLASSES: frozenset[str] = frozenset(c.name for c in CLASSES if c.direction == "tool")
_DAYS_OF_WEEK = 7


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one unit costs. A tier `(over, price)` replaces `base` for the whole request once its input exceeds `over` tokens."""

    base: int
    tiers: tuple[tuple[int, int], ...] = ()

    def of_request(self, total_input_tokens: int) -> int:
        """The price that applies to every unit of a request of this size: that of the highest tier strictly exceeded."""
        price = self.base
        for over, tier_price in self.tiers:
            if total_input_tokens > over:
                price = tier_price
        return price

    def times(self, factor: Fraction) -> UnitPrice:
        """This price and all its tiers multiplied, half-even at 10⁻¹⁸ where the product needs more digits."""
        base = self.base if self.base == BENEATH else scaled(self.base, factor)
        return UnitPrice(base, tuple((over, scaled(price, factor)) for over, price in self.tiers))


def scaled(price: int, factor: Fraction) -> int:
    """`price × factor` in whole atto-units, rounded half-even."""
    return round(Fraction(price) * factor)


@dataclass(frozen=True, slots=True)
class Window:
    """A recurring part of the week in UTC: minutes [`start`, `end`) of `days` (0 = Monday), except on `closed` dates.

    The same minute twice means the whole day.
    """

    start: int
    end: int
    days: frozenset[int] = frozenset(range(_DAYS_OF_WEEK))
    closed: frozenset[date] = frozenset()

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies inside; a window that ends before it starts runs over midnight."""
        minute = at.hour * 60 + at.minute
        if self.start < self.end:
            inside = self.start <= minute < self.end
        else:
            inside = self.start == self.end or minute >= self.start or minute < self.end
        return inside and at.weekday() in self.days and at.date() not in self.closed

    @property
    def minutes_per_week(self) -> int:
        """How much of the week it covers: the smaller, the more specific."""
        return ((self.end - self.start) % (24 * 60) or 24 * 60) * len(self.days)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """Prices of one model (or of every model, `*`) of one provider in a period, for one kind of service.

    `units` are absolute prices by usage class, `multiply` factors on the price that the same model has without `when`.
    `when` names what of the pricing context must hold (served tier, batch, speed). `only` limits the row to windows of the week;
    `schedule` multiplies or replaces `units` inside windows. `fallback` says which class's price another class takes when it has
    none, `priced_as` which one it takes even if it has its own.
    """

    provider: str
    model: str
    version: str
    layer: int
    start: datetime | None = None
    end: datetime | None = None
    units: Mapping[str, UnitPrice] = field(default_factory=dict)
    multiply: Mapping[str, Fraction] = field(default_factory=dict)
    when: Mapping[str, str] = field(default_factory=dict)
    only: tuple[Window, ...] = ()
    schedule: tuple[Slot, ...] = ()
    fallback: Mapping[str, str] = field(default_factory=dict)
    priced_as: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    why: str = ""
    note: str = ""

    def holds(self, at: datetime) -> bool:
        """Whether the row is in force at this instant."""
        if (self.start is not None and at < self.start) or (self.end is not None and at >= self.end):
            return False
        return not self.only or any(window.is_open(at) for window in self.only)

    def price(self, usage_class: str, at: datetime) -> UnitPrice:
        """The absolute price of a class named in `units`; the most specific open window of `schedule` replaces or multiplies it."""
        price = self.units[usage_class]
        slots = [slot for slot in self.schedule if slot.window.is_open(at)]
        if not slots:
            return price
        slot = min(slots, key=_specificity)
        return slot.units.get(usage_class, price.times(slot.factor))


@dataclass(frozen=True, slots=True)
class Slot:
    """What a price is inside a window: its own `units`, and `factor` times the row's price for every other unit."""

    window: Window
    factor: Fraction = Fraction(1)
    units: Mapping[str, UnitPrice] = field(default_factory=dict)


def _specificity(slot: Slot) -> int:
    return slot.window.minutes_per_week


BASE, CORRECTIONS, OVERLAY = 0, 1, 2
LAYER_NAMES = ("base", "corrections", "overlay")
"""Which layer a row stands in; several overlays count on from the last."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which calls an adjustment or a commitment is about: every named field must have one of its values.

    A value `!x` means that the field is known and is not `x`.
    """

    fields: Mapping[str, tuple[str, ...]]

    def holds(self, facts: Mapping[str, str]) -> bool:
        """Whether a call with these facts (provider, model, pricing context) is meant."""
        return all(_one_of(facts.get(name, ""), values) for name, values in self.fields.items())


def _one_of(value: str, allowed: tuple[str, ...]) -> bool:
    return any((value != "" and value != choice[1:]) if choice.startswith("!") else value == choice for choice in allowed)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An uplift or discount on what matching calls cost, posted as a line of its own: unit price × (factor − 1)."""

    name: str
    kind: str
    match: Match
    classes: frozenset[str]
    factor: Fraction
    version: str
    start: datetime | None = None
    end: datetime | None = None
    source: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """An exact name that stands for a model, in a period: an Azure deployment, an ARN of an application inference profile."""

    provider: str
    model: str
    match: Mapping[str, str]
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExtendBack:
    """A claim that prices for one kind of service held, in the same ratio, before the catalogue first recorded them."""

    provider: str
    when: Mapping[str, str]
    version: str


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared and not rated per call: commitments, tiered discounts, self-hosted machines, currencies."""

    section: str
    name: str
    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One parsed price file, ours or the user's.

    `pass_through` gives for (router, vendor prefix) the provider whose list prices a router passes on; `kinds` for (provider,
    model) a kind that fees distinguish, such as `non_reasoning`.
    """

    rows: tuple[PriceRow, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    aliases: tuple[Alias, ...] = ()
    extended: tuple[ExtendBack, ...] = ()
    pass_through: Mapping[tuple[str, str], str] = field(default_factory=dict)
    kinds: Mapping[tuple[str, str], str] = field(default_factory=dict)
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    declared: tuple[Declared, ...] = ()
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    base_pin: str = ""
    name: str = ""
