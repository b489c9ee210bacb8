"""Policies, dry runs and findings as a person reads them in a terminal."""

from __future__ import annotations

import click

from breakeven.cli.tables import Column, colour, draw, money, number, text
from breakeven.reports.charters import CharterCheck
from breakeven.reports.policies import CallVerdict, PolicyList, PolicyTest


def draw_policies(report: PolicyList) -> None:
    """Each policy in words, and where it stands."""
    rows = report.rows
    if rows:
        draw(
            [
                Column("policy", [row.policy for row in rows], left=True),
                Column("rule", [row.rule for row in rows], left=True, drop=3),
                Column("in words", [row.words for row in rows], left=True, drop=1),
                Column("owner", [text(row.owner) for row in rows], left=True, drop=4),
                Column("place", [row.place for row in rows], left=True, drop=2),
            ]
        )
    click.echo(report.sentence)
    if rows:
        click.echo("Next: breakeven policy test", err=True)


def draw_test(report: PolicyTest) -> None:
    """What each policy would have done, the dearest included, and all together."""
    rows = report.rows
    click.echo(f"Policies · dry run on {report.label} · {report.currency}")
    if rows:
        draw(
            [
                Column("policy", [row.policy for row in rows], left=True),
                Column("would", [row.action for row in rows], left=True),
                Column("calls", [number(row.calls) for row in rows]),
                Column("their cost", [money(row.cost) for row in rows]),
                Column("cost unknown", [number(row.cost_unknown_calls) if row.cost_unknown_calls else "" for row in rows], drop=3),
                Column("in words", [row.words for row in rows], left=True, drop=2),
                Column("place", [row.place for row in rows], left=True, drop=1),
            ]
        )
    for note in dict.fromkeys(row.note for row in rows if row.note):
        click.echo(f"Note: {note}.")
    click.echo(report.sentence)


def draw_explained(report: PolicyTest) -> None:
    """One policy (or those of one rule) at length."""
    for row in report.rows:
        click.echo(f"{row.policy} {row.words}.")
        for title, value in (("rule", row.rule), ("why", row.why), ("owner", row.owner), ("place", row.place), ("note", row.note)):
            if value:
                click.echo(f"  {title:<7}{value}")
        click.echo(row.sentence or "It cannot be tried on the past.")


def draw_call(report: CallVerdict) -> None:
    """One call: what is known of it, and what each policy says."""
    click.echo(
        f"Call {report.call_id} · " + " · ".join(f"{name} {value}" for name, value in report.facts.items() if value is not None)
    )
    for row in report.rows:
        reason = f": {row.reason}. {row.remedy or ''}".rstrip() if row.reason else ""
        click.echo(f"  {row.verdict:<8}{row.policy}{reason}  {row.place}")
    click.echo(report.sentence)


def draw_findings(report: CharterCheck) -> None:
    """Faults, then warnings, each with its place and remedy."""
    for word, rows, ink in (("FAIL", report.faults, "red"), ("warn", report.warnings, "yellow")):
        for row in rows:
            click.echo(f"{click.style(word, fg=ink) if colour() else word}  {row.where}: {row.what}. {row.remedy}")
    click.echo(report.sentence)
