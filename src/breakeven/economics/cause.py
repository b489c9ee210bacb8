"""Why a bucket cost more than usual: the excess divided among drivers, exactly.

    cost of a cell (model m, usage class u) =
        calls × attempts per call × share of m × tokens per attempt of m × share of u × unit price

Log-mean Divisia (Ang 2005): effect of a driver = Σ over cells of L(c₁, c₀)·ln(x₁ / x₀), L(a, b) = (a − b) / ln(a / b). A model that
is new or gone is mix, a usage class that is new or gone is token mix; so the effects sum to the excess. `before` is the mean of the
same hours of earlier weeks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

VOLUME, RETRIES, MIX, TOKENS, CLASSES, PRICE = "volume", "retries", "model mix", "tokens per call", "token mix", "unit price"
DRIVERS = (VOLUME, RETRIES, MIX, TOKENS, CLASSES, PRICE)


@dataclass(frozen=True, slots=True)
class Use:
    """What a feature used in a span: calls, attempts by model, and quantity and cost (in units) by model and usage class."""

    calls: float = 0.0
    attempts: Mapping[str, float] = field(default_factory=dict)
    quantity: Mapping[tuple[str, str], float] = field(default_factory=dict)
    cost: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The cost of all cells."""
        return sum(self.cost.values())


def drivers(before: Use, now: Use) -> dict[str, float]:
    """What each driver adds to the cost; the parts sum to now.total − before.total."""
    effects = dict.fromkeys(DRIVERS, 0.0)
    for cell in {*before.cost, *now.cost}:
        old, new = before.cost.get(cell, 0.0), now.cost.get(cell, 0.0)
        factors = _factors(before, cell), _factors(now, cell)
        if old <= 0 or new <= 0 or factors[0] is None or factors[1] is None:
            known = before.attempts.get(cell[0], 0.0) > 0 and now.attempts.get(cell[0], 0.0) > 0
            effects[CLASSES if known else MIX] += new - old
            continue
        weight = log_mean(new, old)
        for name, was, became in zip(DRIVERS, factors[0], factors[1], strict=True):
            effects[name] += weight * log(became / was)
    return effects


def _factors(use: Use, cell: tuple[str, str]) -> tuple[float, ...] | None:
    """The six factors of a cell in the order of DRIVERS; None where one of them is nothing."""
    model, _ = cell
    attempts, of_model = sum(use.attempts.values()), use.attempts.get(model, 0.0)
    tokens = sum(quantity for (name, _), quantity in use.quantity.items() if name == model)
    own, cost = use.quantity.get(cell, 0.0), use.cost.get(cell, 0.0)
    if min(use.calls, attempts, of_model, tokens, own, cost) <= 0:
        return None
    return use.calls, attempts / use.calls, of_model / attempts, tokens / of_model, own / tokens, cost / own


def log_mean(a: float, b: float) -> float:
    """The logarithmic mean of two positive numbers."""
    return a if abs(a - b) <= 1e-12 * max(a, b) else (a - b) / log(a / b)


@dataclass(frozen=True, slots=True)
class Contributor:
    """A customer, model, workflow or version that carries the excess: its part of it, and its share of the cost before."""

    kind: str
    name: str | None
    excess: float
    share_of_excess: float
    share_before: float


CARRIES = 0.5
STANDS_OUT = 1.5


def contributors(before: Mapping[tuple[str, str | None], float], now: Mapping[tuple[str, str | None], float]) -> list[Contributor]:
    """Who carries at least half of the excess and stands out by it: half as much again as its share of the cost before.

    Keys are (kind, name). A kind of which nobody stands out is absent: then all are alike.
    """
    kinds: dict[str, list[str | None]] = defaultdict(list)
    for kind, name in {**before, **now}:
        kinds[kind].append(name)
    found = [one for kind, names in kinds.items() for one in _carrying(kind, names, before, now)]
    return sorted(found, key=lambda one: (-one.share_of_excess, one.kind))


def _carrying(
    kind: str,
    names: Sequence[str | None],
    before: Mapping[tuple[str, str | None], float],
    now: Mapping[tuple[str, str | None], float],
) -> Iterable[Contributor]:
    old = sum(before.get((kind, name), 0.0) for name in names)
    excess = sum(now.get((kind, name), 0.0) for name in names) - old
    if excess <= 0 or len(names) < 2:  # noqa: PLR2004 - one alone cannot stand out
        return
    name = max(names, key=lambda one: now.get((kind, one), 0.0) - before.get((kind, one), 0.0))
    own = now.get((kind, name), 0.0) - before.get((kind, name), 0.0)
    share_before = before.get((kind, name), 0.0) / old if old > 0 else 0.0
    if own / excess >= CARRIES and own / excess >= STANDS_OUT * share_before:
        yield Contributor(kind, name, own, own / excess, share_before)
