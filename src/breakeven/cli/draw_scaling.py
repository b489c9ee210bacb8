"""How cost grows with adoption, as a person reads it in a terminal."""

from __future__ import annotations

import shlex

import click

from breakeven.cli.drawing import heading
from breakeven.cli.tables import UNKNOWN, Column, draw, each, money, number
from breakeven.reports.scalingrows import Detail, Scaling, Span

_FEW_POINTS = 4
"""Every fourth point of the curve is drawn: a doubling apart."""


def draw_scaling(report: Scaling) -> None:
    """Features as a table, one feature's steps, drivers and curve, then the sentences."""
    steps = f" · by {report.step} from {report.start} to {report.now}" if report.step else ""
    heading("Scaling", report.label, report.currency)
    if report.rows:
        click.echo(f"Cost against adoption{steps}")
        rows = report.rows
        draw(
            [
                Column("", [row.feature for row in rows], left=True),
                Column("adoption", [f"{row.adoption:,} {row.unit}s" for row in rows], drop=3),
                Column("average cost", [each(row.average_cost) for row in rows]),
                Column("average value", [each(row.average_value) for row in rows], drop=2),
                Column("next costs", [each(row.marginal_cost.estimate) if row.marginal_cost else UNKNOWN for row in rows], drop=1),
                Column("last ones cost", [each(row.incremental_cost) for row in rows], drop=4),
                Column("elasticity", [_span(row.elasticity) for row in rows]),
                Column("cost grows", [row.pace for row in rows], left=True),
                Column("breaks even at", [_whole(row.break_even) for row in rows], drop=1),
            ],
            marked={at: "bad" for at, row in enumerate(rows) if row.pace == "faster"},
        )
    if report.detail is not None:
        _draw_detail(report.detail)
    click.echo(report.sentence)
    for line in report.detail.sentences if report.detail else ():
        click.echo(line)
    click.echo(f"Next: {_next(report)}", err=True)


def _draw_detail(detail: Detail) -> None:
    click.echo()
    draw(
        [
            Column("", [step.step for step in detail.steps], left=True),
            Column("adoption", [number(step.adoption) for step in detail.steps]),
            Column("users", [number(step.users) for step in detail.steps], drop=3),
            Column("customers", [number(step.customers) for step in detail.steps], drop=3),
            Column("cost", [money(step.cost) for step in detail.steps], drop=2),
            Column("average cost", [each(step.average_cost) for step in detail.steps]),
            Column("average value", [each(step.average_value) for step in detail.steps], drop=1),
            Column("each more cost", [each(step.incremental_cost) for step in detail.steps], drop=2),
        ]
    )
    if detail.curve:
        points = detail.curve[::_FEW_POINTS]
        click.echo()
        draw(
            [
                Column("if adoption were", [f"{point.adoption:,.0f}" for point in points]),
                Column("average cost", [each(point.average_cost) for point in points]),
                Column("95%", [f"{each(point.average_cost_low)} to {each(point.average_cost_high)}" for point in points], drop=1),
                Column("next costs", [each(point.marginal_cost) for point in points]),
                Column("average value", [each(point.average_value) for point in points], drop=2),
            ]
        )
    click.echo()


def _span(span: Span | None) -> str:
    return UNKNOWN if span is None else f"{span.estimate:.2f} ({span.low:.2f} to {span.high:.2f})"


def _whole(span: Span | None) -> str:
    return UNKNOWN if span is None else f"{span.estimate:,.0f} ({span.low:,.0f} to {span.high:,.0f})"


def _next(report: Scaling) -> str:
    if not report.rows:
        return "breakeven import calls FILE"
    worst = next((row for row in report.rows if row.pace == "faster"), report.rows[0])
    if report.detail is None:
        return f"breakeven scaling --feature {shlex.quote(worst.feature)}"
    return "breakeven engagement for who uses most, breakeven portfolio for what to do first"
