"""Who uses most and who is served at a loss, as a person reads it in a terminal."""

from __future__ import annotations

from decimal import Decimal

import click

from breakeven.cli.drawing import heading
from breakeven.cli.tables import Column, draw, margin, money, number
from breakeven.reports.engagementrows import Decile, Engagement, Section
from breakeven.reports.words import percent


def draw_engagement(report: Engagement) -> None:
    """Each kind of subject: deciles, the sentence, and those served at a loss with what would mend it."""
    heading("Engagement", report.label, report.currency, report.shares)
    if report.assumed_fee is not None:
        click.echo(f"Assumed, not recorded: a fee of {money(report.assumed_fee)} from every customer without revenue.")
    for section in report.sections:
        click.echo()
        if section.deciles:
            _draw_deciles(section)
        click.echo(section.sentence)
        for loser in section.losers:
            click.echo(f"  {loser.sentence}")
        if section.losing > len(section.losers):
            click.echo(f"  ... and {section.losing - len(section.losers):,} more; --limit shows them")
    click.echo("Next: breakeven scaling for how cost grows, breakeven cohorts for how customers age", err=True)


def _draw_deciles(section: Section) -> None:
    rows = section.deciles
    draw(
        [
            Column(f"{section.by}s by calls", [f"decile {row.decile}" for row in rows], left=True),
            Column(f"{section.by}s", [number(row.subjects) for row in rows], drop=4),
            Column("calls", [number(row.calls) for row in rows], drop=3),
            Column("cost", [money(row.cost) for row in rows]),
            Column("of cost", [percent(row.share_of_cost) for row in rows], drop=2),
            Column("earned", [money(row.earned) for row in rows], drop=1),
            Column("keeps", [money(row.keeps) for row in rows]),
            Column("margin", [margin(row.margin) for row in rows], drop=1),
            Column("AI value", [money(row.value) for row in rows], drop=5),
            Column("unpriced", [number(row.unpriced_calls) if row.unpriced_calls else "" for row in rows], drop=6),
        ],
        marked={at: "bad" for at, row in enumerate(rows) if _loses(row)},
    )


def _loses(row: Decile) -> bool:
    return row.keeps is not None and Decimal(row.keeps) < 0
