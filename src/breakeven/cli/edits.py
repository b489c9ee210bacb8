"""Changing `breakeven.yaml` by a command: the difference is shown, then all of it is written or nothing."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import click

from breakeven.cli.context import CONFIG_NAME, find_config
from breakeven.errors import Unreachable, UsageError


def edit(config: Path | None, ledger: Path | None, change: Callable[[str, str], str], *, dry_run: bool) -> Path | None:
    """Let `change` (text and name of the file in, text out) edit the configuration; the path where something was written.

    The result must be a faultless configuration. Raises UsageError where there is no file, Unreachable where it cannot be written.
    """
    from breakeven.settings import parse_settings

    path = find_config(config, ledger)
    if path is None:
        raise UsageError(f"there is no {CONFIG_NAME} here", "Create it, or name it with --config.")
    before = _read(path)
    after = change(before, str(path))
    parse_settings(after, str(path), path)
    if before == after:
        return None
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    click.echo("".join(_ended(line) for line in difflib.unified_diff(old, new, str(path), str(path), n=2)), nl=False)
    if dry_run:
        click.echo("breakeven: nothing was written", err=True)
        return None
    _write(path, after)
    return path


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _read(path: Path) -> str:
    """The text as it is, line ends included."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}", "Check its permissions.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from None


def _write(path: Path, text: str) -> None:
    """All of the new text or all of the old one, whatever happens in between; a link stays a link."""
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Unreachable(
            f"{path} cannot be written: {error.strerror}", "Check the permissions of the file and its directory."
        ) from None
