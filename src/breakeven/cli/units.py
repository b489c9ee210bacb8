"""`breakeven units`: what one unit of AI work costs, with intervals, and what failure costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.reports import _output, _question, output_options, period_option, question_options, read_only

if TYPE_CHECKING:
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings


@click.command()
@period_option
@question_options
@output_options
@read_only
def units(ledger: Facts, settings: Settings, *, as_json: bool, as_csv: bool, **asked: Any) -> None:  # noqa: ANN401 - options of click
    """What one outcome, success, call, active user and customer costs per feature, with 95% intervals, and what failure costs.

    A ratio of sums each. The cost per success includes declared review and rework by people. The last columns say by how
    much AI lowers the gross margin of the product's revenue, and at which factor on prices a feature breaks even.
    """
    from breakeven.cli.draw_units import draw_units
    from breakeven.reports.units import units as report

    found = report(ledger, settings, _question(ledger, **asked))
    _output(found, as_json=as_json, as_csv=as_csv, rows=[*found.rows, found.total], drawn=draw_units)
