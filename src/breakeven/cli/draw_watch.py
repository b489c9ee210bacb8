"""What is unusual, as a person reads it in a terminal."""

from __future__ import annotations

import shlex

import click

from breakeven.cli.tables import UNKNOWN, Column, draw, money
from breakeven.reports.watch import Finding, Watch
from breakeven.reports.watchwords import when_of


def draw_watch(report: Watch) -> None:
    """Findings as a table, then each in a sentence."""
    click.echo(f"Watch · {report.label} · {report.currency}        known until {report.at}")
    if report.findings:
        draw(
            [
                Column("", [found.name or f"no {found.scope}" for found in report.findings], left=True),
                Column("when", [when_of(found) for found in report.findings], left=True),
                Column("cost", [money(found.cost) for found in report.findings], drop=1),
                Column("expected", [money(found.expected_cost) for found in report.findings], drop=2),
                Column("at stake", [money(found.at_stake) for found in report.findings]),
                Column("figures", [", ".join(found.figures) for found in report.findings], drop=3, left=True),
                Column("by", [found.cause.driver if found.cause else UNKNOWN for found in report.findings], left=True),
            ]
        )
        for found in report.findings[1:]:
            click.echo(found.sentence)
    click.echo(report.sentence)
    click.echo(f"Next: {_next(report)}", err=True)


def _next(report: Watch) -> str:
    if not report.findings:
        return "breakeven forecast for what the period will cost"
    first: Finding = report.findings[0]
    wanted = shlex.quote(f"{first.scope}:{first.name or 'none'}")
    return f"breakeven calls {wanted} --period {first.start[:10]}"
