"""Cohorts and the portfolio of features, as a person reads them in a terminal."""

from __future__ import annotations

import click

from breakeven.cli.drawing import heading
from breakeven.cli.tables import UNKNOWN, Column, draw, each, margin, money, number, text
from breakeven.reports.cohorts import Cell, Cohorts
from breakeven.reports.portfolio import FindingRow, Portfolio
from breakeven.reports.words import percent


def draw_cohorts(report: Cohorts, show: str) -> None:
    """The grid: a row per signup month, a column per age, the oldest columns go first on a narrow terminal."""
    heading("Cohorts", report.label, report.currency, report.shares)
    if report.rows:
        click.echo(f"{show.replace('-', ' ')} by signup month and age in months")
        names = sorted({row.cohort for row in report.rows})
        ages = sorted({row.age for row in report.rows})
        cells = {(row.cohort, row.age): row for row in report.rows}
        most = {name: max(row.customers for row in report.rows if row.cohort == name) for name in names}
        columns = [Column("signed up", names, left=True), Column("customers", [number(most[name]) for name in names], drop=1)]
        columns += [
            Column(f"{age}", [_shown(cells.get((name, age)), show) for name in names], drop=2 + at) for at, age in enumerate(ages)
        ]
        draw(columns)
    click.echo(report.sentence)
    click.echo("Next: breakeven engagement for who is served at a loss", err=True)


def _shown(cell: Cell | None, show: str) -> str:
    if cell is None:
        return ""
    if show == "margin":
        return margin(cell.margin)
    if show == "cost-per-user":
        return each(cell.cost_per_user)
    return UNKNOWN if cell.tokens_per_task is None else f"{cell.tokens_per_task:,.0f}"


def draw_portfolio(report: Portfolio) -> None:
    """Features by adoption and margin, then what to do first."""
    heading("Portfolio", report.label, report.currency, report.shares)
    if report.rows:
        rows = report.rows
        draw(
            [
                Column("", [row.feature for row in rows], left=True),
                Column("place", [row.place for row in rows], left=True),
                Column("customers", [number(row.customers) for row in rows], drop=3),
                Column("users", [number(row.users) for row in rows], drop=4),
                Column("adoption", [f"{row.adoption:,} {row.unit}s" for row in rows], drop=3),
                Column("growth", [UNKNOWN if row.growth is None else f"×{row.growth:.2f}" for row in rows], drop=2),
                Column("value", [money(row.value) for row in rows], drop=2),
                Column("cost", [money(row.cost) for row in rows]),
                Column("keeps", [money(row.contribution) for row in rows]),
                Column("margin", [margin(row.margin) for row in rows], drop=1),
                Column("verdict", [text(row.verdict) for row in rows], drop=4, left=True),
                Column("cost grows", [row.pace for row in rows], drop=5, left=True),
            ],
            marked={at: "bad" for at, row in enumerate(rows) if row.place.endswith("unprofitable")},
        )
    click.echo(report.sentence)
    if report.findings:
        click.echo()
        draw(
            [
                Column("", [f"{one.rank}." for one in report.findings]),
                Column("what to do first", [one.what for one in report.findings], left=True),
                Column("worth", [_worth(one) for one in report.findings]),
                Column("certain", [percent(one.certainty, 0) for one in report.findings], drop=2),
                Column("because", [one.evidence for one in report.findings], drop=4, left=True),
                Column("next", [one.next for one in report.findings], drop=3, left=True),
            ]
        )
    click.echo("Next: breakeven scaling, breakeven engagement, breakeven cohorts", err=True)


def _worth(one: FindingRow) -> str:
    if one.worth is None:
        return "unknown"
    low, high = one.worth
    return money(low) if low == high else f"{money(low)} to {money(high)}"
