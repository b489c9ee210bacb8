"""An audit as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import click

from breakeven.cli.tables import UNKNOWN, Column, draw, money, number, text
from breakeven.reports.audit import Audit, Finding
from breakeven.reports.auditpolicies import EACH, Policy
from breakeven.reports.auditwords import evidence, money_range, policy_words
from breakeven.reports.owners import quoted
from breakeven.reports.words import percent

_ENOUGH = {"not enough": "as paid", "too little evidence": "unknown"}


def draw_audit(report: Audit) -> None:
    """One line per class, the ladder paid beside the ladder that is enough, and the sentence."""
    rows = report.findings
    click.echo(f"Capability audit · {report.label} · {report.currency}")
    if rows:
        several = len({row.feature for row in rows}) > 1
        draw(
            [
                *([Column("feature", [text(row.feature) for row in rows], left=True, drop=2)] if several else []),
                Column("task class", [row.task_class for row in rows], left=True),
                Column("calls", [number(row.calls) for row in rows], drop=5),
                Column("spend", [money(row.spend) for row in rows], drop=4),
                Column("paid for", [text(row.paid_for) for row in rows], left=True, drop=3),
                Column("enough", [row.enough or _ENOUGH[row.verdict] for row in rows], left=True),
                Column("evidence (95% lower bound)", [evidence(row) for row in rows], left=True, drop=1),
                Column("worth/month", [_worth(row) for row in rows]),
                Column("state", [row.state for row in rows], left=True, drop=6),
            ]
        )
    if any(step.paid != step.enough for step in report.ladder):
        click.echo("")
        draw(
            [
                Column("rung", [step.rung for step in report.ladder], left=True),
                Column("paid", [money(step.paid) for step in report.ladder]),
                Column("enough", [money(step.enough) for step in report.ladder]),
            ]
        )
    _draw_policies(report.policies)
    click.echo(report.sentence)
    first = next((row for row in rows if row.state == "proposed"), None) or next((row for row in rows if row.replays_needed), None)
    if first is not None:
        click.echo(f"Next: {first.next}", err=True)


def _draw_policies(rows: Sequence[Policy]) -> None:
    """The policies of each feature beside one another, and what takes the best of them."""
    if not rows:
        return
    click.echo("")
    draw(
        [
            Column("feature", [text(row.feature) for row in rows], left=True),
            Column("policy", [row.policy if row.policy != EACH else policy_words(row) for row in rows], left=True, drop=1),
            Column("saves/month", [_ends(row.saving_per_month) for row in rows]),
            Column("checks/month", [money(row.checking_per_month) for row in rows], drop=3),
            Column("checks may be", [_share(row.break_even_checked) for row in rows], drop=4),
            Column("proven", ["yes" if row.proven else "no" for row in rows], left=True),
            Column("take", ["this" if row.chosen else "" for row in rows], left=True),
        ]
    )
    for row in rows:
        if row.chosen and row.rungs and row.feature is not None:
            click.echo(f"To take it: breakeven audit accept --feature {quoted(row.feature)}", err=True)


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else percent(value)


def draw_finding(row: Finding) -> None:
    """One class in full: what is paid, what each rung has shown, and what would overturn it."""
    of = f" of {row.feature}" if row.feature else ""
    click.echo(f"{row.task_class}{of}: {row.verdict}" + (f" ({row.enough})" if row.enough and row.verdict == "enough" else ""))
    mix = ", ".join(f"{count:,} on {rung}" for rung, count in row.calls_by_rung.items())
    click.echo(f"  {row.calls:,} calls for ${money(row.spend)}" + (f": {mix}" if mix else ""))
    click.echo(f"  paid above need a month: {money_range(row.excess_per_month)}")
    click.echo(f"  allowed to lose: {100 * row.margin:g} points; state: {row.state}")
    for one in row.rungs:
        model = f" ({one.model})" if one.model else ""
        agree = f"{one.agreed:,} of {one.replays:,} agree, {_span(one.lower_bound, one.upper_bound)}"
        click.echo(f"  {one.rung}{model}: {one.verdict}; {agree}")
        click.echo(
            f"    mean loss {100 * max(-one.difference, 0):.2f} points, at worst {100 * max(-one.difference_low, 0):.2f};"
            f" worse on at most {100 * one.harm_at_most:.2f}% of tasks"
        )
        off = f" (may be off by {100 * one.judge_error:.1f} points)" if one.judge_error else ""
        click.echo(f"    scored by {', '.join(one.scored_by) or UNKNOWN}{off}; last replay {one.last_at}")
        click.echo(f"    certificate for {one.certificate or 'a model that was not named'}")
    click.echo(f"  would overturn this: {row.overturn}")
    click.echo(f"  next: {row.next}")


def _worth(row: Finding) -> str:
    return UNKNOWN if row.verdict == "not enough" else _ends(row.excess_per_month)


def _ends(ends: tuple[str | None, str | None]) -> str:
    low, high = ends
    if low is None or high is None:
        return UNKNOWN
    shown = [money(low), money(high)]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} – {shown[1]}"


def _span(low: float, high: float) -> str:
    return f"{100 * low:.1f}% to {100 * high:.1f}%"
