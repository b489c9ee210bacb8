"""Finding the points: the conditional logit of one field, fitted to examples with a penalty on every point given.

The penalty (ridge, lambda/2 times the sum of squares) keeps rules modest that rest on few examples; without it a rule seen once
would be believed. Evidence seen in one example only gets no rule at all. The loss is convex, so the points do not depend on where
the search begins.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PENALTY = 0.7
LEAST_POINTS, DIGITS = 0.01, 3
"""Rules of fewer points are left out: they decide nothing, and every rule kept is one more to read."""
STEPS, MEMORY, HALVINGS = 60, 8, 20
FLAT, TINY, ENOUGH = 1e-4, 1e-6, 1e-4
FEWEST_EXAMPLES = 2
"""Evidence found in fewer examples than this gets no rule."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of one example, each with its evidence, and which one is right."""

    evidence: Mapping[str, Iterable[str]]
    right: str


@dataclass(frozen=True, slots=True)
class Table:
    """All candidates of all examples as one sparse table: `item[k]` is evidence of candidate `row[k]`."""

    names: tuple[str, ...]
    row: Integers
    item: Integers
    first: Integers
    """The first candidate of each example."""
    example: Integers
    """The example of each candidate."""
    right: Integers
    """The right candidate of each example."""
    keys: tuple[str, ...]


def tabulate(examples: Sequence[Candidates]) -> Table:
    """The table of the examples; each right answer must be among its candidates."""
    found = Counter(item for one in examples for item in dict.fromkeys(item for items in one.evidence.values() for item in items))
    names = tuple(item for item, count in found.items() if count >= FEWEST_EXAMPLES)
    number = {item: position for position, item in enumerate(names)}
    row: list[int] = []
    item: list[int] = []
    first: list[int] = []
    example: list[int] = []
    right: list[int] = []
    keys: list[str] = []
    for index, one in enumerate(examples):
        first.append(len(keys))
        for key, items in one.evidence.items():
            if key == one.right:
                right.append(len(keys))
            known = [number[name] for name in items if name in number]
            row.extend([len(keys)] * len(known))
            item.extend(known)
            example.append(index)
            keys.append(key)
    return Table(names, _integers(row), _integers(item), _integers(first), _integers(example), _integers(right), tuple(keys))


def _integers(values: Iterable[int]) -> Integers:
    return np.fromiter(values, np.int64)


def fit(
    table: Table, start: Mapping[str, float] | None = None, *, without: Integers | None = None, penalty: float = PENALTY
) -> dict[str, float]:
    """The points of every evidence, from all examples but those named in `without`."""
    if not table.names or not table.first.size:
        return {}
    weight = np.ones(table.first.size)
    if without is not None:
        weight[without] = 0.0
    begin = np.array([(start or {}).get(name, 0.0) for name in table.names])
    found = lowest(lambda points: _loss(points, table, weight, penalty), begin)
    return {
        name: round(float(points), DIGITS) for name, points in zip(table.names, found, strict=True) if abs(points) >= LEAST_POINTS
    }


def lowest(loss: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    """The lowest point of a convex loss by limited-memory quasi-Newton steps (Liu & Nocedal 1989), each halved until it gains.

    Written here because scipy's own search spends four fifths of its time waiting for threads on vectors as short as these.
    """
    here, (value, slope) = start, loss(start)
    past: deque[tuple[Floats, Floats]] = deque(maxlen=MEMORY)
    for _ in range(STEPS):
        if float(np.abs(slope).max()) < FLAT:
            break
        step = -_uphill(slope, past)
        gain = float(slope @ step)
        size = 1.0 if past else min(1.0, 1.0 / float(np.abs(slope).sum()))
        for _ in range(HALVINGS):
            there = here + size * step
            new_value, new_slope = loss(there)
            if new_value <= value + ENOUGH * size * gain:
                break
            size /= 2
        else:
            break
        past.append((there - here, new_slope - slope))
        if past[-1][0] @ past[-1][1] <= 0:
            past.pop()
        settled = value - new_value < TINY * abs(value)
        here, value, slope = there, new_value, new_slope
        if settled:
            break
    return here


def _uphill(slope: Floats, past: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The slope seen through the curvature of the last steps (two-loop recursion)."""
    direction = slope.copy()
    kept: list[float] = []
    for moved, turned in reversed(past):
        kept.append(float(moved @ direction) / float(moved @ turned))
        direction -= kept[-1] * turned
    if past:
        moved, turned = past[-1]
        direction *= float(moved @ turned) / float(turned @ turned)
    for (moved, turned), part in zip(past, reversed(kept), strict=True):
        direction += moved * (part - float(turned @ direction) / float(moved @ turned))
    return direction


def _loss(points: Floats, table: Table, weight: Floats, penalty: float) -> tuple[float, Floats]:
    """The surprise at the right answers plus the penalty, and its slope."""
    scores = np.bincount(table.row, points[table.item], len(table.example))
    highest = np.maximum.reduceat(scores, table.first)
    raised = np.exp(scores - highest[table.example])
    whole = np.add.reduceat(raised, table.first)
    share = raised / whole[table.example]
    loss = -float(weight @ (scores[table.right] - highest - np.log(whole))) + penalty / 2 * float(points @ points)
    pull = share * weight[table.example]
    pull[table.right] -= weight
    slope = np.bincount(table.item, pull[table.row], len(points)) + penalty * points
    return loss, slope
