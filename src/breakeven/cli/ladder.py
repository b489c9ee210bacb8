"""`breakeven ladder`: which rung answered, what that cost, and what was saved against the declared baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from breakeven.cli.reports import _output, _period, output_options, period_option, read_only
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from breakeven.reports.ladder import LadderReport
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings


@click.group()
def ladder() -> None:
    """Ladders: which capability answered, at what cost, and what was saved against the baseline."""


@ladder.command("list")
@period_option
@output_options
@read_only
def list_(ledger: Facts, settings: Settings, *, period: str | None, as_json: bool, as_csv: bool) -> None:
    """Every feature with a ladder: its rungs, its cost, the baseline's, and the saving booked."""
    from breakeven.reports.ladder import ladders

    found = ladders(ledger, settings, _period(ledger, period))
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=_draw_list)


@ladder.command()
@click.argument("feature")
@period_option
@output_options
@read_only
def show(ledger: Facts, settings: Settings, *, feature: str, period: str | None, as_json: bool, as_csv: bool) -> None:
    """One FEATURE rung by rung: share of calls, cost, saving, and why a rung was passed over."""
    from breakeven.reports.ladder import ladders

    found = ladders(ledger, settings, _period(ledger, period), feature)
    if not found.rows:
        raise UsageError(f"feature {feature!r} has no ladder", "See which ones have: breakeven ladder list.")
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rungs, drawn=_draw_one)


def _draw_list(report: LadderReport) -> None:
    from breakeven.cli.drawing import heading
    from breakeven.cli.tables import Column, draw, each, money, number, text
    from breakeven.reports.words import percent

    heading("Ladders", report.label, report.currency)
    rows = report.rows
    if rows:
        draw(
            [
                Column("", [text(row.feature) for row in rows], left=True),
                Column("calls", [number(row.calls) for row in rows], drop=3),
                Column("no model", [percent(row.without_model_share) for row in rows], drop=2),
                Column("cost", [money(row.cost) for row in rows]),
                Column("baseline", [money(row.baseline) for row in rows], drop=1),
                Column("saved", [money(row.saving) for row in rows]),
                Column("in vain", [money(row.beside_cost) for row in rows], drop=4),
                Column("per call", [each(row.cost_per_call) for row in rows], drop=5),
                Column("control", [each(row.control_cost_per_call) for row in rows], drop=6),
                Column("rungs", [text(row.declared) for row in rows], drop=7, left=True),
            ]
        )
    click.echo(report.sentence)
    click.echo("Next: breakeven ladder show FEATURE for its rungs", err=True)


def _draw_one(report: LadderReport) -> None:
    from breakeven.cli.drawing import heading
    from breakeven.cli.tables import Column, draw, money, number, text
    from breakeven.reports.ladder import WHOLE
    from breakeven.reports.words import count, percent

    (row,) = report.rows
    heading(f"Ladder of {row.feature}", report.label, report.currency)
    rungs = report.rungs
    if rungs:
        draw(
            [
                Column("", [text(rung.rung) for rung in rungs], left=True),
                Column("calls", [number(rung.calls) for rung in rungs]),
                Column("share", [percent(rung.share) for rung in rungs], drop=2),
                Column("cost", [money(rung.cost) for rung in rungs]),
                Column("in vain", [money(rung.beside_cost) for rung in rungs], drop=4),
                Column("baseline", [money(rung.baseline) for rung in rungs], drop=1),
                Column("saved", [money(rung.saving) for rung in rungs]),
                Column("median ms", [number(rung.latency_ms) for rung in rungs], drop=5),
            ]
        )
    if row.declared:
        click.echo(f"Declared: {row.declared}")
    for reason in report.reasons:
        passed = "" if reason.rung == WHOLE else f"{reason.rung} passed over by "
        click.echo(f"{passed}{count(reason.calls, 'call')}: {reason.why}")
    click.echo(report.sentence)
    if row.measured_saving_per_call is not None:
        click.echo(
            f"{count(row.control_calls, 'control call')} cost {money(row.control_cost_per_call)} each, all others "
            f"{money(row.cost_per_call)}: {money(row.measured_saving_per_call, signed=True)} a call, measured."
        )
