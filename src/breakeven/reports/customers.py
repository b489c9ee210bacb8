"""Are our most engaged customers our dearest? What each customer pays, costs to serve and keeps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from breakeven.economics.allocation import prorated
from breakeven.economics.money import atto, digits
from breakeven.economics.pnl import Tally, share
from breakeven.reports.pnl import bounded
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.reconciled import tie
from breakeven.reports.tallies import sums
from breakeven.reports.trail import Shares, complement, instant, nobody, prices, shares
from breakeven.reports.words import count, dollars, percent
from breakeven.settings import CURRENCY, Settings

DEAREST = 0.05
_FEWEST_FOR_CONCENTRATION = 20


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One customer. `keeps` = revenue − cost to serve and `margin` = keeps / revenue; null without recorded revenue."""

    customer: str | None
    label: str
    plan: str | None
    segment: str | None
    signed_up: str | None
    calls: int
    unpriced_calls: int
    cost: str | None
    revenue: str | None
    keeps: str | None
    margin: float | None
    value: str | None
    outcomes: int | None
    cost_per_outcome: str | None
    fixed_cost: str


class Customers(msgspec.Struct, frozen=True, kw_only=True):
    """The report; rows are the dearest customers first, `total` covers all of them, shown or not."""

    period: str
    label: str
    currency: str
    rows: Sequence[CustomerRow]
    total: CustomerRow
    customers: int
    shares: Shares
    sentence: str
    trail: Mapping[str, Any]


def customers(ledger: Facts, settings: Settings, question: Question, limit: int | None = None) -> Customers:
    """Cost to serve, revenue and margin per customer of a period. Revenue of a whole plan belongs to no single customer."""
    question = bounded(ledger, replace(question, by=("customer",)))
    found = sums(ledger, settings, question)
    revenue = paid_by_customer(ledger, question)
    known = {row[0]: row[1:] for row in ask(ledger, "plans", question, (), filtered=False)}
    names = {key[0] for key in found.rows} | {name for name in revenue if name is not None}
    rows = [
        _row(name, found.rows.get((name,), Tally(cost=0)), revenue.get(name) if name else None, known.get(name, (None, None, None)))
        for name in names
    ]
    rows.sort(key=lambda row: (row.customer is None, -_atto(row.cost), row.customer or ""))
    total = _row(None, found.total, sum(revenue.values()) if revenue else None, (None, None, None), label="Total")
    badges = shares(found.total, nobody(ledger, question), tie(ledger, question))
    return Customers(
        period=question.period.name,
        label=question.period.label,
        currency=CURRENCY,
        rows=rows if limit is None else rows[:limit],
        total=total,
        customers=sum(row.customer is not None for row in rows),
        shares=badges,
        sentence=_sentence(question.period.label, rows, total),
        trail={
            "formula": {"keeps": "revenue - cost", "margin": "keeps / revenue", "revenue": "prorated by time to the period"},
            "rows": {"calls": found.total.calls, "cost_lines": found.total.lines, "customers": len(rows)},
            "price_versions": prices(ledger, question).versions,
            "share_unpriced": complement(badges.priced),
            "share_unattributed": complement(badges.attributed),
            "recorded_as_of": instant(question.as_of),
            "revenue_of_plans": digits(revenue[None]) if None in revenue else None,
            "read_from": "lines" if question.from_lines else "rollups",
        },
    )


def paid_by_customer(ledger: Facts, question: Question) -> dict[str | None, int]:
    """Recorded revenue by customer, prorated to the period; under None what is recorded for a plan or for nobody."""
    if any(name != "customer" for name, _ in question.filters):
        return {}
    wanted = {value for _, value in question.filters}
    found: dict[str | None, int] = defaultdict(int)
    for start, end, customer, _plan, _feature, amount, _rows in ask(ledger, "revenue", question, (), filtered=False):
        part = prorated(whole(amount), (start, end), question.period)
        if part and (not wanted or customer in wanted):
            found[customer] += part
    return dict(found)


def _row(name: str | None, tally: Tally, revenue: int | None, about: tuple[Any, Any, Any], label: str | None = None) -> CustomerRow:
    keeps = None if revenue is None or (tally.cost is None and tally.calls) else revenue - (tally.cost or 0)
    plan, segment, signed_up = about
    return CustomerRow(
        customer=name,
        label=label or name or "No customer",
        plan=plan,
        segment=segment,
        signed_up=None if signed_up is None else f"{signed_up:%Y-%m-%d}",
        calls=tally.calls,
        unpriced_calls=tally.unknown_calls,
        cost=digits(tally.cost),
        revenue=digits(revenue),
        keeps=digits(keeps),
        margin=share(keeps, revenue),
        value=digits(tally.value),
        outcomes=tally.outcomes,
        cost_per_outcome=digits(tally.cost_per_outcome),
        fixed_cost=digits(tally.fixed_cost) or "0",
    )


def _sentence(label: str, rows: Sequence[CustomerRow], total: CustomerRow) -> str:
    named = [row for row in rows if row.customer is not None]
    if not named:
        return f"No customer is known for any call or revenue in {label}."
    if total.cost is None:
        return f"In {label} what {count(len(named), 'customer')} cost to serve is unknown: no call has a price."
    what = f"In {label} {count(len(named), 'customer')} cost {dollars(atto(total.cost))} to serve"
    if total.revenue is None:
        return f"{what}; what they pay is unknown: no revenue is recorded. {_concentration(named)}".strip()
    losing = sum(row.keeps is not None and atto(row.keeps) < 0 for row in named)
    verdict = f"{count(losing, 'customer')} cost more than they pay" if losing != 1 else "1 customer costs more than it pays"
    paid = f"{what} and paid {dollars(atto(total.revenue))}"
    return f"{paid}; {verdict if losing else 'none costs more than it pays'}. {_concentration(named)}".strip()


def _concentration(named: Sequence[CustomerRow]) -> str:
    """What the dearest twentieth of customers cost and pay; nothing where there are too few to speak of a twentieth."""
    if len(named) < _FEWEST_FOR_CONCENTRATION:
        return ""
    top = named[: max(1, round(len(named) * DEAREST))]
    cost = share(_sum(row.cost for row in top), _sum(row.cost for row in named))
    paid = share(_sum(row.revenue for row in top), _sum(row.revenue for row in named))
    pays = f" and {percent(paid)} of revenue" if paid is not None else ""
    return f"The dearest {percent(DEAREST, 0)} of them are {percent(cost)} of cost{pays}." if cost is not None else ""


def _sum(amounts: Iterable[str | None]) -> int:
    return sum(atto(one) for one in amounts if one is not None)


def _atto(cost: str | None) -> int:
    """An amount for ordering; the unknown comes after 0."""
    return -1 if cost is None else atto(cost)
