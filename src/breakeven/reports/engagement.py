"""Are the keenest also the dearest? Deciles of engagement, concentration, and who is served at a loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import msgspec
import numpy as np

from breakeven.economics import concentration as uneven
from breakeven.economics.mending import Mending, Use, mending
from breakeven.economics.money import ATTO, digits, shares
from breakeven.economics.pnl import Tally, share
from breakeven.reports.customers import paid_by_customer
from breakeven.reports.engagementrows import Decile, Engagement, GiniRow, Loser, Part, Point, Section, WhaleRow
from breakeven.reports.engagementwords import FORMULA, loser_sentence, section_sentence
from breakeven.reports.pnl import bounded
from breakeven.reports.question import Facts, Question, Remembering, ask, whole
from breakeven.reports.reconciled import tie
from breakeven.reports.tallies import sums
from breakeven.reports.trail import complement, instant, nobody, prices
from breakeven.reports.trail import shares as badges_of
from breakeven.settings import CURRENCY, Settings

SEED = 20_261_101
"""Of the bootstrap: the same ledger gives the same interval."""
SUBJECTS = ("customer", "user")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked besides the question. `fee` (atto-units): what a customer is assumed to pay where no revenue is recorded."""

    by: tuple[str, ...] = SUBJECTS
    fee: int | None = None
    margin: Fraction = Fraction(0)
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A customer or user: its use, its cost (None: unknown) and what it earns (None: unknown)."""

    name: str
    customer: str | None
    tally: Tally
    earned: int | None

    @property
    def keeps(self) -> int | None:
        """Earned − cost; None where either is unknown."""
        return None if self.earned is None or self.tally.cost is None else self.earned - self.tally.cost


def engagement(ledger: Facts, settings: Settings, question: Question, asked: Asked) -> Engagement:
    """Deciles, concentration and losers by customer and by user of one period."""
    ledger = Remembering(ledger)
    question = bounded(ledger, replace(question, by=("customer",)))
    everything = sums(ledger, settings, question)
    paid = paid_by_customer(ledger, question)
    known = badges_of(everything.total, nobody(ledger, question), tie(ledger, question))
    sections = [_section(ledger, settings, question, asked, by, paid) for by in asked.by]
    return Engagement(
        period=question.period.name,
        label=question.period.label,
        currency=CURRENCY,
        shares=known,
        assumed_fee=digits(asked.fee),
        sections=sections,
        sentence=" ".join(section.sentence for section in sections),
        trail={
            "formula": FORMULA,
            "rows": {"calls": everything.total.calls, "cost_lines": everything.total.lines},
            "price_versions": prices(ledger, question).versions,
            "share_unpriced": complement(known.priced),
            "share_unattributed": complement(known.attributed),
            "assumed_fee": None if asked.fee is None else f"{digits(asked.fee)} per customer: assumed, not recorded",
            "bootstrap_seed": SEED,
            "recorded_as_of": instant(question.as_of),
        },
    )


def _section(
    ledger: Facts, settings: Settings, question: Question, asked: Asked, by: str, paid: Mapping[str | None, int]
) -> Section:
    subjects, basis, unknown = (_customers if by == "customer" else _users)(ledger, settings, question, asked, paid)
    subjects.sort(key=lambda one: (one.tally.calls, one.name))
    priced = [one for one in subjects if one.tally.cost is not None]
    costs = [max(one.tally.cost or 0, 0) for one in priced]
    found = uneven.gini([cost / ATTO for cost in costs], np.random.default_rng(SEED))
    keeps = [one.keeps for one in subjects if one.keeps is not None]
    losing = sorted((one for one in subjects if (one.keeps or 0) < 0), key=lambda one: (one.keeps or 0, one.name))
    section = Section(
        by=by,
        subjects=len(subjects),
        unpriced_subjects=len(subjects) - len(priced),
        unknown_cost=digits(unknown),
        earned_is=basis,
        deciles=_deciles(subjects, costs),
        gini=None if found is None else GiniRow(found.estimate, found.low, found.high),
        dearest=_parts(priced, costs),
        curve=[Point(place, part) for place, part in uneven.curve(costs)],
        whale=_whale(keeps),
        whale_curve=[Point(place, kept / ATTO) for place, kept in uneven.whale_curve(keeps)] if keeps else [],
        losing=len(losing),
        losing_cost=digits(-sum(one.keeps or 0 for one in losing)),
        losers=_losers(ledger, question, asked, by, losing),
        sentence="",
    )
    return msgspec.structs.replace(section, sentence=section_sentence(section, question.period.label))


def _customers(
    ledger: Facts, settings: Settings, question: Question, asked: Asked, paid: Mapping[str | None, int]
) -> tuple[list[Subject], str | None, int]:
    """Customers with calls, what they earn in revenue (recorded, else assumed), else by value models; and the cost of nobody."""
    rows = sums(ledger, settings, replace(question, by=("customer",))).rows
    recorded = any(name is not None for name in paid)
    valued = any(tally.value is not None for tally in rows.values())
    basis = "revenue" if recorded else "assumed fee" if asked.fee is not None else "value" if valued else None
    subjects = []
    for (name,), tally in rows.items():
        if name is None or not tally.calls:
            continue
        earned = paid.get(name, asked.fee) if basis in ("revenue", "assumed fee") else tally.value
        subjects.append(Subject(name, name, tally, earned))
    return subjects, basis, _nobody(rows)


def _users(
    ledger: Facts, settings: Settings, question: Question, asked: Asked, paid: Mapping[str | None, int]
) -> tuple[list[Subject], str | None, int]:
    """Users with calls; each earns an even part of what its customer pays, or else what value models say of its outcomes."""
    rows = sums(ledger, settings, replace(question, by=("customer", "user"))).rows
    used = {key: tally for key, tally in rows.items() if key[1] is not None and tally.calls}
    seats: dict[str | None, list[tuple[str | None, ...]]] = defaultdict(list)
    for key in sorted(used, key=repr):
        seats[key[0]].append(key)
    recorded = any(name is not None for name in paid)
    by_seat = recorded or asked.fee is not None
    valued = any(tally.value is not None for tally in used.values())
    earned: dict[tuple[str | None, ...], int | None] = {key: None if by_seat else tally.value for key, tally in used.items()}
    for customer, keys in seats.items() if by_seat else ():
        pays = None if customer is None else paid.get(customer, asked.fee)
        if pays is not None:
            earned |= dict(zip(keys, shares(pays, [1] * len(keys)), strict=True))
    basis = "even part of the customer's " + ("revenue" if recorded else "assumed fee") if by_seat else "value" if valued else None
    subjects = [Subject(str(key[1]), key[0], tally, earned[key]) for key, tally in used.items()]
    return subjects, basis, sum(tally.cost or 0 for key, tally in rows.items() if key[1] is None)


def _nobody(rows: Mapping[tuple[str | None, ...], Tally]) -> int:
    return sum(tally.cost or 0 for key, tally in rows.items() if key[0] is None)


def _deciles(subjects: Sequence[Subject], costs: Sequence[int]) -> list[Decile]:
    """Tenths of the subjects, the least engaged first, by calls."""
    groups: dict[int, list[Subject]] = defaultdict(list)
    for decile, one in zip(uneven.deciles(len(subjects)), subjects, strict=True):
        groups[decile].append(one)
    return [_decile(number, groups[number], sum(costs)) for number in sorted(groups)]


def _decile(number: int, group: Sequence[Subject], whole_cost: int) -> Decile:
    cost = _sum([one.tally.cost for one in group])
    earned = _sum([one.earned for one in group])
    keeps = _sum([one.keeps for one in group])  # of those whose earnings are known: unknown earnings are no loss
    return Decile(
        decile=number,
        subjects=len(group),
        calls=sum(one.tally.calls for one in group),
        cost=digits(cost),
        share_of_cost=share(cost, whole_cost),
        earned=digits(earned),
        value=digits(_sum([one.tally.value for one in group])),
        keeps=digits(keeps),
        margin=share(keeps, earned),
        unpriced_calls=sum(one.tally.unknown_calls for one in group),
    )


def _sum(amounts: Sequence[int | None]) -> int | None:
    """The sum of what is known; None where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _parts(priced: Sequence[Subject], costs: Sequence[int]) -> list[Part]:
    """What the dearest shares of the subjects cost and pay, and the dearest one alone."""
    if sum(costs) <= 0:
        return []
    dearest = sorted(priced, key=lambda one: (-(one.tally.cost or 0), one.name))
    pays = [one.earned or 0 for one in dearest]
    first = Part("the dearest one", 1, costs_share(dearest[:1], costs), share(pays[0], sum(pays)), dearest[0].name)
    parts = [
        Part(f"top {top:.0%}", number, costs_share(dearest[:number], costs), share(sum(pays[:number]), sum(pays)), None)
        for top in uneven.TOPS
        for number in (uneven.most_of(len(dearest), top),)
    ]
    return [first, *parts]


def costs_share(group: Sequence[Subject], costs: Sequence[int]) -> float:
    """The part of all cost that a group has."""
    return sum(max(one.tally.cost or 0, 0) for one in group) / sum(costs)


def _whale(keeps: Sequence[int]) -> WhaleRow | None:
    if not keeps:
        return None
    found = uneven.whale(keeps)
    return WhaleRow(len(keeps), found.earning, digits(found.peak) or "0", digits(found.final) or "0")


def _losers(ledger: Facts, question: Question, asked: Asked, by: str, losing: Sequence[Subject]) -> list[Loser]:
    """What would mend those who lose most, as many as are asked for."""
    shown = losing if asked.limit is None else losing[: asked.limit]
    if not shown:
        return []
    uses = _uses(ledger, replace(question, by=(by,)))
    return [
        _loser(one, mending(one.earned or 0, one.tally.cost or 0, one.tally.calls, uses.get(one.name, ()), asked.margin), by)
        for one in shown
    ]


def _uses(ledger: Facts, question: Question) -> dict[str, list[Use]]:
    """What each subject uses of which rung, beside what a call costs on the feature's cheapest rung."""
    rows = ask(ledger, "engagement_rungs", question, question.by)
    calls: dict[tuple[str | None, str], int] = defaultdict(int)
    cost: dict[tuple[str | None, str], int] = defaultdict(int)
    for _, feature, rung, count, spent in rows:
        calls[feature, rung] += count
        cost[feature, rung] += whole(spent)
    cheapest: dict[str | None, tuple[Fraction, str]] = {}
    for (feature, rung), count in calls.items():
        if rung and count > 0 and cost[feature, rung] > 0:
            each = (Fraction(cost[feature, rung], count), rung)
            cheapest[feature] = min(each, cheapest.get(feature, each))
    found: dict[str, list[Use]] = defaultdict(list)
    for name, feature, rung, count, spent in rows:
        if name is not None:
            least = cheapest.get(feature)
            cheaper = None if least is None or least[1] == rung else least[0]
            found[name].append(Use(count, whole(spent), cheaper))
    return found


def _loser(one: Subject, mend: Mending, by: str) -> Loser:
    row = Loser(
        name=one.name,
        customer=one.customer,
        calls=one.tally.calls,
        cost=digits(one.tally.cost) or "0",
        earned=digits(one.earned) or "0",
        loss=digits(-(one.keeps or 0)) or "0",
        price_that_mends=digits(mend.price) or "0",
        calls_that_are_paid=mend.calls,
        cost_on_cheapest_rungs=digits(mend.on_cheapest_rungs) or "0",
        cheapest_rungs_are_enough=mend.rung_is_enough,
        sentence="",
    )
    return msgspec.structs.replace(row, sentence=loser_sentence(row, by))
