"""The priced entries of a price file: prices with tiers and windows, fees of tools, and which class is billed as another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction

from breakeven.economics.usage import CLASS_BY_NAME, CLASSES
from breakeven.pricebook import fields
from breakeven.pricebook.reading import GROUPS, Reading, conditions, models_of, provider_of, source_of
from breakeven.pricebook.rows import BENEATH, EVERY_MODEL, TOOL_CLASSES, PriceRow, Slot, UnitPrice, Window
from breakeven.yamlfile import Node

_PRICE_FIELDS = (
    "provider", "model",
    "models", "from", "to", "units", "tiers", "when", "schedule", "fallback", "multiply", "priced_as", "source", "why", "note",
)  # fmt: skip
_FEE_FIELDS = ("id", "provider", "model", "models", "unit", "when", "per_thousand", "each", "from", "to", "source", "why", "note")
_ANY_WRITE = "cache_write"  # as a vendor says it that has one price of writing: the shortest retention
_WRITES = tuple(name for name in CLASS_BY_NAME if name.startswith("cache_write_"))
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES_PER_HOUR, _HOURS_PER_DAY = 60, 24


def price_rows(node: Node, reading: Reading) -> list[tuple[PriceRow, Node]]:
    """One entry of `prices`, as a row for each model that it names."""
    known = fields.mapping(node, reading.faults, _PRICE_FIELDS, "a price")
    provider = provider_of(known, reading, node)
    start, end = fields.period(known, reading.faults, node)
    source = source_of(known, reading, node, required=True)
    units = _units(known, reading)
    multiply = _multiply(known.get("multiply"), reading)
    fallback = _fallback(known.get("fallback"), reading)
    priced_as = _fallback(known.get("priced_as"), reading)
    when = conditions(known.get("when"), reading, "when")
    if multiply and not when:
        reading.faults.add(
            known["multiply"], "multiply needs a 'when'", "Name the kind of service, or write a discount under adjustments."
        )
    if not known.keys() & {"units", "tiers", "multiply", "fallback", "priced_as"}:
        reading.faults.add(node, "this price names no unit", 'Add units, for example units: {input: "2.50", output: "10"}.')
    label = "".join(f"[{name}={value}]" for name, value in sorted(when.items()))
    first = start.isoformat()[:10] if start else "launch"
    return [
        (
            PriceRow(
                provider=provider,
                model=model,
                version=reading.version(provider, model, first + label, content=node),
                layer=reading.layer,
                start=start,
                end=end,
                units=units,
                multiply=multiply,
                when=when,
                schedule=_schedule(known.get("schedule"), reading, bounded=start is not None and end is not None),
                fallback=fallback,
                priced_as=priced_as,
                source=source,
                why=fields.text(known.get("why"), reading.faults, "why"),
                note=fields.text(known.get("note"), reading.faults, "note"),
            ),
            node,
        )
        for model in models_of(known, reading, node)
    ]


def _units(known: Mapping[str, Node], reading: Reading) -> dict[str, UnitPrice]:
    base = _amounts(known.get("units"), reading)
    tiers: dict[str, list[tuple[int, int]]] = {}
    for node in fields.items(known.get("tiers"), reading.faults, "tiers"):
        tier = fields.mapping(node, reading.faults, ("over", "of", "scope", "units"), "a tier")
        over = _tier_start(tier, reading, node)
        for name, price in _amounts(tier.get("units"), reading).items():
            tiers.setdefault(name, []).append((over, price))
    for name in tiers.keys() - base.keys():
        base[name] = BENEATH
    return {name: UnitPrice(price, tuple(sorted(tiers.get(name, ())))) for name, price in base.items()}


def _tier_start(tier: Mapping[str, Node], reading: Reading, node: Node) -> int:
    for name, only in (("of", "total_input"), ("scope", "whole_request")):
        if name in tier and tier[name].value != only:
            reading.faults.add(tier[name], f"a tier is always {name}: {only}", f"Write {name}: {only}.")
    over = tier.get("over")
    if over is None or not isinstance(over.value, int) or isinstance(over.value, bool) or over.value < 0:
        reading.faults.add(over or node, "over is not a number of tokens", "Write it like over: 200000.")
        return 0
    return over.value


def _amounts(node: Node | None, reading: Reading) -> dict[str, int]:
    if node is None:
        return {}
    found: dict[str, int] = {}
    for given, value in fields.mapping(node, reading.faults, (*CLASS_BY_NAME, _ANY_WRITE), "units").items():
        name = _WRITES[0] if given == _ANY_WRITE else given
        per = CLASS_BY_NAME[name].priced_per if name in CLASS_BY_NAME else 1
        price = fields.money(value, reading.faults, f"the price of {name}", per)
        if price is not None:
            found[name] = price
    return found


def _multiply(node: Node | None, reading: Reading) -> dict[str, Fraction]:
    if node is None:
        return {}
    found: dict[str, Fraction] = {}
    for name, value in fields.mapping(node, reading.faults, (*GROUPS, *CLASS_BY_NAME), "multiply").items():
        factor = fields.factor(value, reading.faults, f"the factor of {name}")
        if factor is not None:
            found |= dict.fromkeys(sorted(GROUPS.get(name, {name})), factor)
    return found


def _fallback(node: Node | None, reading: Reading) -> dict[str, str]:
    if node is None:
        return {}
    known = fields.mapping(node, reading.faults, (*CLASS_BY_NAME, _ANY_WRITE), "fallback")
    found: dict[str, str] = {}
    for name, value in known.items():
        target = fields.text(value, reading.faults, f"fallback of {name}")
        if target not in CLASS_BY_NAME:
            reading.faults.add(value, f"there is no usage class {target!r}", f"Use one of {', '.join(c.name for c in CLASSES)}.")
        elif name in CLASS_BY_NAME and CLASS_BY_NAME[target].unit != CLASS_BY_NAME[name].unit:
            reading.faults.add(
                value, f"{name} and {target} are not counted in the same unit", "Fall back to a class of the same unit."
            )
        else:
            found |= dict.fromkeys(_WRITES if name == _ANY_WRITE else (name,), target)
    return found


def _schedule(node: Node | None, reading: Reading, *, bounded: bool) -> tuple[Slot, ...]:
    """Windows of the week; without an end date they must lie on full hours, because prices are asked for by the hour."""
    found: list[Slot] = []
    for entry in fields.items(node, reading.faults, "schedule"):
        known = fields.mapping(entry, reading.faults, ("days", "utc", "except_calendar", "multiply", "units"), "a schedule")
        units = {name: UnitPrice(price) for name, price in _amounts(known.get("units"), reading).items()}
        factor = fields.factor(known.get("multiply"), reading.faults, "multiply", required=None if units else entry)
        days = _days(known.get("days"), reading)
        closed = _closed(known.get("except_calendar"), reading)
        hours = [_hours(item, reading, bounded=bounded) for item in fields.items(known.get("utc"), reading.faults, "utc")] or [
            (0, 0)
        ]
        found += [Slot(Window(*pair, days, closed), factor or Fraction(1), units) for pair in hours if pair is not None]
    return tuple(found)


def _days(node: Node | None, reading: Reading) -> frozenset[int]:
    names = fields.words(node, reading.faults, "days") or _DAYS
    for name in set(names) - set(_DAYS):
        if node is not None:
            reading.faults.add(node, f"there is no day {name!r}", f"Use {', '.join(_DAYS)}.")
    return frozenset(_DAYS.index(name) for name in names if name in _DAYS)


def _closed(node: Node | None, reading: Reading) -> frozenset[date]:
    names = fields.words(node, reading.faults, "except_calendar")
    for name in set(names) - reading.calendars.keys():
        if node is not None:
            reading.faults.add(node, f"there is no calendar {name!r}", "List its holidays under calendars.")
    return frozenset[date]().union(*(reading.calendars.get(name, frozenset()) for name in names))


def _hours(node: Node, reading: Reading, *, bounded: bool) -> tuple[int, int] | None:
    try:
        first, last = (_minute(part) for part in str(node.value).split("-"))
    except ValueError:
        reading.faults.add(node, f"{node.value!r} is not a time of day in UTC", 'Write it like "01:00-04:00".')
        return None
    if not bounded and (first % _MINUTES_PER_HOUR or last % _MINUTES_PER_HOUR):
        reading.faults.add(
            node,
            f"the window {node.value!r} does not begin and end on a full hour",
            "Use full hours in UTC, or give the price an end.",
        )
        return None
    return first, last % (_HOURS_PER_DAY * _MINUTES_PER_HOUR)


def _minute(text: str) -> int:
    hour, minute = (int(part) for part in text.strip().split(":"))
    if not (0 <= hour <= _HOURS_PER_DAY and 0 <= minute < _MINUTES_PER_HOUR and hour * 60 + minute <= _HOURS_PER_DAY * 60):
        raise ValueError(text)
    return hour * _MINUTES_PER_HOUR + minute


def fee_rows(node: Node, reading: Reading) -> list[tuple[PriceRow, Node]]:
    """One entry of `fees`: what a call of a tool costs."""
    known = fields.mapping(node, reading.faults, _FEE_FIELDS, "a fee")
    name = fields.text(known.get("id"), reading.faults, "id", required=node)
    provider = provider_of(known, reading, node)
    unit = fields.text(known.get("unit"), reading.faults, "unit", required=node)
    if unit and unit not in TOOL_CLASSES:
        reading.faults.add(known.get("unit", node), f"there is no tool {unit!r}", f"Use one of {', '.join(sorted(TOOL_CLASSES))}.")
    amount = known.get("per_thousand") or known.get("each")
    if amount is None or ("per_thousand" in known and "each" in known):
        reading.faults.add(node, "a fee has either per_thousand or each", 'Add per_thousand: "10".')
    price = fields.money(amount, reading.faults, "the fee", 1000 if "per_thousand" in known else 1) if amount is not None else None
    start, end = fields.period(known, reading.faults, node)
    when = conditions(known.get("when"), reading, "when")
    units = {unit: UnitPrice(price)} if price is not None and unit in TOOL_CLASSES else {}
    models = models_of(known, reading, node) if known.keys() & {"model", "models"} else (EVERY_MODEL,)
    row = PriceRow(
        provider=provider,
        model=EVERY_MODEL,
        version=reading.version(provider, "fee", name, content=node),
        layer=reading.layer,
        start=start,
        end=end,
        units=units,
        when=when,
        source=source_of(known, reading, node, required=False),
        why=fields.text(known.get("why"), reading.faults, "why"),
        note=fields.text(known.get("note"), reading.faults, "note"),
    )
    return [(replace(row, model=model), node) for model in models]


def fallback_rows(node: Node, reading: Reading) -> list[tuple[PriceRow, Node]]:
    """One entry of `fallbacks`: which class is billed at the price of which other one, for lack of its own."""
    known = fields.mapping(node, reading.faults, ("provider", "model", "models", "use", "source", "why"), "a fallback")
    provider = provider_of(known, reading, node)
    source = source_of(known, reading, node, required=True)
    use = _fallback(known.get("use"), reading)
    why = fields.text(known.get("why"), reading.faults, "why")
    models = models_of(known, reading, node) if "model" in known or "models" in known else (EVERY_MODEL,)
    version = reading.version(provider, "fallback")
    return [(PriceRow(provider, model, version, reading.layer, fallback=use, source=source, why=why), node) for model in models]
