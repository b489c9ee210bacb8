"""What the ledger knows of a feature's uptake: a panel of customers by month, week or day, its users, and what served them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from breakeven.economics.drivers import Group, Served, Split, Uptake
from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period, month_of
from breakeven.economics.pnl import Tally, total
from breakeven.economics.ppml import Panel
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.tallies import sums
from breakeven.settings import Settings

Step = Literal["month", "week", "day"]
STEPS: tuple[Step, ...] = ("month", "week", "day")
MOST: Mapping[Step, int] = {"month": 24, "week": 26, "day": 56}
"""So many steps of the past tell how cost answers adoption."""
FEWEST = 4
"""With fewer steps than these, the next finer one is taken."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Uptakes:
    """The history of some features. `cells`: tally by feature, customer (None: nobody is known) and number of the step."""

    question: Question
    step: Step
    steps: tuple[Period, ...]
    cells: Mapping[tuple[str | None, str | None, int], Tally]

    @property
    def features(self) -> list[str]:
        """Every feature with usage, dearest first."""
        cost: dict[str, int] = defaultdict(int)
        for (feature, _, _), tally in self.cells.items():
            if feature is not None:
                cost[feature] += tally.cost or 0
        return sorted(cost, key=lambda name: (-cost[name], name))

    def by_step(self, feature: str) -> list[Tally]:
        """The feature's whole in each step, customers unknown included."""
        parts: dict[int, list[Tally]] = defaultdict(list)
        for (name, _, step), tally in self.cells.items():
            if name == feature:
                parts[step].append(tally)
        return [total(parts[number]) for number in range(len(self.steps))]


def uptakes(ledger: Facts, settings: Settings, question: Question, step: Step | None) -> Uptakes | None:
    """The history up to the end of the period asked about; None where there are no facts before it."""
    first, last = ask(ledger, "bounds", question, (), filtered=False)[0]
    if first is None:
        return None
    known = Period("known", datetime(first.year, first.month, first.day), _after(last))  # noqa: DTZ001 - facts are UTC without zone
    end = min(question.period.end, known.end) if question.period.unbounded else question.period.end
    if end <= known.start:
        return None
    chosen = step or _fitting(known.start, end)
    steps = _steps(chosen, known.start, end)
    span = replace(
        question, period=Period("history", steps[0].start, steps[-1].end), by=("feature", "customer", chosen), versus=None
    )
    numbers = {_name(chosen, one.start): number for number, one in enumerate(steps)}
    found = sums(ledger, settings, span)
    cells: dict[tuple[str | None, str | None, int], Tally] = {}
    for (feature, customer, name), tally in found.rows.items():
        if name is not None and name in numbers:
            cells[feature, customer, numbers[name]] = tally
    return Uptakes(span, chosen, tuple(steps), cells)


def _after(last: Any) -> datetime:  # noqa: ANN401 - a date as DuckDB gives it
    return datetime(last.year, last.month, last.day) + _DAY  # noqa: DTZ001 - facts are UTC without zone


def _fitting(start: datetime, end: datetime) -> Step:
    """The coarsest step of which there are enough."""
    return next((step for step in STEPS if len(_steps(step, start, end)) >= FEWEST), "day")


def _steps(step: Step, start: datetime, end: datetime) -> list[Period]:
    """The last steps that lie before `end`, none before `start`, oldest first; the last one may be cut short by `end`."""
    found: list[Period] = []
    at = _beginning(step, end - _DAY)
    while len(found) < MOST[step]:
        closing = min(_following(step, at), end)
        found.append(Period(_name(step, at), at, closing))
        if at <= start:
            break
        at = _beginning(step, at - _DAY)
    return found[::-1]


def _beginning(step: Step, at: datetime) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if step == "month" else day - day.weekday() * _DAY if step == "week" else day


def _following(step: Step, at: datetime) -> datetime:
    return month_of(at).end if step == "month" else at + (7 * _DAY if step == "week" else _DAY)


def _name(step: Step, at: datetime) -> str:
    return f"{at:%Y-%m}" if step == "month" else f"{at:%G-W%V}" if step == "week" else f"{at:%Y-%m-%d}"


def customers_of(known: Uptakes, feature: str) -> list[str]:
    """Every customer that uses the feature."""
    return sorted({customer for name, customer, _ in known.cells if name == feature and customer is not None})


def panel_of(
    known: Uptakes, feature: str, customers: Sequence[str], amount: str, adoption: Mapping[tuple[str, int], float]
) -> Panel:
    """Cost or value (`amount`: a field of the tally) of customers in steps, beside their adoption; unknown amounts are left out."""
    number = {customer: at for at, customer in enumerate(customers)}
    rows = [
        (getattr(tally, amount) / ATTO, adoption[customer, step], number[customer], step)
        for (name, customer, step), tally in known.cells.items()
        if name == feature and customer is not None and getattr(tally, amount) is not None and adoption.get((customer, step), 0) > 0
    ]
    rows.sort(key=lambda row: row[2:])
    floats = np.array([row[:2] for row in rows], dtype=np.float64).reshape(-1, 2)
    numbers = np.array([row[2:] for row in rows], dtype=np.int64).reshape(-1, 2)
    return Panel(floats[:, 0], floats[:, 1], numbers[:, 0], numbers[:, 1])


def adoption_of(known: Uptakes, feature: str, measure: str) -> dict[tuple[str, int], float]:
    """Outcomes or calls of each customer in each step."""
    return {
        (customer, step): float(getattr(tally, measure) or 0)
        for (name, customer, step), tally in known.cells.items()
        if name == feature and customer is not None
    }


def users_of(ledger: Facts, known: Uptakes) -> dict[tuple[str, int], float]:
    """Different users of each customer in each step; the question must be about one feature."""
    numbers = {one.name: number for number, one in enumerate(known.steps)}
    rows = ask(ledger, "scaling_users", known.question, ("customer", known.step))
    return {(customer, numbers[name]): float(users) for customer, name, users in rows if customer is not None and name in numbers}


def uptake(ledger: Facts, known: Uptakes, step: Period) -> Uptake:
    """What served the feature in one step, and how many different users it had."""
    question = known.question.over(step)
    users = ask(ledger, "scaling_users", question, ())
    spent = {(model, rung): whole(cost) for model, rung, cost in ask(ledger, "scaling_spent", question, ())}
    served = {
        (model, rung): Served(float(calls), float(tokens), spent.get((model, rung), 0) / ATTO)
        for model, rung, calls, tokens in ask(ledger, "scaling_served", question, ())
    }
    for key in spent.keys() - served.keys():
        served[key] = Served(0.0, 0.0, spent[key] / ATTO)
    return Uptake(float(users[0][0]) if users and users[0][0] else None, served)


def split(ledger: Facts, known: Uptakes, before: Period, now: Period, *, by_user: bool) -> Split:
    """Cost of users, or else customers, who came, left and stayed between two neighbouring steps."""
    question = known.question.over(Period("two steps", before.start, now.end))
    rows = ask(ledger, "scaling_split", question, (), middle=now.start, by_user=by_user)
    groups = {kind: Group(int(count), whole(was), whole(became)) for kind, count, was, became in rows}
    return Split(*(groups.get(kind, Group()) for kind in ("came", "left", "stayed", "unknown")))
