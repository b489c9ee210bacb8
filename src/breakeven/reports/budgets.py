"""Who owns each cost, what is the limit, how much of it is gone, and when will it be reached?

The spending of an account is what the gateways have counted on it, where they have; else what the ledger knows. The date on which
the limit is reached follows the daily spending of the last weeks (`economics/outlook.py`), with its band where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from breakeven.accounts.port import Books
from breakeven.economics.money import ATTO
from breakeven.economics.outlook import outlook, path
from breakeven.economics.runout import SpendPath, run_out
from breakeven.governance.budgets import (
    BASIS_POINTS,
    Budget,
    account_key,
    amount_in_words,
    exact,
    parsed_key,
    subject_in_words,
)
from breakeven.governance.spans import Rolling, in_words
from breakeven.reports.drawn import daily, drawn
from breakeven.reports.question import Facts
from breakeven.reports.words import count, percent
from breakeven.settings import Settings

HISTORY_DAYS = 120
_WEEK = 7
_MOST_FORECAST = 50
_NONE = "No limit is declared: add `budgets:` or `limits:` to breakeven.yaml, or `budget:` to a feature."


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One account of a budget. Amounts are exact digits of `measure`; `share` = spent / limit; null is unknown.

    `runs_out` is the expected date; `runs_out_earliest` and `runs_out_latest` its band. All three are null where the limit is not
    reached before the reset.
    """

    budget: str
    subject: str
    owner: str | None
    measure: str
    limit: str
    spent: str
    reserved: str
    left: str
    share: float | None
    period: str
    resets_at: str | None
    runs_out: str | None
    runs_out_earliest: str | None
    runs_out_latest: str | None
    mode: str
    enforced: bool
    next_action: str | None
    raised_by: str | None
    source: str
    declared_at: str


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """All budgets as they stand."""

    at: str
    currency: str
    rows: Sequence[BudgetRow]
    sentence: str
    trail: Mapping[str, Any]


class DeclaredRow(msgspec.Struct, frozen=True, kw_only=True):
    """One limit as it is declared."""

    budget: str
    kind: str
    words: str
    owner: str | None
    declared_at: str


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """All limits as they are declared."""

    rows: Sequence[DeclaredRow]
    sentence: str


def declared(settings: Settings) -> Declared:
    """Every budget, rate and concurrency limit in words."""
    rows = [
        DeclaredRow(budget=each.id, kind=each.kind, words=budget_words(each), owner=each.owner, declared_at=each.place)
        for each in settings.budgets
    ]
    nobody = sum(each.owner is None for each in settings.budgets)
    owned = f"; {count(nobody, 'of them has', 'of them have')} no owner" if nobody else ""
    return Declared(rows=rows, sentence=f"{count(len(rows), 'limit')} declared{owned}." if rows else _NONE)


def present(ledger: Facts, now: datetime) -> datetime:
    """Now, or the last moment of the latest day with facts where that lies in an earlier month: what a budget is asked about."""
    ((latest,),) = ledger.query("SELECT max(occurred_at) FROM calls")
    if latest is None or (latest.year, latest.month) >= (now.year, now.month):
        return now
    midnight: datetime = latest.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1, microseconds=-1)


def budgets(ledger: Facts, settings: Settings, books: Books | None, now: datetime, names: Sequence[str] = ()) -> Budgets:
    """How every account of every budget (or of those named) stands at `now`, naive UTC; the fullest first."""
    chosen = [each for each in settings.budgets if each.kind == "budget" and (not names or each.id in names)]
    rows = [row for budget in chosen for row in _rows(ledger, budget, books, now)]
    rows.sort(key=lambda row: -(row.share or 0.0))
    return Budgets(
        at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        currency="USD",
        rows=rows,
        sentence=_sentence(chosen, rows),
        trail={
            "formula": {"share": "spent / limit", "left": "limit - spent - reserved"},
            "accounts": len(rows),
            "forecast_from_days": HISTORY_DAYS,
            "forecast_accounts": _MOST_FORECAST,
        },
    )


def _rows(ledger: Facts, budget: Budget, books: Books | None, now: datetime) -> list[BudgetRow]:
    at = now.replace(tzinfo=UTC).timestamp()
    window = budget.span.window(at)
    known = {key: (sum(slices.values()), 0, "ledger") for key, slices in drawn(ledger, budget, at).items()}
    for balance in books.balances(budget.identity) if books is not None else ():
        if parsed_key(balance.key)[1] == window.name:
            spent = sum(
                amount
                for slices in (balance.slices, balance.outside)
                for number, amount in slices.items()
                if number >= window.since
            )
            known[balance.key] = (spent, sum(balance.leases.values()), "gateway")
    if not budget.per and not known:
        known[account_key(budget.identity, window.name, ())] = (0, 0, "ledger")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    paces = daily(ledger, budget, today - timedelta(days=HISTORY_DAYS), today)
    largest = sorted(known, key=lambda key: -known[key][0])
    rows = []
    for place, key in enumerate(largest):
        subject = parsed_key(key)[2]
        pace = paces.get(subject) if place < _MOST_FORECAST else None
        rows.append(_row(budget, subject, known[key], pace, now))
    return rows


def _row(
    budget: Budget, subject: tuple[str, ...], figures: tuple[int, int, str], pace: list[float] | None, now: datetime
) -> BudgetRow:
    spent, reserved, source = figures
    at = now.replace(tzinfo=UTC).timestamp()
    window, limit = budget.span.window(at), budget.raised(at)
    resets = None if window.ends is None else datetime.fromtimestamp(window.ends, UTC).replace(tzinfo=None)
    dates = _dates(budget, pace, spent, limit, resets, now)
    share = spent / limit if limit else None
    return BudgetRow(
        budget=budget.id,
        subject=subject_in_words(budget, subject),
        owner=budget.owner,
        measure=budget.measure,
        limit=exact(budget.measure, limit),
        spent=exact(budget.measure, spent),
        reserved=exact(budget.measure, reserved),
        left=exact(budget.measure, limit - spent - reserved),
        share=share,
        period=in_words(budget.span),
        resets_at=None if resets is None else f"{resets:%Y-%m-%dT%H:%M:%SZ}",
        runs_out=dates[0],
        runs_out_earliest=dates[1],
        runs_out_latest=dates[2],
        mode=budget.mode,
        enforced=budget.enforced,
        next_action=_next_action(budget, share),
        raised_by=None if limit == budget.limit else exact(budget.measure, limit - budget.limit),
        source=source,
        declared_at=budget.place,
    )


def _dates(
    budget: Budget, pace: list[float] | None, spent: int, limit: int, resets: datetime | None, now: datetime
) -> tuple[str | None, str | None, str | None]:
    """When the limit is expected to be reached, at the earliest and at the latest; nothing for windows that fade."""
    if pace is None or isinstance(budget.span, Rolling) or not any(pace):
        return None, None, None
    series = np.trim_zeros(np.array(pace), "f")
    horizon = _WEEK * 13 if resets is None else max(1, (resets - now).days + 1)
    seen = outlook(series, horizon, _WEEK)
    if seen is None:
        return None, None, None
    scale = 1 if budget.measure == "usd" else ATTO
    point, low, high = path(seen)
    banded = not np.isnan(high).any()
    edges = ([float(x) for x in low], [float(x) for x in high]) if banded else (None, None)
    found = run_out(SpendPath(now, [float(x) for x in point], *edges), spent * scale, limit * scale, resets)
    if found.already:
        today = f"{now:%Y-%m-%d}"
        return today, today, today
    texts = [None if date is None else f"{date:%Y-%m-%d}" for date in (found.expected, found.earliest, found.latest)]
    return texts[0], texts[1], texts[2]


def _next_action(budget: Budget, share: float | None) -> str | None:
    """What happens at the next threshold that is not crossed yet."""
    if share is None:
        return None
    for each in budget.thresholds:
        if share * BASIS_POINTS < each.share:
            return f"{each.action} at {each.share / 100:g}%"
    return "refuse at 100%" if budget.enforced and share < 1 else "refusing" if budget.enforced else "watched only"


def _sentence(chosen: Sequence[Budget], rows: Sequence[BudgetRow]) -> str:
    if not chosen:
        return _NONE
    if not rows:
        return f"{count(len(chosen), 'budget')}: nothing has been spent on any of them in the period that holds now."
    spent = [row for row in rows if row.share is not None and row.share >= 1]
    soon = [row for row in rows if row.runs_out is not None and row not in spent]
    first = rows[0]
    share = percent(first.share or 0, 0)
    name = first.budget if first.subject == "all" else f"{first.budget} ({first.subject})"
    said = f"{count(len(rows), 'account')} of {count(len(chosen), 'budget')}; the fullest, {name}, stands at {share}"
    over = f"; {count(len(spent), 'account')} spent" if spent else ""
    next_out = min(soon, key=lambda row: row.runs_out or "") if soon else None
    ahead = "; none else is expected to run out before it resets" if spent else "; none is expected to run out before it resets"
    if next_out is not None:
        ahead = f"; {next_out.budget} is expected to run out on {next_out.runs_out}"
    return f"{said}{over}{ahead}."


def budget_words(budget: Budget) -> str:
    """A budget in one line: `$20,000.00 a month for feature Contract extraction, strict`."""
    amount = amount_in_words(budget.measure, budget.limit)
    span = "" if budget.kind == "concurrency" else f" in {in_words(budget.span)}"
    per = f" for each {' and '.join(budget.per)}" if budget.per else ""
    scope = ", ".join(f"{name} {' or '.join(values)}" for name, values in budget.scope)
    within = f"{' of' if per else ' for'} {scope}" if scope else ""
    mode = "" if budget.kind != "budget" else f", {budget.mode}"
    return f"{amount}{span}{per}{within}{mode}{'' if budget.enforced else ', watched only'}"
