"""`breakeven why`: why cost or margin moved between two periods, and why one call cost what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.reports import _instant, _output, _question, output_options, period_option, question_options, read_only
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from breakeven.reports.bridge import Of
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings

AMOUNTS = ("cost", "margin")


@click.command()
@click.argument("what", metavar="cost|margin|CALL_ID")
@period_option
@click.option("--vs", metavar="PERIOD", help="Compare with this period. Default: `previous`, the period of equal length before.")
@click.option(
    "--by", help="Levels of the tree from the root down: feature, plan, provider, model, rung, class; a margin: feature, plan."
)
@click.option("--depth", type=click.IntRange(0, 6), help="How many levels of the tree to show. Default: 1, or all that --by names.")
@click.option("--fixed", is_flag=True, help="Count allocated fixed cost to the cost, as a bar of its own; a margin always does.")
@click.option("--drivers", is_flag=True, help="Show the drivers behind each bar.")
@click.option(
    "--class", "usage_class", metavar="NAME", help="Only this usage class, such as input, cache_read, output or reasoning."
)
@click.option("--plan", metavar="NAME", help="Only customers of this plan; `none` for those without.")
@question_options
@output_options
@read_only
def why(
    ledger: Facts,
    settings: Settings,
    *,
    what: str,
    drivers: bool,
    as_json: bool,
    as_csv: bool,
    **asked: Any,  # noqa: ANN401 - options of click
) -> None:
    """Why cost or margin moved between two periods, driver by driver, exactly; or the receipt of one call.

    The parts of `why cost` and `why margin` sum to the change to the last digit, at every level of the tree; a drill-down into a
    feature, plan, model, rung or class changes no other part. A receipt is lines x unit price x price version, and who the call is
    attributed to by which source.
    """
    if what in AMOUNTS:
        _bridge(ledger, settings, what, asked, drivers=drivers, as_json=as_json, as_csv=as_csv)  # type: ignore[arg-type] # one of AMOUNTS
    else:
        given = [name for name, value in {**asked, "drivers": drivers}.items() if name != "as_of" and value not in (None, False)]
        _receipt(ledger, what, asked["as_of"], given, as_json=as_json, as_csv=as_csv)


def _receipt(ledger: Facts, call_id: str, as_of: str | None, given: list[str], *, as_json: bool, as_csv: bool) -> None:
    from breakeven.cli.drawing import draw_receipt
    from breakeven.reports.receipt import receipt

    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} does not go with a call", "Ask for `why cost` or `why margin`, or leave it out."
        )
    found = receipt(ledger, call_id, _instant(as_of))
    lines = [line for attempt in found.attempts for line in attempt.lines]
    _output(found, as_json=as_json, as_csv=as_csv, rows=lines, drawn=draw_receipt)


def _bridge(
    ledger: Facts, settings: Settings, of: Of, asked: dict[str, Any], *, drivers: bool, as_json: bool, as_csv: bool
) -> None:
    from breakeven.cli.draw_why import draw_bridge
    from breakeven.reports.bridge import Asked, bridge
    from breakeven.reports.bridgefacts import LEVELS
    from breakeven.reports.bridgetree import rows_of
    from breakeven.reports.question import wanted

    by, depth, vs, fixed = (asked.pop(name) for name in ("by", "depth", "vs", "fixed"))
    named = {**asked, "plan": asked.pop("plan"), "class": asked.pop("usage_class")}
    where = {level: wanted(named[level]) for level in LEVELS if named[level] is not None}
    filters = {name: value for name, value in asked.items() if name not in LEVELS}
    levels = tuple(dict.fromkeys(part.strip().lower() for part in by.split(",") if part.strip())) if by else ()
    question = _question(ledger, vs=vs or "previous", **filters)
    wish = Asked(of, depth=len(levels) or 1 if depth is None else depth, where=where, fixed=fixed)
    default = tuple(name for name in wish.levels if name != "provider")
    found = bridge(ledger, settings, question, wish._replace(by=levels or default))
    _output(
        found,
        as_json=as_json,
        as_csv=as_csv,
        rows=rows_of(found.bars, found.tree) if as_csv else (),
        drawn=lambda report: draw_bridge(report, drivers=drivers),
    )
