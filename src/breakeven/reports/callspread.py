"""How is the cost of calls spread: most of them cheap, and the few that are dear?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import msgspec

from breakeven.economics.money import atto, digits
from breakeven.economics.periods import Period
from breakeven.reports.calls import list_statement
from breakeven.reports.question import Facts, statement
from breakeven.reports.words import count, dollars
from breakeven.settings import CURRENCY

STEPS_OF_TEN = 4
"""Bars per power of ten."""
_EDGE = Context(prec=6)


class SpreadBar(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts that cost `low` or more and less than `high`, and what they cost together."""

    low: str
    high: str
    attempts: int
    cost: str


class CallSpread(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `p50`, `p90`, `p99`: what so many of a hundred attempts with a known cost cost at most; null without any."""

    period: str
    label: str
    currency: str
    query: str
    bars: Sequence[SpreadBar]
    attempts: int
    free: int
    unknown: int
    cost: str
    p50: str | None
    p90: str | None
    p99: str | None
    sentence: str
    trail: Mapping[str, Any]


def call_spread(ledger: Facts, period: Period, query: str = "") -> CallSpread:
    """The spread of the attempts that a query finds. Raises UsageError on a bad query."""
    sql, parameters = list_statement(query)
    asked = {"start": period.start, "end": period.end, **parameters}
    found = ledger.query(statement("call_spread").replace("{list}", sql), asked)
    rows = [(step, is_unknown, attempts, cost) for overall, step, is_unknown, attempts, cost, *_ in found if not overall]
    attempts, total, *quantiles = next((row[3:] for row in found if row[0]), (0, None, None, None, None))
    p50, p90, p99 = quantiles
    bars = [
        SpreadBar(low=_edge(step), high=_edge(step + 1), attempts=attempts, cost=digits(cost) or "0")
        for step, _, attempts, cost in rows
        if step is not None
    ]
    unknown = sum(attempts for _, is_unknown, attempts, _ in rows if is_unknown)
    return CallSpread(
        period=period.name,
        label=period.label,
        currency=CURRENCY,
        query=query,
        bars=sorted(bars, key=lambda bar: Decimal(bar.low)),
        attempts=attempts,
        free=attempts - unknown - sum(bar.attempts for bar in bars),
        unknown=unknown,
        cost=digits(total) or "0",
        p50=digits(p50),
        p90=digits(p90),
        p99=digits(p99),
        sentence=_sentence(period.label, attempts, unknown, (p50, p90, p99)),
        trail={"formula": {"bars": "attempts by quarters of a power of ten of their cost"}, "rows": attempts, "read_from": "lines"},
    )


def _edge(step: int) -> str:
    """10^(step / 4) to six digits."""
    return digits(_EDGE.create_decimal(_EDGE.power(Decimal(10), Decimal(step) / STEPS_OF_TEN))) or "0"


def _sentence(label: str, attempts: int, unknown: int, quantiles: tuple[Decimal | None, ...]) -> str:
    if not attempts:
        return f"No call matches in {label}."
    p50, p90, p99 = quantiles
    rest = f" The cost of {count(unknown, 'attempt')} is unknown." if unknown else ""
    if p50 is None or p90 is None or p99 is None:
        return f"{count(attempts, 'attempt')} in {label}.{rest}"
    return (
        f"Of {count(attempts, 'attempt')} in {label} half cost {dollars(atto(p50))} or less, "
        f"one in ten more than {dollars(atto(p90))}, one in a hundred more than {dollars(atto(p99))}.{rest}"
    )
