"""The branches of a bridge: leaves with their parts, summed into bars at any level of the tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from breakeven.economics.bridge import Bar, Leaf
from breakeven.economics.money import digits
from breakeven.reports.bridgefacts import LEVELS


class Part(msgspec.Struct, frozen=True):
    """What one driver adds. `entry` is new or ended for an item of its own, which `item` names."""

    driver: str
    entry: str | None
    item: str | None
    change: str


class ThemeBar(msgspec.Struct, frozen=True):
    """One bar: drivers that belong together. `change` null is unknown. `detail` says in business words what moved."""

    name: str
    change: str | None
    detail: str | None
    drivers: Sequence[Part]


class Node(msgspec.Struct, frozen=True):
    """One branch of the tree: its bars sum to its change, and those of its children to its own."""

    level: str
    name: str | None
    label: str
    before: str
    after: str
    change: str
    bars: Sequence[ThemeBar]
    children: Sequence[Node]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One part of one branch, for CSV: the sum over the rows of one depth is the change."""

    depth: int
    path: str
    bar: str
    driver: str
    entry: str | None
    item: str | None
    change: str


class Piece(NamedTuple):
    """One leaf with its parts, by bar and item."""

    leaf: Leaf
    sign: int
    parts: Mapping[tuple[str, Bar, str | None], int]

    def amount(self, side: int) -> int:
        """What it adds to the amount before (0) or after (1)."""
        return self.sign * (self.leaf.after if side else self.leaf.before)


def rows_of(bars: Sequence[ThemeBar], tree: Sequence[Node]) -> list[Row]:
    """The parts of every branch, the whole at depth 0."""
    found = _rows("", 0, bars)
    stack: list[tuple[str, int, Node]] = [("", 1, node) for node in reversed(tree)]
    while stack:
        above, depth, node = stack.pop()
        path = f"{above} > {node.label}" if above else node.label
        found.extend(_rows(path, depth, node.bars))
        stack.extend((path, depth + 1, child) for child in reversed(node.children))
    return found


def _rows(path: str, depth: int, bars: Sequence[ThemeBar]) -> list[Row]:
    return [
        Row(depth=depth, path=path, bar=bar.name, driver=part.driver, entry=part.entry, item=part.item, change=part.change)
        for bar in bars
        for part in bar.drivers
    ]


def bars_of(pieces: Sequence[Piece]) -> list[ThemeBar]:
    """Bars by size, each with its drivers by size."""
    found: dict[str, dict[tuple[Bar, str | None], int]] = {}
    for piece in pieces:
        for (theme, bar, item), part in piece.parts.items():
            into = found.setdefault(theme, defaultdict(int))
            into[bar, item] += part
    bars = []
    for theme, drivers in found.items():
        ordered = sorted(((key, part) for key, part in drivers.items() if part), key=lambda one: (-abs(one[1]), repr(one[0])))
        total = sum(part for _, part in ordered)
        if ordered:
            shown = [Part(bar.driver, bar.entry or None, item, digits(part) or "0") for (bar, item), part in ordered]
            bars.append((total, ThemeBar(theme, digits(total), None, shown)))
    return [bar for _, bar in sorted(bars, key=lambda one: (-abs(one[0]), one[1].name))]


def tree_of(pieces: Sequence[Piece], levels: Sequence[str]) -> list[Node]:
    """The branches of the first level, largest change first; those that are nothing in both periods are left out."""
    if not levels:
        return []
    at = LEVELS.index(levels[0])
    branches: dict[str | None, list[Piece]] = {}
    for piece in pieces:
        branches.setdefault(piece.leaf.path[at], []).append(piece)
    sides = {name: tuple(sum(piece.amount(side) for piece in own) for side in (0, 1)) for name, own in branches.items()}
    ordered = sorted(
        (name for name in branches if any(sides[name]) or any(piece.parts for piece in branches[name])),
        key=lambda name: (-abs(sides[name][1] - sides[name][0]), name or ""),
    )
    return [
        Node(
            level=levels[0],
            name=name,
            label=name if name is not None else _NAMELESS[levels[0]],
            before=digits(sides[name][0]) or "0",
            after=digits(sides[name][1]) or "0",
            change=digits(sides[name][1] - sides[name][0]) or "0",
            bars=bars_of(branches[name]),
            children=tree_of(branches[name], levels[1:]),
        )
        for name in ordered
    ]


_NAMELESS = {name: f"no {name}" for name in LEVELS} | {"feature": "Unattributed", "class": "whole call"}
