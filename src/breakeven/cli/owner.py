"""`breakeven owner`: costs that nobody owns, who owns what from now on, and how much of all cost has an owner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.acting import acting
from breakeven.cli.context import ledger_options, load
from breakeven.cli.edits import edit
from breakeven.cli.reports import _output, _period, output_options, period_option, read_only
from breakeven.errors import PolicyFailed, UsageError

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
@click.option("--why", metavar="TEXT", help="The reason, for the decisions log.")
@click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
@ledger_options
def assign(*, feature: str, new_owner: str, why: str | None, dry_run: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Let OWNER answer for the cost of FEATURE: edits breakeven.yaml in place and shows the difference.

    Comments and formatting stay as they are; a feature that is not in the file yet is added.
    """
    from breakeven.settings.editing import with_owner

    feature, new_owner = feature.strip(), new_owner.strip()
    if not feature or not new_owner:
        raise UsageError("FEATURE and OWNER are words", "Write: breakeven owner assign FEATURE OWNER.")
    settings, ledger = load(config, ledger_path)
    with acting(settings, ledger, "assign owners", f"feature {feature}", feature=feature, why=why) as act:
        path = edit(config, ledger_path, lambda text, name: with_owner(text, name, feature, new_owner), dry_run=dry_run)
        known = settings.features.get(feature)
        act.done, act.before, act.after = path is not None, None if known is None else known.owner, new_owner
    if path is not None:
        click.echo(f"breakeven: {new_owner} owns {feature} from now on; commit {path.name}, so that it is reviewed", err=True)
    elif not dry_run:
        click.echo(f"{new_owner} owns {feature} already")
