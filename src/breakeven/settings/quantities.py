"""Durations, sizes, whole numbers and switches of the configuration. Every duration becomes seconds, every size bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from breakeven.yamlfields import Fields, Problems
from breakeven.yamlfile import Node

_UNITS: Mapping[str, Decimal] = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86_400),
}
_SIZES: Mapping[str, int] = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|d)\Z")
_SIZE = re.compile(r"([0-9]{1,15})\s*([kmg]?b)?\Z", re.IGNORECASE)
_LONGEST = Decimal(30 * 86_400)
_LARGEST = 1024**4


def inner(fields: Fields, name: str, known: tuple[str, ...], problems: Problems) -> Fields:
    """The fields of a mapping inside another one; an absent mapping has no fields."""
    node = fields.get(name)
    found = node if node is not None else Node(None, fields.node.file, fields.node.line)
    return Fields(found, f"{fields.what}: {name}", known, problems)


def whole(fields: Fields, name: str, default: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    number = fields.number(name, low=str(low), high=str(high))
    if number is None:
        return default
    if number != number.to_integral_value():
        fields.fault(name, f"{name} is {number}", "Write a whole number.")
        return default
    return int(number)


def seconds(fields: Fields, name: str, default: float) -> float:
    """A duration with its unit (`250ms`, `5s`, `15m`, `1h`), above zero and at most 30 days, in seconds."""
    text = fields.text(name)
    if text is None:
        return default
    found = _DURATION.match(text)
    length = Decimal(found[1]) * _UNITS[found[2]] if found is not None else Decimal(0)
    if not 0 < length <= _LONGEST:
        fields.fault(name, f"{name} is {text[:40]!r}", "Write a number above 0 with its unit, at most 30 days: 250ms, 5s, 15m, 1h.")
        return default
    return float(length)


def size(fields: Fields, name: str, default: int) -> int:
    """A size (`32MB`, `64 KB`, `4096`), above zero and at most 1024 GB, in bytes; one KB is 1024 bytes."""
    text = fields.text(name)
    if text is None:
        return default
    found = _SIZE.match(text)
    count = int(found[1]) * _SIZES[(found[2] or "").lower()] if found is not None else 0
    if not 0 < count <= _LARGEST:
        fields.fault(
            name, f"{name} is {text[:40]!r}", "Write a whole number above 0, with KB, MB or GB if that is meant, at most 1024GB."
        )
        return default
    return count


def flag(fields: Fields, name: str, *, default: bool) -> bool:
    """A truth value: true or false, and no other word for them."""
    node = fields.get(name)
    if node is None or node.value is None:
        return default
    if not isinstance(node.value, bool):
        fields.fault(name, f"{name} is {node.kind} instead of true or false", "Write true or false.")
        return default
    return node.value
