"""Do customers become dearer as they age? Customers by signup month: margin, cost per user and tokens per task, month by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import msgspec

from breakeven.economics.money import atto, digits
from breakeven.economics.periods import by_month
from breakeven.economics.pnl import Tally, per, share
from breakeven.reports.customers import paid_by_customer
from breakeven.reports.pnl import bounded
from breakeven.reports.question import Facts, Question, Remembering, ask
from breakeven.reports.reconciled import tie
from breakeven.reports.scalingwords import step_label
from breakeven.reports.tallies import sums
from breakeven.reports.trail import Shares, complement, instant, nobody, prices, shares
from breakeven.reports.words import count, dollars, percent
from breakeven.settings import CURRENCY, Settings

FORMULA: Mapping[str, str] = {
    "cohort": "month of signup; where none is recorded, of the first call",
    "age": "months from the cohort's month to the month of the cell",
    "margin": "(earned - cost) / earned; earned is revenue where any is recorded, else what value models say",
    "cost_per_user": "sum of cost / different users, counted per customer",
    "tokens_per_task": "tokens of every kind / outcomes; per call where there are no outcomes",
}
_FEWEST_MONTHS = 2


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cohort in one month. Null is unknown; `margin` may be below −1."""

    cohort: str
    month: str
    age: int
    customers: int
    users: int | None
    cost: str | None
    earned: str | None
    margin: float | None
    cost_per_user: str | None
    tokens_per_task: float | None
    unpriced_calls: int


class Cohorts(msgspec.Struct, frozen=True, kw_only=True):
    """The report: cells by cohort, then age. `earned_is`: revenue or value; `signups`: customers with a recorded signup."""

    period: str
    label: str
    currency: str
    earned_is: str | None
    signups: int
    customers: int
    rows: Sequence[Cell]
    shares: Shares
    sentence: str
    trail: Mapping[str, Any]


@dataclass(slots=True)
class _Sum:
    """What one cell is summed up from."""

    tally: Tally = field(default_factory=Tally)
    tokens: int = 0
    users: int = 0
    customers: set[str] = field(default_factory=set)
    earned: int | None = None


def cohorts(ledger: Facts, settings: Settings, question: Question) -> Cohorts:
    """The grid of cohort and age for the months of a period."""
    ledger = Remembering(ledger)
    question = bounded(ledger, replace(question, by=("customer", "month")))
    found = sums(ledger, settings, question)
    started, recorded = _started(ledger, question)
    cells, basis = _cells(ledger, question, found.rows, started)
    rows = [_cell(cohort, month, one, cells_start=cohort) for (cohort, month), one in sorted(cells.items())]
    badges = shares(found.total, nobody(ledger, question), tie(ledger, question))
    return Cohorts(
        period=question.period.name,
        label=question.period.label,
        currency=CURRENCY,
        earned_is=basis,
        signups=recorded,
        customers=len({name for one in cells.values() for name in one.customers}),
        rows=rows,
        shares=badges,
        sentence=_sentence(question.period.label, rows, basis),
        trail={
            "formula": FORMULA,
            "rows": {"calls": found.total.calls, "cost_lines": found.total.lines, "cells": len(rows)},
            "price_versions": prices(ledger, question).versions,
            "share_unpriced": complement(badges.priced),
            "share_unattributed": complement(badges.attributed),
            "recorded_as_of": instant(question.as_of),
        },
    )


def _started(ledger: Facts, question: Question) -> tuple[dict[str, str], int]:
    """The month in which each customer signed up, else first called; and how many signups are recorded."""
    first: dict[str, date] = dict(ask(ledger, "first_seen", question, (), filtered=False))
    signed = {row[0]: row[3] for row in ask(ledger, "plans", question, (), filtered=False) if row[3] is not None}
    return {name: f"{at:%Y-%m}" for name, at in {**first, **signed}.items()}, len(signed)


def _cells(
    ledger: Facts, question: Question, rows: Mapping[tuple[str | None, ...], Tally], started: Mapping[str, str]
) -> tuple[dict[tuple[str, str], _Sum], str | None]:
    cells: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    for (customer, month), tally in rows.items():
        if customer is not None and customer in started and month is not None and tally.calls:
            cell = cells[started[customer], month]
            cell.tally += tally
            cell.customers.add(customer)
    for customer, month, _calls, _unknown, tokens in ask(ledger, "calls", question, question.by):
        if customer in started and (started[customer], month) in cells:
            cells[started[customer], month].tokens += int(tokens or 0)
    for customer, month, users in ask(ledger, "scaling_users", question, question.by):
        if customer in started and (started[customer], month) in cells:
            cells[started[customer], month].users += users
    return cells, _earned(ledger, question, cells, started)


def _earned(ledger: Facts, question: Question, cells: Mapping[tuple[str, str], _Sum], started: Mapping[str, str]) -> str | None:
    """Revenue of each cell, month by month; without any, what value models say."""
    paid = [(month.name, paid_by_customer(ledger, question.over(month))) for month in by_month(question.period)]
    if any(name is not None for _, of_month in paid for name in of_month):
        for month, of_month in paid:
            for customer, amount in of_month.items():
                cell = cells.get((started.get(customer or "", ""), month))
                if cell is not None and customer in cell.customers:
                    cell.earned = (cell.earned or 0) + amount
        return "revenue"
    for cell in cells.values():
        cell.earned = cell.tally.value
    return "value" if any(cell.earned is not None for cell in cells.values()) else None


def _cell(cohort: str, month: str, one: _Sum, *, cells_start: str) -> Cell:
    tally = one.tally
    tasks = tally.outcomes or tally.calls
    keeps = None if one.earned is None or tally.cost is None else one.earned - tally.cost
    return Cell(
        cohort=cohort,
        month=month,
        age=_months(month) - _months(cells_start),
        customers=len(one.customers),
        users=one.users or None,
        cost=digits(tally.cost),
        earned=digits(one.earned),
        margin=share(keeps, one.earned),
        cost_per_user=digits(per(tally.cost, one.users)),
        tokens_per_task=one.tokens / tasks if tasks else None,
        unpriced_calls=tally.unknown_calls,
    )


def _months(name: str) -> int:
    return int(name[:4]) * 12 + int(name[5:7])


def _sentence(label: str, rows: Sequence[Cell], basis: str | None) -> str:
    """What the latest month says of the oldest and the youngest cohort, and whether tasks take more tokens as customers age."""
    if not rows:
        return f"No customer is known for any call in {label}: there are no cohorts."
    latest = max(row.month for row in rows)
    now = [row for row in rows if row.month == latest]
    number = count(len({row.cohort for row in rows}), "cohort")
    parts = [f"{label[0].upper()}{label[1:]}: {number} of customers by signup month."]
    if basis is None:
        parts.append("What they earn is unknown: no revenue is recorded and no value model counts their outcomes.")
    known = sorted((row for row in now if row.margin is not None), key=lambda row: (row.margin or 0, row.cohort))
    if known:
        worst, best = known[0], known[-1]
        said = f"In {step_label(latest)} the margin by {basis} runs from {percent(worst.margin)} ({_who(worst)})"
        parts.append(f"{said} to {percent(best.margin)} ({_who(best)})." if worst is not best else f"{said}.")
        losing = [row for row in known if (row.margin or 0) < 0]
        if losing and len(known) > 1:
            parts.append(f"{count(len(losing), 'cohort')} of {len(known)} {'loses' if len(losing) == 1 else 'lose'} money.")
    parts.append(_aging(rows))
    unknown = sum(row.unpriced_calls for row in rows)
    if unknown:
        parts.append(f"The cost of {count(unknown, 'call')} is unknown and not in these figures.")
    return " ".join(part for part in parts if part)


def _who(row: Cell) -> str:
    return f"signed up in {step_label(row.cohort)}, {count(row.customers, 'customer')}"


def _aging(rows: Sequence[Cell]) -> str:
    """Cost per user and tokens per task of the cohort seen longest, at its first and its last month."""
    seen: dict[str, list[Cell]] = defaultdict(list)
    for row in rows:
        seen[row.cohort].append(row)
    longest = max(seen.values(), key=lambda cells: (len(cells), max(cell.customers for cell in cells), cells[0].cohort))
    if len(longest) < _FEWEST_MONTHS:
        return "With one month of each nothing can be said of how they age."
    first, last = longest[0], longest[-1]
    parts = []
    if first.tokens_per_task is not None and last.tokens_per_task is not None:
        parts.append(f"tokens per task went from {first.tokens_per_task:,.0f} to {last.tokens_per_task:,.0f}")
    if first.cost_per_user is not None and last.cost_per_user is not None:
        costs = [dollars(_atto(row.cost_per_user)) for row in (first, last)]
        parts.append(f"cost per user from {costs[0]} to {costs[1]}")
    who = f"Of the cohort seen longest, {step_label(first.cohort)}"
    return f"{who}, between {step_label(first.month)} and {step_label(last.month)} {' and '.join(parts)}." if parts else ""


def _atto(text: str | None) -> int:

    return atto(text or "0")
