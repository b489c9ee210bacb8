"""The facts behind unit costs: users, failures, runs and revenue of a period, and the clusters that intervals rest on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from breakeven.economics.allocation import prorated
from breakeven.economics.money import ATTO
from breakeven.economics.pnl import Tally
from breakeven.economics.units import Review
from breakeven.economics.value import TimeSaved
from breakeven.economics.verdict import Cluster
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.tallies import outcome_tallies
from breakeven.settings import Settings

Feature = str | None
_ALL_FEATURES = 2
"""GROUPING(feature, cluster) of the rows over all features."""


class Wasted(NamedTuple):
    """Attempts of one kind that bought nothing, and what they cost; None: a cost that is unknown."""

    attempts: int
    cost: int | None


class Failed(NamedTuple):
    """Failed outcomes that name their trace, and what the answered calls of those traces cost."""

    outcomes: int = 0
    cost: int = 0


class Runs(NamedTuple):
    """What one run costs."""

    number: int
    quantiles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Used:
    """Who used a feature, and the independent units of its cost: (unit, clustering) to clusters of cost and units."""

    users: int = 0
    cost_of_users: int = 0
    customers: int = 0
    cost_of_customers: int = 0
    clusters: Mapping[tuple[str, str], list[Cluster]] = field(default_factory=dict)


def wasted(ledger: Facts, question: Question) -> dict[Feature, dict[str, Wasted]]:
    """What attempts that bought nothing cost, by feature and kind."""
    found: dict[Feature, dict[str, Wasted]] = defaultdict(dict)
    for feature, kind, attempts, cost in ask(ledger, "units_failures", question, ()):
        found[feature][kind] = Wasted(attempts, None if cost is None else whole(cost))
    return found


def failed_outcomes(ledger: Facts, question: Question) -> dict[Feature, Failed]:
    """Failed outcomes whose calls are known; none where outcomes cannot be told apart by what is asked (a model, a rung)."""
    if not question.divides_outcomes:
        return {}
    return {row[0]: Failed(row[1], whole(row[2])) for row in ask(ledger, "units_unsuccessful", question, ())}


def runs(ledger: Facts, question: Question) -> dict[Feature, Runs]:
    """Median and 95th percentile of what one trace costs."""
    return {row[0]: Runs(row[1], tuple(whole(cost) for cost in row[2:])) for row in ask(ledger, "units_runs", question, ())}


def product_revenue(ledger: Facts, question: Question) -> int | None:
    """All recorded revenue of the period, prorated by time; None where none is recorded."""
    spans = ask(ledger, "revenue", question, (), filtered=False)
    parts = [prorated(whole(amount), (start, end), question.period) for start, end, _c, _p, _f, amount, _n in spans]
    return sum(parts) if any(parts) else None


def review_of(settings: Settings, feature: Feature) -> Review | None:
    """People's time as declared under `review`, else the review minutes of a value model of time saved."""
    declared = settings.features.get(feature) if feature is not None else None
    if declared is None:
        return None
    if declared.review is not None:
        return declared.review
    saved = [model for model in declared.values if isinstance(model, TimeSaved) and model.review_minutes > 0]
    return Review(saved[-1].review_minutes, saved[-1].review_minutes * 0, saved[-1].hourly_rate) if saved else None


def used(ledger: Facts, settings: Settings, question: Question) -> tuple[dict[Feature, Used], Used]:
    """By feature, and over all of them: users, customers, and the clusters of each unit by day and by customer."""
    clusters: dict[Feature, dict[tuple[str, str], list[Cluster]]] = defaultdict(lambda: defaultdict(list))
    everything: dict[tuple[str, str], list[Cluster]] = defaultdict(list)
    customers: dict[Feature, int] = defaultdict(int)
    active: set[str] = set()
    paid: dict[Feature, int] = defaultdict(int)
    for kind in ("day", "customer"):
        of_all: dict[str, Tally] = defaultdict(Tally)
        for (feature, unit), tally in _tallies(ledger, settings, replace(question, by=("feature", kind))).items():
            if unit is None:
                continue
            of_all[unit] += tally
            _add(clusters[feature], kind, tally)
            if kind == "customer" and tally.calls:
                customers[feature] += 1
                paid[feature] += tally.cost or 0
                active.add(unit)
        for tally in of_all.values():
            _add(everything, kind, replace(tally, outcomes=None, successful=None))
    users = _users(ledger, question)
    found = {}
    for feature in {*clusters, *(name for name, over_all in users if not over_all)}:
        number, cost, by_user = users.get((feature, False), _NOBODY)
        own = {**clusters[feature], ("user", "customer"): list(by_user)}
        found[feature] = Used(number, cost, customers[feature], paid[feature], own)
    number, cost, by_user = users.get((None, True), _NOBODY)
    return found, Used(number, cost, len(active), sum(paid.values()), {**everything, ("user", "customer"): list(by_user)})


def _add(into: dict[tuple[str, str], list[Cluster]], kind: str, tally: Tally) -> None:
    cost = (tally.cost or 0) / ATTO
    counts = {"outcome": tally.outcomes, "success": tally.successful, "call": tally.calls}
    if kind == "customer":
        counts["customer"] = 1 if tally.calls else None
    for unit, count in counts.items():
        if count:
            into[unit, kind].append(Cluster(cost, count))


def _tallies(ledger: Facts, settings: Settings, question: Question) -> dict[tuple[str | None, ...], Tally]:
    found: dict[tuple[str | None, ...], Tally] = defaultdict(Tally)
    for feature, unit, _class, cost, _lines, _unknown in ask(ledger, "costs", question, question.by):
        found[feature, unit] += Tally(cost=whole(cost))
    for feature, unit, calls, _unknown, _tokens in ask(ledger, "calls", question, question.by):
        found[feature, unit] += Tally(calls=calls)
    for key, tally in outcome_tallies(ledger, settings, question, question.by).items():
        found[key] += tally
    return found


Users = tuple[int, int, list[Cluster]]
_NOBODY: Users = (0, 0, [])


def _users(ledger: Facts, question: Question) -> dict[tuple[Feature, bool], Users]:
    """Users, what their calls cost, and clusters of both by customer; the key says whether it is over all features."""
    found: dict[tuple[Feature, bool], Users] = {}
    for level, feature, _cluster, count, cost in ask(ledger, "units_users", question, ()):
        key = feature, level == _ALL_FEATURES
        users, total, clusters = found.get(key, (0, 0, []))
        clusters.append(Cluster(whole(cost) / ATTO, count))
        found[key] = users + count, total + whole(cost), clusters
    return found
