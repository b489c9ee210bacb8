"""What does each feature earn, cost and keep? Value beside cost, per row, with what is unknown stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from breakeven.economics import verdict as rule
from breakeven.economics.allocation import METHOD
from breakeven.economics.money import digits
from breakeven.economics.pnl import Tally, total
from breakeven.economics.verdict import Verdict
from breakeven.reports.corrections import corrections
from breakeven.reports.plan import PLAN, planned
from breakeven.reports.question import DATED, DIMENSIONS, Facts, Question, Remembering, ask
from breakeven.reports.reconciled import tie
from breakeven.reports.sentences import pnl_sentence
from breakeven.reports.tallies import Key, Sums, sums
from breakeven.reports.trail import Rows, Shares, Trail, complement, instant, models_used, nobody, prices, shares
from breakeven.reports.verdicts import verdicts
from breakeven.reports.words import prose
from breakeven.settings import CURRENCY, Settings
from breakeven.settings.plans import Plan

UNSET = msgspec.UNSET
FORMULA: Mapping[str, str] = {
    "contribution": "value - cost",
    "margin": "contribution / value",
    "gross_margin": "(value - cost of revenue - allocated fixed cost of revenue) / value",
    "cost_per_outcome": "sum of cost / sum of outcomes",
    "cost_per_successful_outcome": "sum of cost, failures included / sum of successful outcomes",
    "cost_per_call": "sum of known cost / calls of known cost",
    "fixed_cost": METHOD,
    "verdict": f"{rule.RULE}: 95% interval of net value per outcome, clustered by day and by customer",
}


class Change(msgspec.Struct, frozen=True):
    """Difference to the period compared with; null where either side is unknown."""

    cost: str | None
    value: str | None
    contribution: str | None
    outcomes: int | None


class PnlRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Only the dimensions asked for appear; a null dimension is what is attributed to nobody.

    `kind`: group, unattributed (no feature known), unallocated (fixed cost that no usage carries) or total. Money is exact digits.
    """

    feature: str | msgspec.UnsetType | None = UNSET
    team: str | msgspec.UnsetType | None = UNSET
    customer: str | msgspec.UnsetType | None = UNSET
    user: str | msgspec.UnsetType | None = UNSET
    workflow: str | msgspec.UnsetType | None = UNSET
    environment: str | msgspec.UnsetType | None = UNSET
    model: str | msgspec.UnsetType | None = UNSET
    provider: str | msgspec.UnsetType | None = UNSET
    rung: str | msgspec.UnsetType | None = UNSET
    day: str | msgspec.UnsetType | None = UNSET
    week: str | msgspec.UnsetType | None = UNSET
    month: str | msgspec.UnsetType | None = UNSET
    owner: str | None
    kind: str
    label: str
    value: str | None
    cost: str | None
    contribution: str | None
    margin: float | None
    outcomes: int | None
    cost_per_outcome: str | None
    successful_outcomes: int | None
    cost_per_successful_outcome: str | None
    calls: int
    unpriced_calls: int
    cost_per_call: str | None
    fixed_cost: str
    gross_margin: float | None
    avoided_cost: str | None
    verdict: str | None = None
    verdict_reason: str | None = None
    net_value_per_outcome: list[str] | None = None
    cost_change: str | msgspec.UnsetType | None = UNSET
    change: Change | msgspec.UnsetType = UNSET


class Pnl(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `period` is as asked for, `start` and `end` (excluded) the days it means, `versus` what it is compared with."""

    period: str
    label: str
    start: str
    end: str
    versus: str | None
    currency: str
    by: tuple[str, ...]
    rows: Sequence[PnlRow]
    total: PnlRow
    shares: Shares
    sentence: str
    trail: Trail


def pnl(ledger: Facts, settings: Settings, question: Question, plan: Plan | None = None) -> Pnl:
    """The P&L of a period, and its change against another one or against the plan."""
    ledger = Remembering(ledger)
    question = bounded(ledger, question)
    now = sums(ledger, settings, question)
    then = _compared(ledger, settings, question, plan)
    found = verdicts(ledger, settings, question, now.rows) if question.by == ("feature",) and question.divides_outcomes else {}
    unattributed = _unattributed(ledger, question, now)
    known = shares(now.total, unattributed, tie(ledger, question))
    rows = _rows(now, then, question, settings, found)
    corrected = corrections(ledger, question).sentence(question.period.label)
    features = {str(key[0]): tally for key, tally in now.rows.items() if key[0] is not None} if found else {}
    return Pnl(
        period=question.period.name,
        label=question.period.label,
        start=f"{question.period.start:%Y-%m-%d}",
        end=f"{question.period.end:%Y-%m-%d}",
        versus=PLAN if plan is not None else None if question.versus is None else question.versus.name,
        currency=CURRENCY,
        by=question.by,
        rows=rows,
        total=_total(now, then),
        shares=known,
        sentence=prose(pnl_sentence(question.period.label, now.total, known, features, found), corrected),
        trail=_trail(ledger, settings, question, now, known),
    )


def _compared(ledger: Facts, settings: Settings, question: Question, plan: Plan | None) -> Sums | None:
    """The sums to compare with: the plan's, those of another period, or none."""
    if plan is not None:
        return planned(plan, question)
    return None if question.versus is None else sums(ledger, settings, question.over(question.versus))


def bounded(ledger: Facts, question: Question) -> Question:
    """`all` cut to the days that have facts, so that fixed costs and revenue are prorated over those only."""
    if not question.period.unbounded:
        return question
    first, last = ask(ledger, "bounds", question, (), filtered=False)[0]
    if first is None:
        return question.over(replace(question.period, end=question.period.start))
    midnight = question.period.start.replace(hour=0, minute=0)
    days = [midnight.replace(year=day.year, month=day.month, day=day.day) for day in (first, last)]
    return replace(question, period=question.period.within(*days))


def _unattributed(ledger: Facts, question: Question, now: Sums) -> Tally:
    """The cost and calls that no feature is known for, whatever the grouping."""
    if "feature" in question.by:
        at = question.by.index("feature")
        return total(tally for key, tally in now.rows.items() if key[at] is None)
    return nobody(ledger, question)


def _rows(now: Sums, then: Sums | None, question: Question, settings: Settings, found: Mapping[str, Verdict]) -> list[PnlRow]:
    keys = set(now.rows) | (set(then.rows) if then else set())
    if question.by == ("feature",) and keys:
        keys.add((None,))
    ordered = sorted(keys, key=lambda key: _order(key, now.rows.get(key, Tally()), question.by))
    rows = [
        _row(
            now.rows.get(key, _absent(now)),
            None if then is None else then.rows.get(key, _absent(then)),
            kind="unattributed" if key[0] is None else "group",
            label=_label(key, question.by),
            owner=_owner(key, question.by, settings),
            verdict=found.get(key[0]) if key[0] is not None else None,
            keys=dict(zip(question.by, key, strict=True)),
        )
        for key in ordered
    ]
    if now.unallocated or (then is not None and then.unallocated):
        empty = dict.fromkeys(question.by)
        rows.append(
            _row(
                replace(_absent(now), fixed_cost=now.unallocated),
                None if then is None else replace(_absent(then), fixed_cost=then.unallocated),
                kind="unallocated",
                label="Unallocated fixed cost",
                keys=empty,
            )
        )
    return rows


def _absent(sums_of: Sums) -> Tally:
    """A row that has no facts: a known nothing among calls, unknown where there are none at all."""
    return Tally(cost=0) if sums_of.total.calls else Tally()


def _order(key: Key, tally: Tally, by: tuple[str, ...]) -> tuple[Any, ...]:
    """Known before unknown; days, weeks and months in order, everything else by value, then cost, largest first, then name."""
    dated = tuple(part or "" for part, name in zip(key, by, strict=True) if name in DATED)
    return (key[0] is None, dated, -(tally.value or 0), -(tally.cost or 0), tuple(part or "" for part in key))


def _label(key: Key, by: tuple[str, ...]) -> str:
    if key[0] is None:
        return "Unattributed" if by[0] == "feature" else f"No {by[0]}"
    return " · ".join(part if part is not None else f"no {name}" for part, name in zip(key, by, strict=True))


def _owner(key: Key, by: tuple[str, ...], settings: Settings) -> str | None:
    feature = key[by.index("feature")] if "feature" in by else None
    declared = settings.features.get(feature) if feature is not None else None
    return None if declared is None else declared.owner


def _total(now: Sums, then: Sums | None) -> PnlRow:
    return _row(now.total, None if then is None else then.total, kind="total", label="Total", keys={})


def _row(
    tally: Tally,
    before: Tally | None,
    *,
    kind: str,
    label: str,
    keys: Mapping[str, str | None],
    owner: str | None = None,
    verdict: Verdict | None = None,
) -> PnlRow:
    interval = verdict.interval if verdict else None
    return PnlRow(
        **keys,
        owner=owner,
        kind=kind,
        label=label,
        value=digits(tally.value),
        cost=digits(tally.cost),
        contribution=digits(tally.contribution),
        margin=tally.margin,
        outcomes=tally.outcomes,
        cost_per_outcome=digits(tally.cost_per_outcome),
        successful_outcomes=tally.successful,
        cost_per_successful_outcome=digits(tally.cost_per_success),
        calls=tally.calls,
        unpriced_calls=tally.unknown_calls,
        cost_per_call=digits(tally.cost_per_call),
        fixed_cost=digits(tally.fixed_cost) or "0",
        gross_margin=tally.gross_margin,
        avoided_cost=digits(tally.avoided_cost),
        verdict=verdict.finding if verdict else None,
        verdict_reason=verdict.reason if verdict else None,
        net_value_per_outcome=[f"{interval.low:.6f}", f"{interval.high:.6f}"] if interval else None,
        cost_change=UNSET if before is None else digits(_difference(tally, before, "cost")),
        change=UNSET if before is None else _change(tally, before),
    )


def _change(now: Tally, before: Tally) -> Change:
    return Change(
        cost=digits(_difference(now, before, "cost")),
        value=digits(_difference(now, before, "value")),
        contribution=digits(_difference(now, before, "contribution")),
        outcomes=_difference(now, before, "outcomes"),
    )


def _difference(now: Tally, before: Tally, figure: str) -> int | None:
    """The change of one figure; unknown on one side is unknown, but where there was no usage at all it is 0."""
    sides = [0 if getattr(tally, figure) is None and tally.calls == 0 else getattr(tally, figure) for tally in (now, before)]
    return None if None in sides else sides[0] - sides[1]


def _trail(ledger: Facts, settings: Settings, question: Question, now: Sums, known: Shares) -> Trail:
    used = prices(ledger, question)
    return Trail(
        formula=FORMULA,
        rows=Rows(calls=now.total.calls, cost_lines=now.total.lines, outcomes=now.total.outcomes or 0),
        price_versions=used.versions,
        share_unpriced=complement(known.priced),
        share_unattributed=complement(known.attributed),
        share_quantity_unpriced=used.quantity_unpriced,
        recorded_as_of=instant(question.as_of),
        as_recorded=question.as_recorded,
        read_from="lines" if question.from_lines else "rollups",
        value_models=models_used(settings.values),
        unshared_revenue=digits(now.unshared_revenue) if now.unshared_revenue else None,
        unallocated_fixed_cost=digits(now.unallocated) if now.unallocated else None,
        notes=now.notes,
    )


def dimension_titles(by: Sequence[str]) -> str:
    """The head of the first column."""
    return " · ".join(DIMENSIONS[name].title for name in by)
