"""Blocks about who decides and how good the figures are: budgets, owners, decisions, policies, data quality."""

from __future__ import annotations

import os
from collections import Counter

import msgspec

from breakeven.accounts import open_books
from breakeven.reports.budgets import BudgetRow
from breakeven.reports.budgets import budgets as budgets_report
from breakeven.reports.decisions import decision_list
from breakeven.reports.owners import coverage, owners
from breakeven.reports.packs.sources import Sources
from breakeven.reports.packs.structure import Block, Column
from breakeven.reports.policies import policy_test
from breakeven.reports.words import count, percent

MOST_PRINTED = 6


def budgets(sources: Sources) -> Block:
    """Who owns each limit, how much of it is gone, and what happens at it?"""
    names = [each.id for each in sources.settings.budgets if each.kind == "budget"]
    books = open_books(sources.settings.gateway.accounts, sources.layout.root, os.environ) if names else None
    try:
        found = budgets_report(sources.facts, sources.settings, books, sources.seen_from)
    finally:
        if books is not None:
            books.close()
    fullest: dict[str, BudgetRow] = {}
    for row in found.rows:  # the fullest first
        fullest.setdefault(row.budget, row)
    accounts = Counter(row.budget for row in found.rows)
    return Block(
        id="budgets",
        title="Budgets",
        question="Who owns each limit, how much of it is gone, and what happens at it?",
        sentence=found.sentence,
        columns=[
            Column("budget", "Budget"),
            Column("owner", "Owner"),
            Column("accounts", "Accounts", "count"),
            Column("subject", "The fullest"),
            Column("measure", "In"),
            Column("limit", "Limit", "money"),
            Column("spent", "Spent", "money"),
            Column("share", "Gone", "share"),
            Column("period", "Each"),
            Column("mode", "At the limit"),
        ],
        rows=[
            [
                row.budget, row.owner or "nobody", accounts[row.budget], row.subject, row.measure, row.limit, row.spent, row.share,
                row.period, row.mode if row.enforced else f"{row.mode}, watched only",
            ]
            for row in fullest.values()
        ],
        rows_printed=MOST_PRINTED,
        notes=[f"As of {found.at}."],
        more="breakeven budget status",
        trail=found.trail,
    )  # fmt: skip


def owned(sources: Sources) -> Block:
    """How much of all cost has an owner?"""
    found = coverage(sources.facts, sources.settings, sources.period)
    return Block(
        id="owners",
        title="Owners",
        question="How much of all cost has an owner?",
        sentence=found.sentence,
        columns=[
            Column("period", "Period"),
            Column("cost", "Cost", "money"),
            Column("owned", "With an owner", "money"),
            Column("coverage", "Share", "share"),
        ],
        rows=[[row.label, row.cost, row.owned, row.coverage] for row in reversed(found.rows)],
        rows_printed=MOST_PRINTED,
        more=sources.command("owner coverage"),
        trail=found.trail,
    )


def unowned(sources: Sources) -> Block:
    """Which costs does nobody own?"""
    found = owners(sources.facts, sources.settings, sources.period)
    return Block(
        id="unowned",
        title="Costs that nobody owns",
        question="Which costs does nobody own?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("model", "Model"),
            Column("calls", "Calls", "count"),
            Column("cost", "Cost", "money"),
            Column("share", "Of all cost", "share"),
            Column("next", "What to do"),
        ],
        rows=[[row.feature, row.model, row.calls, row.cost, row.share, row.next] for row in found.rows],
        rows_printed=MOST_PRINTED,
        more=sources.command("owner list"),
        trail=found.trail,
    )


def decisions(sources: Sources) -> Block:
    """Who decided what in the period, and why?"""
    start, end = f"{sources.days.start:%Y-%m-%d}", f"{sources.days.end:%Y-%m-%d}"
    found, problems = decision_list(sources.layout, since=start)
    rows = [each for each in found.rows if each.at < end]
    refused = sum(not each.allowed for each in rows)
    chain = "the chain is whole" if not problems else f"the chain is broken at {problems[0].where}"
    said = f"{count(len(rows), 'decision')} in {sources.period.label}" + (f", {refused:,} refused" if refused else "")
    return Block(
        id="decisions",
        title="Decisions of the period",
        question="Who decided what in the period, and why?",
        sentence=f"{said}; {chain}.",
        columns=[
            Column("at", "When"),
            Column("actor", "Who"),
            Column("action", "What"),
            Column("subject", "On"),
            Column("before", "Before"),
            Column("after", "After"),
            Column("why", "Why"),
        ],
        rows=[[each.at[:16], each.actor, each.action, each.subject, each.before, each.after, each.why] for each in rows],
        rows_printed=MOST_PRINTED,
        more=f"breakeven decisions --since {start}",
        trail={"formula": {"chain": "each record carries the digest of the one before"}, "rows": {"decisions": len(rows)}},
    )


def policies(sources: Sources) -> Block:
    """What would the policies have done?"""
    found = policy_test(sources.facts, sources.settings, sources.period)
    return Block(
        id="policies",
        title="Policies",
        question="What would the policies have done?",
        sentence=found.sentence,
        columns=[
            Column("policy", "Policy"),
            Column("action", "Action"),
            Column("words", "In words"),
            Column("calls", "Calls", "count"),
            Column("cost", "Their cost", "money"),
        ],
        rows=[[row.policy, row.action, row.words, row.calls, row.cost] for row in found.rows],
        rows_printed=MOST_PRINTED,
        more=sources.command("policy test"),
        trail=found.trail,
    )


def quality(sources: Sources) -> Block:
    """How far can these figures be trusted?"""
    found, badges = sources.unpriced, sources.pnl.shares
    tied = "not reconciled with invoices" if badges.reconciled is None else f"{percent(badges.reconciled)} reconciled with invoices"
    sentence = f"{found.sentence} {percent(badges.attributed)} of cost is attributed to a feature; it is {tied}."
    trail = msgspec.to_builtins(sources.pnl.trail)
    return Block(
        id="quality",
        title="Reconciliation and data quality",
        question="How far can these figures be trusted?",
        sentence=sentence,
        columns=[
            Column("provider", "Provider"),
            Column("model", "Model without a known cost"),
            Column("calls", "Calls", "count"),
            Column("reason", "Why"),
        ],
        rows=[[row.provider, row.model, row.calls, row.reason] for row in found.rows],
        rows_printed=MOST_PRINTED,
        notes=trail["notes"],
        more=sources.command("unpriced"),
        trail={**trail, "unpriced": msgspec.to_builtins(found.trail)},
    )
