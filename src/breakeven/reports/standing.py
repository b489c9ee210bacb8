"""How the accounts of the declared budgets stand now, as alerts ask for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from breakeven.accounts import open_books
from breakeven.accounts.port import Balance
from breakeven.governance.alerts import BudgetStatus
from breakeven.governance.budgets import Budget, parsed_key, subject_in_words
from breakeven.governance.spans import Rolling, Window
from breakeven.settings import Settings


def budget_statuses(settings: Settings, ledger: Path, at: datetime) -> list[BudgetStatus]:
    """Every account of every budget in the window that holds at `at` (naive UTC); rate and concurrency limits are none.

    Raises Unreachable where the accounts cannot be read.
    """
    budgets = [each for each in settings.budgets if each.kind == "budget"]
    if not budgets:
        return []
    seconds = at.replace(tzinfo=UTC).timestamp()
    books = open_books(settings.gateway.accounts, ledger, os.environ)
    try:
        return [
            _status(budget, balance, window, seconds)
            for budget in budgets
            for window in (budget.span.window(seconds),)
            for balance in books.balances(budget.identity)
            if parsed_key(balance.key)[1] == window.name
        ]
    finally:
        books.close()


def _status(budget: Budget, balance: Balance, window: Window, at: float) -> BudgetStatus:
    values = parsed_key(balance.key)[2]
    periodic = window.ends is not None and not isinstance(budget.span, Rolling)
    return BudgetStatus(
        budget=budget.id,
        subject=subject_in_words(budget, values),
        measure=budget.measure,
        limit=budget.raised(at),
        spent=_within(balance.slices, window) + _within(balance.outside, window),
        reserved=sum(balance.leases.values()),
        owner=budget.owner,
        starts=_instant(window.starts) if periodic else None,
        resets_at=_instant(window.ends) if periodic and window.ends is not None else None,
        thresholds=tuple(each.share for each in budget.thresholds),
        per=tuple(zip(budget.per, values, strict=True)),
        scope=budget.scope,
        place=budget.place,
    )


def _within(slices: Mapping[int, int], window: Window) -> int:
    """What of an account's slices counts in the window."""
    return sum(amount for number, amount in slices.items() if number >= window.since)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
