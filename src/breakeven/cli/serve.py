"""`breakeven serve` and `breakeven reload`: the gateway and the bookkeeper, from one command."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.acting import acting
from breakeven.cli.context import echo_json, find_config, ledger_options, load
from breakeven.errors import ConfigError, Unreachable

if TYPE_CHECKING:
    from breakeven.gateway.rundir import Serving

_RELOAD_SECONDS = 10.0


@click.command()
@click.option("--gateway-host", help="Address to listen on. Default: as configured, else 127.0.0.1.")
@click.option(
    "--gateway-port", type=click.IntRange(0, 65535), help="Port of the gateway. Default: as configured, else 4000; 0 takes any."
)
@click.option("--web-port", type=click.IntRange(0, 65535), default=4001, help="Port of the dashboard and its API. Default: 4001.")
@click.option("--workers", type=click.IntRange(1, 256), help="Gateway processes. Default: as configured, else 1.")
@ledger_options
def serve(
    gateway_host: str | None,
    gateway_port: int | None,
    web_port: int,
    workers: int | None,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Meter live traffic: gateway workers on one port and the bookkeeper that keeps the ledger up to date.

    Point an application's base URL at the gateway and its calls are attributed, priced and recorded as they happen. SIGTERM or
    Ctrl-C stops without losing a call; SIGHUP or `breakeven reload` takes up a changed configuration without dropping one.
    """
    settings, path = load(config, ledger_path)
    gateway = settings.gateway
    prepare(path, config or find_config(None, ledger_path))
    from breakeven.service.supervisor import Supervisor

    supervisor = Supervisor(
        ledger=path,
        config=settings.config,
        host=gateway_host or gateway.host,
        port=gateway.port if gateway_port is None else gateway_port,
        web_port=web_port,
        workers=workers or gateway.workers,
        grace_seconds=gateway.grace,
        say=lambda text: click.echo(text, err=True),
    )
    supervisor.run(lambda serving: click.echo(_ready(serving, path, tuple(gateway.providers)), err=True))


def prepare(path: Path, config: Path | None) -> None:
    """Make the ledger if there is none, and check here, where it can be told, what every worker will load."""
    from breakeven.gateway.preparation import prepared
    from breakeven.ledger import open_ledger

    if not (path / "ledger.json").is_file():
        open_ledger(path, write=True, create=True).close()
    prepared(path, config)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="What each worker loaded, as JSON.")
@ledger_options
def reload(as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Let the running gateway take up the changed configuration, keys and prices; a faulty one is told and the old one stays."""
    from breakeven.gateway.rundir import RunDirectory

    settings, path = load(config, ledger_path)
    run = RunDirectory(path)
    serving = run.serving()
    if serving is None:
        raise Unreachable(f"nothing serves the ledger {path}", "Start it: breakeven serve")
    before = {number: run.loaded(number) for number in range(serving.workers)}
    with acting(settings, path, "reload", f"gateway at {serving.gateway}"):
        os.kill(serving.pid, signal.SIGHUP)
    until = time.monotonic() + _RELOAD_SECONDS
    while any(run.loaded(number) == before[number] for number in before):
        if time.monotonic() > until:
            raise Unreachable("not every worker has answered in time", "Look at the output of `breakeven serve`.")
        time.sleep(0.05)
    loaded = [found for number in before if (found := run.loaded(number)) is not None]
    fault = next((found for found in loaded if found.fault), None)
    if as_json:
        echo_json([{"worker": number, "pid": found.pid, "fault": found.fault or None} for number, found in enumerate(loaded)])
    if fault is not None:
        raise ConfigError(f"{fault.fault}; the gateway keeps what it had", fault.remedy)
    click.echo(f"{len(loaded)} {'worker has' if len(loaded) == 1 else 'workers have'} loaded the configuration", err=True)


def _ready(serving: Serving, ledger: Path, providers: tuple[str, ...]) -> str:
    return f"""The gateway listens at {serving.gateway} and records into {ledger}. Providers: {", ".join(providers)}.
  export OPENAI_BASE_URL={serving.gateway}/v1
  export ANTHROPIC_BASE_URL={serving.gateway}
The dashboard is at {serving.web}. Watch calls arrive: breakeven tail --ledger {ledger}. Stop with Ctrl-C."""
