"""The verdict on each feature of a period, from days and customers as the independent units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from breakeven.economics.money import ATTO
from breakeven.economics.pnl import Tally
from breakeven.economics.value import RevenueShare, weakest_grade
from breakeven.economics.verdict import Cluster, Verdict, judged, widest
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.shared import revenue
from breakeven.reports.tallies import outcome_tallies
from breakeven.settings import Settings

Key = tuple[str | None, ...]


def verdicts(ledger: Facts, settings: Settings, question: Question, rows: Mapping[Key, Tally]) -> dict[str, Verdict]:
    """The verdict on every feature in `rows`, which must be grouped by feature alone."""
    names = [key[0] for key in rows if key[0] is not None]
    models = {name: [model for model in settings.values if model.feature == name and _touches(model, question)] for name in names}
    valued = {name for name in names if models[name]}
    clusters = _clusters(ledger, settings, question) if valued else {}
    found: dict[str, Verdict] = {}
    for name in names:
        tally = rows[name,]
        by_revenue = any(isinstance(model, RevenueShare) for model in models[name])
        kinds = ("customer",) if by_revenue else ("day", "customer")
        interval = widest([clusters.get((kind, name), []) for kind in kinds]) if name in valued else None
        unknown = tally.unknown_calls / tally.calls if tally.calls else 0.0
        found[name] = judged(weakest_grade(models[name]), interval, unknown)
    return found


def _touches(model: object, question: Question) -> bool:
    since, until = getattr(model, "since", None), getattr(model, "until", None)
    return (since is None or since < question.period.end) and (until is None or until > question.period.start)


def _clusters(ledger: Facts, settings: Settings, question: Question) -> dict[tuple[str, str], list[Cluster]]:
    """Net value and outcomes of every feature by day and by customer; avoided cost counts, by its declared baseline.

    Where a feature has no outcomes at all, calls take their place. Unattributed customers form no cluster of their own kind: usage
    that nobody is known for cannot be told apart into independent units.
    """
    found: dict[tuple[str, str], list[Cluster]] = defaultdict(list)
    for kind in ("day", "customer"):
        keys = ("feature", kind)
        sums: dict[Key, Tally] = defaultdict(Tally)
        for feature, unit, _class, cost, _lines, _unknown in ask(ledger, "costs", question, keys):
            sums[feature, unit] += Tally(cost=whole(cost))
        for feature, unit, calls, _unknown, _tokens in ask(ledger, "calls", question, keys):
            sums[feature, unit] += Tally(calls=calls)
        for key, tally in outcome_tallies(ledger, settings, question, keys).items():
            sums[key] += tally
        if kind == "customer":
            for key, part in revenue(ledger, settings.values, replace(question, by=keys)).parts.items():
                sums[key] += Tally(value=part)
        with_outcomes = {key[0] for key, tally in sums.items() if tally.outcomes}
        for (feature, unit), tally in sums.items():
            if feature is not None and unit is not None:
                net = (tally.value or 0) + (tally.avoided_cost or 0) - (tally.cost or 0)
                count = (tally.outcomes or 0) if feature in with_outcomes else tally.calls
                found[kind, feature].append(Cluster(net / ATTO, count))
    return found
