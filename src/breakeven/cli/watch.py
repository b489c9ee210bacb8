"""`breakeven watch`: what is unusual, what is at stake, and what caused it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from breakeven.cli.reports import _instant, _output, _period, now, output_options, period_option, read_only
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings

FOUND = 1


@click.command()
@period_option
@click.option("--at", "at_text", metavar="INSTANT", help="Look as if it were then, such as 2026-07-14T15:00:00Z. Default: now.")
@click.option("--floor", default="5", show_default=True, metavar="AMOUNT", help="At stake in a day below which nothing is told.")
@click.option("--feature", metavar="NAME", help="Only this feature; `none` for what has no feature.")
@click.option("--fail", is_flag=True, help="Exit with 1 when something is found, for schedulers and CI.")
@output_options
@read_only
@click.pass_context
def watch(  # noqa: PLR0913 - one argument per option
    context: click.Context,
    ledger: Facts,
    settings: Settings,
    *,
    period: str | None,
    at_text: str | None,
    floor: str,
    feature: str | None,
    fail: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Unusual cost, unit cost, tokens per call, cache rate and error rate of features, customers and models, with the cause.

    Every whole day of the period is held against its own last eight weeks, weekday by weekday; at present also the last 24 hours.
    """
    from breakeven.cli.draw_watch import draw_watch
    from breakeven.reports.question import Question, wanted
    from breakeven.reports.watch import Asked
    from breakeven.reports.watch import watch as report

    del settings
    filters = (("feature", wanted(feature)),) if feature is not None else ()
    asked = Asked(_instant(at_text) or now(), _floor(floor))
    found = report(ledger, Question(_period(ledger, period), filters=filters), asked)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.findings, drawn=draw_watch)
    if fail and found.findings:
        context.exit(FOUND)


def _floor(text: str) -> float:
    try:
        floor = float(text.strip().lstrip("$"))
    except ValueError:
        floor = -1.0
    if not 0 <= floor < float("inf"):
        raise UsageError(f"--floor {text!r} is not an amount", "Write an amount of the ledger's currency, such as 5 or 0.50.")
    return floor
