"""What moved the cost of a task, month by month: price, tokens and mix as chained indices of a feature's own metered lines.

A cell is one usage class (input, cached input, output, reasoning, ...) of one tier in one month: what it cost, and how many units.

    price of a tier    Δ ln P = Σ over classes ½ (s₀ + s₁) · ln(p₁ / p₀)        s: share of the tier's cost, p: cost / quantity
    tokens per task    Δ ln G = Σ over tiers ½ (w₀ + w₁) · Δ ln(c / P) + Δ ln(calls / tasks)        c: cost per call of the tier
    mix                Δ ln X = Δ ln(cost / tasks) − Σ over tiers ½ (w₀ + w₁) · Δ ln P − Δ ln G     w: share of the feature's cost

(Törnqvist; shares over what both months have.) The price is what was *paid* for a class of tokens on that tier, discounts included,
whichever model served it: a tier that moves to the next, dearer model has become dearer. Tokens are weighted by what they cost, so
that a shift from input to reasoning counts. The three and nothing else make up the change of the cost of a task.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Cell:
    """One usage class of one tier in a month."""

    tier: str
    usage_class: str
    cost: float
    quantity: float


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a feature: its cells, calls per tier, and tasks (outcomes; calls where there are no outcomes)."""

    cells: Sequence[Cell]
    calls: Mapping[str, float]
    tasks: float

    @property
    def tiers(self) -> dict[str, float]:
        """Cost by tier."""
        found: dict[str, float] = defaultdict(float)
        for cell in self.cells:
            found[cell.tier] += cell.cost
        return dict(found)


@dataclass(frozen=True, slots=True)
class Indices:
    """Levels by month, the first one 1; NaN for months of which nothing can be said."""

    prices: Mapping[str, Sequence[float]]
    price: Sequence[float]
    tokens: Sequence[float]
    mix: Sequence[float]


def indices(months: Sequence[Month]) -> Indices:
    """The chained indices of consecutive months, oldest first."""
    names = dict.fromkeys(tier for month in months for tier in month.tiers)
    steps = [_step(before, after) for before, after in pairwise(months)]
    return Indices(
        prices={tier: _chained(one.prices.get(tier, math.nan) for one in steps) for tier in names},
        price=_chained(one.price for one in steps),
        tokens=_chained(one.tokens for one in steps),
        mix=_chained(one.mix for one in steps),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """Changes of ln from one month to the next."""

    prices: Mapping[str, float]
    price: float
    tokens: float
    mix: float


_NOTHING = _Step({}, math.nan, math.nan, math.nan)


def _step(before: Month, after: Month) -> _Step:
    old, new = before.tiers, after.tiers
    prices = {tier: change for tier in old if tier in new and (change := price_change(tier, before, after)) is not None}
    both = [tier for tier in prices if min(before.calls.get(tier, 0), after.calls.get(tier, 0), old[tier], new[tier]) > 0]
    if not both or min(before.tasks, after.tasks) <= 0:
        return _Step(prices, math.nan, math.nan, math.nan) if prices else _NOTHING
    weights = _weights([old[tier] for tier in both], [new[tier] for tier in both])
    price = math.fsum(weight * prices[tier] for weight, tier in zip(weights, both, strict=True))
    per_call = [math.log(new[tier] / after.calls[tier] / (old[tier] / before.calls[tier])) - prices[tier] for tier in both]
    calls = math.log(sum(after.calls.values()) / after.tasks / (sum(before.calls.values()) / before.tasks))
    tokens = math.fsum(weight * change for weight, change in zip(weights, per_call, strict=True)) + calls
    unit = math.log(sum(new.values()) / after.tasks / (sum(old.values()) / before.tasks))
    return _Step(prices, price, tokens, unit - price - tokens)


def price_change(tier: str, before: Month, after: Month) -> float | None:
    """Δ ln of the price paid on a tier; None where no class was bought in both months."""
    old, new = (_classes(month, tier) for month in (before, after))
    both = [name for name in old if name in new]
    if not both:
        return None
    weights = _weights([old[name].cost for name in both], [new[name].cost for name in both])
    return math.fsum(weight * math.log(_price(new[name]) / _price(old[name])) for weight, name in zip(weights, both, strict=True))


def _classes(month: Month, tier: str) -> dict[str, Cell]:
    return {cell.usage_class: cell for cell in month.cells if cell.tier == tier and cell.cost > 0 and cell.quantity > 0}


def _price(cell: Cell) -> float:
    return cell.cost / cell.quantity


def _weights(old: Sequence[float], new: Sequence[float]) -> list[float]:
    """Mean shares of both months."""
    whole_old, whole_new = math.fsum(old), math.fsum(new)
    return [(a / whole_old + b / whole_new) / 2 for a, b in zip(old, new, strict=True)]


def _chained(changes: Iterable[float]) -> tuple[float, ...]:
    """Levels from changes of ln. After a month of which nothing is known the chain begins anew, at 1."""
    levels = [1.0]
    for change in changes:
        if math.isnan(change):
            levels[-1] = math.nan
            levels.append(1.0)
        else:
            levels.append(levels[-1] * math.exp(change))
    return tuple(levels)
