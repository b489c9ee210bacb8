"""The reports as commands: tables for people, `--json` and `--csv` for machines, the same figures and words in each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from breakeven.cli.context import echo_json, find_config, ledger_options, load, open_facts
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from breakeven.economics.periods import Period
    from breakeven.reports.question import Facts, Question
    from breakeven.settings import Settings
    from breakeven.settings.plans import Plan

Command = TypeVar("Command", bound=Callable[..., Any])
FILTERED = ("feature", "team", "customer", "user", "workflow", "environment", "model", "provider", "rung")


def output_options(command: Command) -> Command:
    """Add `--json` and `--csv`."""
    command = click.option("--csv", "as_csv", is_flag=True, help="CSV: exact decimals, raw units, empty where unknown.")(command)
    return click.option("--json", "as_json", is_flag=True, help="JSON: money as strings of exact digits, null where unknown.")(
        command
    )


def period_option(command: Command) -> Command:
    """Add `--period`."""
    text = "2026-10, 2026-Q4, month-1, week, 'day-30 - day', A..B or all. Default: this month, or the latest with calls."
    return click.option("--period", help=text)(command)


def question_options(command: Command) -> Command:
    """Add the filters, `--as-of` and `--as-recorded`."""
    command = click.option("--as-recorded", is_flag=True, help="Costs as first recorded, without restatements.")(command)
    command = click.option("--as-of", metavar="INSTANT", help="What the ledger knew then, such as 2026-10-15T12:00:00Z.")(command)
    for name in reversed(FILTERED):
        command = click.option(f"--{name}", metavar="NAME", help=f"Only this {name}; `none` for what has no {name}.")(command)
    return command


def read_only(command: Callable[..., None]) -> Callable[..., None]:
    """Open ledger and settings for a command, which is called with both first."""

    @wraps(command)
    def opened(*, ledger_path: Path | None, config: Path | None, **options: Any) -> None:  # noqa: ANN401 - the options of each command differ
        settings, path = load(config, ledger_path)
        with open_facts(path, settings) as ledger:
            command(ledger, settings, **options)

    return ledger_options(opened)


def now() -> datetime:
    """The present instant in UTC, without zone, as the ledger keeps time."""
    return datetime.now(UTC).replace(tzinfo=None)


@click.command()
@period_option
@click.option("--vs", metavar="PERIOD", help="Compare with `previous`, any period, or `plan`: what a scenario was adopted as.")
@click.option(
    "--by",
    default="feature",
    show_default=True,
    help="feature, team, customer, user, workflow, environment, model, provider, rung, day, week, month; several with commas.",
)
@question_options
@output_options
@ledger_options
def pnl(
    *,
    ledger_path: Path | None,
    config: Path | None,
    vs: str | None,
    as_json: bool,
    as_csv: bool,
    **asked: Any,  # noqa: ANN401 - options of click
) -> None:
    """What each feature earns, costs and keeps.

    Contribution is value minus variable cost; margin is contribution over value; fixed costs are allocated and shown apart.
    Unknown is never 0: a dash in the table, null in JSON.
    """
    from breakeven.cli.drawing import draw_pnl
    from breakeven.reports.pnl import pnl as report

    settings, path = load(config, ledger_path)
    plan = _plan(config, ledger_path, path) if vs is not None and vs.strip().lower() == "plan" else None
    with open_facts(path, settings) as ledger:
        found = report(ledger, settings, _question(ledger, vs=None if plan is not None else vs, **asked), plan)
    _output(found, as_json=as_json, as_csv=as_csv, rows=[*found.rows, found.total], drawn=draw_pnl)


@click.command()
@period_option
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many customers, dearest first.")
@question_options
@output_options
@read_only
def customers(ledger: Facts, settings: Settings, *, limit: int, as_json: bool, as_csv: bool, **asked: Any) -> None:  # noqa: ANN401 - options of click
    """What each customer pays, costs to serve and keeps, dearest first."""
    from breakeven.cli.drawing import draw_customers
    from breakeven.reports.customers import customers as report

    found = report(ledger, settings, _question(ledger, **asked), None if as_csv else limit)
    _output(found, as_json=as_json, as_csv=as_csv, rows=[*found.rows, found.total], drawn=draw_customers)


@click.command()
@click.argument("query", nargs=-1)
@period_option
@click.option(
    "--sort",
    type=click.Choice(["cost", "time", "tokens", "latency"]),
    default="cost",
    show_default=True,
    help="Largest or latest first.",
)
@click.option("--limit", type=int, default=50, show_default=True, help="Rows of a page.")
@click.option("--after", metavar="CURSOR", help="The next page: `next` of the page before.")
@click.option("--spread", is_flag=True, help="How their cost is spread instead: a histogram with median, 90th and 99th of 100.")
@output_options
@read_only
def calls(  # noqa: PLR0913 - one argument per option
    ledger: Facts,
    settings: Settings,
    *,
    query: tuple[str, ...],
    period: str | None,
    sort: str,
    limit: int,
    after: str | None,
    spread: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List calls, dearest first, by a QUERY such as: feature:support "cost>0.50" status:ok tag.plan:pro.

    Negate a word after `--`, as in: breakeven calls -- -status:ok.
    """
    from breakeven.cli.drawing import draw_calls, draw_spread
    from breakeven.reports.calls import Page
    from breakeven.reports.calls import calls as report

    del settings
    if spread:
        from breakeven.reports.callspread import call_spread

        histogram = call_spread(ledger, _period(ledger, period), " ".join(query))
        _output(histogram, as_json=as_json, as_csv=as_csv, rows=histogram.bars, drawn=draw_spread)
        return
    found = report(ledger, _period(ledger, period), " ".join(query), Page(sort, limit, after))
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_calls)


@click.command()
@click.argument("trace_id")
@output_options
@read_only
def trace(ledger: Facts, settings: Settings, *, trace_id: str, as_json: bool, as_csv: bool) -> None:
    """All calls of one trace in order of time, with cumulative cost and what bought nothing."""
    from breakeven.cli.drawing import draw_trace
    from breakeven.reports.trace import trace as report

    del settings
    found = report(ledger, trace_id)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_trace)


@click.command()
@click.option("--period", default="all", show_default=True, help="2026-10, 2026-Q4, month-1, week, A..B or all.")
@output_options
@read_only
def unpriced(ledger: Facts, settings: Settings, *, period: str, as_json: bool, as_csv: bool) -> None:
    """What has no price or no usage yet, why, and what to do about it."""
    from breakeven.cli.drawing import draw_unpriced
    from breakeven.reports.unpriced import unpriced as report

    del settings
    found = report(ledger, _period(ledger, period))
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_unpriced)


@click.command()
@period_option
@output_options
@read_only
def today(ledger: Facts, settings: Settings, *, period: str | None, as_json: bool, as_csv: bool) -> None:
    """Today's answer in a few lines: value, cost, margin, and what needs attention."""
    from breakeven.cli.drawing import draw_today
    from breakeven.reports.today import today as report

    found = report(ledger, settings, _question(ledger, period=period))
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.attention, drawn=draw_today)


def _question(
    ledger: Facts,
    *,
    period: str | None = None,
    vs: str | None = None,
    by: str = "feature",
    as_of: str | None = None,
    as_recorded: bool = False,
    **filters: str | None,
) -> Question:
    from breakeven.reports.asking import question_of

    asked = _period(ledger, period)
    return question_of(asked, now(), vs=vs, by=by, filters=filters, as_of=as_of, as_recorded=as_recorded)


def plan_path(config: Path | None, ledger_path: Path | None, path: Path) -> Path:
    """Where the plan lies: beside the configuration, else in the ledger's directory."""
    from breakeven.settings.plans import PLAN_NAME

    found = find_config(config, ledger_path)
    return (path if found is None else found.parent) / PLAN_NAME


def _plan(config: Path | None, ledger_path: Path | None, path: Path) -> Plan:
    """The plan that was adopted. Raises UsageError where none was."""
    from breakeven.settings.plans import load_plan

    place = plan_path(config, ledger_path, path)
    if not place.is_file():
        raise UsageError(f"there is no plan: {place} does not exist", "Adopt one: breakeven scenario run FILE --adopt.")
    return load_plan(place)


def _period(ledger: Facts, text: str | None) -> Period:
    """The period asked for; else this month if it has calls, or the latest month that has some, which is said on stderr."""
    from breakeven.economics.periods import month_of
    from breakeven.reports.asking import period_of

    period = period_of(ledger, text, now())
    if text is None and period.start != month_of(now()).start:
        click.echo(f"breakeven: no calls this month; showing {period.label}, the latest month with calls", err=True)
    return period


def _instant(text: str | None) -> datetime | None:
    from breakeven.reports.asking import instant_of

    return instant_of(text, "--as-of")


def _output(found: Any, *, as_json: bool, as_csv: bool, rows: Any, drawn: Callable[[Any], None]) -> None:  # noqa: ANN401 - any report
    """One report in the form asked for."""
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", "Choose one of them.")
    if as_json:
        echo_json(found)
    elif as_csv:
        from breakeven.cli.tables import write_csv

        write_csv(rows)
    else:
        drawn(found)
