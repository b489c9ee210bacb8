"""Budgets as a person reads them in a terminal."""

from __future__ import annotations

import click

from breakeven.cli.tables import UNKNOWN, Column, draw, text
from breakeven.economics.money import atto
from breakeven.governance.budgets import Measure, amount_in_words
from breakeven.reports.budgets import BudgetRow, Budgets, Declared

_BAR = 10


def draw_budgets(report: Budgets, limit: int) -> None:
    """One line per account, with a bar of what is gone."""
    rows = report.rows[:limit]
    click.echo(f"Budgets · {report.at}")
    if rows:
        draw(
            [
                Column("budget", [row.budget for row in rows], left=True),
                Column("account", [row.subject for row in rows], left=True, drop=3),
                Column("owner", [text(row.owner) for row in rows], left=True, drop=4),
                Column("limit", [_amount(row, row.limit) for row in rows]),
                Column("spent", [_amount(row, row.spent) for row in rows]),
                Column("reserved", [_amount(row, row.reserved) if row.reserved != "0" else UNKNOWN for row in rows], drop=6),
                Column("", [_bar(row.share) for row in rows], left=True, drop=5),
                Column("period", [row.period for row in rows], left=True, drop=2),
                Column("runs out", [text(row.runs_out) for row in rows], left=True),
                Column("next", [text(row.next_action) for row in rows], left=True, drop=1),
            ]
        )
    if len(report.rows) > limit:
        click.echo(f"... and {len(report.rows) - limit:,} more; --limit shows them")
    click.echo(report.sentence)


def draw_declared(report: Declared) -> None:
    """One line per limit."""
    rows = report.rows
    click.echo("Limits")
    if rows:
        draw(
            [
                Column("id", [row.budget for row in rows], left=True),
                Column("", [row.words for row in rows], left=True),
                Column("owner", [text(row.owner) for row in rows], left=True, drop=2),
                Column("declared", [row.declared_at for row in rows], left=True, drop=1),
            ]
        )
    click.echo(report.sentence)


def _amount(row: BudgetRow, digits: str) -> str:
    measures: dict[str, Measure] = {"usd": "usd", "tokens": "tokens", "calls": "calls"}
    measure = measures[row.measure]
    return amount_in_words(measure, atto(digits) if measure == "usd" else int(digits))


def _bar(share: float | None) -> str:
    if share is None:
        return UNKNOWN
    full = min(_BAR, int(share * _BAR))
    return "█" * full + "░" * (_BAR - full) + f" {share * 100:.0f}%"
