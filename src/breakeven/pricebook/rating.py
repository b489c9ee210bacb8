"""Rating: quantity × unit price, exact, one line per priced component. Pure: the same inputs give the same lines for ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from breakeven.errors import Problem


@dataclass(frozen=True, slots=True)
class PricingKey:
    """Everything that a price depends on, except the quantities. `at` is naive UTC; `context` is sorted by name."""

    provider: str
    model: str
    at: datetime
    context: tuple[tuple[str, str], ...] = ()
    total_input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One price of one usage class: `list`, or an `uplift:<id>` or `discount:<id>` beside it. `unit_price` is atto-dollars."""

    usage_class: str
    kind: str
    unit_price: int
    price_version: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """What each usage class of one model costs at one instant in one context. A class that is not in `lines` has no price."""

    model: str
    lines: Mapping[str, tuple[QuoteLine, ...]] = field(default_factory=dict)
    version: str = ""
    problem: Problem | None = None


class RatedLine(NamedTuple):
    """One cost line. `cost` is atto-dollars, None where the class has no price: unpriced is not free."""

    usage_class: str
    kind: str
    quantity: int
    unit_price: int | None
    cost: int | None
    state: str
    price_version: str
    reason: str
    part: int = 0


def rate(quote: Quote, usage: Mapping[str, int], part: int = 0) -> tuple[RatedLine, ...]:
    """The cost lines of one model iteration's usage: cost = quantity × unit price, unrounded."""
    rated: list[RatedLine] = []
    lines = quote.lines
    for usage_class, quantity in usage.items():
        priced = lines.get(usage_class)
        if priced is None:
            rated.append(_unpriced(quote, usage_class, quantity, part))
            continue
        for line in priced:
            price = line.unit_price
            cost = quantity * price
            rated.append(RatedLine(usage_class, line.kind, quantity, price, cost, "metered", line.price_version, line.note, part))
    return tuple(rated)


def _unpriced(quote: Quote, usage_class: str, quantity: int, part: int) -> RatedLine:
    reason = quote.problem.what if quote.problem else f"{quote.model} has no price for {usage_class}"
    return RatedLine(usage_class, "list", quantity, None, None, "unpriced", quote.version, reason, part)


def total(lines: Iterable[RatedLine]) -> int | None:
    """The cost of all lines in atto-dollars, or None as soon as one of them is unknown."""
    known = 0
    for line in lines:
        if line.cost is None:
            return None
        known += line.cost
    return known
