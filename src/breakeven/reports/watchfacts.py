"""The series that are watched: figures per feature, customer and model in buckets of a day or an hour, from aggregated rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.anomaly import SEASONS, Panel
from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period
from breakeven.reports.question import Facts, Question, ask, whole

Floats = NDArray[np.float64]
Subject = tuple[str, str | None]
"""(scope, name): which feature, customer or model a series is about; None: nobody is known."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEK_DAYS = 7
MOST_CUSTOMERS = 40
FIGURES = ("cost", "unit cost", "tokens per call", "cache rate", "error rate")
DIRECTION = {"cache rate": -1.0}
COLUMNS = ("cost", "calls", "not_ok", "tokens", "input_side", "cache_read")


@dataclass(frozen=True, slots=True)
class Grid:
    """Sums per subject and bucket; the last `examined` buckets are the ones asked about."""

    start: datetime
    width: timedelta
    examined: int
    subjects: tuple[Subject, ...]
    sums: dict[str, Floats]  # subjects × buckets, by name of the column

    @property
    def buckets(self) -> int:
        """How many buckets there are."""
        return int(self.sums["cost"].shape[1])

    def at(self, examined: int) -> datetime:
        """The start of an examined bucket."""
        return self.start + (self.buckets - self.examined + examined) * self.width


def grid(ledger: Facts, question: Question, width: timedelta, customers: Sequence[str]) -> Grid:
    """Everything of the buckets of a period and of the nine weeks before it."""
    examined = (question.period.end - question.period.start) // width
    start = question.period.start - (SEASONS + 1) * WEEK_DAYS * DAY
    span = replace(question, period=Period("watched", start, question.period.end))
    buckets = (question.period.end - start) // width
    found: dict[Subject, dict[str, Floats]] = {}
    unit = "day" if width == DAY else "hour"
    for name, columns in ((f"watch_calls_{unit}", COLUMNS[1:]), (f"watch_costs_{unit}", COLUMNS[:1])):
        for row in ask(ledger, name, span, (), customers=list(customers)):
            bucket, subject, values = _read(row)
            if subject is None:
                continue
            at = (bucket - start) // width
            if subject not in found:
                found[subject] = {column: np.zeros(buckets) for column in COLUMNS}
            for column, value in zip(columns, values, strict=True):
                found[subject][column][at] += whole(value) / ATTO if column == "cost" else float(value)
    subjects = tuple(sorted(found, key=lambda one: (one[0], one[1] is None, one[1] or "")))
    empty = np.zeros((0, buckets))
    stacked = {column: np.stack([found[one][column] for one in subjects]) if subjects else empty for column in COLUMNS}
    return Grid(start, width, examined, subjects, stacked)


def _read(row: tuple[Any, ...]) -> tuple[datetime, Subject | None, tuple[Any, ...]]:
    """The bucket, whom the row is about (None: customers that are not watched by name), and its figures."""
    bucket, without_feature, without_customer, feature, customer, model, *values = row
    at = bucket if isinstance(bucket, datetime) else datetime(bucket.year, bucket.month, bucket.day)  # noqa: DTZ001 - UTC without zone
    if not without_feature:
        return at, ("feature", feature), tuple(values)
    if not without_customer:
        return at, ("customer", customer) if customer is not None else None, tuple(values)
    return at, ("model", model), tuple(values)


class Series(NamedTuple):
    """Which figure of which subject a row of the panel is."""

    subject: int
    figure: str


def panel(sums: Grid) -> tuple[Panel, tuple[Series, ...]]:
    """The ln of every figure of every subject, with the noise that its number of calls explains.

    One call is added to volumes and half a call to rates, so that nothing against little is no infinity. Noise of a mean per call
    is 1 / calls (a coefficient of variation of 1), of a rate the sum of the reciprocals of both counts that its usual rate lets
    expect: by the counts themselves, a bucket of many errors would seem the more certain for it.
    """
    n, tokens, cost = sums.sums["calls"], sums.sums["tokens"], sums.sums["cost"]
    bad = sums.sums["not_ok"]
    per_call = cost.sum(axis=1, keepdims=True) / np.maximum(n.sum(axis=1, keepdims=True), 1.0)
    cold = sums.sums["input_side"] - sums.sums["cache_read"]
    cached = sums.sums["cache_read"] > 0
    begun = np.maximum.accumulate(n + cost > 0, axis=1)  # before its first call a series is unknown, not nothing
    logs = {
        "cost": _ln(cost + per_call, begun),
        "unit cost": _ln(cost / np.maximum(n, 1.0), (n > 0) & (cost > 0)),
        "tokens per call": _ln(tokens / np.maximum(n, 1.0), (n > 0) & (tokens > 0)),
        "cache rate": _ln(sums.sums["cache_read"] / np.maximum(cold, 1.0), cached & (cold > 0)),
        "error rate": _ln((bad + 0.5) / (n - bad + 0.5), n > 0),
    }
    few = np.maximum(n, 1.0)
    due = n * (bad.sum(axis=1, keepdims=True) / np.maximum(n.sum(axis=1, keepdims=True), 1.0))
    noise = {
        "cost": 2.0 / (n + 1.0),
        "unit cost": 1.0 / few,
        "tokens per call": 1.0 / few,
        "cache rate": 4.0 / few,
        "error rate": 1.0 / (due + 0.5) + 1.0 / (n - due + 0.5),
    }
    series = tuple(Series(at, figure) for figure in FIGURES for at in range(len(sums.subjects)))
    return (
        Panel(
            np.concatenate([logs[figure] for figure in FIGURES]),
            np.concatenate([noise[figure] for figure in FIGURES]),
            np.array([DIRECTION.get(one.figure, 1.0) for one in series]),
            WEEK_DAYS * (DAY // sums.width),
        ),
        series,
    )


def _ln(values: Floats, known: NDArray[np.bool_]) -> Floats:
    usable = known & (values > 0)
    return np.asarray(np.where(usable, np.log(np.where(usable, values, 1.0)), np.nan))
