"""What is unusual, since when, how much is at stake, and what caused it: days of a period, and the hours of its last day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import exp, log1p
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from breakeven.economics.anomaly import (
    FALSE_ALARMS,
    FALSE_ALARMS_OF_HOURS,
    SEASONS,
    Scores,
    false_discovery_rate,
    jumps,
    scores,
    shifts,
)
from breakeven.economics.money import ATTO, digits
from breakeven.economics.periods import Period
from breakeven.reports.question import Facts, Question, Remembering, ask, statement
from breakeven.reports.watchcause import Cause, cause_of
from breakeven.reports.watchfacts import DAY, FIGURES, HOUR, MOST_CUSTOMERS, WEEK_DAYS, Grid, Series, Subject, grid, panel
from breakeven.reports.watchwords import FORMULA, finding_sentence, watch_sentence
from breakeven.settings import CURRENCY

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
FLOOR_OF_A_DAY = 5.0
"""Currency units at stake in a day below which nothing is told."""
HOUR_SHARE = 0.2
"""The floor of an hour, as a share of a day's."""
MOST_HOURS = 24
LEAST_JUMP, LEAST_SHIFT = 0.25, 0.10
"""A figure must have moved by so much."""
FALSE_ALARMS_OF_OTHERS = 0.25
"""Jumps that are expected in a month over all customers and models where nothing is wrong."""
MOST_FINDINGS = 20
MOST_ALSO = 5


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One incident: neighbouring buckets in which figures of one feature, customer or model were unusual.

    `at_stake` is the cost beyond what was to be expected, `ratio` the largest figure over what was expected of it, by figure;
    `kind` is jump (one bucket stands out) or shift (a smaller step that lasts); `also`: customers and models in the same buckets.
    """

    scope: str
    name: str | None
    width: str
    start: str
    end: str
    kind: str
    figures: Sequence[str]
    ratios: Mapping[str, float]
    cost: str
    expected_cost: str
    at_stake: str
    cause: Cause | None
    also: Sequence[str]
    sentence: str


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """The report: findings, the dearest first."""

    period: str
    label: str
    at: str
    currency: str
    findings: Sequence[Finding]
    days: int
    hours: int
    series: int
    unjudged: int
    sentence: str
    trail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Nothing after `at` is known; a day with less than `floor` currency units at stake is not told (an hour: a fifth of it)."""

    at: datetime
    floor: float = FLOOR_OF_A_DAY


@dataclass(frozen=True, slots=True)
class _Looked:
    """One look at buckets of one width."""

    sums: Grid
    series: tuple[Series, ...]
    scored: Scores
    jump: Bools
    shift: Bools
    stake: Floats  # series × examined
    logs: Floats  # series × examined


def watch(ledger: Facts, question: Question, asked: Asked) -> Watch:
    """Look at every whole day of the period before `at`, and, where the data are of the last day, at its last 24 whole hours."""
    ledger = Remembering(ledger)
    latest = ledger.query(statement("latest_call"))[0][0]
    spans = [] if latest is None else _spans(question.period, latest, asked.at)
    named = _customers(ledger, question, spans)
    looks = [
        look
        for width, span in spans
        if (look := _look(ledger, question.over(span), width, named if width == DAY else [], asked.floor))
    ]
    found = _told([one for look in looks for one in _incidents(look)])
    findings = [_finding(ledger, question, one) for one in found[:MOST_FINDINGS]]
    series = sum(len(look.series) for look in looks)
    judged = sum(int(np.count_nonzero(~np.isnan(look.scored.z[:, -1]))) for look in looks)
    days, hours = (next((look.sums.examined for look in looks if look.sums.width == width), 0) for width in (DAY, HOUR))
    end = max((span.end for _, span in spans), default=min(asked.at, question.period.end))
    return Watch(
        period=question.period.name,
        label=question.period.label,
        at=f"{end:%Y-%m-%dT%H:%M:%SZ}",
        currency=CURRENCY,
        findings=findings,
        days=days,
        hours=hours,
        series=series,
        unjudged=series - judged,
        sentence=watch_sentence(question.period, findings, len(found), days, hours, judged),
        trail={
            "formula": FORMULA,
            "floor": {"day": asked.floor, "hour": asked.floor * HOUR_SHARE},
            "relative_floor": {"jump": LEAST_JUMP, "shift": LEAST_SHIFT},
            "false_discovery_rate": {_unit(look.sums.width): _rates(look.sums) for look in looks},
            "false_alarms": f"at most {FALSE_ALARMS} false jumps of days and {FALSE_ALARMS_OF_HOURS} of hours are expected a "
            f"feature and month, {FALSE_ALARMS_OF_OTHERS} a month over all customers and models; shifts of days come on top: "
            "docs/concepts/anomalies.md",
            "weeks_before": SEASONS,
            "rows": {"series": series, "unjudged": series - judged},
            "read_from": "rollups" if not hours else "rollups and, for hours, lines",
        },
    )


def _spans(period: Period, latest: datetime, at: datetime) -> list[tuple[timedelta, Period]]:
    """Whole days of the period that have facts and are over at `at`; whole hours where the data reach into the last day."""
    known = min(at, _floor(latest, HOUR) + HOUR)
    midnight = min(period.end, _floor(at, DAY), _floor(latest, DAY) + DAY)
    spans = [(DAY, Period("days", period.start, midnight))] if midnight > period.start else []
    end = min(period.end, _floor(known, HOUR))
    start = max(period.start, end - timedelta(hours=MOST_HOURS))
    if end > start and at - end < DAY:
        spans.append((HOUR, Period("hours", start, end)))
    return spans


def _floor(instant: datetime, width: timedelta) -> datetime:
    return instant - (instant - datetime(1970, 1, 1)) % width  # noqa: DTZ001 - facts are UTC without zone


def _customers(ledger: Facts, question: Question, spans: Sequence[tuple[timedelta, Period]]) -> list[str]:
    """Who is watched by name: the dearest customers of the eight weeks before the period's end."""
    if not spans:
        return []
    end = max(span.end for _, span in spans)
    lately = question.over(Period("lately", end - SEASONS * WEEK_DAYS * DAY, _floor(end, DAY) + DAY))
    return [row[0] for row in ask(ledger, "watch_customers", lately, (), most=MOST_CUSTOMERS)]


def _look(ledger: Facts, question: Question, width: timedelta, customers: Sequence[str], floor: float) -> _Looked | None:
    sums = grid(ledger, question, width, customers)
    if not sums.subjects:
        return None
    watched, series = panel(sums)
    scored = scores(watched, sums.examined)
    least = floor if width == DAY else floor * HOUR_SHARE
    past = sums.sums["cost"][:, : -sums.examined]
    usual = past.sum(axis=1) / np.maximum((past > 0).sum(axis=1), 1)
    of_subject = np.array([one.subject for one in series])
    eligible = np.repeat((usual[of_subject] >= least / 2)[:, None], sums.examined, axis=1)
    stake = _stakes(sums, scored, series)
    moved = np.abs(np.nan_to_num(scored.residual))
    scope = np.array([sums.subjects[one.subject][0] for one in series])[:, None]
    unusual = np.logical_or.reduce([jumps(scored, eligible & (scope == name), q) for name, q in _rates(sums).items()])
    jump = unusual & (moved >= log1p(LEAST_JUMP)) & (stake >= least)
    lasting = eligible & (scope == "feature") & (width == DAY)  # hours wander together; their sums would tell every busy day
    shift = shifts(scored, lasting) & (moved >= log1p(LEAST_SHIFT)) & (stake >= least)
    return _Looked(sums, series, scored, jump, shift, stake, watched.logs[:, -sums.examined :])


def _rates(sums: Grid) -> dict[str, float]:
    """The false discovery rate of one bucket by family: features by their number, customers and models each half of theirs."""
    features = sum(scope == "feature" for scope, _ in sums.subjects)
    a_day = DAY // sums.width
    others = false_discovery_rate(1, a_day, FALSE_ALARMS_OF_OTHERS / 2)
    return {"feature": false_discovery_rate(features, a_day), "customer": others, "model": others}


def _stakes(sums: Grid, scored: Scores, series: Sequence[Series]) -> Floats:
    """Currency units beyond what was to be expected, by series and examined bucket; 0 where nothing can be said."""
    count = len(sums.subjects)
    examined = slice(-sums.examined, None)
    cost = sums.sums["cost"][:, examined]
    beyond = {FIGURES[at]: 1 - np.exp(-np.nan_to_num(scored.residual[at * count : (at + 1) * count])) for at in range(len(FIGURES))}
    calls, bad = sums.sums["calls"][:, examined], sums.sums["not_ok"][:, examined]
    odds = (bad + 0.5) / (calls - bad + 0.5) * (1 - beyond["error rate"])
    beyond["error rate"] = bad / np.maximum(calls, 1.0) - odds / (1 + odds)
    beyond["cache rate"] = beyond["unit cost"]
    return np.asarray(np.concatenate([cost * beyond[figure] for figure in FIGURES]).clip(min=0.0)[: len(series)])


@dataclass(frozen=True, slots=True)
class _Incident:
    """Neighbouring buckets of one subject in which something was found."""

    subject: Subject
    width: timedelta
    start: datetime
    end: datetime
    jump: bool
    ratios: Mapping[str, float]
    cost: float
    stake: float
    also: tuple[Subject, ...] = ()


def _incidents(look: _Looked) -> list[_Incident]:
    found = look.jump | look.shift
    incidents: list[_Incident] = []
    for number in range(len(look.sums.subjects)):
        rows = [at for at, one in enumerate(look.series) if one.subject == number]
        buckets = np.flatnonzero(found[rows].any(axis=0))
        runs = np.split(buckets, np.flatnonzero(np.diff(buckets) > 1) + 1)
        incidents += [_incident(look, number, rows, int(run[0]), int(run[-1]) + 1) for run in runs if len(run)]
    return incidents


def _incident(look: _Looked, number: int, rows: Sequence[int], first: int, last: int) -> _Incident:
    at = slice(first, last)
    seen = look.jump | look.shift
    ratios = {
        look.series[row].figure: _ratio(look, row, first + int(np.argmax(np.where(seen[row, at], _moved(look, row)[at], -1.0))))
        for row in rows
        if seen[row, at].any()
    }
    of_cost = rows[0] if seen[rows[0], at].any() else None  # the cost itself says best what is at stake; else the dearest figure
    stakes = look.stake[rows, at] * seen[rows, at] if of_cost is None else look.stake[[of_cost], at]
    stake = float(stakes.max(axis=0).sum())
    cost = float(look.sums.sums["cost"][number, -look.sums.examined :][at].sum())
    jump = bool(look.jump[rows, at].any())
    return _Incident(
        look.sums.subjects[number], look.sums.width, look.sums.at(first), look.sums.at(last), jump, ratios, cost, stake
    )


def _moved(look: _Looked, row: int) -> Floats:
    return np.asarray(np.abs(np.nan_to_num(look.scored.residual[row])))


def _ratio(look: _Looked, row: int, bucket: int) -> float:
    """A figure over what was expected of it; rates, which are judged by their odds, as rates."""
    log, residual = float(look.logs[row, bucket]), float(look.scored.residual[row, bucket])
    if look.series[row].figure not in {"cache rate", "error rate"}:
        return exp(residual)
    return (1 + exp(residual - log)) / (1 + exp(-log))


def _told(incidents: Sequence[_Incident]) -> list[_Incident]:
    """The dearest first; what overlaps a feature's incident (its hours, its customers, its models) is told with it, not again."""
    ordered = sorted(incidents, key=lambda one: (one.subject[0] != "feature", one.width != DAY, -one.stake))
    told: list[_Incident] = []
    for one in ordered:
        over = next((at for at, other in enumerate(told) if _covers(other, one)), None)
        if over is None:
            told.append(one)
        elif one.subject != told[over].subject and one.subject not in told[over].also:
            told[over] = replace(told[over], also=(*told[over].also, one.subject))
    return sorted(told, key=lambda one: (-one.stake, one.start, one.subject[0], one.subject[1] or ""))


def _covers(wide: _Incident, narrow: _Incident) -> bool:
    overlaps = wide.start < narrow.end and narrow.start < wide.end
    same = wide.subject == narrow.subject
    return overlaps and (same or (wide.subject[0] == "feature" and narrow.subject[0] != "feature"))


def _finding(ledger: Facts, question: Question, one: _Incident) -> Finding:
    scope, name = one.subject
    cause = cause_of(ledger, question, one.subject, one.start, one.end)
    shown = Finding(
        scope=scope,
        name=name,
        width=_unit(one.width),
        start=f"{one.start:%Y-%m-%dT%H:%M:%SZ}",
        end=f"{one.end:%Y-%m-%dT%H:%M:%SZ}",
        kind="jump" if one.jump else "shift",
        figures=tuple(one.ratios),
        ratios={figure: round(ratio, 4) for figure, ratio in one.ratios.items()},
        cost=_cents(one.cost),
        expected_cost=_cents(one.cost - one.stake),
        at_stake=_cents(one.stake),
        cause=cause,
        also=tuple(f"{kind} {who or 'unknown'}" for kind, who in one.also[:MOST_ALSO]),
        sentence="",
    )
    return msgspec.structs.replace(shown, sentence=finding_sentence(shown, one.start, one.end))


def _unit(width: timedelta) -> str:
    return "day" if width == DAY else "hour"


def _cents(units: float) -> str:
    """An estimate to millionths."""
    return digits(round(units * 10**6) * (ATTO // 10**6)) or "0"
