"""Where do we pay for more capability than the task needs?

    excess = what was paid on dearer rungs − what the cheapest rung that is enough would have cost for the same calls

Per task class and month, as a range. A rung is enough where replays prove it (`alignment/audit.py`); without proof there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from breakeven.alignment.audit import ALPHA, POWER, Evidence, Judgement, judge, more_replays
from breakeven.alignment.rollout import CHECKED
from breakeven.economics.money import ATTO, digits
from breakeven.economics.periods import Period
from breakeven.governance.charter import RUNGS
from breakeven.ledger.routecandidates import Candidate
from breakeven.ledger.taskclasses import Classes
from breakeven.reports.auditcomposed import Answered, answered_of, composed
from breakeven.reports.auditfacts import AuditFacts, ClassKey, ClassSpend, Replayed, audit_facts, margin_of, rank, worth
from breakeven.reports.auditpolicies import Move, Policy, policies
from breakeven.reports.auditwords import next_step, overturn, sentence
from breakeven.reports.question import Facts, statement
from breakeven.settings import CURRENCY, Settings

MONTH_DAYS = 30.4375
UNKNOWN_RANGE: tuple[str | None, str | None] = (None, None)
_NOTHING = ("0", "0")


class RungEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the replays of one class on one rung prove.

    `difference` is the mean of the cheaper score minus the stronger one (agreed minus 1 where only agreement is known), from
    `difference_low` to `difference_high`; `log_e` the logarithm of the e-value for *enough*; `harm_at_most` bounds the share of
    tasks that are answered worse, for this number of replays. `cost_per_task` is the mean of the replays that say what they cost.
    `judge_error` is how much a judge may be off, by which the margin that has to be kept is smaller. `by`: a rung, a cascade or a
    route; of the latter two `members` are the cheap rungs, with their models, and `moved` is the share of tasks that a cheap rung
    answers.
    """

    rung: str
    model: str | None
    verdict: str
    basis: str
    replays: int
    agreed: int
    agreement: float
    lower_bound: float
    upper_bound: float
    difference: float
    difference_low: float
    difference_high: float
    harm_at_most: float
    log_e: float
    replays_needed: int | None
    cost_per_task: str | None
    certificate: str
    templates: Sequence[str]
    scored_by: Sequence[str]
    last_at: str
    judge_error: float = 0.0
    by: str = "rung"
    members: Sequence[str] = ()
    models: Sequence[str | None] = ()
    moved: float = 1.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One task class: what is paid, on which rung, which would be enough, by what evidence, and what that is worth a month.

    `agreement` and `lower_bound` are those of the cheapest rung that is enough, else of the rung nearest to it; null without
    replays. `excess_per_month` is from the low to the high end, null where the cheaper rung's cost is unknown.
    `replays_needed` is null where no number of replays is expected to tell, and `replays_cost` is what they would cost.
    """

    feature: str | None
    task_class: str = msgspec.field(name="class")
    calls: int
    spend: str
    unknown_calls: int
    paid_for: str | None
    enough: str | None
    verdict: str
    agreement: float | None
    lower_bound: float | None
    margin: float
    replays: int
    agreed: int
    replays_needed: int | None
    replays_cost: str | None
    excess_per_month: tuple[str | None, str | None]
    state: str
    calls_by_rung: Mapping[str, int]
    rungs: Sequence[RungEvidence]
    overturn: str
    next: str


class LadderStep(msgspec.Struct, frozen=True, kw_only=True):
    """One rung: what is paid on it, and what would be where every class ran on the cheapest rung that is enough."""

    rung: str
    paid: str
    enough: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """All classes, the most money first; the ladder paid beside the ladder that is enough; the policies of each feature."""

    period: str
    label: str
    currency: str
    alpha: float
    findings: Sequence[Finding]
    ladder: Sequence[LadderStep]
    policies: Sequence[Policy]
    spend: str
    excess_per_month: tuple[str | None, str | None]
    unclassed_calls: int
    sentence: str
    trail: Mapping[str, Any]


def audit(  # noqa: PLR0913 - what an audit may be asked
    ledger: Facts,
    settings: Settings,
    period: Period,
    now: datetime,
    *,
    feature: str | None = None,
    margin: Decimal | None = None,
    alpha: float = ALPHA,
    names: Classes | None = None,
    states: Mapping[ClassKey, str] | None = None,
    routes: Sequence[Candidate] = (),
) -> Audit:
    """The audit of a period: every class that has calls in it or replays at all; of one feature where asked.

    `names`: classes found for calls that say none. `states`: what was decided on a class (on trial, adopted, rejected). `routes`:
    those that were learned from this ledger's replays.
    """
    facts = with_composed(audit_facts(ledger, settings, period, now, margin, names or Classes()), settings, margin, routes)
    keys = [key for key in {**facts.spend, **facts.replays} if feature is None or key[0] == feature]
    months = _months(ledger, period, now)
    judged = _judged(facts, keys, alpha)
    findings = [
        _finding(key, facts, judged.get(key, []), settings, margin_of(settings, key[0], margin), months, (states or {}).get(key))
        for key in keys
    ]
    findings.sort(key=_by_money)
    unclassed = sum(one.calls for name, one in facts.unclassed.items() if feature is None or name == feature)
    total = _sum_ranges([found.excess_per_month for found in findings if found.verdict == "enough" and found.calls])
    return Audit(
        period=period.name,
        label=period.label,
        currency=CURRENCY,
        alpha=alpha,
        findings=findings,
        ladder=_ladder(facts, keys, dict(zip(keys, _enough(judged, keys), strict=True))),
        policies=_policies(facts, keys, judged, settings, months, states or {}),
        spend=digits(sum(facts.spend[key].cost for key in keys if key in facts.spend)) or "0",
        excess_per_month=total,
        unclassed_calls=unclassed,
        sentence=sentence(findings, total, unclassed),
        trail=_trail(facts, keys, alpha, months, feature),
    )


def with_composed(facts: AuditFacts, settings: Settings, margin: Decimal | None, routes: Sequence[Candidate]) -> AuditFacts:
    """The facts with the cascades and routes that they can judge, after the single rungs of each class."""
    rungs: dict[ClassKey, list[Answered]] = {}
    for row in facts.rows:
        key, one = answered_of(row)
        rungs.setdefault(key, []).append(one)
    margins = {key: margin_of(settings, key[0], margin) for key in rungs}
    more = composed(rungs, facts.spend, margins, routes)
    return replace(facts, replays={key: [*found, *more.get(key, ())] for key, found in facts.replays.items()})


Judged = list[tuple[Replayed, Judgement]]


def _judged(facts: AuditFacts, keys: Sequence[ClassKey], alpha: float) -> dict[ClassKey, Judged]:
    """The verdict on every class and rung, all of them under one error budget."""
    asked = [(key, one) for key in keys for one in facts.replays.get(key, ())]
    verdicts = judge([one.evidence for _, one in asked], alpha)
    found: dict[ClassKey, Judged] = {}
    for (key, one), verdict in zip(asked, verdicts, strict=True):
        found.setdefault(key, []).append((one, verdict))
    return found


def _enough(judged: Mapping[ClassKey, Judged], keys: Sequence[ClassKey]) -> list[Replayed | None]:
    """The cheapest single rung that is enough, of each class."""
    return [
        next((one for one, verdict in judged.get(key, []) if verdict.verdict == "enough" and one.by == "rung"), None)
        for key in keys
    ]


def _nearest(judged: Judged) -> tuple[Replayed, Judgement] | None:
    """The cheapest rung that is enough, else a policy that is, else the undecided rung with the most evidence, else the best.

    What is undecided is said of single rungs: policies are made of their replays.
    """
    if not any(verdict.verdict == "enough" and one.by == "rung" for one, verdict in judged):
        policies = [(one, verdict) for one, verdict in judged if verdict.verdict == "enough"]
        if policies:
            return min(policies, key=lambda item: (item[0].mean_cost is None, item[0].mean_cost or 0.0))
    order = {"enough": 0, "too little evidence": 1, "not enough": 2}
    ranked = sorted(
        [item for item in judged if item[0].by == "rung"],
        key=lambda item: (
            order[item[1].verdict],
            rank(item[0].rung) if item[1].verdict == "enough" else 0,
            -item[1].difference.mean if item[1].verdict == "not enough" else -item[1].log_enough,
        ),
    )
    return ranked[0] if ranked else None


def _finding(  # noqa: PLR0917 - what one class is judged by
    key: ClassKey, facts: AuditFacts, judged: Judged, settings: Settings, margin: float, months: float, state: str | None
) -> Finding:
    spend = facts.spend.get(key, ClassSpend())
    best = _nearest(judged)
    verdict = best[1].verdict if best else "too little evidence"
    enough = best[0].rung if best and verdict == "enough" else None
    if best and verdict == "not enough":
        enough = best[0].from_rung
    needed = best[1].needed if best else _without_any(margin)
    excess = _excess(spend, best, settings, key[0], months)
    rungs = [_rung(one, found) for one, found in judged]
    return Finding(
        feature=key[0],
        task_class=key[1],
        calls=spend.calls,
        spend=digits(spend.cost) or "0",
        unknown_calls=spend.unknown,
        paid_for=spend.paid_for,
        enough=enough,
        verdict=verdict,
        agreement=best[1].agreement.mean if best else None,
        lower_bound=best[1].agreement.low if best else None,
        margin=margin,
        replays=best[0].evidence.count if best else 0,
        agreed=best[0].agreed if best else 0,
        replays_needed=needed,
        replays_cost=_price(best[0] if best else None, needed),
        excess_per_month=excess,
        state=state or ("proposed" if verdict == "enough" else "open"),
        calls_by_rung={name or "unknown": count for name, count in spend.calls_by_rung().items()},
        rungs=rungs,
        overturn=overturn(verdict, best[0] if best else None, best[1] if best else None, margin),
        next=next_step(key, verdict, enough, needed, state, _asked(best[0] if best else None, spend)),
    )


def _asked(best: Replayed | None, spend: ClassSpend) -> str:
    """The rung to ask next: the one that the finding is about, else the model rung below the dearest in use."""
    if best is not None:
        return best.rung
    dearest = rank(list(spend.calls_by_rung())[-1]) if spend.parts else len(RUNGS)
    return next((rung for rung in reversed(RUNGS[:dearest]) if rung not in {"cache", "handler"}), "handler")


def _without_any(margin: float) -> int | None:
    import numpy as np  # noqa: PLC0415 - only where a class has no replay at all

    nothing = np.zeros(0)
    return more_replays(Evidence(nothing, nothing.astype(bool), nothing, margin), ALPHA, POWER)


def _price(found: Replayed | None, needed: int | None) -> str | None:
    """What so many more replays would cost on this rung; None where no replay says what one costs."""
    if found is None or found.mean_cost is None or needed is None:
        return None
    return digits(round(needed * found.mean_cost * 100) * (ATTO // 100))


def _excess(
    spend: ClassSpend, best: tuple[Replayed, Judgement] | None, settings: Settings, feature: str | None, months: float
) -> tuple[str | None, str | None]:
    """What is paid above need, a month: nothing where the dear rung is needed, from nothing on where that is open."""
    if best is None or not spend.calls:
        return UNKNOWN_RANGE
    found, judgement = best
    if judgement.verdict == "not enough":
        return _NOTHING
    ends = _worth(spend, found, judgement, settings, feature, months)
    if ends is None:
        return UNKNOWN_RANGE
    if judgement.verdict == "too little evidence":
        return "0", digits(_cents(max(ends[1], 0)))
    return digits(_cents(ends[0])), digits(_cents(ends[1]))


def _worth(
    spend: ClassSpend, found: Replayed, judgement: Judgement, settings: Settings, feature: str | None, months: float
) -> tuple[int, int] | None:
    """What moving the class to this rung is worth a month, errors priced at what the feature declares."""
    declared = settings.features.get(feature) if feature is not None else None
    error_cost = (declared.error_cost if declared is not None else None) or 0
    wrong = (max(-judgement.difference.mean, 0.0), max(-judgement.difference.low, 0.0))
    return worth(spend, found, months, error_cost, wrong)


def _policies(
    facts: AuditFacts,
    keys: Sequence[ClassKey],
    judged: Mapping[ClassKey, Judged],
    settings: Settings,
    months: float,
    states: Mapping[ClassKey, str],
) -> list[Policy]:
    """The policies of every feature, over its classes on which nothing was decided yet and which have calls on dearer rungs."""
    moves: dict[str | None, list[Move]] = {}
    for key in keys:
        spend = facts.spend.get(key, ClassSpend())
        for found, judgement in [] if key in states else judged.get(key, []):
            calls, cost = spend.above(*found.top)
            if calls:
                ends = _worth(spend, found, judgement, settings, key[0], months)
                proven = judgement.verdict == "enough"
                moves.setdefault(key[0], []).append(Move(key[1], found.rung, proven, ends, round(cost * found.moved / months)))
    return [policy for feature, asked in moves.items() for policy in policies(feature, asked, CHECKED)]


def _cents(value: int) -> int:
    """An estimate is said in cents: more digits would promise what it does not know."""
    cent: int = ATTO // 100
    return (value + cent // 2) // cent * cent


def _rung(one: Replayed, found: Judgement) -> RungEvidence:
    return RungEvidence(
        rung=one.rung,
        model=one.model,
        verdict=found.verdict,
        basis="paired scores" if one.evidence.paired else "agreement",
        replays=one.evidence.count,
        agreed=one.agreed,
        agreement=found.agreement.mean,
        lower_bound=found.agreement.low,
        upper_bound=found.agreement.high,
        difference=found.difference.mean,
        difference_low=found.difference.low,
        difference_high=found.difference.high,
        harm_at_most=found.harm_at_most,
        log_e=found.log_enough,
        replays_needed=found.needed,
        cost_per_task=None if one.mean_cost is None else digits(round(one.mean_cost * 10**9) * (ATTO // 10**9)),
        certificate=one.tested,
        templates=one.templates,
        scored_by=one.scored_by,
        last_at=one.last_at.isoformat(timespec="seconds") + "Z",
        judge_error=one.evidence.slack,
        by=one.by,
        members=[name for name, _ in one.members],
        models=[model for _, model in one.members],
        moved=one.moved,
    )


def _by_money(found: Finding) -> tuple[int, Decimal, Decimal, str]:
    """Proven excess first, the most of it first; then what might be; then what is needed; then by spend."""
    order = {"enough": 0, "too little evidence": 1, "not enough": 2}
    high = found.excess_per_month[1]
    return order[found.verdict], -Decimal(high or 0), -Decimal(found.spend), found.task_class


def _sum_ranges(ranges: Sequence[tuple[str | None, str | None]]) -> tuple[str | None, str | None]:
    known = [(Decimal(low), Decimal(high)) for low, high in ranges if low is not None and high is not None]
    if len(known) < len(ranges):
        return UNKNOWN_RANGE
    return digits(sum((low for low, _ in known), Decimal(0))), digits(sum((high for _, high in known), Decimal(0)))


def _ladder(facts: AuditFacts, keys: Sequence[ClassKey], enough: Mapping[ClassKey, Replayed | None]) -> list[LadderStep]:
    """What is paid per rung beside what would be, with each class on its cheapest sufficient rung."""
    paid: dict[str, int] = {}
    needed: dict[str, int] = {}
    for key in keys:
        spend, found = facts.spend.get(key, ClassSpend()), enough[key]
        moved_calls, moved_cost = spend.above(found.rung, found.model) if found is not None else (0, 0)
        for part in spend.parts:
            name = part.rung or "unknown"
            paid[name] = paid.get(name, 0) + part.cost
            needed[name] = needed.get(name, 0) + part.cost
        if found is not None and found.mean_cost is not None and moved_cost:
            _move(needed, spend, found)
            needed[found.rung] = needed.get(found.rung, 0) + moved_calls * round(found.mean_cost * 10**9) * (ATTO // 10**9)
    names = sorted({**paid, **needed}, key=lambda name: (rank(name), name))
    return [
        LadderStep(rung=name, paid=digits(paid.get(name, 0)) or "0", enough=digits(_cents(needed.get(name, 0))) or "0")
        for name in names
    ]


def _move(needed: dict[str, int], spend: ClassSpend, found: Replayed) -> None:
    """Take off what the class pays on rungs dearer than it needs."""
    for part in spend.parts:
        if ClassSpend((part,)).above(found.rung, found.model)[0]:
            needed[part.rung or "unknown"] -= part.cost


def _months(ledger: Facts, period: Period, now: datetime) -> float:
    """How many months of traffic the period holds; a month that is over is one, whatever its days."""
    first, last = ledger.query(statement("bounds"))[0][:2]
    if first is None:
        return 1.0
    known = period.within(datetime.combine(first, time()), datetime.combine(last, time()))
    start, end = known.start, min(known.end if period.unbounded else period.end, now)
    whole = (period.end - period.start).days in range(28, 32) and period.start.day == 1 and period.end <= now
    return 1.0 if whole else max((end - start).total_seconds() / 86_400 / MONTH_DAYS, 1 / MONTH_DAYS)


def _trail(facts: AuditFacts, keys: Sequence[ClassKey], alpha: float, months: float, feature: str | None) -> Mapping[str, Any]:
    replays = [one for key in keys for one in facts.replays.get(key, ())]
    return {
        "formula": {
            "enough": "wealth of a bet against 'worse by more than the margin' reaches what e-BH asks, at whatever time one looks",
            "agreement": "replays on which both rungs say the same / replays",
            "lower_bound": f"confidence sequence by betting, {1 - alpha:.0%}, valid at all times at once",
            "saving_per_month": f"excess per month of the classes that move - {CHECKED:.0%} of their cost on dearer rungs (checks)",
            "excess_per_month": "cost of calls on dearer rungs - calls x mean cost of a replay (95% interval) - cost of errors",
        },
        "error_budget": f"of what is called enough, at most {alpha:.0%} is not, over all classes and rungs of this audit (e-BH)",
        "questions": len(replays),
        "rows": {
            "replays": sum(one.evidence.count for one in replays),
            "calls": sum(facts.spend[k].calls for k in keys if k in facts.spend),
        },
        "months": months,
        "feature": feature,
        "scored_by": sorted({name for one in replays for name in one.scored_by}),
    }
