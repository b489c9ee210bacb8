"""Why did this call cost that? The receipt: lines × unit price × price version, who it is attributed to and by which source."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from breakeven.economics.money import atto, digits
from breakeven.economics.periods import month_of
from breakeven.errors import UsageError
from breakeven.ledger.closing import CORRECTION
from breakeven.reports.question import DIMENSIONS, Facts, statement
from breakeven.reports.trail import instant
from breakeven.reports.words import count, dollars, prose, signed_dollars
from breakeven.settings import CURRENCY

UNKNOWN = frozenset({"unpriced", "usage_missing"})
_CALL = (
    "call_id", "attempt", "occurred_at", "recorded_at", "calls", "provider", "api", "model_requested", "model", "pricing_context",
    "status", "http_status", "latency_ms", "state", "stated_cost", "feature", "team", "customer", "user", "workflow", "environment",
    "trace", "tags", "attribution_sources", "rung", "source", "source_ref",
)  # fmt: skip
_LINE = (
    "attempt", "line", "part", "provider", "model", "usage_class", "kind", "quantity", "unit_price", "cost", "state",
    "price_version", "cost_class", "adjustment_of", "reason", "recorded_at", "occurred_at",
)  # fmt: skip


class Attribution(msgspec.Struct, frozen=True):
    """One dimension of a call and where it came from (key, header, body, import)."""

    dimension: str
    value: str | None
    source: str | None


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One cost line: quantity × unit price of one price version = cost. An adjustment names the line it reverses or replaces."""

    line: int
    part: int | None
    provider: str | None
    model: str | None
    usage_class: str | None
    kind: str | None
    quantity: int | None
    unit_price: str | None
    cost: str | None
    state: str | None
    price_version: str | None
    cost_class: str | None
    adjustment_of: int | None
    reason: str | None
    recorded_at: str | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a vendor, with its lines. `cost` is null where nothing is known, `complete` false where it is a lower bound."""

    attempt: int
    occurred_at: str
    recorded_at: str | None
    calls: int
    provider: str | None
    api: str | None
    model_requested: str | None
    model: str | None
    context: Mapping[str, Any]
    status: str | None
    http_status: int | None
    latency_ms: int | None
    state: str | None
    rung: str | None
    stated_cost: str | None
    cost: str | None
    complete: bool
    lines: Sequence[ReceiptLine]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt of one call over all its attempts."""

    call_id: str
    currency: str
    source: str | None
    source_ref: str | None
    trace: str | None
    tags: Mapping[str, Any]
    attribution: Sequence[Attribution]
    attempts: Sequence[Attempt]
    cost: str | None
    complete: bool
    problems: Sequence[str]
    sentence: str
    trail: Mapping[str, Any]


def receipt(ledger: Facts, call: str, as_of: datetime | None = None) -> Receipt:
    """The receipt of the call with this id, or with this id at its source. Raises UsageError where there is none, or several."""
    rows = _find(ledger, call)
    first = rows[0]
    lines = _lines(ledger, first["call_id"], as_of)
    attempts = [_attempt(row, [line for line in lines if line["attempt"] == row["attempt"]]) for row in rows]
    known = [atto(attempt.cost) for attempt in attempts if attempt.cost is not None]
    complete = all(attempt.complete for attempt in attempts)
    cost = sum(known) if known else None
    sources = _object(first["attribution_sources"])
    return Receipt(
        call_id=first["call_id"],
        currency=CURRENCY,
        source=first["source"],
        source_ref=first["source_ref"],
        trace=first["trace"],
        tags=_object(first["tags"]),
        attribution=[
            Attribution(name, first[name], sources.get(name) or sources.get(DIMENSIONS[name].column))
            for name in ("feature", "team", "customer", "user", "workflow", "environment")
        ],
        attempts=attempts,
        cost=digits(cost),
        complete=complete,
        problems=_problems(attempts),
        sentence=prose(_sentence(attempts, cost, complete=complete), *_booked_later(lines)),
        trail={
            "formula": {"cost": "sum of quantity x unit_price over the lines of all attempts"},
            "rows": {"attempts": len(attempts), "cost_lines": len(lines)},
            "price_versions": sorted({line["price_version"] for line in lines if line["price_version"]}),
            "recorded_as_of": instant(as_of),
            "read_from": "lines",
        },
    )


def _find(ledger: Facts, call: str) -> list[dict[str, Any]]:
    try:
        found = _calls(ledger, "call_id = CAST($call AS UUID)", str(uuid.UUID(call)))
    except ValueError:
        found = []
    found = found or _calls(ledger, "source_ref = CAST($call AS VARCHAR)", call)
    if not found:
        raise UsageError(
            f"no call has the id {call!r}", "Take an id from `breakeven calls`, or the id that the vendor or the other tool gave."
        )
    if len({row["call_id"] for row in found}) > 1:
        raise UsageError(
            f"several calls have the id {call!r} at their sources",
            f"Name one of them: {', '.join(row['call_id'] for row in found[:5])}.",
        )
    return found


def _calls(ledger: Facts, which: str, call: str) -> list[dict[str, Any]]:
    rows = ledger.query(statement("receipt_calls").replace("{which}", which), {"call": call, "limit": 100})
    return [dict(zip(_CALL, row, strict=True)) for row in rows]


def _lines(ledger: Facts, call_id: str, as_of: datetime | None) -> list[dict[str, Any]]:
    sql = statement("receipt_lines").replace("{recorded}", "AND recorded_at <= CAST($as_of AS TIMESTAMP)" if as_of else "")
    rows = ledger.query(sql, {"call_id": call_id} | ({"as_of": as_of} if as_of else {}))
    return [dict(zip(_LINE, row, strict=True)) for row in rows]


def _attempt(row: Mapping[str, Any], lines: Sequence[dict[str, Any]]) -> Attempt:
    unknown = [
        line
        for line in lines
        if _is_open(line["line"], line["adjustment_of"], line["state"], {one["adjustment_of"] for one in lines})
    ]
    known = [atto(line["cost"]) for line in lines if line["cost"] is not None]
    free = row["state"] == "not_billed"
    return Attempt(
        **{
            name: row[name]
            for name in ("attempt", "calls", "provider", "api", "model_requested", "model", "status", "http_status", "latency_ms")
        },
        occurred_at=f"{row['occurred_at'].isoformat()}Z",
        recorded_at=instant(row["recorded_at"]),
        context=_object(row["pricing_context"]),
        state=row["state"],
        rung=row["rung"],
        stated_cost=digits(row["stated_cost"]),
        cost=digits(sum(known)) if known or free else None,
        complete=free or bool(known and not unknown),
        lines=[_line(line) for line in lines],
    )


def _line(line: Mapping[str, Any]) -> ReceiptLine:
    apart = ("attempt", "unit_price", "cost", "recorded_at", "occurred_at")
    plain = {name: value for name, value in line.items() if name not in apart}
    return ReceiptLine(
        **plain, unit_price=digits(line["unit_price"]), cost=digits(line["cost"]), recorded_at=instant(line["recorded_at"])
    )


def _is_open(line: int, adjusts: int | None, state: str | None, superseded: set[int | None]) -> bool:
    """Whether a line has an unknown cost that no later line replaced, and is not itself the reversal of one."""
    return state in UNKNOWN and adjusts is None and line not in superseded


def _object(text: str | None) -> dict[str, Any]:
    """The object that a JSON column holds; a damaged one is shown as it stands instead of hiding the receipt."""
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    return value if isinstance(value, dict) else {"unreadable": text}


def _problems(attempts: Sequence[Attempt]) -> list[str]:
    found = []
    for attempt in attempts:
        superseded = {line.adjustment_of for line in attempt.lines}
        found += [
            f"attempt {attempt.attempt}, line {line.line} ({line.usage_class or 'usage'}): {line.reason or line.state}"
            for line in attempt.lines
            if _is_open(line.line, line.adjustment_of, line.state, superseded)
        ]
        if attempt.cost is None and not attempt.lines:
            found.append(f"attempt {attempt.attempt}: no cost line; state {attempt.state}")
        if attempt.stated_cost is not None and attempt.cost is not None and atto(attempt.stated_cost) != atto(attempt.cost):
            found.append(f"attempt {attempt.attempt}: the vendor states {attempt.stated_cost}, the lines sum to {attempt.cost}")
    return found


def _booked_later(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What of a call's cost stands in the books of a later month, because its own was closed when it was corrected."""
    later: dict[str, int] = {}
    for line in lines:
        if (line["reason"] or "").endswith(CORRECTION) and line["cost"] is not None:
            month = month_of(line["occurred_at"]).label
            later[month] = later.get(month, 0) + atto(line["cost"])
    for month, cost in later.items():
        if cost:
            yield f"{signed_dollars(cost)} of it is a correction that is booked in {month}: its own month was closed."


def _sentence(attempts: Sequence[Attempt], cost: int | None, *, complete: bool) -> str:
    last = attempts[-1]
    tries = "" if len(attempts) == 1 else f" over {count(len(attempts), 'attempt')}"
    what = f"This call to {last.model or 'an unknown model'} of {last.provider or 'an unknown vendor'}"
    if cost is None:
        return f"{what} has no known cost{tries}."
    return (
        f"{what} cost {dollars(cost)}{tries}."
        if complete
        else f"{what} cost at least {dollars(cost)}{tries}: part of it has no price."
    )
