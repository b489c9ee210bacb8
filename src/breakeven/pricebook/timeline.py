"""All rows that concern one model of one provider, and which of them win at an instant.

Standard prices first: the highest layer that names the unit (overlay, then corrections, then base), within a layer a window of
the day before an unlimited row, the later start before the earlier. Then the kind of service: a row whose `when` matches the
served tier, processing or speed replaces (`units`) or multiplies (`multiply`) the standard price of the units it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from fractions import Fraction

from breakeven.pricebook.rows import BENEATH, CORRECTIONS, EVERY_MODEL, ExtendBack, PriceRow, UnitPrice, Window

SERVICE_KEYS = ("service_tier", "processing", "speed")
NEUTRAL = frozenset(
    {"", "default", "standard", "standard_only", "auto", "on_demand", "unspecified", "regular", "normal", "none"}
    | {"sync", "synchronous", "online", "realtime", "interactive"}
)
"""Values of a service key that mean the standard service."""
HORIZON = datetime(2023, 1, 1), datetime(2031, 1, 1)  # noqa: DTZ001 - times inside are naive UTC
"""Between these, recurring windows that do not start on a full hour are listed as single instants."""
_LONGEST_FALLBACK = 4


class Timeline:
    """The price history of one model."""

    def __init__(self, model: str, rows: Sequence[PriceRow], names: Sequence[str], extended: Iterable[ExtendBack] = ()) -> None:
        self.model = model
        rank = {name: position for position, name in enumerate(reversed(list(names)))} | {EVERY_MODEL: -1}
        standard = [row for row in rows if not row.when]
        self._standard = sorted(standard, key=lambda row: _precedence(row, rank), reverse=True)
        services = [row for row in rows if row.when]
        services += [earlier for extension in extended for earlier in self._extend(extension, services)]
        self.rows = (*standard, *services)
        self._services = sorted(services, key=lambda row: _precedence(row, rank), reverse=True)
        self.has_windows = any(row.only or row.schedule for row in self.rows)
        self.edges = sorted({edge for row in self._standard + self._services for edge in (row.start, row.end) if edge is not None})
        layered = sorted(self.rows, key=lambda row: _precedence(row, rank))
        self._fallback = {name: target for row in layered for name, target in row.fallback.items()}
        self.classes = tuple(dict.fromkeys([*(name for row in rows for name in (*row.units, *row.multiply)), *self._fallback]))

    def standard(self, usage_class: str, at: datetime) -> tuple[UnitPrice, PriceRow] | None:
        """The price of the standard service and the row that says so."""
        tiers: tuple[tuple[int, int], ...] | None = None
        upper: PriceRow | None = None
        for row in self._standard:
            if usage_class not in row.units or not row.holds(at):
                continue
            price = row.price(usage_class, at)
            if price.base == BENEATH:
                tiers, upper = (price.tiers, row) if tiers is None else (tiers, upper)
                continue
            return (price, row) if tiers is None else (UnitPrice(price.base, tiers), upper or row)
        return None

    def price(self, usage_class: str, at: datetime, services: Sequence[PriceRow]) -> tuple[UnitPrice, PriceRow] | None:
        """The price of a class among the matching `services`, its fallback included; None where there is none."""
        name = self._priced_as(usage_class, at)
        for _ in range(_LONGEST_FALLBACK):
            found = self._own_price(name, at, services)
            if found is not None:
                return found
            if name not in self._fallback:
                return None
            name = self._fallback[name]
        return None

    def _priced_as(self, usage_class: str, at: datetime) -> str:
        holding = (row for row in self._standard if usage_class in row.priced_as and row.holds(at))
        row = next(holding, None)
        return row.priced_as[usage_class] if row is not None else usage_class

    def _own_price(self, usage_class: str, at: datetime, services: Sequence[PriceRow]) -> tuple[UnitPrice, PriceRow] | None:
        standard = self.standard(usage_class, at)
        for row in services:
            if usage_class in row.units:
                price = row.price(usage_class, at)
                if price.base != BENEATH:
                    return price, row
                return None if standard is None else (UnitPrice(standard[0].base, price.tiers), row)
            if usage_class in row.multiply:
                return None if standard is None else (standard[0].times(row.multiply[usage_class]), row)
        return standard

    def services(self, facts: Mapping[str, str], at: datetime) -> list[PriceRow]:
        """The rows of kinds of service that this call was served with, most binding first."""
        return [
            row
            for row in self._services
            if row.holds(at) and all(_served(name, facts.get(name, ""), value.split(",")) for name, value in row.when.items())
        ]

    def unknown_service(self, facts: Mapping[str, str], services: Sequence[PriceRow]) -> tuple[str, str] | None:
        """A served tier, processing or speed that is not the standard one and that this model has no price for."""
        for name in SERVICE_KEYS:
            value = facts.get(name, "")
            if value not in NEUTRAL and not any(name in row.when for row in services):
                return name, value
        return None

    def has_standard_price(self, at: datetime) -> bool:
        """Whether any unit of the model's own has a price at this instant."""
        return any(row.model != EVERY_MODEL and row.units and row.holds(at) for row in self._standard)

    def instants(self) -> tuple[datetime, ...]:
        """Every instant off the full hour at which a price changes, in order."""
        found: set[datetime] = set()
        for row in (*self._standard, *self._services):
            found |= {edge for edge in (row.start, row.end) if edge is not None and _off_hour(edge)}
            first, last = max(row.start or HORIZON[0], HORIZON[0]), min(row.end or HORIZON[1], HORIZON[1])
            for window in (*row.only, *(slot.window for slot in row.schedule)):
                found.update(edge for edge in _edges(window, first, last) if _off_hour(edge))
        return tuple(sorted(found))

    def _extend(self, extension: ExtendBack, services: Sequence[PriceRow]) -> Iterator[PriceRow]:
        """Rows for the time before the catalogue first recorded a kind of service: the same price where the standard price was the
        same, else in the ratio to the standard price that was first recorded."""  # noqa: D205, D209 - one sentence
        known = [row for row in services if dict(row.when) == dict(extension.when) and row.layer < CORRECTIONS]
        first = min((row for row in known if row.start is not None), key=_start, default=None)
        if first is None or first.start is None or any(row.start is None for row in known):
            return
        edges = sorted({edge for row in self._standard for edge in (row.start, row.end) if edge is not None and edge < first.start})
        for start, end in zip([None, *edges], [*edges, first.start], strict=True):
            at = start or (end - timedelta(microseconds=1))
            units = {name: price for name in first.units if (price := self._ratio(name, first, at)) is not None}
            if units:
                yield replace(first, version=extension.version, layer=CORRECTIONS, start=start, end=end, units=units)

    def _ratio(self, name: str, first: PriceRow, at: datetime) -> UnitPrice | None:
        later = self.standard(name, first.start or at)
        earlier = self.standard(name, at)
        if later is None or earlier is None or not later[0].base:
            return None
        variant = first.units[name]
        return variant if earlier[0] == later[0] else earlier[0].times(Fraction(variant.base, later[0].base))


def _served(name: str, value: str, wanted: Sequence[str]) -> bool:
    """Whether a fact has one of the wanted values; a standard service that is not named counts as named."""
    if name in SERVICE_KEYS and value in NEUTRAL:
        return any(choice in NEUTRAL for choice in wanted)
    return value in wanted


def _precedence(row: PriceRow, rank: Mapping[str, int]) -> tuple[int, int, int, int, datetime]:
    """Sorts the winning row last: layer, how much of the context it names, how literally the model, windows, later start."""
    return row.layer, len(row.when), rank.get(row.model, 0), len(row.only), _start(row)


def _start(row: PriceRow) -> datetime:
    return row.start or datetime.min  # noqa: DTZ901 - times inside are naive UTC


def _off_hour(at: datetime) -> bool:
    return bool(at.minute or at.second or at.microsecond)


def _edges(window: Window, first: datetime, last: datetime) -> Iterator[datetime]:
    if not (window.start % 60 or window.end % 60):
        return
    day = datetime.combine(first.date(), time())
    while day < last:
        for minute in (window.start, window.end):
            edge = day + timedelta(minutes=minute)
            if first <= edge < last:
                yield edge
        day += timedelta(days=1)
