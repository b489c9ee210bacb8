"""What will a period cost and earn? Per feature, with interval, known price changes applied, and when a limit is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp

import numpy as np

from breakeven.economics.forecast import WEEK
from breakeven.economics.intervals import FEWEST_ERRORS, LEVEL
from breakeven.economics.money import ATTO, digits
from breakeven.economics.outlook import Band, Outlook, backtest, band, path, ratio_half
from breakeven.economics.periods import Period, by_month
from breakeven.economics.pnl import Tally
from breakeven.economics.runout import SpendPath, run_out
from breakeven.errors import UsageError
from breakeven.reports.forecastgroups import Group, groups_of, whole_of
from breakeven.reports.forecastrows import Estimate, FanPoint, Forecast, ForecastRow, RunOutRow, Share, TrialRow
from breakeven.reports.forecastwords import FORMULA, Said, forecast_sentence, missing
from breakeven.reports.history import DAY, Daily, History, daily_history
from breakeven.reports.pricechanges import PriceBook, Repriced, repriced
from breakeven.reports.question import Facts, Question, Remembering, ask
from breakeven.reports.reconciled import tie
from breakeven.reports.trail import Shares, complement, nobody, prices, shares
from breakeven.settings import CURRENCY, Settings

FARTHEST_DAYS = 400
USELESS = 4.0
"""An interval that allows more than so many times the point is not shown: it says nothing that a budget could use."""
TRIED_DAYS = (1, 7, 14, 30)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked besides the question: a limit (atto-units) for the run-out date, and whether to try the method on the past."""

    now: datetime
    limit: int | None = None
    backtest: bool = False


@dataclass(frozen=True, slots=True)
class _Made:
    """What the report is made of."""

    question: Question
    asked: Asked
    known: History
    effects: Repriced
    groups: Sequence[Group]
    total: Group


def forecast(ledger: Facts, settings: Settings, question: Question, asked: Asked, book: PriceBook | None = None) -> Forecast:
    """Cost, value and margin of a period by its end: what is known of it plus what is to come.

    Without a price book, past prices are taken as recorded and no change to come is known. Raises UsageError beyond 400 days.
    """
    ledger = Remembering(ledger)
    known = daily_history(ledger, settings, question, asked.now)
    if known is None or known.days == 0:
        return _nothing(question)
    horizon = max((question.period.end - known.origin) // DAY, 1)
    if horizon > FARTHEST_DAYS:
        raise UsageError(
            f"a forecast of {horizon:,} days is too far", f"Ask for at most {FARTHEST_DAYS} days from {known.origin:%Y-%m-%d} on."
        )
    span = question.over(Period("history", known.start, known.origin))
    effects = Repriced({}, {}, (), 0) if book is None else repriced(ledger, span, book, known.origin, horizon)
    groups = groups_of(question, known, effects, horizon)
    return _report(ledger, span, _Made(question, asked, known, effects, groups, whole_of(groups, known)))


def _report(ledger: Facts, span: Question, made: _Made) -> Forecast:
    question, known = made.question, made.known
    months = by_month(question.period)
    rows = [_row(group, known, question.period) for group in made.groups]
    whole = _row(made.total, known, question.period)
    spans = [_row(group, known, month, month.label) for group in (*made.groups, made.total) for month in months]
    tried = [trial for group in (*made.groups, made.total) for trial in _tried(group)] if made.asked.backtest else None
    badges = _badges(ledger, span, made.total, known)
    limit = None if made.asked.limit is None else _run_out(made, made.asked.limit)
    return Forecast(
        period=question.period.name,
        label=question.period.label,
        start=f"{question.period.start:%Y-%m-%d}",
        end=f"{question.period.end:%Y-%m-%d}",
        origin=f"{known.origin:%Y-%m-%d}",
        currency=CURRENCY,
        level=LEVEL,
        by=question.by,
        rows=rows,
        total=whole,
        spans=spans if len(months) > 1 else [],
        fan=_fan(made.total, known, question.period),
        price_changes=made.effects.changes,
        run_out=limit,
        backtest=tried,
        shares=badges,
        sentence=forecast_sentence(question.period, known.origin, Said(whole, rows, made.effects.changes, limit, tried, badges)),
        trail={
            "formula": FORMULA,
            "history": {"start": f"{known.start:%Y-%m-%d}", "days": known.days, "origin": f"{known.origin:%Y-%m-%d}"},
            "level": LEVEL,
            "fewest_past_errors": FEWEST_ERRORS,
            "skus_repriced": made.effects.skus_repriced,
            "price_versions": prices(ledger, span).versions,
            "share_unpriced": complement(badges.priced),
            "share_unattributed": complement(badges.attributed),
            "read_from": "lines" if question.from_lines else "rollups",
        },
    )


def _nothing(question: Question) -> Forecast:
    return Forecast(
        period=question.period.name,
        label=question.period.label,
        start=f"{question.period.start:%Y-%m-%d}",
        end=f"{question.period.end:%Y-%m-%d}",
        origin=None,
        currency=CURRENCY,
        level=LEVEL,
        by=question.by,
        rows=[],
        total=None,
        spans=[],
        fan=[],
        price_changes=[],
        run_out=None,
        backtest=None,
        shares=Shares(priced=None, attributed=None),
        sentence="There is no whole day with calls yet, so nothing can be forecast.",
        trail={"formula": FORMULA, "history": {"start": None, "days": 0, "origin": None}},
    )


def _badges(ledger: Facts, span: Question, total: Group, known: History) -> Shares:
    calls, unknown, _tokens = ask(ledger, "calls", span, ())[0]
    cost = known.within(known.cost, total.keys, known.start, known.origin)
    return shares(Tally(cost=cost, calls=calls, unknown_calls=unknown), nobody(ledger, span), tie(ledger, span))


def _row(group: Group, known: History, period: Period, span: str | None = None) -> ForecastRow:
    first, last = _steps(known, period)
    valued = any(key in known.value for key in group.keys)
    cost = _estimate(known, known.cost, group, group.cost, period)
    value = _estimate(known, known.value, group, group.value, period) if valued else None
    contribution = None if cost is None or value is None else value.point - cost.point
    return ForecastRow(
        label=group.label,
        kind=group.kind,
        span=span,
        start=f"{period.start:%Y-%m-%d}",
        end=f"{period.end:%Y-%m-%d}",
        cost_so_far=digits(_so_far(known, known.cost, group, period)) or "0",
        cost=_shown(cost),
        value_so_far=digits(_so_far(known, known.value, group, period)) if valued else None,
        value=_shown(value),
        contribution=None if contribution is None else _millionths(contribution),
        margin=_margin(group, known, period, cost, value),
        price_effect=group.price_effect(first, last),
        days_of_history=len(group.series),
        note=missing(len(group.series), cost, last - first),
    )


def _steps(known: History, period: Period) -> tuple[int, int]:
    """Which steps of the horizon lie in a period."""
    return max((period.start - known.origin) // DAY, 0), max((period.end - known.origin) // DAY, 0)


def _so_far(known: History, of: Daily, group: Group, period: Period) -> int:
    """What is exactly known of a period: its whole days before the origin."""
    return known.within(of, group.keys, period.start, min(period.end, known.origin))


def _estimate(known: History, of: Daily, group: Group, seen: Outlook | None, period: Period) -> Band | None:
    """What is known of a period plus what is to come, at least what today has brought already; None: nothing can be said."""
    first, last = _steps(known, period)
    fixed = _so_far(known, of, group, period) / ATTO
    today = known.within(of, group.keys, max(period.start, known.origin), min(period.end, known.origin + DAY)) / ATTO
    if last <= first:
        return Band(fixed, fixed, fixed)
    if seen is None:
        return None
    coming = band(seen, first, last)
    point = fixed + max(coming.point, today)
    if coming.half is None or coming.low is None or coming.high is None or exp(coming.half) > USELESS:
        return Band(point, half=coming.half)
    return Band(point, fixed + max(coming.low, today), fixed + max(coming.high, today), coming.half, coming.carried)


def _shown(found: Band | None) -> Estimate | None:
    if found is None:
        return None
    if found.low is None or found.high is None:
        return Estimate(_millionths(found.point))
    return Estimate(_millionths(found.point), _millionths(found.low), _millionths(found.high))


def _millionths(units: float) -> str:
    """An estimate as digits; more would pretend."""
    return digits(round(units * 10**6) * (ATTO // 10**6)) or "0"


def _margin(group: Group, known: History, period: Period, cost: Band | None, value: Band | None) -> Share | None:
    """1 − cost / value. The interval is that of the ratio of what is to come; what is known of the period narrows it."""
    if cost is None or value is None or value.point <= 0:
        return None
    point = 1 - cost.point / value.point
    first, last = _steps(known, period)
    if last <= first:
        return Share(point, point, point)
    if group.cost is None or group.value is None:
        return Share(point)
    half = ratio_half(group.cost, group.value, first, last)
    if half is None or exp(half) > USELESS:
        return Share(point)
    fixed = _so_far(known, known.cost, group, period) / ATTO
    coming = cost.point - fixed
    low, high = (1 - (fixed + coming * exp(side * half)) / value.point for side in (1, -1))
    return Share(point, low, high)


def _tried(group: Group) -> list[TrialRow]:
    return [
        TrialRow(
            label=group.label,
            days=trial.ahead,
            origins=trial.origins,
            error=trial.error,
            error_run_rate=trial.benchmarks["run rate"],
            error_seasonal_naive=trial.benchmarks["seasonal naive"],
            intervals=trial.intervals,
            coverage=trial.coverage,
        )
        for trial in backtest(group.series, TRIED_DAYS, WEEK)
    ]


def _path(total: Group, known: History, period: Period) -> SpendPath | None:
    """The cumulated spending of the days to come of a period, which must not begin after the origin."""
    _, last = _steps(known, period)
    if total.cost is None or last == 0 or period.start > known.origin:
        return None
    point, low, high = (found[:last] for found in path(total.cost))
    narrow = not np.isnan(high).any() and bool((high[-1] <= USELESS * np.maximum(point[-1], np.finfo(float).tiny)).all())
    if not narrow:
        return SpendPath(known.origin, [float(x) for x in point])
    return SpendPath(known.origin, [float(x) for x in point], [float(x) for x in low], [float(x) for x in high])


def _run_out(made: _Made, limit: int) -> RunOutRow:
    """When the period's spending reaches the limit."""
    known, period = made.known, made.question.period
    spent = _so_far(known, known.cost, made.total, period)
    coming = _path(made.total, known, period) or SpendPath(known.origin, [])
    found = run_out(coming, spent, limit, period.end)
    days = [None if at is None else f"{at:%Y-%m-%d}" for at in (found.expected, found.earliest, found.latest)]
    if found.already:
        days = [None, None, None]
    return RunOutRow(
        limit=digits(limit) or "0",
        left=digits(found.left) or "0",
        expected=days[0],
        earliest=days[1],
        latest=days[2],
        already=found.already,
    )


def _fan(total: Group, known: History, period: Period) -> list[FanPoint]:
    """The period's cost, day by day, known and to come; empty where the period begins after the origin."""
    if period.start > known.origin:
        return []
    daily = [(period.start + step * DAY) for step in range((min(period.end, known.origin) - period.start) // DAY)]
    points, spent = [], 0
    for day in daily:
        spent += known.within(known.cost, total.keys, day, day + DAY)
        points.append(FanPoint(f"{day:%Y-%m-%d}", digits(spent) or "0", None, None, known=True))
    coming = _path(total, known, period)
    if coming is None:
        return points
    for step, point in enumerate(coming.point):
        low, high = (None if edge is None else _millionths(spent / ATTO + edge[step]) for edge in (coming.low, coming.high))
        ends = f"{known.origin + timedelta(days=step):%Y-%m-%d}"
        points.append(FanPoint(ends, _millionths(spent / ATTO + point), low, high, known=False))
    return points
