"""What would mend a customer or user who costs more than it pays: a price, a limit, or a cheaper rung.

    price floor  = cost / (1 − wanted margin)          limit = calls · paid · (1 − wanted margin) / cost
    rung         = Σ over features and rungs of min(cost, calls × the feature's cost per call on its cheapest rung)

The first two are arithmetic; the third is a bound: whether the cheapest rung answers well enough is the audit's question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import floor


@dataclass(frozen=True, slots=True)
class Use:
    """Calls and known cost (atto-units) of one subject on one feature and rung, and a call's cost on a cheaper rung, if known."""

    calls: int
    cost: int
    cheapest: Fraction | None


@dataclass(frozen=True, slots=True)
class Mending:
    """The price that covers the cost, how many calls the present price covers, and the cost on the cheapest rungs."""

    price: int
    calls: int | None
    on_cheapest_rungs: int
    rung_is_enough: bool


def mending(paid: int, cost: int, calls: int, uses: Iterable[Use], margin: Fraction = Fraction(0)) -> Mending:
    """What would mend a subject that pays `paid` and costs `cost`, at a wanted margin from 0 up to (not including) 1."""
    allowed = max(Fraction(paid), Fraction(0)) * (1 - margin)
    lowest = sum(
        (min(Fraction(use.cost), use.calls * use.cheapest if use.cheapest is not None else use.cost) for use in uses), Fraction(0)
    )
    return Mending(
        price=-floor(-(cost / (1 - margin))),
        calls=floor(calls * allowed / cost) if cost > 0 else None,
        on_cheapest_rungs=round(lowest),
        rung_is_enough=lowest <= allowed,
    )
