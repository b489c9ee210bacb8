"""Which features are popular and unprofitable, how much value was created and destroyed, and what comes first?"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from breakeven.economics.money import atto, digits
from breakeven.economics.periods import previous
from breakeven.economics.pnl import Tally
from breakeven.economics.portfolio import GROWING, REACHED, Finding, loss_certainty, placed, popular, ranked
from breakeven.economics.verdict import Interval, Verdict
from breakeven.reports.customers import customers
from breakeven.reports.pnl import bounded
from breakeven.reports.question import Facts, Question, Remembering, ask
from breakeven.reports.reconciled import tie
from breakeven.reports.scaling import scaling
from breakeven.reports.scalingrows import ScalingRow
from breakeven.reports.tallies import Sums, sums
from breakeven.reports.trail import Shares, complement, instant, models_used, nobody, prices, shares
from breakeven.reports.verdicts import verdicts
from breakeven.reports.words import count, dollars, percent
from breakeven.settings import CURRENCY, Settings

FORMULA: Mapping[str, str] = {
    "popular": f"reaches at least {REACHED:.0%} of active customers, or its use grew at least {GROWING:g} times",
    "profitable": "contribution (value - cost) is not below 0",
    "value_created": "sum of contributions above 0; value_destroyed: of those below 0, negated; by features with a value model",
    "certainty": "of a loss: P(net value per outcome < 0) by the clustered t interval; of recorded sums: 1",
    "rank": "certainty x middle of the worth",
}


class FeatureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature: adoption beside margin. `growth`: use / use of the period before; `pace`: how cost answers adoption."""

    feature: str
    owner: str | None
    place: str
    customers: int
    users: int | None
    adoption: int
    unit: str
    growth: float | None
    value: str | None
    cost: str | None
    contribution: str | None
    margin: float | None
    verdict: str
    pace: str
    elasticity: float | None
    unpriced_calls: int


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do, the most promising first. `worth` is a range a period; null where it cannot be said."""

    rank: int
    id: str
    subject: str
    what: str
    worth: list[str] | None
    certainty: float
    evidence: str
    next: str


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """The report: features, dearest first, and findings by rank."""

    period: str
    label: str
    versus: str | None
    currency: str
    value_created: str | None
    value_destroyed: str | None
    rows: Sequence[FeatureRow]
    findings: Sequence[FindingRow]
    shares: Shares
    sentence: str
    trail: Mapping[str, Any]


def portfolio(ledger: Facts, settings: Settings, question: Question, more: Sequence[Finding] = ()) -> Portfolio:
    """All features of a period against the one before; `more` findings of other analyses are ranked with our own."""
    ledger = Remembering(ledger)
    earlier = None if question.period.unbounded else previous(question.period)
    question = bounded(ledger, replace(question, by=("feature",), versus=None))
    now = sums(ledger, settings, question)
    before = None if earlier is None else sums(ledger, settings, question.over(earlier))
    judged = verdicts(ledger, settings, question, now.rows)
    paces = {row.feature: row for row in scaling(ledger, settings, question).rows}
    reach = _reach(ledger, question)
    rows = [
        _row(name, tally, None if before is None else before.rows.get((name,)), judged[name], paces.get(name), reach, settings)
        for name, tally in sorted(
            ((key[0], tally) for key, tally in now.rows.items() if key[0] is not None),
            key=lambda one: (-(one[1].cost or 0), one[0]),
        )
    ]
    unowned = nobody(ledger, question)
    badges = shares(now.total, unowned, tie(ledger, question))
    findings = ranked([*_losing_features(rows, judged, now, question), *_others(ledger, settings, question, now, unowned), *more])
    contributions = [row.contribution for row in rows if row.place != "cost only" and row.contribution is not None]
    created = sum(max(atto(one), 0) for one in contributions) if contributions else None
    destroyed = sum(max(-atto(one), 0) for one in contributions) if contributions else None
    return Portfolio(
        period=question.period.name,
        label=question.period.label,
        versus=None if earlier is None else earlier.name,
        currency=CURRENCY,
        value_created=digits(created),
        value_destroyed=digits(destroyed),
        rows=rows,
        findings=[_finding(rank, one) for rank, one in enumerate(findings, start=1)],
        shares=badges,
        sentence=_sentence(question.period.label, rows, created, destroyed, findings),
        trail={
            "formula": FORMULA,
            "rows": {"calls": now.total.calls, "cost_lines": now.total.lines, "outcomes": now.total.outcomes or 0},
            "price_versions": prices(ledger, question).versions,
            "share_unpriced": complement(badges.priced),
            "share_unattributed": complement(badges.attributed),
            "value_models": models_used(settings.values),
            "recorded_as_of": instant(question.as_of),
            "notes": ["worths of findings may overlap and are not summed"],
        },
    )


def _reach(ledger: Facts, question: Question) -> dict[str | None, tuple[int, int | None]]:
    """Customers and users of each feature; under None the active customers of all."""
    per_feature = ask(ledger, "scenario_seats", question, ("feature",))
    users = dict(ask(ledger, "scaling_users", question, ("feature",)))
    everybody = ask(ledger, "scenario_seats", question, ())
    found: dict[str | None, tuple[int, int | None]] = {
        name: (seats, users.get(name)) for name, seats in per_feature if name is not None
    }
    found[None] = (int(everybody[0][0]) if everybody else 0, None)
    return found


def _row(  # noqa: PLR0917 - facts of one feature, in the order of the row
    name: str,
    tally: Tally,
    before: Tally | None,
    verdict: Verdict,
    pace: ScalingRow | None,
    reach: Mapping[str | None, tuple[int, int | None]],
    settings: Settings,
) -> FeatureRow:
    measure = "outcomes" if tally.outcomes else "calls"
    adoption = int(getattr(tally, measure) or 0)
    earlier = None if before is None else getattr(before, measure)
    growth = adoption / earlier if earlier else None
    seats, users = reach.get(name, (0, None))
    declared = settings.features.get(name)
    return FeatureRow(
        feature=name,
        owner=declared.owner if declared else None,
        place=placed(
            is_popular=popular(seats, reach[None][0], growth), contribution=tally.contribution, valued=tally.value is not None
        ),
        customers=seats,
        users=users,
        adoption=adoption,
        unit=(declared.unit if declared and declared.unit and tally.outcomes else None) or measure.removesuffix("s"),
        growth=growth,
        value=digits(tally.value),
        cost=digits(tally.cost),
        contribution=digits(tally.contribution) if tally.value is not None else None,
        margin=tally.margin,
        verdict=verdict.finding,
        pace=pace.pace if pace else "unknown",
        elasticity=pace.elasticity.estimate if pace and pace.elasticity else None,
        unpriced_calls=tally.unknown_calls,
    )


def _losing_features(rows: Sequence[FeatureRow], judged: Mapping[str, Verdict], now: Sums, question: Question) -> list[Finding]:
    """Each feature whose contribution is below 0: worth its loss, by the interval of net value per outcome."""
    found = []
    for row in rows:
        if row.contribution is None or atto(row.contribution) >= 0:
            continue
        verdict, loss = judged[row.feature], -atto(row.contribution)
        grows = " and its cost grows faster than its adoption" if row.pace == "faster" else ""
        found.append(
            Finding(
                id=f"loss:{row.feature}",
                subject=row.feature,
                what=f"{row.feature} loses {dollars(loss)}{grows}: raise its price, lower its rung, or limit it",
                worth=_range(verdict.interval, now.rows[row.feature,].outcomes, loss),
                certainty=loss_certainty(verdict.interval),
                evidence=f"{verdict.finding}: {verdict.reason}",
                next=f"breakeven scaling --feature {shlex.quote(row.feature)} --period {shlex.quote(question.period.name)}",
            )
        )
    return found


def _range(interval: Interval | None, outcomes: int | None, loss: int) -> tuple[int, int]:
    """What ending the loss is worth: from the interval of net value per outcome, never below nothing."""
    if interval is None or not outcomes:
        return loss, loss
    edges = sorted(max(0, -round(edge * outcomes * 10**18)) for edge in (interval.low, interval.high))
    return min(edges[0], loss), max(edges[1], loss)


def _others(ledger: Facts, settings: Settings, question: Question, now: Sums, unowned: Tally) -> list[Finding]:
    """Customers served at a loss, cost that nobody owns, and calls of unknown cost."""
    found = []
    period = shlex.quote(question.period.name)
    losing = [row for row in customers(ledger, settings, question).rows if row.keeps is not None and atto(row.keeps) < 0]
    if losing:
        loss = -sum(atto(row.keeps or "0") for row in losing)
        found.append(
            Finding(
                id="customers:loss",
                subject="customers",
                what=f"{count(len(losing), 'customer')} cost {dollars(loss)} more than they pay: set a price, limit or rung",
                worth=(loss, loss),
                certainty=1.0,
                evidence="recorded revenue and cost",
                next=f"breakeven engagement --by customer --period {period}",
            )
        )
    if unowned.cost:
        found.append(
            Finding(
                id="cost:unattributed",
                subject="nobody",
                what=f"{dollars(unowned.cost)} of cost belongs to no feature: find out whose it is, or end it",
                worth=(0, unowned.cost),
                certainty=1.0,
                evidence="recorded cost without a feature; at most all of it can be saved",
                next=f"breakeven owner list --period {period}",
            )
        )
    if now.total.unknown_calls:
        found.append(
            Finding(
                id="cost:unpriced",
                subject="prices",
                what=f"{count(now.total.unknown_calls, 'call')} have no known cost: every margin here is an upper bound",
                worth=None,
                certainty=1.0,
                evidence=f"{percent(now.total.unknown_calls / now.total.calls)} of calls" if now.total.calls else "recorded",
                next=f"breakeven unpriced --period {period}",
            )
        )
    return found


def _finding(rank: int, one: Finding) -> FindingRow:
    worth = None if one.worth is None else [digits(edge) or "0" for edge in one.worth]
    return FindingRow(
        rank=rank,
        id=one.id,
        subject=one.subject,
        what=one.what,
        worth=worth,
        certainty=one.certainty,
        evidence=one.evidence,
        next=one.next,
    )


def _sentence(
    label: str, rows: Sequence[FeatureRow], created: int | None, destroyed: int | None, findings: Sequence[Finding]
) -> str:
    if not rows:
        return f"No feature is known for any call in {label}."
    if created is None or destroyed is None:
        money = f"In {label} no feature has both a known cost and a value, so that neither value created nor destroyed can be said."
    else:
        money = f"In {label} features created {dollars(created)} and destroyed {dollars(destroyed)} of value."
    bad = [row for row in rows if row.place == "popular, unprofitable"]
    named = [
        f"{row.feature} is popular ({_reached(row)}) and unprofitable "
        f"({dollars(atto(row.contribution or '0'))}, {percent(row.margin)})"
        + (", and its cost grows faster than its adoption" if row.pace == "faster" else "")
        + "."
        for row in bad
    ]
    if not bad and created is not None:
        named = ["None of them is popular and unprofitable."]
    first = f"First: {findings[0].what}." if findings else ""
    return " ".join(part for part in (money, *named, first) if part)


def _reached(row: FeatureRow) -> str:
    growth = "" if row.growth is None else f", {row.adoption:,} {row.unit}s, {row.growth:.2f} times the period before"
    return f"{count(row.customers, 'customer')}{growth}"
