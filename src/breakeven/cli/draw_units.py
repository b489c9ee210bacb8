"""Unit costs, as a person reads them in a terminal."""

from __future__ import annotations

import click

from breakeven.cli.drawing import heading
from breakeven.cli.tables import UNKNOWN, Column, draw, each, margin, money
from breakeven.reports.units import Unit, UnitRow, Units

_SIDES = {"up to": "≤", "from": "≥"}


def draw_units(report: Units) -> None:
    """A row per feature: what one unit costs, what bought nothing, what is kept, and how far break-even is."""
    heading("Unit costs", report.label, report.currency, report.shares)
    rows = [*report.rows, report.total]
    draw(
        [
            Column("", [row.label for row in rows], left=True),
            Column("cost", [money(row.cost) for row in rows], drop=5),
            Column("per outcome", [_cost(row.per_outcome) for row in rows]),
            Column("95%", [_interval(row.per_outcome) for row in rows], drop=4),
            Column("per success", [_cost(row.per_success) for row in rows], drop=1),
            Column("per call", [_cost(row.per_call) for row in rows], drop=3),
            Column("per user", [_cost(row.per_user) for row in rows], drop=2),
            Column("per customer", [_cost(row.per_customer) for row in rows], drop=2),
            Column("run p50", [each(row.run.p50) if row.run else UNKNOWN for row in rows], drop=8),
            Column("run p95", [each(row.run.p95) if row.run else UNKNOWN for row in rows], drop=7),
            Column("bought nothing", [_nothing(row) for row in rows], drop=3),
            Column("keeps", [money(row.contribution) for row in rows], drop=6),
            Column("after fixed", [money(row.contribution_after_fixed) for row in rows], drop=7),
            Column("of gross margin", [margin(row.gross_margin_effect) for row in rows], drop=9),
            Column("earns at prices", [_price(row) for row in rows], drop=4),
        ],
        marked={len(rows) - 1: "total"},
    )
    click.echo(report.sentence)
    click.echo(f"Next: breakeven why cost --period {report.period}", err=True)


def _cost(unit: Unit | None) -> str:
    return UNKNOWN if unit is None else each(unit.cost)


def _interval(unit: Unit | None) -> str:
    return UNKNOWN if unit is None or unit.low is None else f"{each(unit.low)} to {each(unit.high)}"


def _nothing(row: UnitRow) -> str:
    return UNKNOWN if row.failure is None else money(row.failure.cost)


def _price(row: UnitRow) -> str:
    found = row.breakeven.get("price")
    if found is None or found.side == "unknown":
        return UNKNOWN
    return f"{_SIDES[found.side]} {found.factor:.2f}×" if found.factor is not None else found.side
