"""`breakeven handlers`: what answers without a model, how each stands, what one says to a prompt, and putting one back to work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.errors import PolicyFailed, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.alignment.task import Declined, Reply, Task
    from breakeven.reports.handlers import HandlerRow
    from breakeven.settings.handlers import HandlerSettings


@click.group("handlers")
def handlers() -> None:
    """What answers without a model: registered functions, built-in and compiled handlers."""


@handlers.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document; unknown is null.")
@click.option("--csv", "as_csv", is_flag=True, help="The rows as CSV; unknown is empty.")
@ledger_options
def list_(*, as_json: bool, as_csv: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Every handler: its mode, its record, and whether it is withdrawn."""
    from breakeven.cli.draw_handlers import draw_handlers
    from breakeven.cli.reports import _output
    from breakeven.handlers.standings import Standings
    from breakeven.reports.handlers import handler_list

    settings, ledger = load(config, ledger_path)
    standings = Standings(ledger)
    try:
        found = handler_list(settings.handlers, standings)
    finally:
        standings.close()
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_handlers)


@handlers.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document; unknown is null.")
@ledger_options
def show(*, name: str, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """One handler NAME in full: where it comes from, its terms, its record, and why it was withdrawn. Exit code 1: it is."""
    from breakeven.cli.draw_handlers import draw_handler

    settings, ledger = load(config, ledger_path)
    row = _row(_named(settings.handlers, name), ledger)
    if as_json:
        echo_json(row)
    else:
        draw_handler(row)
    if row.withdrawn:
        raise click.exceptions.Exit(1)


@handlers.command("try")
@click.argument("name")
@click.argument("prompt", required=False)
@click.option("--file", type=click.Path(path_type=Path), help="Read the prompt from this file; - is standard input.")
@click.option("--system", default="", help="The system text of the request.")
@click.option("--answer", "given", help="Ask it as a check whether this answer to the prompt stands.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@ledger_options
def try_(
    *,
    name: str,
    prompt: str | None,
    file: Path | None,
    system: str,
    given: str | None,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Ask the handler NAME as the gateway would, in its own process and within its time limit.

    The answer goes to stdout. Exit code 1: it declines, or the answer given with --answer does not stand.
    """
    from breakeven.alignment.task import Reply, Task

    settings, _ = load(config, ledger_path)
    handler = _named(settings.handlers, name)
    if (prompt is None) == (file is None):
        raise UsageError("there is no prompt, or there are two", "Give the prompt itself, or --file.")
    task = Task(_prompt(file) if file is not None else prompt or "", system)
    outcome, microseconds = _asked(handler, task, None if given is None else Reply(given))
    if isinstance(outcome, Reply):
        if as_json:
            echo_json({"answered": True, "text": outcome.text, "value": outcome.value, "microseconds": microseconds})
        else:
            click.echo(outcome.text)
            click.echo(f"answered in {microseconds:,} µs, including the way to its process", err=True)
        return
    if outcome is None:
        _stands(as_json=as_json, microseconds=microseconds)
        return
    why = outcome if isinstance(outcome, str) else outcome.why
    if as_json:
        echo_json({"answered": False, "why": why, "microseconds": microseconds})
        raise click.exceptions.Exit(1)
    raise PolicyFailed(f"{name} {'rejects the answer' if given is not None else 'declines'}: {why}")


@handlers.command()
@click.argument("name")
@click.option("--why", required=True, metavar="TEXT", help="What has changed, for the decisions log.")
@ledger_options
def reinstate(*, name: str, why: str, ledger_path: Path | None, config: Path | None) -> None:
    """Let the withdrawn handler NAME answer again, with a new record; noted in the decisions log."""
    from breakeven.cli.acting import acting
    from breakeven.handlers.standings import Standings, fingerprint

    settings, ledger = load(config, ledger_path)
    handler = _named(settings.handlers, name)
    standings = Standings(ledger)
    try:
        with acting(settings, ledger, "reinstate handlers", f"handler {name}", why=why) as act:
            reason = standings.reinstate(name, fingerprint(handler)) if (ledger / "run").is_dir() else None
            act.done, act.before, act.after = reason is not None, reason, "a new record"
    finally:
        standings.close()
    if reason is None:
        raise UsageError(f"{name} is not withdrawn", f"See: breakeven handlers show {name}")
    click.echo(f"{name} may answer again within a second; it was withdrawn because {reason}")


def _named(declared: object, name: str) -> HandlerSettings:
    from breakeven.yamlfields import suggestion

    assert isinstance(declared, dict)  # noqa: S101 - what Settings.handlers is
    found: HandlerSettings | None = declared.get(name)
    if found is None:
        known = suggestion(name, tuple(declared)) if declared else "Declare it in breakeven.yaml under `handlers:`."
        raise UsageError(f"there is no handler {name!r}", known)
    return found


def _row(handler: HandlerSettings, ledger: Path) -> HandlerRow:
    from breakeven.handlers.standings import Standings
    from breakeven.reports.handlers import handler_row

    standings = Standings(ledger)
    try:
        return handler_row(handler, standings)
    finally:
        standings.close()


def _prompt(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise Unreachable(f"{file} cannot be read: {error.strerror}", "Give an existing file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text", "Save it as UTF-8.") from None


def _asked(handler: HandlerSettings, task: Task, reply: Reply | None) -> tuple[Reply | Declined | str | None, int]:
    """What a handler says, whatever its mode, and how many microseconds it took once its process was ready."""
    import asyncio

    return asyncio.run(_ask(handler, task, reply))


async def _ask(handler: HandlerSettings, task: Task, reply: Reply | None) -> tuple[Reply | Declined | str | None, int]:
    import asyncio
    from dataclasses import replace
    from time import perf_counter_ns

    from breakeven.handlers.host import Host

    loop = asyncio.get_running_loop()
    host = Host({handler.name: replace(handler, terms=replace(handler.terms, mode="live"))}, loop)
    try:
        await host.ready(handler.name, _START_SECONDS)
        said: asyncio.Future[Reply | Declined | str | None] = loop.create_future()
        began = perf_counter_ns()
        if reply is None:
            host.ask(handler.name, task, handler.timeout, said.set_result)
        else:
            host.check(handler.name, task, reply, handler.timeout, said.set_result)
        outcome = await said
        return outcome, (perf_counter_ns() - began) // 1000
    finally:
        host.close()


_START_SECONDS = 10.0


def _stands(*, as_json: bool, microseconds: int) -> None:
    if as_json:
        echo_json({"stands": True, "microseconds": microseconds})
    else:
        click.echo("the answer stands")
