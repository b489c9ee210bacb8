"""Which calls a page of the list can hold: found from few columns first, so that only those are read whole.

Sorted by time, tokens or latency, a page is the head of a sort over what calls themselves say; by time, of a few days. Sorted by
cost it would take the sums of all lines. But an attempt that costs T has a line that costs at least T · mᵢ / Σm, where mᵢ is the
most that any line of its number i costs: otherwise its lines would sum to less than T. So the dearest lines alone give a page
whose last attempt costs T, and the true page is among the calls with such a line (the idea of the threshold algorithm of Fagin,
Lotem and Naor 2003). Where the dearest lines do not fill a page, because the query is about few calls or calls without cost, all
calls that it finds are summed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from breakeven.economics.money import atto, digits
from breakeven.economics.periods import Period
from breakeven.reports.callquery import Conditions
from breakeven.reports.question import Facts, statement

TOKENS = (
    "input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)"
    " + coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0)"
)
"""All tokens of an attempt; unknown where its input is."""
_LINES_PER_ROW, _FEWEST_LINES = 20, 2_000
"""How many of the dearest lines are looked at for a row of a page, and at least."""
_RECENT_DAYS = (1, 7)
_DAY = timedelta(days=1)


class Sorted(NamedTuple):
    """How a page is sorted: by cost or not, in which order, and the condition that a row comes after the page before."""

    by_cost: bool
    order: str
    after: str


def spans(ledger: Facts, period: Period, before: datetime) -> tuple[datetime, ...]:
    """From where on to look for the latest calls up to `before`: the last day, the last week, and all of the period."""
    latest = ledger.query(statement("latest_day"))[0][0]
    if latest is None:
        return (period.start,)
    end = min(before, period.end, datetime.combine(latest + _DAY, time.min))
    recent = [end - days * _DAY for days in _RECENT_DAYS]
    return (*(start for start in recent if start > period.start), period.start)


def among(ledger: Facts, found: Conditions, page: Sorted, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A condition on calls that holds for every call of the page, with its parameters; empty where all calls must be looked at."""
    if found.on_figures:
        return "", {}
    if not page.by_cost:
        return f" AND call_id IN ({_filled('call_keys', found, page)})", {}
    floors, parameters = _floors(ledger, found, page, asked)
    if not floors:
        return "", {}
    return f" AND call_id IN ({_dearest(found, page, 'call_id', floors)})", parameters


def _floors(ledger: Facts, found: Conditions, page: Sorted, asked: Mapping[str, Any]) -> tuple[str, dict[str, str | int]]:
    """Which lines an attempt of the page has at least one of: by line number, those from a floor on."""
    many = max(_FEWEST_LINES, _LINES_PER_ROW * asked["limit"])
    first = _dearest(found, page, "cost", "ORDER BY cost DESC LIMIT CAST($many AS BIGINT)")
    costs = ledger.query(first, {**asked, "many": many})
    if len(costs) < asked["limit"]:
        return "", {}
    last = atto(costs[-1][0])
    sql = statement("call_line_maxima").replace("{line_conditions}", all_of(found.on_dimensions))
    maxima = [(line, atto(cost)) for line, cost in ledger.query(sql, {name: asked[name] for name in asked if f"${name}" in sql})]
    total = sum(cost for _, cost in maxima)
    parameters: dict[str, str | int] = {}
    for at, (line, cost) in enumerate(maxima):
        parameters |= {f"line_{at}": line, f"floor_{at}": digits(last * cost // total) or "0"}
    each = (f"(line = CAST($line_{at} AS INTEGER) AND cost >= CAST($floor_{at} AS DECIMAL(38,18)))" for at in range(len(maxima)))
    return f"AND ({' OR '.join(each)})", parameters


def _dearest(found: Conditions, page: Sorted, shown: str, dearest: str) -> str:
    sql = _filled("call_dearest", found, page)
    return sql.replace("{line_conditions}", all_of(found.on_dimensions)).replace("{dearest}", dearest).replace("{shown}", shown)


def _filled(name: str, found: Conditions, page: Sorted) -> str:
    return (
        statement(name)
        .replace("{tokens}", TOKENS)
        .replace("{call_conditions}", all_of(found.on_calls))
        .replace("{after}", all_of([page.after] if page.after else []))
        .replace("{order}", page.order)
    )


def all_of(conditions: Sequence[str]) -> str:
    """Conditions as they follow another one in SQL."""
    return "".join(f" AND {one}" for one in conditions)
