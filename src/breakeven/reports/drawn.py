"""What the ledger knows of the spending that a budget covers: summed in SQL, by account, for one window or by day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from breakeven.economics.money import atto
from breakeven.governance.budgets import Budget, account_key
from breakeven.governance.spans import Rolling, Window
from breakeven.reports.question import Facts

COLUMNS: Mapping[str, str] = {
    "feature": "calls.feature",
    "team": "calls.team",
    "customer": "calls.customer",
    "user": "calls.user_id",
    "environment": "calls.environment",
    "workflow": "calls.workflow",
    "provider": "calls.provider",
    "model": "coalesce(calls.model_requested, calls.model)",
    "key": "json_extract_string(calls.tags, '$.virtual_key')",
}
"""Where the ledger keeps each dimension of a limit."""
_ROLLED = frozenset(("feature", "team", "customer", "environment", "workflow", "provider"))
"""The dimensions that the daily sums of cost know under the same name."""
_TOKENS = " + ".join(f"coalesce(calls.{name}_tokens, 0)" for name in ("input", "cache_read", "cache_write", "output", "reasoning"))


def drawn(ledger: Facts, budget: Budget, at: float, besides: frozenset[str] = frozenset()) -> dict[str, dict[int, int]]:
    """What the ledger knows of spending on a budget's accounts in the window of an instant, by account and slice.

    What the workers named in `besides` have counted on the account themselves is left out.
    """
    window = budget.span.window(at)
    rows = ledger.query(_question(budget, window), _values(budget, window, besides))
    found: dict[str, dict[int, int]] = {}
    for *subject, number, amount in rows:
        if amount:
            key = account_key(budget.identity, window.name, tuple(subject))
            found.setdefault(key, {})[int(number)] = atto(amount) if budget.measure == "usd" else int(amount)
    return found


def _question(budget: Budget, window: Window) -> str:
    amount, lines = _amount(budget)
    subject = [COLUMNS[name] for name in budget.per]
    place = f"CAST(floor(epoch(calls.occurred_at) / {window.slice_seconds!r}) AS BIGINT)" if window.slice_seconds else "0"
    conditions = [
        "epoch(calls.occurred_at) >= $starts",
        *(["epoch(calls.occurred_at) < $ends"] if window.ends is not None else []),
        *_covered(budget),
        "NOT coalesce(list_has_any(string_split(json_extract_string(calls.tags, '$.budgets'), ' '), $counted), false)",
    ]
    columns = ", ".join([*(f"{each} AS subject_{at}" for at, each in enumerate(subject)), f"{place} AS slice"])
    return f"SELECT {columns}, {amount} AS amount FROM calls {lines} WHERE {' AND '.join(conditions)} GROUP BY ALL"


def _values(budget: Budget, window: Window, besides: frozenset[str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: list(wanted) for name, wanted in budget.scope}
    values["starts"] = window.since * window.slice_seconds if isinstance(budget.span, Rolling) else window.starts
    if window.ends is not None:
        values["ends"] = window.ends
    values["counted"] = [f"{budget.identity}@{worker}" for worker in sorted(besides)] or [""]
    return values


def daily(ledger: Facts, budget: Budget, since: datetime, until: datetime) -> dict[tuple[str, ...], list[float]]:
    """Spending per day and account in [since, until), both midnights, in dollars, tokens or calls: what a forecast starts from."""
    values: dict[str, Any] = {**{name: list(wanted) for name, wanted in budget.scope}, "since": since, "until": until}
    rows = ledger.query(_from_rollups(budget) if _in_rollups(budget) else _from_calls(budget), values)
    days = (until - since).days
    found: dict[tuple[str, ...], list[float]] = {}
    for *names, day, spent in rows:
        series = found.setdefault(tuple(names), [0.0] * days)
        series[(day - since.date()).days] += float(spent or 0.0)
    return found


def _in_rollups(budget: Budget) -> bool:
    """Whether the daily sums of cost know all that tells the budget's spending from other spending: then no line need be read."""
    return budget.measure == "usd" and _ROLLED.issuperset((*budget.per, *(name for name, _ in budget.scope)))


def _from_rollups(budget: Budget) -> str:
    """Without what invoices added: no call drew it, and no forecast of calls should start from it."""
    columns = ", ".join((*(f"{name} AS subject_{at}" for at, name in enumerate(budget.per)), "day"))
    conditions = [
        "day >= CAST($since AS DATE)",
        "day < CAST($until AS DATE)",
        *(f"{name} IN (SELECT unnest(${name}))" for name, _ in budget.scope),
        *(f"{name} IS NOT NULL" for name in budget.per),
        "coalesce(kind, '') NOT LIKE 'invoice:%'",
    ]
    return f"SELECT {columns}, sum(cost) AS amount FROM rollup_costs WHERE {' AND '.join(conditions)} GROUP BY ALL"


def _from_calls(budget: Budget) -> str:
    amount, lines = _amount(budget)
    subject = [COLUMNS[name] for name in budget.per]
    columns = ", ".join([*(f"{each} AS subject_{at}" for at, each in enumerate(subject)), "CAST(calls.occurred_at AS DATE) AS day"])
    conditions = ["calls.occurred_at >= $since", "calls.occurred_at < $until", *_covered(budget)]
    return f"SELECT {columns}, {amount} AS amount FROM calls {lines} WHERE {' AND '.join(conditions)} GROUP BY ALL"


def _amount(budget: Budget) -> tuple[str, str]:
    """What is summed, and what has to be joined for it."""
    amount = {"usd": "sum(lines.cost)", "tokens": f"sum({_TOKENS})", "calls": "sum(calls.call_count)"}[budget.measure]
    return amount, "JOIN cost_lines AS lines USING (call_id, attempt)" if budget.measure == "usd" else ""


def _covered(budget: Budget) -> list[str]:
    """The conditions under which a call draws on the budget."""
    return [
        *(f"{COLUMNS[name]} IN (SELECT unnest(${name}))" for name, _ in budget.scope),
        *(f"{COLUMNS[name]} IS NOT NULL" for name in budget.per),
        "calls.status <> 'refused'",
        *(["calls.attempt = 0"] if budget.measure == "calls" else []),
    ]
