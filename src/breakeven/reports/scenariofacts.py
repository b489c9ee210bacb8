"""What the ledger says to a scenario: each feature as it is, and its history of prices, tokens per task, mix and adoption.

A feature is its last whole month (or the period asked for, brought to a month). Its history is the whole months before the end of
that period, at most 13: twelve changes from month to month. A first month whose facts begin after its third day is no whole one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period, by_month, month_of
from breakeven.economics.pnl import Tally
from breakeven.economics.scenario.indices import Cell, Indices, Month, indices
from breakeven.economics.scenario.model import Baseline, price_of
from breakeven.economics.scenario.ranges import MONTHS, Range, correlation, estimated
from breakeven.reports.question import Facts, Question, ask, statement, whole
from breakeven.reports.shared import revenue
from breakeven.reports.tallies import Sums, outcome_tallies, sums
from breakeven.settings import Settings

NO_TIER = "no rung"
"""The tier of calls that no rung was recorded for."""
LATEST_START = 3
"""A ledger that begins on a later day of a month has no whole month there."""
DAYS_OF_A_MONTH = 365.25 / MONTHS
HISTORY_MONTHS = MONTHS + 1


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work of a feature on one tier, per month: cost, calls, and what it used by class."""

    workflow: str | None
    tier: str
    cost: float
    calls: float
    quantities: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """A feature as it is (per month), its kinds of work, and what its history says of each driver.

    `together` is how price and tokens per task have moved with each other: a dearer model often says the same in fewer tokens.
    """

    feature: str | None
    base: Baseline
    works: Sequence[Work]
    ranges: Mapping[str, Range]
    price_paid: Range | None
    together: float
    tally: Tally
    by_outcomes: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Everything a scenario needs of a ledger. `tiers` are the price paths over all features."""

    features: Sequence[FeatureFacts]
    tiers: Mapping[str, Range]
    months: Sequence[Period]
    total: Sums
    partial: bool


def default_span(ledger: Facts, now: datetime) -> Period:
    """The latest month that is over and has calls; the month so far where there is none before."""
    latest = ledger.query(statement("latest_day"))[0][0]
    if latest is None:
        return month_of(now)
    running = month_of(_midnight(latest))
    if now >= running.end:
        return running
    before = month_of(running.start - timedelta(days=1))
    first = ledger.query(statement("bounds"))[0][0]
    began = _midnight(first)
    return before if began < before.start + timedelta(days=LATEST_START) else running


def known_of(ledger: Facts, settings: Settings, question: Question, now: datetime) -> Known:
    """What the ledger says until now, for every feature of a question that is grouped by feature."""
    total = sums(ledger, settings, question)
    months, partial = _months(ledger, question.period, now)
    scale = _to_a_month(ledger, question.period, now)
    works = _works(ledger, question, scale)
    history = _history(ledger, settings, question, months) if months else {}
    ledger_wide = _tier_paths(history)
    flat = revenue(ledger, settings.values, question)
    earned = outcome_tallies(ledger, settings, question, question.by)
    features = [
        _facts(feature, tally, works.get(feature, []), history.get(feature), flat.parts.get((feature,), 0), earned, scale)
        for (feature,), tally in total.rows.items()
    ]
    return Known(features, ledger_wide, months, total, partial)


def _months(ledger: Facts, period: Period, now: datetime) -> tuple[list[Period], bool]:
    """The whole months of history that end with the period; and whether the period itself is not made of whole months."""
    first = ledger.query(statement("bounds"))[0][0]
    partial = period.start.day != 1 or period.end.day != 1 or now < period.end
    if first is None:
        return [], partial
    began = _midnight(first)
    end = month_of(min(period.end, now)).start
    start = month_of(began).start
    if began >= start + timedelta(days=LATEST_START):
        start = month_of(began).end
    if start >= end:
        return [], partial
    return list(by_month(Period("history", start, end)))[-HISTORY_MONTHS:], partial


def _midnight(day: object) -> datetime:
    return datetime.fromisoformat(f"{day}"[: len("2026-10-31")])


def _to_a_month(ledger: Facts, period: Period, now: datetime) -> float:
    """What brings the sums of a period to one month: whole months by their number, others by the days that have passed in them."""
    end = period.end
    if now < end:
        latest = ledger.query(statement("latest_day"))[0][0]
        end = end if latest is None else min(end, max(_midnight(latest), period.start) + timedelta(days=1))
    if period.start.day == 1 and end.day == 1:
        return 1 / max(1, len(by_month(replace(period, end=end))))
    return DAYS_OF_A_MONTH / (end - period.start).days


def _works(ledger: Facts, question: Question, scale: float) -> dict[str | None, list[Work]]:
    keys = ("feature", "workflow", "rung")
    asked = replace(question, by=keys)
    cost: dict[tuple[str | None, str | None, str], float] = defaultdict(float)
    units: dict[tuple[str | None, str | None, str], dict[str, float]] = defaultdict(dict)
    for feature, workflow, rung, usage_class, amount, quantity in ask(ledger, "scenario_cells", asked, keys):
        key = feature, workflow, rung or NO_TIER
        cost[key] += whole(amount) / ATTO * scale
        units[key][usage_class] = units[key].get(usage_class, 0.0) + int(quantity) * scale
    calls = {(row[0], row[1], row[2] or NO_TIER): row[3] * scale for row in ask(ledger, "calls", asked, keys)}
    found: dict[str | None, list[Work]] = defaultdict(list)
    for key in sorted(cost, key=lambda one: -cost[one]):
        if cost[key] > 0:
            found[key[0]].append(Work(key[1], key[2], cost[key], calls.get(key, 0), units[key]))
    return found


@dataclass(frozen=True, slots=True)
class _History:
    """A feature's months, and its tasks and seats in each."""

    months: Sequence[Month]
    tasks: Sequence[float]
    seats: Sequence[float]
    by_outcomes: bool


def _history(ledger: Facts, settings: Settings, question: Question, months: Sequence[Period]) -> dict[str | None, _History]:
    span = question.over(Period("history", months[0].start, months[-1].end))
    keys = ("feature", "month", "rung")
    cells: dict[tuple[str | None, str], list[Cell]] = defaultdict(list)
    for feature, month, rung, usage_class, amount, quantity in ask(ledger, "scenario_cells", replace(span, by=keys), keys):
        cells[feature, month].append(Cell(rung or NO_TIER, usage_class, whole(amount) / ATTO, float(int(quantity))))
    calls: dict[tuple[str | None, str], dict[str, float]] = defaultdict(dict)
    for feature, month, rung, count, _unknown, _tokens in ask(ledger, "calls", replace(span, by=keys), keys):
        calls[feature, month][rung or NO_TIER] = count
    by_month_of = ("feature", "month")
    asked = replace(span, by=by_month_of)
    outcomes = {key: tally.outcomes or 0 for key, tally in outcome_tallies(ledger, settings, asked, by_month_of).items()}
    seats = {(row[0], row[1]): row[2] for row in ask(ledger, "scenario_seats", asked, by_month_of)}
    found = {}
    for feature in {key[0] for key in cells}:
        names = [(feature, month.name) for month in months]
        by_outcomes = any(outcomes.get(name, 0) for name in names)
        tasks = [float(outcomes.get(name, 0) if by_outcomes else sum(calls.get(name, {}).values())) for name in names]
        each = [Month(cells.get(name, []), calls.get(name, {}), count) for name, count in zip(names, tasks, strict=True)]
        found[feature] = _History(each, tasks, [float(seats.get(name, 0)) for name in names], by_outcomes)
    return found


def _tier_paths(history: Mapping[str | None, _History]) -> dict[str, Range]:
    """The price path of each tier over all features together; classes of different features are not mixed with each other."""
    if not history:
        return {}
    length = len(next(iter(history.values())).months)
    merged = [
        Month(
            [
                replace(cell, usage_class=f"{feature}/{cell.usage_class}")
                for feature, one in history.items()
                for cell in one.months[at].cells
            ],
            {},
            0.0,
        )
        for at in range(length)
    ]
    found = {tier: estimated(path, "all features") for tier, path in indices(merged).prices.items()}
    return {tier: one for tier, one in found.items() if one is not None}


def _facts(  # noqa: PLR0917 - what SQL found, part by part
    feature: str | None,
    tally: Tally,
    works: Sequence[Work],
    history: _History | None,
    flat: int,
    earned: Mapping[tuple[str | None, ...], Tally],
    scale: float,
) -> FeatureFacts:
    tiers: dict[str, float] = defaultdict(float)
    for work in works:
        tiers[work.tier] += work.cost
    by_outcomes = bool(tally.outcomes)
    tasks = float((tally.outcomes if by_outcomes else tally.calls) or 0)
    value = earned.get((feature,), Tally()).value
    base = Baseline(
        name=feature or "",
        tiers=dict(tiers),
        tasks=tasks * scale,
        value_per_task=None if value is None or tasks <= 0 else value / ATTO / tasks,
        flat_value=flat / ATTO * scale,
        fixed_cost=tally.fixed_cost / ATTO * scale,
    )
    moved = None if history is None else indices(history.months)
    return FeatureFacts(feature, base, works, _ranges(moved, history), _paid(moved), _together(moved), tally, by_outcomes)


def _ranges(moved: Indices | None, history: _History | None) -> dict[str, Range]:
    """What a feature's own history says of each driver; nothing of those it is silent on."""
    if moved is None or history is None:
        return {}
    found = {price_of(tier): estimated(path) for tier, path in moved.prices.items()} | {
        "tokens": estimated(moved.tokens),
        "mix": estimated(moved.mix),
        "volume": estimated(history.tasks),
        "seats": estimated(history.seats),
    }
    return {name: one for name, one in found.items() if one is not None}


def _paid(moved: Indices | None) -> Range | None:
    """The price paid over all tiers of a feature, at its own mix."""
    return None if moved is None else estimated(moved.price)


def _together(moved: Indices | None) -> float:
    """How the price and the tokens of a task moved together from month to month."""
    return 0.0 if moved is None else correlation(moved.price, moved.tokens)
