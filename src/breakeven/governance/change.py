"""What a change of prompts, models or prices does to the cost of recorded traffic.

The traffic stays as it was recorded; what did not change keeps its recorded cost. One after the other, each priced on what the
steps before it left:

    prices   Σ quantity × (unit price after − unit price before), of the models that price files change
    model    Σ quantity × unit price of the new model − cost so far: the same tokens, although another tokenizer counts others
    prompt   Σ requests × Δcharacters × tokens per character × unit price, over the input classes as they were recorded

so that the steps sum to the change exactly. A unit price that nobody knows makes the step unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Context = tuple[tuple[str, str], ...]
UnitPrices = Mapping[str, int]
"""Atto-dollars per single unit by usage class, discounts and uplifts included."""
StepKind = Literal["prices", "model", "prompt"]
TEXT_INPUT = ("input", "cache_read", "cache_write_5m", "cache_write_30m", "cache_write_1h", "cache_write_12h")
CHARACTERS_PER_TOKEN = 4
"""The fallback where no metered call tells characters and tokens of a model: 26% low for Anthropic, 10% high for others."""


class Group(NamedTuple):
    """Calls that one price holds for.

    `input_tokens` is a size of request in their long-context band; `requested` is the model that callers asked for, where that is
    another one than served them.
    """

    provider: str
    model: str
    context: Context = ()
    input_tokens: int = 0
    requested: str = ""


class Cell(NamedTuple):
    """The recorded quantity of one usage class, and what it cost; None: its cost is not known."""

    group: Group
    usage_class: str
    quantity: int
    cost: int | None


class Replacement(NamedTuple):
    """The model that takes over, and where it is served."""

    provider: str
    model: str


class Ratio(NamedTuple):
    """Tokens per character of a model: learned from metered calls, or the stated fallback."""

    tokens: int = 1
    characters: int = CHARACTERS_PER_TOKEN
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """One feature's recorded traffic of a month: quantities by class, and requests billed by group (retries are requests too)."""

    cells: Sequence[Cell] = ()
    requests: Mapping[Group, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prices:
    """Unit prices before and after the change; None where nobody knows a price of that model."""

    before: Callable[[Group], UnitPrices | None]
    after: Callable[[Group], UnitPrices | None]


@dataclass(frozen=True, slots=True)
class Step:
    """What one part of the change does to the monthly cost, in atto-dollars; None: unknown, because `model` has no price."""

    kind: StepKind
    cost: int | None
    model: str = ""


def steps(
    traffic: Traffic,
    prices: Prices,
    moves: Mapping[Group, Replacement],
    characters: int,
    ratio: Callable[[str, str], Ratio],
) -> list[Step]:
    """The steps of a change on recorded traffic.

    `moves` maps groups to what replaces their model; `characters` is by how much the prompts grew; `ratio` tells tokens per
    character of a provider's model.
    """
    found: list[Step] = []
    for group, cells in _grouped(traffic.cells).items():
        target = moves.get(group)
        after = _moved(group, target)
        if target is None:
            found.append(_repriced(group, cells, prices))
        else:
            found.append(_replaced(cells, after, prices.after(after)))
        if characters:
            found.append(_prompted(traffic.requests.get(group, 0), cells, after, prices.after(after), characters, ratio))
    return _summed(found)


def _grouped(cells: Sequence[Cell]) -> dict[Group, list[Cell]]:
    groups: dict[Group, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell)
    return groups


def _moved(group: Group, target: Replacement | None) -> Group:
    """The same requests on another model. A served tier or a batch is the vendor's: it does not follow to another vendor."""
    if target is None:
        return group
    context = group.context if target.provider == group.provider else ()
    return Group(target.provider, target.model, context, group.input_tokens)


def _repriced(group: Group, cells: Sequence[Cell], prices: Prices) -> Step:
    before, after = prices.before(group), prices.after(group)
    if before == after:
        return Step("prices", 0)
    if after is None or before is None:
        return Step("prices", None, group.model)
    known = [(cell.quantity, price_of(before, cell.usage_class), price_of(after, cell.usage_class)) for cell in cells]
    if any((old is None) != (new is None) for _, old, new in known):
        return Step("prices", None, group.model)
    return Step("prices", sum(quantity * ((new or 0) - (old or 0)) for quantity, old, new in known))


def _replaced(cells: Sequence[Cell], after: Group, prices: UnitPrices | None) -> Step:
    cost = 0
    for cell in cells:
        price = None if prices is None else price_of(prices, cell.usage_class)
        if price is None:
            return Step("model", None, after.model)
        cost += cell.quantity * price - (cell.cost or 0)
    return Step("model", cost)


def _prompted(
    requests: int,
    cells: Sequence[Cell],
    after: Group,
    prices: UnitPrices | None,
    characters: int,
    ratio: Callable[[str, str], Ratio],
) -> Step:
    if prices is None:
        return Step("prompt", None, after.model)
    rule = ratio(after.provider, after.model)
    tokens = nearest(requests * characters * rule.tokens, rule.characters)
    mix = {cell.usage_class: cell.quantity for cell in cells if cell.usage_class in TEXT_INPUT and cell.quantity > 0}
    if not mix:
        mix = {"input": 1}
    whole, cost = sum(mix.values()), 0
    for usage_class, quantity in mix.items():
        price = price_of(prices, usage_class)
        if price is None:
            return Step("prompt", None, after.model)
        cost += nearest(tokens * quantity * price, whole)
    return Step("prompt", cost)


def price_of(prices: UnitPrices, usage_class: str) -> int | None:
    """The unit price of a class: where there is none, cached input costs what input does, and reasoning what output does."""
    if usage_class in prices:
        return prices[usage_class]
    if usage_class in TEXT_INPUT:
        return prices.get("input")
    return prices.get("output") if usage_class == "reasoning" else None


def nearest(amount: int, divisor: int) -> int:
    """`amount` / `divisor` to the nearest whole number, half-even, of any sign."""
    quotient, rest = divmod(amount, divisor)
    return quotient + (1 if 2 * rest > divisor or (2 * rest == divisor and quotient % 2) else 0)


def _summed(found: Sequence[Step]) -> list[Step]:
    """One step of each kind that does something; a kind with an unknown part is unknown."""
    summed: list[Step] = []
    kinds: tuple[StepKind, ...] = ("prices", "model", "prompt")
    for kind in kinds:
        parts = [step for step in found if step.kind == kind]
        unknown = [step.model for step in parts if step.cost is None]
        cost = sum(step.cost or 0 for step in parts)
        if unknown or cost:
            summed.append(Step(kind, None if unknown else cost, ", ".join(sorted(set(unknown)))))
    return summed


def assumed(calls: int, tokens: Mapping[str, int], prices: UnitPrices | None) -> int | None:
    """The monthly cost of declared traffic: calls × Σ tokens per call × unit price; None without a price."""
    if prices is None:
        return None
    found = [(quantity, price_of(prices, name)) for name, quantity in tokens.items() if quantity]
    return None if any(price is None for _, price in found) else calls * sum(quantity * (price or 0) for quantity, price in found)


def successors(before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """Which model takes over from each one that is no longer named.

    What now stands at its place in the list does; past the end of a shorter list the last does. A list that is empty on either side
    says nothing about models.
    """
    if not before or not after:
        return {}
    return {name: after[min(at, len(after) - 1)] for at, name in enumerate(before) if name not in after}
