"""Reading the fields of a price file: each reader returns the value, or notes a problem with file and line and returns None."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from breakeven.economics.money import atto
from breakeven.errors import Problem
from breakeven.pricebook.catalogue import parse_instant
from breakeven.yamlfile import Node

_MOST_DIGITS = 60
_LARGEST_FACTOR = 1000


@dataclass(slots=True)
class Faults:
    """The problems found so far."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, node: Node, what: str, remedy: str) -> None:
        """Note a fault in one value."""
        self.problems.append(node.problem(what, remedy))


def mapping(node: Node, faults: Faults, allowed: Collection[str], what: str) -> Mapping[str, Node]:
    """The fields of a mapping; unknown ones are faults, so that a misspelt key is never ignored."""
    fields = node.mapping
    if fields is None:
        faults.add(node, f"{what} is {node.kind}, not a mapping", f"Write it with the fields {', '.join(allowed)}.")
        return {}
    for name, value in fields.items():
        if name not in allowed:
            faults.add(value, f"{what} has no field {name!r}", f"Use one of {', '.join(allowed)}.")
    return fields


def items(node: Node | None, faults: Faults, what: str) -> Sequence[Node]:
    """The entries of a list; a missing list is empty."""
    if node is None:
        return ()
    if node.sequence is None:
        faults.add(node, f"{what} is {node.kind}, not a list", "Write each entry on a line that begins with '-'.")
        return ()
    return node.sequence


def text(node: Node | None, faults: Faults, what: str, *, required: Node | None = None) -> str:
    """A word or sentence; "" where it is missing, which is a fault if `required` names the place that needs it."""
    if node is None:
        if required is not None:
            faults.add(required, f"{what} is missing", f"Add {what}.")
        return ""
    if isinstance(node.value, str) and node.value.strip():
        return node.value
    if isinstance(node.value, int | Decimal) and not isinstance(node.value, bool):
        return str(node.value)
    faults.add(node, f"{what} is {node.kind}, not text", "Write it as text.")
    return ""


def words(node: Node | None, faults: Faults, what: str) -> tuple[str, ...]:
    """One word or a list of words."""
    if node is None:
        return ()
    if node.sequence is None:
        word = text(node, faults, what)
        return (word,) if word else ()
    return tuple(word for item in node.sequence if (word := text(item, faults, what)))


def money(node: Node, faults: Faults, what: str, per: int) -> int | None:
    """Atto-dollars per single unit of an amount quoted as text for `per` units.

    A bare number is refused: YAML tools turn it into a binary float. So is what is not finite, negative, or needs more than
    18 decimal places per unit.
    """
    amount = _decimal(node, faults, what)
    if amount is None:
        return None
    if amount < 0:
        faults.add(node, f"{what} is negative", "A price is never negative; write a discount under adjustments.")
        return None
    exact = Fraction(amount) * 10**18 / per
    if exact.denominator != 1:
        faults.add(node, f"{what} {amount} needs more than 18 decimal places per single unit", "Write fewer digits.")
        return None
    try:
        atto(Decimal(amount))
    except ValueError:
        faults.add(node, f"{what} {amount} is too large", "Check the unit: prices are in US dollars per million tokens.")
        return None
    return int(exact)


def factor(node: Node | None, faults: Faults, what: str, *, required: Node | None = None) -> Fraction | None:
    """A multiplier as quoted text, at least 0 and at most 1000."""
    if node is None:
        if required is not None:
            faults.add(required, f"{what} is missing", f'Add {what} as quoted text, for example "1.1".')
        return None
    value = _decimal(node, faults, what)
    if value is None:
        return None
    if not 0 <= value <= _LARGEST_FACTOR:
        faults.add(node, f"{what} {value} is not between 0 and {_LARGEST_FACTOR}", "Write the factor on the list price.")
        return None
    return Fraction(value)


def _decimal(node: Node, faults: Faults, what: str) -> Decimal | None:
    value = node.value
    if not isinstance(value, str) or not node.quoted:
        faults.add(node, f"{what} is {node.kind}, not quoted text", f'Write it in quotes, for example "{_example(node)}".')
        return None
    try:
        number = Decimal(value) if len(value) <= _MOST_DIGITS else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or (number and not -_MOST_DIGITS < number.adjusted() < _MOST_DIGITS):
        faults.add(node, f"{what} {value[:_MOST_DIGITS]!r} is not a decimal number", 'Write digits, for example "2.50".')
        return None
    return number


def _example(node: Node) -> str:
    return str(node.value) if isinstance(node.value, int | Decimal) and not isinstance(node.value, bool) else "2.50"


def instant(node: Node | None, faults: Faults, what: str) -> datetime | None:
    """Naive UTC of an instant with its zone; None where it is missing."""
    if node is None:
        return None
    try:
        return parse_instant(str(node.value))
    except ValueError:
        faults.add(node, f"{what} {node.value!r} is not an instant with a zone", "Write it like 2026-06-01T00:00:00Z.")
        return None


def day(node: Node, faults: Faults, what: str) -> date | None:
    """A calendar date."""
    try:
        return date.fromisoformat(str(node.value))
    except ValueError:
        faults.add(node, f"{what} {node.value!r} is not a date", "Write it like 2026-10-01.")
        return None


def period(fields: Mapping[str, Node], faults: Faults, where: Node) -> tuple[datetime | None, datetime | None]:
    """The half-open period [`from`, `to`); either end may be open."""
    start, end = instant(fields.get("from"), faults, "from"), instant(fields.get("to"), faults, "to")
    if start is not None and end is not None and end <= start:
        faults.add(fields.get("to", where), "the period ends before it begins", "Correct from or to; to is exclusive.")
    return start, end


def facts(node: Node | None, faults: Faults, what: str) -> dict[str, tuple[str, ...]]:
    """Named conditions, each one value or a list of values."""
    if node is None:
        return {}
    if node.mapping is None:
        faults.add(node, f"{what} is {node.kind}, not a mapping", "Write it like {service_tier: flex}.")
        return {}
    return {name: words(value, faults, f"{what} {name}") for name, value in node.mapping.items()}
