"""What is known of one feature's uptake, and its estimates as digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from math import isfinite

from breakeven.economics.money import digits
from breakeven.economics.pnl import Tally, per
from breakeven.economics.ppml import Panel
from breakeven.economics.scaling import Bounds, Level, Response, marginal_at
from breakeven.reports.scalingrows import Money, Span

_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)
_MOST = 1e15
"""An edge beyond this is a band without end."""
_PLACES = 9
"""Decimal places of an estimate."""


@dataclass(frozen=True, slots=True)
class Known:
    """One feature's history, and how its cost and value answer its adoption (None: nothing can be said)."""

    feature: str
    measure: str
    steps: Sequence[Tally]
    customers: Sequence[str]
    panel: Panel
    cost: Response | None
    value: Response | None
    level: Level | None

    def adoption(self, step: int) -> int:
        """Outcomes or calls of one step."""
        return int(getattr(self.steps[step], self.measure) or 0)


def estimate(value: float) -> str | None:
    """An estimated amount as digits, to a billionth; null where it has no end."""
    if not isfinite(value) or abs(value) > _MOST:
        return None
    return digits(Decimal(value).quantize(Decimal(1).scaleb(-_PLACES), context=_EXACT))


def money_of(bounds: Bounds) -> Money | None:
    """An estimated amount with its interval; null where an edge has no end."""
    edges = [estimate(value) for value in (bounds.estimate, bounds.low, bounds.high)]
    known = [edge for edge in edges if edge is not None]
    return Money(*known) if len(known) == len(edges) else None


def span_of(bounds: Bounds | None) -> Span | None:
    """An estimated number with its interval."""
    return None if bounds is None else Span(bounds.estimate, bounds.low, bounds.high)


def scaled(bounds: Bounds | None, adoption: int) -> Span | None:
    """Multiples of today's adoption as adoption."""
    if bounds is None:
        return None
    return Span(*(round(edge * adoption, 1) for edge in (bounds.estimate, bounds.low, min(bounds.high, 1e12))))


def marginal(total: float, adoption: float, answer: Response) -> Money | None:
    """What one more unit adds to cost or value."""
    return money_of(marginal_at(total, adoption, answer))


def incremental(one: Known, at: int) -> str | None:
    """Change of cost over change of adoption since the step before; null where adoption did not grow."""
    if at < 1:
        return None
    before, now = one.steps[at - 1].cost, one.steps[at].cost
    more = one.adoption(at) - one.adoption(at - 1)
    return None if before is None or now is None or more <= 0 else digits(per(now - before, more))
