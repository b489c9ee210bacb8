"""Blocks about where less would do: savings predicted and verified, anomalies, dear calls, prompt caches, failures."""

from __future__ import annotations

from breakeven.ledger import decisions as decision_log
from breakeven.ledger import rollouts, taskclasses
from breakeven.reports.audit import Audit, audit
from breakeven.reports.auditstates import states
from breakeven.reports.calls import Page
from breakeven.reports.calls import calls as calls_report
from breakeven.reports.ladder import ladders
from breakeven.reports.packs.sources import Sources
from breakeven.reports.packs.structure import Block, Chart, ChartPoint, Column
from breakeven.reports.units import units
from breakeven.reports.watch import Asked as WatchAsked
from breakeven.reports.watch import watch as watch_report

MOST_PRINTED = 6
MOST_CALLS = 12
FLOOR = 5.0


def audited(sources: Sources) -> Audit:
    """The audit of the period, with what was decided on its classes."""
    layout = sources.layout
    standings = {name: one.state for name, one in rollouts.read(layout).items()}
    decided = states(sources.settings, standings, decision_log.read(layout)[0])
    return audit(sources.facts, sources.settings, sources.period, sources.now, names=taskclasses.read(layout), states=decided)


def predicted(sources: Sources) -> Block:
    """Where do we pay for more capability than the task needs, and what was done about it?"""
    found = audited(sources)
    steps = [ChartPoint(step.rung, [step.paid, step.enough]) for step in found.ladder]
    chart = (
        Chart("pairs", "Paid for, and enough, by rung of the ladder", found.sentence, ("paid", "enough"), steps) if steps else None
    )
    return Block(
        id="savings-predicted",
        title="Savings predicted",
        question="Where do we pay for more capability than the task needs, and what was done about it?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("class", "Task class"),
            Column("spend", "Spend", "money"),
            Column("paid_for", "Paid for"),
            Column("enough", "Enough"),
            Column("replays", "Replays", "count"),
            Column("lower_bound", "Quality at least", "share"),
            Column("worth", "Worth a month", "money_range"),
            Column("state", "State"),
        ],
        rows=[
            [
                one.feature, one.task_class, one.spend, one.paid_for, one.enough if one.verdict == "enough" else one.verdict,
                one.replays, one.lower_bound, list(one.excess_per_month), one.state,
            ]
            for one in found.findings
        ],
        rows_printed=MOST_PRINTED,
        chart=chart,
        more=sources.command("audit"),
        trail=found.trail,
    )  # fmt: skip


def verified(sources: Sources) -> Block:
    """What have the ladders saved, measured against their baselines?"""
    found = ladders(sources.facts, sources.settings, sources.period)
    return Block(
        id="savings-verified",
        title="Savings verified",
        question="What have the ladders saved, measured against their baselines?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("calls", "Calls", "count"),
            Column("without_model_share", "Without a model", "share"),
            Column("cost", "Cost", "money"),
            Column("baseline", "Baseline", "money"),
            Column("saving", "Saved", "money"),
            Column("saving_share", "Share", "share"),
            Column("control_calls", "Control calls", "count"),
            Column("measured", "Measured, a call", "money"),
        ],
        rows=[
            [
                row.feature, row.calls, row.without_model_share, row.cost, row.baseline, row.saving, row.saving_share,
                row.control_calls, row.measured_saving_per_call,
            ]
            for row in found.rows
        ],
        rows_printed=MOST_PRINTED,
        more=sources.command("ladder list"),
        trail=found.trail,
    )  # fmt: skip


def unusual(sources: Sources) -> Block:
    """What was unusual, what was at stake, and what caused it?"""
    question = sources.question.over(sources.period)
    found = watch_report(sources.facts, question, WatchAsked(sources.now, FLOOR))
    return Block(
        id="unusual",
        title="Unusual",
        question="What was unusual, what was at stake, and what caused it?",
        sentence=found.sentence,
        columns=[Column("what", "What happened"), Column("at_stake", "At stake", "money")],
        rows=[[one.sentence, one.at_stake] for one in found.findings],
        rows_printed=MOST_PRINTED,
        more=sources.command("watch"),
        trail=found.trail,
    )


def dear_calls(sources: Sources) -> Block:
    """Which calls are dear?"""
    found = calls_report(sources.facts, sources.period, "", Page("cost", MOST_CALLS))
    return Block(
        id="dear-calls",
        title="The dearest calls",
        question="Which calls are dear?",
        sentence=found.sentence,
        columns=[
            Column("call_id", "Call"),
            Column("occurred_at", "When"),
            Column("feature", "Feature"),
            Column("customer", "Customer"),
            Column("model", "Model"),
            Column("status", "Status"),
            Column("cost", "Cost", "money"),
        ],
        rows=[
            [row.call_id, str(row.occurred_at)[:16], row.feature, row.customer, row.model, row.status, row.cost]
            for row in found.rows
        ],
        more=sources.command("calls"),
        trail=found.trail,
    )


def failures(sources: Sources) -> Block:
    """What was paid that bought nothing?"""
    found = units(sources.facts, sources.settings, sources.question.over(sources.period))
    rows = [row for row in found.rows if row.failure is not None]
    return Block(
        id="failures",
        title="What bought nothing",
        question="What was paid that bought nothing?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("cost", "Cost of failure", "money"),
            Column("share", "Of its cost", "share"),
            Column("unsuccessful_outcomes", "Outcomes without success", "count"),
            Column("unsuccessful_cost", "Their cost", "money"),
            Column("basis", "Cost of them by"),
        ],
        rows=[
            [row.label, bad.cost, bad.share, bad.unsuccessful_outcomes, bad.unsuccessful_cost, bad.basis]
            for row in rows
            for bad in [row.failure]
            if bad is not None
        ],
        rows_printed=MOST_PRINTED,
        more=sources.command("units"),
        trail=found.trail,
    )
