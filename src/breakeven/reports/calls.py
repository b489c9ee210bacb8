"""Which calls are dear? A filtered, sorted list of attempts in pages, each with its cost."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from breakeven.economics.money import atto, digits
from breakeven.economics.periods import Period
from breakeven.errors import UsageError
from breakeven.reports.callpage import TOKENS, Sorted, all_of, among, spans
from breakeven.reports.callquery import Conditions, conditions
from breakeven.reports.question import Facts, statement
from breakeven.reports.words import count, dollars
from breakeven.settings import CURRENCY

SORTS = {"cost": "cost", "time": "occurred_at", "tokens": "tokens", "latency": "latency_ms"}
LARGEST_PAGE = 10_000
COLUMNS = (
    "call_id", "attempt", "occurred_at", "calls", "provider", "api", "model", "model_requested", "status", "http_status", "state",
    "latency_ms", "feature", "team", "customer", "user", "workflow", "environment", "rung", "trace", "input_tokens",
    "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "tokens", "cost", "unknown_lines",
)  # fmt: skip
_TYPES = {"cost": "DECIMAL(38,18)", "time": "TIMESTAMP", "tokens": "HUGEINT", "latency": "BIGINT"}


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. `cost` is null where nothing of it is known; `partly_unpriced` where it is a lower bound."""

    call_id: str
    attempt: int
    occurred_at: str
    calls: int
    provider: str | None
    api: str | None
    model: str | None
    model_requested: str | None
    status: str | None
    http_status: int | None
    state: str | None
    feature: str | None
    team: str | None
    customer: str | None
    user: str | None
    workflow: str | None
    environment: str | None
    rung: str | None
    trace: str | None
    input_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    tokens: int | None
    latency_ms: int | None
    cost: str | None
    partly_unpriced: bool


class CallList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of attempts; `next` is what `--after` takes for the following page, null on the last."""

    period: str
    currency: str
    query: str
    sort: str
    rows: Sequence[CallRow]
    next: str | None
    sentence: str
    trail: dict[str, object]


@dataclass(frozen=True, slots=True)
class Page:
    """Which page: largest first by `sort`, `limit` rows, after the cursor of the page before."""

    sort: str = "cost"
    limit: int = 50
    after: str | None = None


def calls(ledger: Facts, period: Period, query: str = "", page: Page = Page()) -> CallList:
    """One page of the attempts that a query finds. Raises UsageError on a bad query, sort, limit or cursor."""
    if page.sort not in SORTS:
        raise UsageError(f"cannot sort by {page.sort!r}", f"Sort by one of: {', '.join(SORTS)}.")
    if not 1 <= page.limit <= LARGEST_PAGE:
        raise UsageError(f"--limit is {page.limit}", f"Ask for 1 to {LARGEST_PAGE:,} rows.")
    rows = _page(ledger, period, query, page)
    shown = [_row(row) for row in rows[: page.limit]]
    more = len(rows) > page.limit
    return CallList(
        period=period.name,
        currency=CURRENCY,
        query=query,
        sort=page.sort,
        rows=shown,
        next=_cursor(shown[-1], page.sort) if more else None,
        sentence=_sentence(shown, period, page.sort, more=more),
        trail={"formula": {"cost": "sum of the known cost lines of the attempt"}, "rows": len(shown), "read_from": "lines"},
    )


def list_statement(query: str) -> tuple[str, dict[str, str]]:
    """All attempts that a query finds, as a subquery with its parameters. Raises UsageError on a bad query."""
    found = conditions(query)
    return _filled(found, "", found.on_figures).partition("ORDER BY {order}")[0], found.parameters


def _page(ledger: Facts, period: Period, query: str, page: Page) -> list[tuple[Any, ...]]:
    """The rows of a page, and one more where another page follows."""
    found = conditions(query)
    column = SORTS[page.sort]
    after, parameters = _after(page, column)
    order = f"{column} DESC NULLS LAST, call_id DESC, attempt DESC"
    asked = {"start": period.start, "end": period.end, "limit": page.limit + 1, **found.parameters, **parameters}
    if page.sort == "time":
        before = datetime.fromisoformat(str(parameters["after_value"])) if after else period.end
        starts = spans(ledger, period, before)
    else:
        starts = (period.start,)
    rows: list[tuple[Any, ...]] = []
    for start in starts:
        asked["start"] = start
        likely, more = among(ledger, found, Sorted(page.sort == "cost", order, after), asked)
        sql = _filled(found, likely, [*found.on_figures, *([after] if after else [])]).replace("{order}", order)
        rows = ledger.query(sql, {**asked, **more})
        if len(rows) > page.limit:
            break
    return rows


def _filled(found: Conditions, likely: str, late: Sequence[str]) -> str:
    return (
        statement("call_list")
        .replace("{tokens}", TOKENS)
        .replace("{call_conditions}", all_of(found.on_calls))
        .replace("{among}", likely)
        .replace("{cost_conditions}", all_of(late))
    )


def _after(page: Page, column: str) -> tuple[str, dict[str, object]]:
    """The condition that a row comes after the cursor `value,call_id,attempt` in the order."""
    if page.after is None:
        return "", {}
    parts = page.after.split(",")
    try:
        value, call, attempt = parts
        parameters: dict[str, object] = {"after_call": str(uuid.UUID(call)), "after_attempt": int(attempt)}
        if value != "-":
            _check(page.sort, value)
    except ValueError:
        raise UsageError(f"--after {page.after!r} is not a cursor", "Take it from `next` of the page before, unchanged.") from None
    tie = "(call_id, attempt) < (CAST($after_call AS UUID), CAST($after_attempt AS SMALLINT))"
    if value == "-":
        return f"({column} IS NULL AND {tie})", parameters
    wanted = f"CAST($after_value AS {_TYPES[page.sort]})"
    return f"({column} < {wanted} OR {column} IS NULL OR ({column} = {wanted} AND {tie}))", {**parameters, "after_value": value}


def _check(sort: str, value: str) -> None:
    """Raises ValueError where `value` is not of the kind that is sorted by."""
    if sort == "time":
        datetime.fromisoformat(value)
    else:
        atto(value)


def _cursor(row: CallRow, sort: str) -> str:
    value = {"cost": row.cost, "time": row.occurred_at.rstrip("Z"), "tokens": row.tokens, "latency": row.latency_ms}[sort]
    return f"{'-' if value is None else value},{row.call_id},{row.attempt}"


def _row(row: tuple[Any, ...]) -> CallRow:
    values = dict(zip(COLUMNS, row, strict=True))
    cost, unknown = values.pop("cost"), values.pop("unknown_lines")
    values |= {"call_id": str(values["call_id"]), "occurred_at": f"{values['occurred_at'].isoformat()}Z"}
    return CallRow(**values, cost=digits(cost), partly_unpriced=unknown > 0)


def _sentence(rows: Sequence[CallRow], period: Period, sort: str, *, more: bool) -> str:
    if not rows:
        return f"No call matches in {period.label}."
    known = [Decimal(row.cost) for row in rows if row.cost is not None]
    unknown = len(rows) - len(known)
    cost = f"cost {dollars(atto(sum(known, Decimal(0))))}" if known else f"{'has' if len(rows) == 1 else 'have'} no known cost"
    rest = f"; the cost of {count(unknown, 'attempt')} is unknown" if unknown and known else ""
    which = f"The first {count(len(rows), 'attempt')} by {sort}" if more else f"{count(len(rows), 'attempt')}"
    return f"{which} in {period.label} {cost}{rest}."
