"""`breakeven import`: facts from files into the ledger, shown before they are used and counted once."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.economics.money import digits
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from breakeven.exchange import ImportReport
    from breakeven.exchange.importers.request import Progress

DATA_PROBLEM = 3
LONG_IMPORT = 200_000
"""Rows, or bytes of logs, from which on a progress bar is shown."""
_AT_HOUR = re.compile(r" at \d{4}-\d\d-\d\dT[\d:.]+Z?$")
_CONSTANTS = ("feature", "team", "customer", "user", "workflow", "environment", "provider", "model")


@click.command("import")
@click.argument("format_", metavar="FORMAT")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--feature", help="Attribute all rows to this feature.")
@click.option("--team", help="... to this team.")
@click.option("--customer", help="... to this customer.")
@click.option("--user", help="... to this user.")
@click.option("--workflow", help="... to this workflow.")
@click.option("--environment", help="... to this environment.")
@click.option("--provider", help="Whose models they are: openai, anthropic, bedrock, ...")
@click.option("--model", help="The model of all rows.")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Take a field from this column (a.b reaches into JSON).")
@click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Give a field one value for all rows.")
@click.option("--at-origin", "origin", metavar="INSTANT", help="The instant that relative times count from.")
@click.option("--at", "at", metavar="INSTANT", help="The time of rows that have none.")
@click.option("--since", "since", metavar="INSTANT", help="Take nothing that is older: for exports that begin anew each time.")
@click.option("--distinct", metavar="COLUMN", help="Take only the first row of each value of this column.")
@click.option("--dry-run", is_flag=True, help="Show the plan and what would be added; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON document.")
@ledger_options
def import_(  # noqa: PLR0913, PLR0917 - one argument per option
    format_: str,
    files: tuple[Path, ...],
    maps: tuple[str, ...],
    sets: tuple[str, ...],
    origin: str | None,
    at: str | None,
    since: str | None,
    distinct: str | None,
    dry_run: bool,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
    **options: str | None,
) -> int:
    """Bring FILE... of FORMAT into the ledger.

    Formats: calls, aggregates, responses, claude-code, litellm, litellm-callback, otlp, langfuse, helicone, portkey, openai-usage,
    openai-costs, anthropic-usage, anthropic-costs, aws-cur, focus, invoice, outcomes, revenue, stripe, customers, replays. The
    same facts are never added twice, in whatever pieces they come. Rows that cannot be used are set aside with the reason; the
    others are kept, and the exit code is 3.
    """
    from breakeven import app
    from breakeven.exchange import ImportRequest, Target, importer
    from breakeven.ledger import open_ledger
    from breakeven.settings.privacy import pseudonyms_of

    chosen = importer(format_)
    settings, path = load(config, ledger_path)
    pseudonyms = pseudonyms_of(settings.privacy, os.environ)
    given = {("user_id" if name == "user" else name): value for name in _CONSTANTS if (value := options[name]) is not None}
    with (
        _unless_there(path, dry_run=dry_run) as path,
        open_ledger(path, write=True, create=True) as ledger,
        _progress() as progress,
    ):
        request = ImportRequest(
            files=_files(files, chosen.suffixes),
            now=app.now(),
            constants={**given, **_pairs("--set", sets)},
            columns=_pairs("--map", maps),
            origin=_instant("--at-origin", origin),
            at=_instant("--at", at),
            since=_instant("--since", since),
            distinct=distinct,
            dry_run=dry_run,
            say=lambda line: click.echo(f"  {line}", err=True),
            progress=progress,
        )
        ledger.pseudonyms = pseudonyms
        quotes = app.quotes_for(app.rate_card(settings, path))
        report = chosen.run(request, Target(ledger, quotes, settings.cost_classes))
    if as_json:
        echo_json(_summary(report, dry_run=dry_run))
    _tell(report, dry_run=dry_run)
    return DATA_PROBLEM if report.rejected else 0


@contextmanager
def _unless_there(path: Path, *, dry_run: bool) -> Iterator[Path]:
    """The ledger, or for a dry run without one a temporary one, so that nothing is left behind."""
    if not dry_run or path.exists():
        yield path
        return
    with TemporaryDirectory(prefix="breakeven-dry-run-") as temporary:
        yield Path(temporary) / "ledger"


def _files(files: tuple[Path, ...], suffixes: tuple[str, ...]) -> list[Path]:
    missing = [str(path) for path in files if not path.exists()]
    if missing:
        raise UsageError(f"{', '.join(missing)} does not exist", "Check the path.")
    if not suffixes:
        return list(files)
    found = list(dict.fromkeys(inner for path in files for inner in (_inside(path, suffixes) if path.is_dir() else [path])))
    if not found:
        raise UsageError(f"there are no files {' or '.join(suffixes)} in {', '.join(map(str, files))}", "Check the path.")
    return found


def _inside(directory: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.name.removesuffix(".gz").endswith(suffixes) and path.is_file())


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    wrong = [text for text, (name, equals, value) in zip(texts, pairs, strict=True) if not (name and equals and value)]
    if wrong:
        raise UsageError(f"{option} {wrong[0]!r} is not NAME=VALUE", f"Write for example: {option} feature=support")
    return {name: value for name, _, value in pairs}


def _instant(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not an instant", f"Write for example: {option} 2026-10-01T00:00:00Z") from None
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def _summary(report: ImportReport, *, dry_run: bool) -> Mapping[str, Any]:
    result = report.result
    return {
        "dry_run": dry_run,
        "files": report.files,
        "rows_read": result.rows_read + report.rejected,
        "calls_added": result.calls_added,
        "requests_added": result.requests_added,
        "lines_added": result.lines_added,
        "facts_added": result.facts_added,
        "duplicates": result.duplicates,
        "rejected": report.rejected,
        "rejects": [str(path) for path in report.rejects],
        "currency": "USD",
        "cost": digits(result.cost),
        "by_state": result.by_state,
        "unpriced": [
            {"provider": provider, "model": model, "reason": reason, "calls": calls}
            for (provider, model, reason), calls in _reasons(report).items()
        ],
        "problems": [{"where": problem.where, "what": problem.what, "remedy": problem.remedy} for problem in report.problems],
    }


def _reasons(report: ImportReport) -> dict[tuple[str, str, str], int]:
    """Calls without a price by provider, model and reason; reasons that differ only in the hour of the price are one."""
    counted: dict[tuple[str, str, str], int] = {}
    for provider, model, reason, calls in report.result.unpriced:
        key = (provider, model, _AT_HOUR.sub("", reason))
        counted[key] = counted.get(key, 0) + calls
    return counted


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _tell(report: ImportReport, *, dry_run: bool) -> None:
    result = report.result
    verb = "would be added" if dry_run else "added"
    rows = f" in {result.calls_added:,} rows" if result.requests_added != result.calls_added else ""
    parts = [f"{_counted(result.requests_added, 'call')}{rows}"] if result.calls_added else []
    parts += [f"{count:,} {name}" for name, count in result.facts_added.items() if count]
    from breakeven.reports.words import grouped

    tiny = 0 < result.cost < Decimal("0.01")
    known = f", known cost ${grouped(result.cost) if tiny else f'{result.cost:,.2f}'}" if result.calls_added else ""
    again = f"; {result.duplicates:,} were there already" if result.duplicates else ""
    click.echo(f"{', '.join(parts) or 'nothing'} {verb}{known}{again}", err=True)
    for (provider, model, reason), calls in _reasons(report).items():
        shown = " ".join(filter(None, (provider, model))) or "an unnamed model"
        click.echo(f"  without a price: {_counted(calls, 'call')} of {shown}: {reason}", err=True)
    for problem in report.problems:
        click.echo(f"  {problem}", err=True)
    for note in report.notes:
        click.echo(f"  {note}", err=True)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on a terminal's stderr, nothing elsewhere; short imports show none."""
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as shown:
        bars: dict[int, Any] = {}

        def advance(done: int, total: int) -> None:
            if total < LONG_IMPORT:
                return
            if total not in bars:  # one bar for reading (bytes), one for committing (rows)
                shown.close()
                bars[total] = shown.enter_context(click.progressbar(length=total, label="importing", file=sys.stderr))
            bars[total].update(done - bars[total].pos)

        yield advance
