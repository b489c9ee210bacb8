"""`breakeven route`: learn from replays which tasks a cheaper rung does as well, and prove how many may go there."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from time import thread_time_ns
from typing import TYPE_CHECKING, Any, TypeVar

import click

from breakeven.cli.context import echo_json
from breakeven.cli.examples import file_bytes
from breakeven.cli.replayfile import PairColumns, read_pairs
from breakeven.cli.route_search import search
from breakeven.errors import DataError, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.alignment.routing.evaluating import CallCosts
    from breakeven.alignment.routing.route_file import RouteFile

Command = TypeVar("Command", bound=Callable[..., Any])
_PATH = click.Path(path_type=Path)


@click.group()
def route() -> None:
    """Routes between two rungs: trained on your own replays, used only as far as a certificate goes, readable as data."""


def _columns(command: Command) -> Command:
    """Add the files of replays, and where their columns stand."""
    command = click.option("--tag", metavar="COLUMN", help="Column with the workflow tag, the strongest thing to know of a task.")(
        command
    )
    strong_help = "Column with the strong rung's score: true or false, or 0 to 1."
    command = click.option("--strong", required=True, metavar="COLUMN", help=strong_help)(command)
    command = click.option("--weak", required=True, metavar="COLUMN", help="Column with the weak rung's score, likewise.")(command)
    command = click.option("--text", required=True, metavar="COLUMN", help="Column with the task's text, as users sent it.")(
        command
    )
    return click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_PATH)(command)


def _terms(command: Command) -> Command:
    """Add what the certificate promises."""
    share = click.FloatRange(0, 1, min_open=True, max_open=True)
    margin_help = "Score that may be lost on average against the strong rung, declared before looking."
    command = click.option("--confidence", type=share, default=0.95, show_default=True, help="Of the certificate.")(command)
    return click.option("--margin", type=share, default=0.02, show_default=True, help=margin_help)(command)


@route.command()
@_columns
@click.option("-o", "--out", "target", type=_PATH, required=True, help="Where the route is written.")
@_terms
@click.option("--weak-rung", metavar="NAME", help="Name of the weak rung in decisions. Default: its column's.")
@click.option("--strong-rung", metavar="NAME", help="Name of the strong rung in decisions. Default: its column's.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws which replays try which points.")
@click.option("--json", "as_json", is_flag=True, help="What was learned and proven, as one JSON document.")
def train(files: tuple[Path, ...], target: Path, **options: Any) -> None:  # noqa: ANN401 - options of click
    """Train a route on the replays in FILE (Parquet, CSV or JSONL) and write it as readable JSON.

    Several files count together: to retrain, give old and new replays.
    """
    from breakeven.alignment.routing.certifying import Terms
    from breakeven.alignment.routing.route_file import to_bytes
    from breakeven.alignment.routing.training import FEWEST, Names
    from breakeven.alignment.routing.training import train as trained

    names = Names(options["weak_rung"] or options["weak"], options["strong_rung"] or options["strong"], options["tag"])
    if names.weak == names.strong:
        raise UsageError(
            f"both rungs are called {names.weak!r}", "Name two columns, or the rungs with --weak-rung and --strong-rung."
        )
    pairs = read_pairs(files, _found(options))
    if len(pairs) < FEWEST:
        raise DataError(f"{len(pairs):,} replays order nothing", f"Give at least {FEWEST}; some hundreds tell more.")
    file = trained(pairs, names, Terms(options["margin"], options["confidence"]), options["seed"])
    _write(target, to_bytes(file))
    _tell(file, target, as_json=options["as_json"])


@route.command()
@click.argument("model", metavar="MODEL", type=_PATH)
@_columns
@click.option("-o", "--out", "target", type=_PATH, required=True, help="Where the route is written with its new certificate.")
@_terms
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws the order of the replays.")
@click.option("--json", "as_json", is_flag=True, help="What was proven, as one JSON document.")
def certify(model: Path, files: tuple[Path, ...], target: Path, **options: Any) -> None:  # noqa: ANN401 - options of click
    """Prove a route's threshold anew, on replays that had no part in its training."""
    from breakeven.alignment.routing.certifying import Terms, recertified
    from breakeven.alignment.routing.route import Route
    from breakeven.alignment.routing.route_file import to_bytes

    route_ = Route(_read(model), watched=False)
    _with_tag(route_.file, options, model)
    file = recertified(route_, read_pairs(files, _found(options)), Terms(options["margin"], options["confidence"]), options["seed"])
    _write(target, to_bytes(file))
    _tell(file, target, as_json=options["as_json"])


@route.command()
@_columns
@click.option("--model", required=True, metavar="MODEL", type=_PATH, help="The trained route.")
@click.option("--weak-cost", metavar="USD", help="What a call on the weak rung costs: an exact decimal.")
@click.option("--strong-cost", metavar="USD", help="What a call on the strong rung costs.")
@click.option("--checked", metavar="SHARE", default="0.05", show_default=True, help="Share of weak answers that both rungs give.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON document.")
def evaluate(model: Path, files: tuple[Path, ...], **options: Any) -> None:  # noqa: ANN401 - options of click
    """Measure a route on the replays in FILE, which it should not have been trained on."""
    from breakeven.alignment.routing.evaluating import evaluate as measured
    from breakeven.alignment.routing.route import Route
    from breakeven.cli.draw_route import draw_evaluation

    costs = _costs(options)
    route_ = Route(_read(model), watched=False)
    _with_tag(route_.file, options, model)
    found = measured(route_, read_pairs(files, _found(options)), thread_time_ns, costs)
    if options["as_json"]:
        echo_json(found.figures())
    else:
        draw_evaluation(found)


@route.command()
@click.argument("model", metavar="MODEL", type=_PATH)
@click.option("--text", required=True, help="The task's text.")
@click.option("--tag", help="The task's workflow tag.")
@click.option("--count", type=click.IntRange(1, 100), default=8, show_default=True, help="How many reasons to show.")
@click.option("--json", "as_json", is_flag=True, help="The decision and its reasons as one JSON document.")
def explain(model: Path, text: str, tag: str | None, count: int, as_json: bool) -> None:
    """Say where one task would go, and by which of its words, tag and form."""
    from breakeven.alignment.routing.route import Route
    from breakeven.alignment.task import Task
    from breakeven.cli.draw_route import draw_decision

    route_ = Route(_read(model), watched=False)
    decision = route_.decide(Task(text, workflow=tag))
    reasons = route_.explain(text, tag, count)
    if as_json:
        echo_json(
            {
                "rung": decision.rung,
                "uplift": route_.uplift(route_.read(text, tag).points),
                "why": decision.why,
                "points": route_.read(text, tag).points,
                "threshold": route_.file.certificate.threshold,
                "reasons": [{"what": one.what, "points": one.points} for one in reasons],
            }
        )
    else:
        draw_decision(route_, decision, reasons, route_.read(text, tag).points)


@route.command()
@click.argument("model", metavar="MODEL", type=_PATH)
@click.option(
    "--words", "count", type=click.IntRange(0, 1000), default=12, show_default=True, help="How many words to show each way."
)
@click.option("--json", "as_json", is_flag=True, help="The route's file as it is.")
def show(model: Path, count: int, as_json: bool) -> None:
    """Show what a route learned, how far its predictions can be relied on, and what is certified."""
    from breakeven.cli.draw_route import draw_route

    if as_json:
        _read(model)
        click.echo(file_bytes(model))
    else:
        draw_route(_read(model), count)


def _found(options: dict[str, Any]) -> PairColumns:
    return PairColumns(options["text"], options["weak"], options["strong"], options["tag"])


def _with_tag(file: RouteFile, options: dict[str, Any], model: Path) -> None:
    """Say where a route that knows tags is given none, and drop a tag that it cannot use."""
    if file.tag and not options["tag"]:
        click.echo(f"breakeven: {model} was trained with the tag {file.tag!r}; without --tag it judges by text alone", err=True)
    if options["tag"] and not file.tag:
        click.echo(f"breakeven: {model} was trained without a tag; --tag is not used", err=True)
        options["tag"] = None


def _costs(options: dict[str, Any]) -> CallCosts | None:
    """What a call costs on each rung, where it was said. Raises UsageError."""
    from breakeven.alignment.routing.evaluating import CallCosts

    weak, strong = options["weak_cost"], options["strong_cost"]
    if weak is None and strong is None:
        return None
    if weak is None or strong is None:
        raise UsageError("a saving needs the cost of both rungs", "Give --weak-cost and --strong-cost.")
    costs = CallCosts(_decimal("--weak-cost", weak), _decimal("--strong-cost", strong), _decimal("--checked", options["checked"]))
    if costs.strong <= 0 or costs.checked > 1:
        raise UsageError("--strong-cost must be above 0, and --checked at most 1", "Give what a call costs, such as 0.0031.")
    return costs


def _decimal(name: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise UsageError(f"{name} is {text!r}", "Give an exact decimal of at least 0, such as 0.0031.")
    return value


def _tell(file: RouteFile, target: Path, *, as_json: bool) -> None:
    """What was learned and proven."""
    import msgspec

    from breakeven.cli.draw_route import proven

    if as_json:
        echo_json({"learned": msgspec.to_builtins(file.learned), "certificate": msgspec.to_builtins(file.certificate)})
        return
    learned = file.learned
    scores = f"{file.weak} {learned.weak_quality:.1%}, {file.strong} {learned.strong_quality:.1%}"
    click.echo(f"Written to {target}. {learned.rows:,} replays: {scores}.")
    click.echo(proven(file))
    click.echo(f"Read it with: breakeven route show {target}")


def _read(file: Path) -> RouteFile:
    from breakeven.alignment.routing.route_file import read_route

    return read_route(file_bytes(file), str(file))


def _write(target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except OSError as error:
        raise Unreachable(f"{target} cannot be written: {error.strerror}", "Give another file with -o.") from None


route.add_command(search)
