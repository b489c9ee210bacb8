"""Typed fields out of one mapping of a YAML file, with every fault collected and none hiding another.

A field is asked for by name and type; a fault becomes a `Problem` with file and line and the field's neutral value is returned,
so that reading goes on. Names that nobody asks for are refused with the nearest known name.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from breakeven.economics.money import atto
from breakeven.errors import Problem
from breakeven.yamlfile import Node

Choice = TypeVar("Choice", bound=str)


@dataclass(slots=True)
class Problems:
    """The faults found so far, in the order of the file's reading."""

    found: list[Problem] = field(default_factory=list)

    def add(self, node: Node, what: str, remedy: str) -> None:
        """Record a fault in `node`."""
        self.found.append(node.problem(what, remedy))


class Fields:
    """The fields of one mapping, here called `what` in messages (`feature support`, `fixed cost gpu`)."""

    def __init__(self, node: Node, what: str, known: Sequence[str], problems: Problems) -> None:
        self.node = node
        self.what = what
        self._problems = problems
        self._fields = node.mapping or {}
        if node.mapping is None and node.value is not None:
            problems.add(
                node, f"{what} is {node.kind} instead of a mapping", f"Write `name: value` lines; known names: {', '.join(known)}."
            )
        for name, value in self._fields.items():
            if name not in known:
                problems.add(value, f"{what} has an unknown field {name!r}", suggestion(name, known))

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def get(self, name: str) -> Node | None:
        """The node of a field, or None where the field is absent."""
        return self._fields.get(name)

    def fault(self, name: str, what: str, remedy: str) -> None:
        """Record a fault in field `name` (or in the mapping, where it is absent)."""
        self._problems.add(self._fields.get(name, self.node), f"{self.what}: {what}", remedy)

    def text(self, name: str, *, required: bool = False) -> str | None:
        """A text field; numbers are taken as written."""
        node = self._present(name, required=required)
        if node is None:
            return None
        if isinstance(node.value, bool) or not isinstance(node.value, str | int | Decimal) or not str(node.value).strip():
            self.fault(name, f"{name} is {node.kind} instead of text", "Write a word, in quotes if it has special characters.")
            return None
        return str(node.value).strip()

    def choice(self, name: str, allowed: Sequence[Choice], default: Choice) -> Choice:
        """A text field that is one of `allowed`."""
        text = self.text(name)
        found = next((one for one in allowed if one == text), None)
        if text is not None and found is None:
            self.fault(name, f"{name} is {text!r}", suggestion(text, allowed))
        return default if found is None else found

    def number(self, name: str, *, low: str = "0", high: str | None = None, required: bool = False) -> Decimal | None:
        """An exact number within bounds (both included)."""
        node = self._present(name, required=required)
        if node is None:
            return None
        value = _decimal(node)
        bounds = f"at least {low}" if high is None else f"from {low} to {high}"
        if value is None or value < Decimal(low) or (high is not None and value > Decimal(high)):
            self.fault(name, f"{name} is {node.value!s} ({node.kind})", f"Write a number {bounds}.")
            return None
        return value

    def money(self, name: str, *, required: bool = False) -> int | None:
        """A non-negative amount in atto-units."""
        value = self.number(name, required=required)
        try:
            return None if value is None else atto(value)
        except ValueError as error:
            self.fault(name, f"{name}: {error}", "Write an amount with at most 18 decimal places.")
            return None

    def instant(self, name: str, *, required: bool = False) -> datetime | None:
        """A date (midnight UTC) or an instant with its zone, as naive UTC."""
        node = self._present(name, required=required)
        if node is None:
            return None
        try:
            value = datetime.fromisoformat(str(node.value).strip())
        except ValueError:
            value = None
        if value is None or (value.tzinfo is None and len(str(node.value).strip()) > len("2026-10-01")):
            self.fault(
                name, f"{name} is {node.value!s}", "Write a date (2026-10-01) or an instant with its zone (2026-10-01T09:00:00Z)."
            )
            return None
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value

    def words(self, name: str) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        node = self._fields.get(name)
        if node is None or node.value is None:
            return ()
        items = node.sequence if node.sequence is not None else (node,)
        for item in items:
            if not isinstance(item.value, str | int):
                self._problems.add(item, f"{self.what}: {name} contains {item.kind} instead of text", "Write a list of words.")
        return tuple(str(item.value) for item in items if isinstance(item.value, str | int))

    def weights(self, name: str) -> dict[str, int]:
        """A mapping of names to non-negative weights, as whole numbers in one common unit."""
        node = self._fields.get(name)
        if node is None:
            return {}
        if node.mapping is None:
            self.fault(name, f"{name} is {node.kind} instead of a mapping", "Write `feature: weight` lines.")
            return {}
        inner = Fields(node, f"{self.what}: {name}", tuple(node.mapping), self._problems)
        return {feature: inner.money(feature, required=True) or 0 for feature in node.mapping}

    def _present(self, name: str, *, required: bool) -> Node | None:
        node = self._fields.get(name)
        if node is not None and node.value is not None:
            return node
        if required:
            self.fault(name, f"{name} is missing", f"Add `{name}: ...`.")
        return None


def suggestion(name: str, known: Sequence[str]) -> str:
    """The remedy for an unknown name: the nearest known one, or all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}? Known: {', '.join(known)}." if near else f"Known: {', '.join(known)}."


def entries(node: Node | None, what: str, problems: Problems) -> Mapping[str, Node]:
    """The named entries of a section; an absent or empty section has none."""
    if node is None or node.value is None:
        return {}
    if node.mapping is None:
        problems.add(node, f"{what} is {node.kind} instead of a mapping", "Write `name:` lines with fields below each.")
        return {}
    return node.mapping


def items(node: Node | None, what: str, problems: Problems) -> tuple[Node, ...]:
    """The items of a list section; an absent or empty section has none, and a single mapping is a list of one."""
    if node is None or node.value is None:
        return ()
    if node.sequence is not None:
        return node.sequence
    if node.mapping is None:
        problems.add(node, f"{what} is {node.kind} instead of a list", "Write a list: each entry begins with `- `.")
        return ()
    return (node,)


def _decimal(node: Node) -> Decimal | None:
    if isinstance(node.value, bool):
        return None
    if isinstance(node.value, int | Decimal):
        return Decimal(node.value)
    try:
        value = Decimal(node.value) if isinstance(node.value, str) else None
    except ArithmeticError:
        return None
    return value if value is not None and value.is_finite() else None
