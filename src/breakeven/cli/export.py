"""`breakeven export`: the ledger's facts for other tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from breakeven.cli.context import echo_json, ledger_options, load, open_for_reading
from breakeven.cli.imports import _pairs
from breakeven.cli.reports import _period, period_option

if TYPE_CHECKING:
    from breakeven.exchange.exporters import ExportResult

Command = TypeVar("Command", bound=Callable[..., Any])
_TABLES = ("calls", "cost_lines", "outcomes", "revenue", "customers", "all")


def _file_options(command: Command) -> Command:
    command = click.option("--json", "as_json", is_flag=True, help="What was written, as one JSON document.")(command)
    where = "Where to write it. A file is replaced only by a whole one."
    return click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help=where)(command)


def _table_options(command: Command) -> Command:
    text = "Keep the users' ids. Default: left out, because a file leaves the ledger's retention."
    command = click.option("--users", is_flag=True, help=text)(command)
    text = "Which facts. Default: all into a directory, cost_lines into a file."
    return click.option("--table", type=click.Choice(_TABLES), help=text)(command)


class ExportGroup(click.Group):
    """The formats that ship, and those that are installed as entry points `breakeven.exporters`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A format's command; an installed one gets the common options."""
        return super().get_command(ctx, cmd_name) or _installed(cmd_name)


@click.group(cls=ExportGroup)
def export() -> None:
    """Write the ledger for other tools: FOCUS for FinOps, CSV and Parquet for analysis, spans for OpenTelemetry."""


@export.command()
@period_option
@_file_options
@click.option(
    "--profile", type=click.Choice(["focus-1.2", "focus-1.4"]), default="focus-1.2", show_default=True, help="Version of FOCUS."
)
@click.option("--account", "accounts", multiple=True, metavar="PROVIDER=ID", help="The billing account at a provider.")
@ledger_options
def focus(
    *,
    period: str | None,
    output: Path,
    profile: str,
    accounts: tuple[str, ...],
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """FOCUS Cost and Usage; FILE ends with .csv or .parquet. The sum of BilledCost is the ledger's, to the last digit."""
    named: dict[str, tuple[str, str | None]] = {
        provider: (account, None) for provider, account in _pairs("--account", accounts).items()
    }
    _run("focus", period, output, ledger_path, config, profile=profile, accounts=named, as_json=as_json)


@export.command()
@period_option
@_file_options
@_table_options
@ledger_options
def csv(
    *,
    period: str | None,
    output: Path,
    table: str | None,
    users: bool,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """The facts as CSV: one table into a file, or all of them into a directory."""
    _run("csv", period, output, ledger_path, config, profile=_table(table, users=users), as_json=as_json)


@export.command()
@period_option
@_file_options
@_table_options
@ledger_options
def parquet(
    *,
    period: str | None,
    output: Path,
    table: str | None,
    users: bool,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """The facts as Parquet: one table into a file, or a lake by month into a directory."""
    _run("parquet", period, output, ledger_path, config, profile=_table(table, users=users), as_json=as_json)


def _table(table: str | None, *, users: bool) -> str:
    return (table or "") + ("-with-users" if users else "")


def _installed(name: str) -> click.Command | None:
    from breakeven.errors import UsageError
    from breakeven.exchange.exporters import exporter

    try:
        found = exporter(name)
    except UsageError:
        return None

    def run(*, period: str | None, output: Path, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
        _run(name, period, output, ledger_path, config, as_json=as_json)

    command: click.Command = click.command(name, help=found.summary)(period_option(_file_options(ledger_options(run))))
    return command


def _run(
    name: str,
    period: str | None,
    output: Path,
    ledger_path: Path | None,
    config: Path | None,
    *,
    profile: str = "",
    accounts: dict[str, tuple[str, str | None]] | None = None,
    as_json: bool,
) -> None:
    from breakeven.app import rate_card
    from breakeven.exchange.exporters import ExportRequest, exporter

    settings, path = load(config, ledger_path)
    owners = {feature: found.owner for feature, found in settings.features.items() if found.owner is not None}
    with open_for_reading(path) as ledger:
        thresholds = rate_card(settings, path).thresholds if name == "focus" else ()
        request = ExportRequest(_period(ledger, period), output, profile, owners, accounts or {}, thresholds)
        _tell(exporter(name).run(ledger, request), request.period.label, as_json=as_json)


def _tell(result: ExportResult, label: str, *, as_json: bool) -> None:
    for note in result.notes:
        click.echo(f"breakeven: {note}", err=True)
    files = [str(file) for file in result.files]
    if as_json:
        echo_json({"period": label, "files": files, "rows": result.rows, "cost": str(result.cost), "notes": list(result.notes)})
        return
    click.echo(f"{result.rows:,} rows of {label}, cost ${format(result.cost.normalize(), 'f')}, written to:", err=True)
    for file in files:
        click.echo(file)


@export.command()
@period_option
@click.option(
    "--endpoint",
    envvar="OTEL_EXPORTER_OTLP_ENDPOINT",
    required=True,
    help="OTLP/HTTP receiver, such as http://localhost:4318. Headers: $OTEL_EXPORTER_OTLP_HEADERS.",
)
@click.option("--users", is_flag=True, help="Send the users' ids too.")
@click.option("--json", "as_json", is_flag=True, help="What was sent, as one JSON document.")
@click.option(
    "--metrics", is_flag=True, help="Token usage, duration, cost and calls by the hour, in the place of spans. Send a period once."
)
@ledger_options
def otlp(
    *,
    period: str | None,
    endpoint: str,
    metrics: bool,
    users: bool,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Calls as OpenTelemetry spans (GenAI conventions, old and new names), or as metrics by the hour, posted to a receiver."""
    import os

    from breakeven.exchange.exporters.otlp import header_pairs, push
    from breakeven.exchange.exporters.otlpmetrics import push_metrics

    headers = header_pairs(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
    _, path = load(config, ledger_path)
    with open_for_reading(path) as ledger:
        asked = _period(ledger, period)
        sent = push_metrics(ledger, asked, endpoint, headers) if metrics else push(ledger, asked, endpoint, headers, users=users)
    what = "points" if metrics else "spans"
    if as_json:
        echo_json({"period": asked.label, what: sent.taken, "batches": sent.batches})
    else:
        click.echo(f"{sent.taken:,} {what} of {asked.label} were taken, in {sent.batches:,} batches.", err=True)


@export.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="The specification's requirements model (JSON). Default: only the laws that are built in.",
)
@click.option("--all", "everything", is_flag=True, help="List every requirement, not only those that fail.")
@click.option("--json", "as_json", is_flag=True, help="Every requirement with its verdict, as one JSON document.")
def check(*, file: Path, model: Path | None, everything: bool, as_json: bool) -> None:
    """Hold a FOCUS FILE (ours or another tool's) against the specification. Exit code 1 where a binding requirement fails."""
    from collections import Counter

    import msgspec

    from breakeven.errors import PolicyFailed
    from breakeven.exchange.focusmodel import check as checked
    from breakeven.exchange.focusmodel import failures, load_model

    findings = checked(file, None if model is None else load_model(model))
    failed = failures(findings)
    if as_json:
        echo_json({"file": str(file), "conforms": not failed, "findings": msgspec.to_builtins(findings)})
    else:
        for one in findings:
            if everything or one.verdict in ("fails", "advice"):
                rows = f" ({one.rows:,} rows)" if one.rows else ""
                click.echo(f"{one.verdict:12} {one.requirement:28} {one.words}{rows}{one.why and ' – ' + one.why}")
        counts = Counter(one.verdict for one in findings)
        click.echo(", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())), err=True)
    if failed:
        raise PolicyFailed(
            f"{file} breaks {len(failed)} requirements of FOCUS", "Each is named above, with the rows that break it."
        )
