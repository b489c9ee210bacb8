"""Today's answer in a few lines: value, cost, margin, and what needs attention."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from breakeven.economics.money import atto
from breakeven.reports.pnl import Pnl, PnlRow, pnl
from breakeven.reports.question import Facts, Question
from breakeven.reports.trail import Shares
from breakeven.reports.unpriced import UnpricedRow, unpriced
from breakeven.reports.words import count, dollars, percent
from breakeven.settings import CURRENCY, Settings

MOST_NAMED = 3


class Attention(msgspec.Struct, frozen=True):
    """One thing to look at: what, and the command that shows more or mends it."""

    what: str
    next: str


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a period. Money is exact digits; null is unknown."""

    period: str
    label: str
    currency: str
    value: str | None
    cost: str | None
    contribution: str | None
    margin: float | None
    shares: Shares
    sentence: str
    attention: Sequence[Attention]
    trail: Mapping[str, Any]


def today(ledger: Facts, settings: Settings, question: Question) -> Today:
    """The P&L of a period in one sentence, and at most a handful of things that need attention."""
    report = pnl(ledger, settings, question)
    whole = report.total
    return Today(
        period=report.period,
        label=report.label,
        currency=CURRENCY,
        value=whole.value,
        cost=whole.cost,
        contribution=whole.contribution,
        margin=whole.margin,
        shares=report.shares,
        sentence=report.sentence,
        attention=attention_in(ledger, report, question),
        trail=msgspec.to_builtins(report.trail),
    )


def attention_in(ledger: Facts, report: Pnl, question: Question) -> list[Attention]:
    """What of a P&L needs attention: who loses money, what nobody owns, what has no price, that nothing has a value."""
    found = [_loser(row) for row in report.rows if row.kind == "group" and _loses(row)][:MOST_NAMED]
    unattributed = next((row for row in report.rows if row.kind == "unattributed" and row.calls), None)
    if unattributed is not None:
        worth = dollars(atto(unattributed.cost)) if unattributed.cost is not None else "of unknown cost"
        found.append(
            Attention(f"{count(unattributed.calls, 'call')} ({worth}) belong to no feature", 'breakeven calls "feature:none"'),
        )
    if report.total.unpriced_calls:
        found += [_unpriced(row) for row in unpriced(ledger, question.period).rows[:MOST_NAMED]]
    if report.total.value is None and report.total.calls:
        found.append(
            Attention(
                "no value is known, so no margin",
                "declare `features: NAME: value:` in breakeven.yaml and import outcomes or revenue",
            )
        )
    return found


def _loses(row: PnlRow) -> bool:
    negative = row.value is not None and row.contribution is not None and atto(row.contribution) < 0
    return row.verdict == "destroys" or (negative and row.avoided_cost is None)


def _loser(row: PnlRow) -> Attention:
    lost = dollars(-atto(row.contribution)) if row.contribution is not None else "an unknown amount"
    proof = "destroys value" if row.verdict == "destroys" else "costs more than it earns (unproven)"
    owner = f", owner {row.owner}" if row.owner else ", no owner"
    margin = f", margin {percent(row.margin)}" if row.margin is not None else ""
    return Attention(f"{row.label} {proof}: {lost}{margin}{owner}", f"breakeven pnl --feature {shlex.quote(row.label)} --by model")


def _unpriced(row: UnpricedRow) -> Attention:
    return Attention(
        f"{count(row.calls, 'call')} to {row.model or 'an unknown model'} of unknown cost: {row.reason}", "breakeven unpriced"
    )
