"""Which costs does nobody own, and how much of all cost has an owner?

A cost has an owner where its call says a feature and the configuration names that feature's owner.

    coverage = cost with an owner / cost

Owners are those of today's configuration, for the past as well: they carry no dates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from breakeven.economics.money import atto, digits
from breakeven.economics.periods import Period, previous
from breakeven.economics.pnl import share
from breakeven.errors import UsageError
from breakeven.reports.changes import share_words
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.words import count, dollars, percent
from breakeven.settings import CURRENCY, Settings

WITHIN = ("team", "workflow", "environment", "model")
"""What tells where a call without a feature comes from."""
TREND = 6


class UnownedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cost that nobody owns. `reason`: the call says no feature, the feature has no charter, or its charter no owner."""

    feature: str | None
    reason: str
    team: str | None
    workflow: str | None
    environment: str | None
    model: str | None
    calls: int
    cost: str | None
    share: float | None
    next: str


class Owners(msgspec.Struct, frozen=True, kw_only=True):
    """Costs without an owner, dearest first. `cost` and `calls` are all that nobody owns."""

    period: str
    label: str
    currency: str
    rows: Sequence[UnownedRow]
    calls: int
    cost: str
    share: float | None
    sentence: str
    trail: Mapping[str, Any]


class CoverageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One period: cost, the part with an owner, and whether the target was met; null without cost, or without a target."""

    period: str
    label: str
    cost: str
    owned: str
    coverage: float | None
    met: bool | None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Attribution as a service level: the period asked for last, the ones before it first."""

    currency: str
    target: float | None
    rows: Sequence[CoverageRow]
    met: bool | None
    sentence: str
    trail: Mapping[str, Any]


def owners(ledger: Facts, settings: Settings, period: Period) -> Owners:
    """What nobody owns in a period, dearest first."""
    by_feature = _sums(ledger, Question(period), ("feature",))
    unowned = {key[0]: found for key, found in by_feature.items() if not _owned(settings, key[0])}
    whole_cost = sum(cost for _, cost in by_feature.values())
    rows = [_feature_row(name, found, settings, whole_cost) for name, found in unowned.items() if name is not None]
    nameless = Question(period, by=WITHIN, filters=(("feature", None),))
    rows += [_nameless_row(key, found, whole_cost) for key, found in _sums(ledger, nameless, WITHIN).items()]
    rows.sort(key=lambda row: -Decimal(row.cost or 0))
    calls, cost = sum(found[0] for found in unowned.values()), sum(found[1] for found in unowned.values())
    return Owners(
        period=period.name,
        label=period.label,
        currency=CURRENCY,
        rows=rows,
        calls=calls,
        cost=digits(cost) or "0",
        share=share(cost, whole_cost),
        sentence=_unowned_sentence(period, calls, cost, share(cost, whole_cost), rows),
        trail={
            "formula": {"owned": "the call says a feature, and the configuration names that feature's owner"},
            "owners": "those of today's configuration",
            "rows": {"calls": sum(found[0] for found in by_feature.values())},
        },
    )


def _sums(ledger: Facts, question: Question, keys: tuple[str, ...]) -> dict[tuple[str | None, ...], tuple[int, int]]:
    """Calls and known cost per group."""
    width = len(keys)
    calls = {row[:width]: row[width] for row in ask(ledger, "calls", question, keys)}
    costs: dict[tuple[str | None, ...], int] = {}
    for row in ask(ledger, "costs", question, keys):
        costs[row[:width]] = costs.get(row[:width], 0) + whole(row[width + 1])
    return {key: (calls.get(key, 0), costs.get(key, 0)) for key in calls | costs}


def _owned(settings: Settings, feature: str | None) -> bool:
    declared = settings.features.get(feature) if feature is not None else None
    return declared is not None and declared.owner is not None


def _feature_row(name: str, found: tuple[int, int], settings: Settings, whole_cost: int) -> UnownedRow:
    return UnownedRow(
        feature=name,
        reason="its charter names no owner" if name in settings.features else "it has no charter",
        team=None,
        workflow=None,
        environment=None,
        model=None,
        calls=found[0],
        cost=digits(found[1]),
        share=share(found[1], whole_cost),
        next=f"breakeven owner assign {quoted(name)} OWNER",
    )


def _nameless_row(key: tuple[str | None, ...], found: tuple[int, int], whole_cost: int) -> UnownedRow:
    team, workflow, environment, model = key
    return UnownedRow(
        feature=None,
        reason="its calls say no feature",
        team=team,
        workflow=workflow,
        environment=environment,
        model=model,
        calls=found[0],
        cost=digits(found[1]),
        share=share(found[1], whole_cost),
        next="send the header breakeven-feature, or use a virtual key that has one",
    )


def quoted(name: str) -> str:
    """A name as a shell takes it."""
    return name if name.replace("-", "").replace("_", "").replace(".", "").isalnum() else "'" + name.replace("'", "'\\''") + "'"


def _unowned_sentence(period: Period, calls: int, cost: int, part: float | None, rows: Sequence[UnownedRow]) -> str:
    when = "Over all time" if period.unbounded else f"In {period.label}"
    if not calls and not cost:
        return f"{when} there is no cost." if part is None else f"{when} every cost has an owner."
    features = sum(row.feature is not None for row in rows)
    named = f"; {count(features, 'feature')} {'needs' if features == 1 else 'need'} an owner" if features else ""
    return f"{when} nobody owns {dollars(cost)}, {percent(part)} of cost, over {count(calls, 'call')}{named}."


def coverage(ledger: Facts, settings: Settings, period: Period, periods: int = TREND) -> Coverage:
    """The share of cost with an owner in a period and the ones before it, against the declared target."""
    if period.unbounded:
        raise UsageError("coverage is measured period by period", "Choose one, such as --period 2026-10.")
    spans = [period]
    while len(spans) < periods:
        spans.insert(0, previous(spans[0]))
    target = settings.attribution_target
    rows = [_coverage_row(ledger, settings, span, target) for span in spans]
    rows = [row for row in rows if row.coverage is not None] or rows[-1:]
    return Coverage(
        currency=CURRENCY,
        target=None if target is None else float(target),
        rows=rows,
        met=rows[-1].met,
        sentence=_coverage_sentence(rows, target),
        trail={"formula": {"coverage": "cost with an owner / cost"}, "owners": "those of today's configuration"},
    )


def _coverage_row(ledger: Facts, settings: Settings, period: Period, target: Decimal | None) -> CoverageRow:
    found = _sums(ledger, Question(period), ("feature",))
    cost = sum(one for _, one in found.values())
    owned = sum(one for key, (_, one) in found.items() if _owned(settings, key[0]))
    part = share(owned, cost)
    met = None if target is None or part is None else owned >= Fraction(target) * cost
    return CoverageRow(
        period=period.name, label=period.label, cost=digits(cost) or "0", owned=digits(owned) or "0", coverage=part, met=met
    )


def _coverage_sentence(rows: Sequence[CoverageRow], target: Decimal | None) -> str:
    last = rows[-1]
    if last.coverage is None:
        return f"There is no cost in {last.label}."
    said = f"In {last.label} {percent(last.coverage)} of cost had an owner"
    if target is None:
        judged = "no target is set (`attribution: {target: 0.98}`)"
    elif last.met:
        judged = f"the target of {share_words(target)} is met"
    else:
        missing = round(Fraction(target) * atto(last.cost)) - atto(last.owned)
        judged = f"the target of {share_words(target)} is missed by {dollars(missing)}"
    return f"{said}: {judged}.{_trend(rows)}"


def _trend(rows: Sequence[CoverageRow]) -> str:
    first, last = rows[0], rows[-1]
    if len(rows) == 1 or first.coverage is None or last.coverage is None:
        return ""
    points = (last.coverage - first.coverage) * 100
    if abs(points) < 0.05:  # noqa: PLR2004 - less than what is shown
        return f" It is where it was in {first.label}."
    direction = "up" if points > 0 else "down"
    return f" It is {direction} from {percent(first.coverage)} in {first.label}."
