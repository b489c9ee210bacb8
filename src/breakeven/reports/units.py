"""What does one unit of AI work cost: an outcome, a success, a call, a user, a customer; and what does failure cost?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from breakeven.economics.money import ATTO, atto, digits
from breakeven.economics.pnl import Tally, share
from breakeven.economics.scenario.closed import multipliers
from breakeven.economics.scenario.model import Baseline
from breakeven.economics.units import Review, UnitCost, gross_margin_effect, of_unsuccessful, unit_cost, with_people
from breakeven.economics.verdict import Cluster
from breakeven.reports import unitfacts
from breakeven.reports.pnl import bounded
from breakeven.reports.question import Facts, Question, Remembering
from breakeven.reports.reconciled import tie
from breakeven.reports.shared import revenue
from breakeven.reports.tallies import outcome_tallies, sums
from breakeven.reports.trail import Shares, complement, instant, nobody, prices, shares
from breakeven.reports.unitfacts import Failed, Runs, Used, Wasted
from breakeven.reports.unitwords import sentence
from breakeven.settings import CURRENCY, Settings

FORMULA: Mapping[str, str] = {
    "unit cost": "sum of cost / sum of units; 95% interval by the delta method (jackknife), by day or customer, the wider",
    "cost per success": "(sum of cost + review * outcomes + rework * failures) / successes, "
    "which is (attempt + review)/p + rework*(1 - p)/p",
    "cost of failure": "attempts that failed, were refused, cut off or retried + unsuccessful outcomes, by trace or at the average",
    "contribution after fixed": "value - cost - allocated fixed cost",
    "gross margin effect": "-(cost of revenue, variable and allocated fixed) / revenue of the product",
    "multipliers": "price, tokens per task: (value - fixed) / cost; usage: (fixed - flat value) / (value of tasks - cost); "
    "seats: (cost + fixed - value of tasks) / flat value",
}


class Unit(msgspec.Struct, frozen=True):
    """Cost of one unit, the units counted, and its 95% interval from so many `clusters` (days or customers); null: too few."""

    cost: str
    count: int
    low: str | None
    high: str | None
    clusters: int | None
    clustered_by: str | None


class Waste(msgspec.Struct, frozen=True):
    """Attempts that bought nothing, and what they cost."""

    attempts: int
    cost: str | None


class Failure(msgspec.Struct, frozen=True):
    """What bought nothing. `basis` of the unsuccessful outcomes: trace (their own calls), average (of all outcomes), or both."""

    cost: str
    share: float | None
    attempts: Mapping[str, Waste]
    unsuccessful_outcomes: int | None
    unsuccessful_cost: str | None
    basis: str | None


class People(msgspec.Struct, frozen=True):
    """Declared cost of people: the review of one outcome, and one failure done again."""

    review: str
    rework: str


class Run(msgspec.Struct, frozen=True):
    """What one run of a workflow (a trace) costs: median, 90th, 95th and 99th percentile over `count` runs of known cost."""

    count: int
    p50: str
    p90: str
    p95: str
    p99: str


class Breakeven(msgspec.Struct, frozen=True):
    """The factor on a driver at which the row breaks even: it earns `up to` or `from` that factor; never, always, unknown."""

    side: str
    factor: float | None


class UnitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature. A unit that nothing counts is null."""

    feature: str | None
    label: str
    kind: str
    value: str | None
    cost: str | None
    fixed_cost: str
    contribution: str | None
    contribution_after_fixed: str | None
    margin: float | None
    margin_after_fixed: float | None
    gross_margin_effect: float | None
    calls: int
    unpriced_calls: int
    per_outcome: Unit | None
    per_success: Unit | None
    per_call: Unit | None
    per_user: Unit | None
    per_customer: Unit | None
    failure: Failure | None
    people: People | None
    run: Run | None
    breakeven: Mapping[str, Breakeven]


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `revenue` is all recorded revenue of the period, which the gross margin effects are points of."""

    period: str
    label: str
    currency: str
    revenue: str | None
    rows: Sequence[UnitRow]
    total: UnitRow
    shares: Shares
    sentence: str
    trail: Mapping[str, Any]


def units(ledger: Facts, settings: Settings, question: Question) -> Units:
    """Unit costs by feature, and of everything together."""
    ledger = Remembering(ledger)
    question = bounded(ledger, replace(question, by=("feature",)))
    found = sums(ledger, settings, question)
    by_feature, everybody = unitfacts.used(ledger, settings, question)
    waste, failed = unitfacts.wasted(ledger, question), unitfacts.failed_outcomes(ledger, question)
    runs = unitfacts.runs(ledger, question)
    earned = outcome_tallies(ledger, settings, question, ("feature",))
    flat = revenue(ledger, settings.values, question).parts
    paid = unitfacts.product_revenue(ledger, question)
    rows = []
    for (name,), tally in sorted(found.rows.items(), key=lambda one: (one[0][0] is None, -(one[1].cost or 0), one[0][0] or "")):
        base = _baseline(tally, earned.get((name,), Tally()).value, flat.get((name,), 0))
        facts = _Facts(
            by_feature.get(name, Used()),
            waste.get(name, {}),
            failed.get(name, Failed()),
            runs.get(name),
            unitfacts.review_of(settings, name),
        )
        rows.append(_row(name, name or "Unattributed", "group" if name is not None else "unattributed", tally, facts, base, paid))
    total = _total(found.total, everybody, rows, waste, paid)
    badges = shares(found.total, nobody(ledger, question), tie(ledger, question))
    return Units(
        period=question.period.name,
        label=question.period.label,
        currency=CURRENCY,
        revenue=digits(paid),
        rows=rows,
        total=total,
        shares=badges,
        sentence=sentence(question.period.label, rows, total),
        trail={
            "formula": FORMULA,
            "rows": {"calls": found.total.calls, "cost_lines": found.total.lines, "outcomes": found.total.outcomes or 0},
            "price_versions": prices(ledger, question).versions,
            "share_unpriced": complement(badges.priced),
            "share_unattributed": complement(badges.attributed),
            "share_of_cost_without_user": complement(share(everybody.cost_of_users, found.total.cost)),
            "recorded_as_of": instant(question.as_of),
            "read_from": "calls, lines and rollups",
            "notes": found.notes,
        },
    )


class _Facts(msgspec.Struct, frozen=True):
    used: Used
    waste: Mapping[str, Wasted]
    failed: Failed
    runs: Runs | None
    review: Review | None


def _row(  # noqa: PLR0917 - what one feature is made of
    name: str | None, label: str, kind: str, tally: Tally, facts: _Facts, base: Baseline | None, paid: int | None
) -> UnitRow:
    used, review = facts.used, facts.review
    failures = None if tally.successful is None or tally.outcomes is None else tally.outcomes - tally.successful
    carried = None if tally.cost is None else with_people(tally.cost, tally.outcomes or 0, failures or 0, review)
    after = None if tally.contribution is None else tally.contribution - tally.fixed_cost
    return UnitRow(
        feature=name,
        label=label,
        kind=kind,
        value=digits(tally.value),
        cost=digits(tally.cost),
        fixed_cost=digits(tally.fixed_cost) or "0",
        contribution=digits(tally.contribution),
        contribution_after_fixed=digits(after),
        margin=tally.margin,
        margin_after_fixed=share(after, tally.value),
        gross_margin_effect=gross_margin_effect((tally.cost_of_revenue or 0) + tally.fixed_cost_of_revenue, paid),
        calls=tally.calls,
        unpriced_calls=tally.unknown_calls,
        per_outcome=_unit("outcome", tally.cost, tally.outcomes, used),
        per_success=_unit("success", carried, tally.successful, _carrying(used, review)),
        per_call=_unit("call", tally.cost, tally.calls - tally.unknown_calls, used),
        per_user=_unit("user", used.cost_of_users, used.users, used) if tally.cost is not None else None,
        per_customer=_unit("customer", used.cost_of_customers, used.customers, used) if tally.cost is not None else None,
        failure=_failure(tally, facts, failures),
        people=None if review is None else People(digits(review.each) or "0", digits(review.redone) or "0"),
        run=_run(facts.runs),
        breakeven={} if base is None else {one.driver: Breakeven(one.side, one.factor) for one in multipliers(base)},
    )


def _run(found: Runs | None) -> Run | None:
    return None if found is None else Run(found.number, *(digits(cost) or "0" for cost in found.quantiles))


def _unit(name: str, cost: int | None, count: int | None, used: Used) -> Unit | None:
    found = unit_cost(cost, count, {by: used.clusters[name, by] for by in ("day", "customer") if (name, by) in used.clusters})
    return None if found is None else _shown(found)


def _shown(found: UnitCost) -> Unit:
    interval = found.interval
    low, high = (None, None) if interval is None else (f"{interval.low:.6f}", f"{interval.high:.6f}")
    return Unit(digits(found.amount) or "0", found.count, low, high, None if interval is None else interval.clusters, found.by)


def _carrying(used: Used, review: Review | None) -> Used:
    """The clusters of successes with people's time: of each cluster's outcomes and failures."""
    if review is None:
        return used
    clusters = dict(used.clusters)
    for by in ("day", "customer"):
        outcomes, successes = used.clusters.get(("outcome", by), []), used.clusters.get(("success", by), [])
        if len(outcomes) == len(successes):
            clusters["success", by] = [
                Cluster(
                    one.net + (review.each * one.outcomes + review.redone * (one.outcomes - other.outcomes)) / ATTO, other.outcomes
                )
                for one, other in zip(outcomes, successes, strict=True)
            ]
        else:  # some cluster has outcomes and no success: it cannot be paired, and the interval would miss it
            clusters.pop(("success", by), None)
    return replace(used, clusters=clusters)


def _failure(tally: Tally, facts: _Facts, failures: int | None) -> Failure | None:
    """Attempts that bought nothing, and unsuccessful outcomes; None where no cost is known."""
    if tally.cost is None:
        return None
    nothing = sum(one.cost or 0 for one in facts.waste.values())
    traced = min(facts.failed.outcomes, failures or 0)
    rest = (failures or 0) - traced
    spent = (facts.failed.cost if traced else 0) + (of_unsuccessful(tally.cost, nothing, tally.outcomes or 0, rest) if rest else 0)
    basis = {(True, False): "trace", (False, True): "average", (True, True): "trace and average"}.get((traced > 0, rest > 0))
    return Failure(
        digits(nothing + spent) or "0",
        share(nothing + spent, tally.cost),
        {kind: Waste(one.attempts, digits(one.cost)) for kind, one in sorted(facts.waste.items())},
        failures,
        None if failures is None else digits(spent),
        basis,
    )


def _total(
    tally: Tally, everybody: Used, rows: Sequence[UnitRow], waste: Mapping[str | None, Mapping[str, Wasted]], paid: int | None
) -> UnitRow:
    """Everything together: outcomes of different features are not one unit, so that they have no common cost."""
    together: dict[str, Wasted] = {}
    for kinds in waste.values():
        for kind, one in kinds.items():
            so_far = together.get(kind, Wasted(0, 0))
            together[kind] = Wasted(so_far.attempts + one.attempts, (so_far.cost or 0) + (one.cost or 0))
    facts = _Facts(everybody, together, Failed(), None, None)
    row = _row(None, "Total", "total", replace(tally, outcomes=None, successful=None), facts, None, paid)
    if row.failure is None:
        return row
    failures = [one.failure for one in rows if one.failure is not None]
    cost = sum(atto(one.cost) for one in failures)
    spent = [atto(one.unsuccessful_cost) for one in failures if one.unsuccessful_cost is not None]
    bases = sorted({one.basis for one in failures if one.basis})
    failure = msgspec.structs.replace(
        row.failure,
        cost=digits(cost) or "0",
        share=share(cost, tally.cost),
        unsuccessful_cost=digits(sum(spent)) if spent else None,
        basis=(bases[0] if len(bases) == 1 else "trace and average") if bases else None,
    )
    return msgspec.structs.replace(row, failure=failure)


def _baseline(tally: Tally, earned: int | None, flat: int) -> Baseline | None:
    """A feature as the break-even factors want it; None without known cost."""
    if tally.cost is None:
        return None
    tasks = float((tally.outcomes or tally.calls) or 0)
    return Baseline(
        name="",
        tiers={"all": tally.cost / ATTO},
        tasks=tasks,
        value_per_task=None if earned is None or tasks <= 0 else earned / ATTO / tasks,
        flat_value=flat / ATTO,
        fixed_cost=tally.fixed_cost / ATTO,
    )
