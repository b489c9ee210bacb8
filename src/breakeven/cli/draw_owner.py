"""Ownership as a person reads it in a terminal."""

from __future__ import annotations

import click

from breakeven.cli.tables import UNKNOWN, Column, draw, margin, money, number, text
from breakeven.reports.owners import Coverage, Owners


def draw_owners(report: Owners) -> None:
    """What nobody owns, and what to do about the dearest of it."""
    rows = report.rows
    click.echo(f"Costs without an owner · {report.label} · {report.currency}")
    if rows:
        draw(
            [
                Column("feature", [row.feature or "Unattributed" for row in rows], left=True),
                Column("cost", [money(row.cost) for row in rows]),
                Column("of all", [margin(row.share) for row in rows], drop=2),
                Column("calls", [number(row.calls) for row in rows], drop=3),
                Column("because", [row.reason for row in rows], left=True, drop=1),
                Column("team", [text(row.team) for row in rows], left=True, drop=5),
                Column("workflow", [text(row.workflow) for row in rows], left=True, drop=6),
                Column("environment", [text(row.environment) for row in rows], left=True, drop=7),
                Column("model", [text(row.model) for row in rows], left=True, drop=4),
            ]
        )
    click.echo(report.sentence)
    for step in dict.fromkeys(row.next for row in rows):
        click.echo(f"Next: {step}", err=True)


def draw_coverage(report: Coverage) -> None:
    """One line per period, the latest last."""
    rows = report.rows
    click.echo(f"Cost with an owner · {report.currency}")
    draw(
        [
            Column("", [row.label for row in rows], left=True),
            Column("cost", [money(row.cost) for row in rows], drop=2),
            Column("with an owner", [money(row.owned) for row in rows], drop=3),
            Column("coverage", [margin(row.coverage) for row in rows]),
            Column("target", [UNKNOWN if row.met is None else "met" if row.met else "missed" for row in rows], drop=1, left=True),
        ]
    )
    click.echo(report.sentence)
