"""What did this piece of work cost, step by step, and what of it bought nothing? All calls of one trace in order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from breakeven.economics.money import digits
from breakeven.errors import UsageError
from breakeven.reports.question import Facts, statement, whole
from breakeven.reports.words import count, dollars
from breakeven.settings import CURRENCY


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. `cumulative`: known cost up to and including it; `bought_nothing`: its answer was not used."""

    call_id: str
    attempt: int
    occurred_at: str
    offset_ms: int
    latency_ms: int | None
    provider: str | None
    model: str | None
    status: str | None
    state: str | None
    feature: str | None
    customer: str | None
    rung: str | None
    tokens: int | None
    cost: str | None
    cumulative: str
    bought_nothing: bool


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All steps of one trace. `wasted` is the known cost of steps that bought nothing."""

    trace: str
    currency: str
    rows: Sequence[Step]
    cost: str | None
    wasted: str
    unpriced_steps: int
    sentence: str
    trail: Mapping[str, Any]


def trace(ledger: Facts, trace_id: str) -> Trace:
    """The steps of a trace. Raises UsageError where no call belongs to it."""
    rows = ledger.query(statement("trace"), {"trace_id": trace_id})
    if not rows:
        raise UsageError(f"no call belongs to the trace {trace_id!r}", "Take a trace from `breakeven calls --json`, field `trace`.")
    steps: list[Step] = []
    known = wasted = 0
    for row in rows:
        cost = None if row[12] is None else whole(row[12])
        known += cost or 0
        step = _step(row, cost, known, start=rows[0][2])
        wasted += (cost or 0) if step.bought_nothing else 0
        steps.append(step)
    unpriced = sum(step.cost is None for step in steps)
    total = None if unpriced == len(steps) else known
    return Trace(
        trace=trace_id,
        currency=CURRENCY,
        rows=steps,
        cost=digits(total),
        wasted=digits(wasted) or "0",
        unpriced_steps=unpriced,
        sentence=_sentence(steps, total, wasted, unpriced),
        trail={
            "formula": {
                "cumulative": "running sum of known cost",
                "wasted": "cost of attempts that failed, were refused, cut off or retried",
            },
            "rows": len(steps),
            "read_from": "lines",
        },
    )


def _step(row: tuple[Any, ...], cost: int | None, cumulative: int, start: Any) -> Step:  # noqa: ANN401 - a timestamp as the engine returns it
    call, attempt, at, latency, provider, model, status, state, feature, customer, rung, tokens, _cost, last = row
    return Step(
        call_id=call,
        attempt=attempt,
        occurred_at=f"{at.isoformat()}Z",
        offset_ms=int((at - start).total_seconds() * 1000),
        latency_ms=latency,
        provider=provider,
        model=model,
        status=status,
        state=state,
        feature=feature,
        customer=customer,
        rung=rung,
        tokens=tokens,
        cost=digits(cost),
        cumulative=digits(cumulative) or "0",
        bought_nothing=attempt < last or status not in (None, "ok"),
    )


def _sentence(steps: Sequence[Step], total: int | None, wasted: int, unpriced: int) -> str:
    what = f"{count(len(steps), 'attempt')} of {count(len({step.call_id for step in steps}), 'call')}"
    if total is None:
        return f"{what}; none has a known cost."
    rest = f"; the cost of {count(unpriced, 'attempt')} is unknown" if unpriced else ""
    waste = f"; {dollars(wasted)} of {dollars(total)} bought nothing" if wasted else "; nothing was spent on failed attempts"
    return f"{what} cost {dollars(total)}{waste}{rest}."
