"""`breakeven scaling`, `engagement`, `cohorts` and `portfolio`: what adoption does to cost, margin and value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from breakeven.cli.reports import _output, _period, output_options, period_option, read_only

if TYPE_CHECKING:
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings


@click.command()
@period_option
@click.option("--feature", metavar="NAME", help="One feature in depth: its steps, curve, drivers, users who came and left.")
@click.option("--step", type=click.Choice(["month", "week", "day"]), help="Length of a step. Default: the longest that gives four.")
@output_options
@read_only
def scaling(  # noqa: PLR0913 - one argument per option
    ledger: Facts,
    settings: Settings,
    *,
    period: str | None,
    feature: str | None,
    step: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """How cost grows with adoption: elasticity, the next unit's cost and value, and the adoption at which they break even.

    History up to the end of the period is read, customer by customer. With --feature, --csv gives the points of the curve.
    """
    from breakeven.cli.draw_scaling import draw_scaling
    from breakeven.reports.question import Question
    from breakeven.reports.scaling import scaling as report

    filters = (("feature", feature),) if feature is not None else ()
    found = report(ledger, settings, Question(_period(ledger, period), filters=filters), step)  # type: ignore[arg-type] # a choice of click
    rows = found.detail.curve if found.detail is not None else found.rows
    _output(found, as_json=as_json, as_csv=as_csv, rows=rows, drawn=draw_scaling)
