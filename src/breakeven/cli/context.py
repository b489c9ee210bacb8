"""What the commands share: which ledger and which configuration, and how machine-readable output is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from breakeven.errors import UsageError

if TYPE_CHECKING:
    from breakeven.ledger import Ledger
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings

CONFIG_NAME = "breakeven.yaml"
Command = TypeVar("Command", bound=Callable[..., Any])


def ledger_options(command: Command) -> Command:
    """Add `--ledger` and `--config` to a command."""
    path = click.Path(path_type=Path)
    config_help = f"Configuration file. Default: the ledger's own {CONFIG_NAME}, else that of this directory."
    ledger_help = "Ledger directory. Default: as configured, else in your user data directory."
    command = click.option("--config", type=path, envvar="BREAKEVEN_CONFIG", help=config_help)(command)
    return click.option("--ledger", "ledger_path", type=path, envvar="BREAKEVEN_LEDGER", help=ledger_help)(command)


def find_config(config: Path | None, ledger_path: Path | None) -> Path | None:
    """The configuration file: as given, else the ledger's own, else of the current directory; None where there is none.

    A ledger that is named explicitly brings its own configuration, so that a report on it does not depend on where it is run.
    """
    if config is not None:
        if not config.is_file():
            raise UsageError(
                f"configuration file {config} does not exist", "Give an existing file with --config, or leave the option out."
            )
        return config
    places = ([ledger_path / CONFIG_NAME] if ledger_path is not None else []) + [Path(CONFIG_NAME)]
    return next((place for place in places if place.is_file()), None)


def default_ledger() -> Path:
    """The ledger of this user when neither option, environment nor configuration names one."""
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "breakeven" / "ledger"


def load(config: Path | None, ledger_path: Path | None = None) -> tuple[Settings, Path]:
    """The settings and the ledger directory that a command works on. Warnings about the configuration go to stderr."""
    from breakeven.settings import load_settings

    settings = load_settings(find_config(config, ledger_path))
    for problem in settings.warnings:
        click.echo(f"breakeven: {problem}", err=True)
    return settings, ledger_path or settings.ledger or default_ledger()


def open_for_reading(path: Path) -> Ledger:
    """Open an existing ledger read-only; a ledger that does not exist is explained."""
    from breakeven.ledger import open_ledger

    return open_ledger(path)


def open_facts(path: Path, settings: Settings) -> AbstractContextManager[Facts]:
    """What reports ask: ClickHouse where the configuration says so, else the ledger itself, read-only."""
    if settings.clickhouse is not None and settings.clickhouse.answers:
        from breakeven.ledger.clickhouse.connection import facts_at

        return facts_at(settings.clickhouse.address)
    return open_for_reading(path)


def echo_json(value: object) -> None:
    """One JSON document on one line to stdout; money is already a string of exact digits."""
    import msgspec

    click.echo(msgspec.json.encode(value).decode())
