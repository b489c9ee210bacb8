"""The decisions log as a person reads it in a terminal."""

from __future__ import annotations

import click

from breakeven.cli.tables import Column, draw, text
from breakeven.reports.decisions import Decisions

_LONGEST = 40


def draw_decisions(report: Decisions) -> None:
    """One line per decision."""
    rows = report.rows
    if rows:
        draw(
            [
                Column("when", [row.at[:19].replace("T", " ") for row in rows], left=True),
                Column("who", [row.actor for row in rows], left=True),
                Column("did", [row.action if row.allowed else f"{row.action} (refused)" for row in rows], left=True),
                Column("subject", [row.subject for row in rows], left=True),
                Column("before", [_short(row.before) for row in rows], left=True, drop=2),
                Column("after", [_short(row.after) for row in rows], left=True, drop=1),
                Column("why", [text(row.why) for row in rows], left=True, drop=3),
                Column("from", [row.origin for row in rows], left=True, drop=4),
            ]
        )
    click.echo(report.sentence)


def _short(value: str | None) -> str:
    return text(value if value is None or len(value) <= _LONGEST else f"{value[: _LONGEST - 3]}...")
