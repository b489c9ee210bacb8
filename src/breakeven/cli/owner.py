"""`breakeven owner`: costs that nobody owns, who owns what from now on, and how much of all cost has an owner."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import CONFIG_NAME, find_config, ledger_options
from breakeven.cli.reports import _output, _period, output_options, period_option, read_only
from breakeven.errors import PolicyFailed, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings


@click.group()
def owner() -> None:
    """Owners: which costs nobody answers for, and who does from now on."""


@owner.command("list")
@period_option
@output_options
@read_only
def list_(ledger: Facts, settings: Settings, *, period: str | None, as_json: bool, as_csv: bool) -> None:
    """Costs that nobody owns, dearest first, with what tells where they come from."""
    from breakeven.cli.draw_owner import draw_owners
    from breakeven.reports.owners import owners

    found = owners(ledger, settings, _period(ledger, period))
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_owners)


@owner.command()
@period_option
@click.option("--periods", type=click.IntRange(1, 60), default=6, show_default=True, help="How many periods the trend has.")
@click.option("--check", "checked", is_flag=True, help="Exit code 1 where the period misses the target.")
@output_options
@read_only
def coverage(
    ledger: Facts, settings: Settings, *, period: str | None, periods: int, checked: bool, as_json: bool, as_csv: bool
) -> None:
    """The share of cost with an owner, period by period, against the target of breakeven.yaml (`attribution: {target: 0.98}`)."""
    from breakeven.cli.draw_owner import draw_coverage
    from breakeven.reports.owners import coverage as report

    found = report(ledger, settings, _period(ledger, period), periods)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_coverage)
    if checked and found.met is None:
        raise UsageError("there is nothing to check", "Set a target (`attribution: {target: 0.98}`) and choose a period with cost.")
    if checked and not found.met:
        raise PolicyFailed(found.sentence, "See what nobody owns: breakeven owner list")


@owner.command()
@click.argument("feature")
@click.argument("new_owner", metavar="OWNER")
@click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
@ledger_options
def assign(*, feature: str, new_owner: str, dry_run: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Let OWNER answer for the cost of FEATURE: edits breakeven.yaml in place and shows the difference.

    Comments and formatting stay as they are; a feature that is not in the file yet is added.
    """
    from breakeven.settings import parse_settings
    from breakeven.settings.editing import with_owner

    path = find_config(config, ledger_path)
    if path is None:
        raise UsageError(f"there is no {CONFIG_NAME} here", "Create it, or name it with --config.")
    if not feature.strip() or not new_owner.strip():
        raise UsageError("FEATURE and OWNER are words", "Write: breakeven owner assign FEATURE OWNER.")
    before = _read(path)
    after = with_owner(before, str(path), feature.strip(), new_owner.strip())
    parse_settings(after, str(path), path)
    if before == after:
        click.echo(f"{new_owner} owns {feature} already")
        return
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    click.echo("".join(_ended(line) for line in difflib.unified_diff(old, new, str(path), str(path), n=2)), nl=False)
    if dry_run:
        click.echo("breakeven: nothing was written", err=True)
        return
    _write(path, after)
    click.echo(f"breakeven: {new_owner} owns {feature} from now on; commit {path.name}, so that it is reviewed", err=True)


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
