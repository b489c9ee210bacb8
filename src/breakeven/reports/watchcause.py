"""The cause of a finding: drivers of the excess against the same span of earlier weeks, and who carries it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from breakeven.economics.cause import Use, contributors, drivers
from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.watchfacts import Subject

WEEKS = 4
_WEEK = timedelta(days=7)
_MODEL, _CLASS, _ALL = 1 << 5, 1 << 4, (1 << 6) - 1
_KINDS = {
    _ALL - (1 << bit): kind for bit, kind in ((5, "model"), (3, "feature"), (2, "customer"), (1, "workflow"), (0, "prompt version"))
}
"""Which grouping a row belongs to, by the bits of GROUPING: a bit is 0 where its column is grouped by."""
Shares = dict[tuple[str, str | None], float]


class Carrier(msgspec.Struct, frozen=True):
    """Who carries at least half of the excess and stands out by it."""

    kind: str
    name: str | None
    share_of_excess: float
    share_before: float


class Cause(msgspec.Struct, frozen=True):
    """`drivers`: what each adds to the cost against `weeks` earlier weeks, in currency units; they sum to the excess.

    `carriers` is empty where nobody stands out: customers, models and versions rose alike.
    """

    driver: str
    drivers: dict[str, float]
    carriers: Sequence[Carrier]
    weeks: int


def cause_of(ledger: Facts, question: Question, subject: Subject, start: datetime, end: datetime) -> Cause | None:
    """What drove the cost of a span; None where no earlier week has the same span."""
    shift = -(-(end - start) // _WEEK) * _WEEK
    starts = [start - number * shift for number in range(WEEKS, -1, -1)]
    edges = starts, [at + (end - start) for at in starts]
    about = _about(question, subject, Period("cause", starts[0], end))
    weeks = _weeks(ledger, about, starts)
    before, now, shares = _uses(ledger, about, edges, weeks)
    if weeks == 0 or before.total <= 0:
        return None
    effects = drivers(before, now)
    carriers = [
        Carrier(one.kind, one.name, round(one.share_of_excess, 4), round(one.share_before, 4)) for one in contributors(*shares)
    ]
    largest = max(effects, key=lambda name: effects[name])
    return Cause(largest, {name: round(effect, 6) for name, effect in effects.items()}, carriers, weeks)


def _about(question: Question, subject: Subject, period: Period) -> Question:
    return replace(question.over(period), filters=(*question.filters, subject))


def _weeks(ledger: Facts, question: Question, starts: Sequence[datetime]) -> int:
    """How many of the earlier spans lie after the first day with facts."""
    first = ask(ledger, "bounds", question, (), filtered=False)[0][0]
    return sum(first is not None and at.date() >= first for at in starts[:-1])


def _uses(
    ledger: Facts, question: Question, edges: tuple[Sequence[datetime], Sequence[datetime]], weeks: int
) -> tuple[Use, Use, tuple[Shares, Shares]]:
    """What was used in the mean earlier week and now, and the cost by who may carry the excess."""
    attempts: tuple[dict[str, float], ...] = ({}, {})
    calls = [0.0, 0.0]
    starts, ends = edges
    for is_now, model, count, own in ask(ledger, "watch_cause_calls", question, (), starts=starts, ends=ends):
        each = 1 if is_now else max(weeks, 1)
        attempts[is_now][model or ""] = count / each
        calls[is_now] += own / each
    quantity: tuple[dict[tuple[str, str], float], ...] = (defaultdict(float), defaultdict(float))
    cost: tuple[dict[tuple[str, str], float], ...] = (defaultdict(float), defaultdict(float))
    shares: tuple[Shares, Shares] = ({}, {})
    for is_now, grouped, model, usage_class, feature, customer, workflow, version, tokens, amount in ask(
        ledger, "watch_cause_costs", question, (), starts=starts, ends=ends
    ):
        each = 1 if is_now else max(weeks, 1)
        units = whole(amount) / ATTO / each
        if grouped == _ALL - _MODEL - _CLASS:
            quantity[is_now][model or "", usage_class or ""] += float(tokens) / each
            cost[is_now][model or "", usage_class or ""] += units
            continue
        kind = _KINDS[grouped]
        shares[is_now][
            kind, {"model": model, "feature": feature, "customer": customer, "workflow": workflow}.get(kind, version)
        ] = units
    before, now = (Use(calls[at], attempts[at], quantity[at], cost[at]) for at in (0, 1))
    return before, now, shares
