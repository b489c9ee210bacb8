"""Changing `breakeven.yaml` by a command: the difference is shown, then all of it is written or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from breakeven.cli.context import CONFIG_NAME, find_config
from breakeven.errors import UsageError


def edit(config: Path | None, ledger: Path | None, change: Callable[[str, str], str], *, dry_run: bool) -> Path | None:
    """Let `change` (text and name of the file in, text out) edit the configuration; the path where something was written.

    The result must be a faultless configuration. Raises UsageError where there is no file, Unreachable where it cannot be written.
    """
    from breakeven.settings.files import edited

    path = find_config(config, ledger)
    if path is None:
        raise UsageError(f"there is no {CONFIG_NAME} here", "Create it, or name it with --config.")
    made = edited(path, change)
    if not made.changes:
        return None
    click.echo(made.difference, nl=False)
    if dry_run:
        click.echo("breakeven: nothing was written", err=True)
        return None
    made.write()
    return path
