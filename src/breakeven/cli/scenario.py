"""`breakeven scenario`: what happens to unit cost and margin if prices, tokens per task, adoption, mix or the own price move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from breakeven.cli.context import find_config, ledger_options, load, open_facts
from breakeven.cli.forecast import _book
from breakeven.cli.reports import _output, now, output_options, plan_path
from breakeven.errors import DataError, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.reports.question import Facts, Question
    from breakeven.reports.scenariomoves import Prices
    from breakeven.settings import Settings
    from breakeven.settings.scenarios import Scenario

Command = TypeVar("Command", bound=Callable[..., Any])
SLIDERS = {
    "price": "Price change a year: -30%, a range -45%..0%, or of one tier: frontier=0%. Several times for several tiers.",
    "tokens": "Change of tokens per task a year: +60%.",
    "volume": "Change of tasks a year: +25%.",
    "seats": "Change a year of paying seats, where value is revenue: +10%.",
    "own_price": "Change a year of what the feature itself is sold for: +5%.",
    "mix": "Change a year of the cost of a task by the mix of models and rungs: +10%.",
    "fixed_cost": "Change a year of fixed cost: +3%.",
}
_MOST_COMPARED = 3


def slider_options(command: Command) -> Command:
    """Add what a scenario may assume, whose features, how long, which seed, and from which month it starts."""
    command = click.option("--period", help="The month to start from. Default: the latest whole month with calls.")(command)
    command = click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of the draws. Default: 1.")(command)
    command = click.option("--years", type=click.IntRange(1, 10), help="How far to look ahead. Default: 2.")(command)
    command = click.option("--feature", "features", multiple=True, metavar="NAME", help="Only this feature; several times.")(
        command
    )
    command = click.option("--down", metavar="SHARE", help="Share of the dearest rung's work that goes one rung down: 40%.")(
        command
    )
    for name in reversed(SLIDERS):
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, name, multiple=True, metavar="CHANGE", help=SLIDERS[name])(command)
    return command


@click.group(invoke_without_command=True)
@slider_options
@output_options
@ledger_options
@click.pass_context
def scenario(context: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - options of click
    """What happens to margin if prices, tokens per task, adoption and mix move, and does waiting for lower prices help?

    Without a subcommand: every feature, each driver as the ledger's own history has it. What is silent there is taken from
    dated public figures, which the answer names.
    """
    if context.invoked_subcommand is None:
        _run(None, adopt=False, **options)
    elif any(value for name, value in options.items() if name not in ("ledger_path", "config")):
        raise UsageError(f"options stand before {context.invoked_subcommand!r}", "Write them after it.")


@scenario.command()
@click.argument("name", required=False, metavar="[FILE|NAME]")
@click.option("--adopt", is_flag=True, help="Write its path as the plan, for: breakeven pnl --vs plan.")
@slider_options
@output_options
@ledger_options
def run(name: str | None, *, adopt: bool, **options: Any) -> None:  # noqa: ANN401 - options of click
    """Run a scenario file, or a named one of `breakeven scenario list`; options replace what it says."""
    _run(name, adopt=adopt, **options)


@scenario.command("list")
@output_options
@ledger_options
def list_(*, as_json: bool, as_csv: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Scenario files beside the configuration, built-in scenarios, and the public figures that stand in."""
    from breakeven.cli.draw_scenario import draw_list
    from breakeven.reports.scenariolist import scenario_list

    _, path = load(config, ledger_path)
    found = scenario_list(_folder(config, ledger_path, path))
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_list)


@scenario.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE|NAME...")
@slider_options
@output_options
@ledger_options
def compare(names: tuple[str, ...], *, as_json: bool, as_csv: bool, **options: Any) -> None:  # noqa: ANN401 - options of click
    """Up to three scenarios side by side, with the same draws: what differs is what they assume, not luck."""
    from breakeven.cli.draw_scenario import draw_comparison
    from breakeven.reports.scenario import scenario as report
    from breakeven.reports.scenariocompare import comparison

    if not 1 < len(names) <= _MOST_COMPARED:
        raise UsageError(f"{len(names)} scenarios cannot be compared", "Name two or three.")
    ledger_path, config = options.pop("ledger_path"), options.pop("config")
    settings, path = load(config, ledger_path)
    with open_facts(path, settings) as ledger:
        question = _question(ledger, options.pop("period"))
        meant = [_scenario(name, _folder(config, ledger_path, path), **options) for name in names]
        found = comparison([report(ledger, settings, question, one, _prices(settings, path)) for one in meant])
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_comparison)


def _run(
    name: str | None,
    *,
    adopt: bool,
    ledger_path: Path | None,
    config: Path | None,
    period: str | None,
    as_json: bool,
    as_csv: bool,
    **sliders: Any,  # noqa: ANN401 - options of click
) -> None:
    from breakeven.cli.draw_scenario import draw_scenario, flat
    from breakeven.reports.scenario import scenario as report

    settings, path = load(config, ledger_path)
    with open_facts(path, settings) as ledger:
        question = _question(ledger, period)
        asked = _scenario(name, _folder(config, ledger_path, path), **sliders)
        found = report(ledger, settings, question, asked, _prices(settings, path))
        if adopt:
            _adopt(ledger, settings, question, asked, plan_path(config, ledger_path, path), _prices(settings, path))
    _output(found, as_json=as_json, as_csv=as_csv, rows=flat(found), drawn=draw_scenario)


def _adopt(ledger: Facts, settings: Settings, question: Question, asked: Scenario, path: Path, prices: Prices) -> None:
    """Write the plan, beside the configuration; the one before it is replaced, and version control remembers it."""
    from breakeven.economics.periods import month_of
    from breakeven.ledger.layout import write_durably
    from breakeven.reports.planwriting import plan_text
    from breakeven.reports.scenario import monthly_plan

    paths = monthly_plan(ledger, settings, question, asked, prices)
    replaced = path.exists()
    write_durably(path, plan_text(asked, paths, month_of(question.period.end).start, now()).encode())
    click.echo(f"breakeven: {asked.name} is the plan now: {path}{' (replaced)' if replaced else ''}", err=True)
    click.echo(f"Next: breakeven pnl --vs plan --period {question.period.end:%Y-%m}", err=True)


def _folder(config: Path | None, ledger_path: Path | None, path: Path) -> Path:
    """Where scenario files lie: beside the configuration, else in the ledger's directory."""
    from breakeven.settings.scenarios import FOLDER

    found = find_config(config, ledger_path)
    return (path if found is None else found.parent) / FOLDER


def _question(ledger: Facts, period: str | None) -> Question:
    from breakeven.economics.periods import parse_period
    from breakeven.reports.question import Question
    from breakeven.reports.scenariofacts import default_span

    return Question(default_span(ledger, now()) if period is None else parse_period(period, now()))


def _prices(settings: Settings, path: Path) -> Prices:
    from breakeven.reports.scenariomoves import Prices

    at = now()
    return Prices(lambda: _book(settings, path, at), at)


def _scenario(
    name: str | None,
    folder: Path,
    *,
    features: tuple[str, ...],
    years: int | None,
    seed: int | None,
    down: str | None,
    **sliders: tuple[str, ...],
) -> Scenario:
    """The scenario that is named, with what the options say in place of what it says."""
    from breakeven.settings.scenarios import chosen_scenario

    return chosen_scenario(name, folder, sliders, features=features, years=years, seed=seed, down=down)


@scenario.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--score", required=True, metavar="COLUMN", help="Which column is the score: a share or percent of cases solved.")
@click.option("--cost", required=True, metavar="COLUMN", help="Which column is what the whole run cost.")
@click.option("--date", "day", required=True, metavar="COLUMN", help="Which column is the date.")
@click.option("--model", default="model", show_default=True, metavar="COLUMN", help="Which column names the model.")
@click.option("--cases", metavar="COLUMN", help="Which column is the number of cases. Default: the same for all.")
@click.option("--capability", type=float, help="The score that is held fixed. Default: that of the best model of the first day.")
@output_options
def deflation(  # noqa: PLR0913 - one argument per option
    *,
    file: Path,
    score: str,
    cost: str,
    day: str,
    model: str,
    cases: str | None,
    capability: float | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """The price of a fixed capability against always taking the best model, from a CSV of dated results such as a leaderboard."""
    from breakeven.cli.draw_scenario import draw_deflation
    from breakeven.reports.deflation import Columns, deflation_report

    found = deflation_report(_table(file), Columns(score, cost, day, model, cases), file.name, capability)
    for problem in found.problems:
        click.echo(f"breakeven: {problem}", err=True)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.steps, drawn=draw_deflation)


def _table(file: Path) -> list[dict[str, str | None]]:
    """The rows of a CSV file with a head line."""
    import csv

    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return [{name: row[name] for name in row if isinstance(name, str)} for row in csv.DictReader(stream)]
    except OSError as error:
        raise Unreachable(f"{file} cannot be read: {error.strerror}", "Check the path.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is not a CSV file: {error}", "Save it as UTF-8 text with commas and a head line.") from None
