"""`breakeven audit accept` and `reject`: a finding becomes a rollout in `breakeven.yaml`, or is put aside; both are logged."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from breakeven.cli.acting import acting
from breakeven.cli.audit import audit, audit_options, audited, finding_of
from breakeven.cli.context import ledger_options, load
from breakeven.cli.edits import edit
from breakeven.cli.reports import now, period_option


@audit.command()
@click.argument("task_class", metavar="CLASS")
@period_option
@audit_options
@click.option("--shares", default="5%,25%,100%", show_default=True, help="The shares of the class's calls, stage by stage.")
@click.option("--checks", type=click.IntRange(10), default=200, show_default=True, help="How many checks each stage needs.")
@click.option("--checked", default="10%", show_default=True, help="The share of those calls that the dear rung answers as well.")
@click.option("--until", metavar="DAY", help="When it ends if it is not through. Default: in 90 days.")
@click.option("--why", metavar="TEXT", help="The reason, for the decisions log.")
@click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
@ledger_options
def accept(  # noqa: PLR0913 - one argument per option
    *,
    task_class: str,
    shares: str,
    checks: int,
    checked: str,
    until: str | None,
    why: str | None,
    dry_run: bool,
    ledger_path: Path | None,
    config: Path | None,
    **asked: Any,  # noqa: ANN401 - options of click
) -> None:
    """Move CLASS to the cheapest rung that is enough, by stages: writes a rollout into breakeven.yaml and shows the difference.

    A share of its calls goes to the cheaper rung, and a part of those is checked against the dear one. It widens while the
    evidence holds, goes back by itself when it does not, and ends if it is not through in time. Every step is in the decisions log.
    """
    from breakeven.reports.auditproposal import Pace, rollout_fields
    from breakeven.reports.auditstates import subject_of

    finding = finding_of(audited(ledger_path=ledger_path, config=config, **asked), task_class, asked["feature"])
    settings, ledger = load(config, ledger_path)
    fields = rollout_fields(finding, settings, now(), Pace(tuple(shares.split(",")), checks, checked, until))
    subject = subject_of(finding.feature, task_class)
    with acting(settings, ledger, "move classes", subject, feature=finding.feature, why=why) as act:
        path = edit(config, ledger_path, partial(_written, feature=finding.feature or "", fields=fields), dry_run=dry_run)
        act.done, act.before, act.after = path is not None, finding.state, f"rollout to {finding.enough}"
    _tell(finding, path, config, ledger_path)


def _written(text: str, name: str, *, feature: str, fields: dict[str, object]) -> str:
    from breakeven.settings.editing import with_rollout

    return with_rollout(text, name, feature, fields)


def _tell(finding: Any, path: Path | None, config: Path | None, ledger_path: Path | None) -> None:  # noqa: ANN401 - a finding
    from breakeven.alignment.rollout import DROP
    from breakeven.reports.auditwords import money_range

    if path is None:
        return
    settings, _ = load(config, ledger_path)
    plan = next(one for one in settings.features[finding.feature].rollouts if one.task_class == finding.task_class)
    within = plan.found_within()
    found = f"; a loss of {DROP:.0%} of quality rolls it back within {within:,} checks (95 of 100 cases)" if within else ""
    saving = money_range(finding.excess_per_month)
    click.echo(
        f"breakeven: {finding.task_class} moves to {finding.enough}, expected to save {saving} a month"
        f"{found}; commit {path.name}, so that it is reviewed",
        err=True,
    )


@audit.command()
@click.argument("task_class", metavar="CLASS")
@click.option("--feature", metavar="NAME", help="The feature that the class is of.")
@click.option("--why", metavar="TEXT", required=True, help="The reason, for the decisions log.")
@ledger_options
def reject(*, task_class: str, feature: str | None, why: str, ledger_path: Path | None, config: Path | None) -> None:
    """Put the finding on CLASS aside, with the reason: it stays in the list, as rejected, and is not proposed any more."""
    from breakeven.reports.auditstates import REJECTED, subject_of

    finding = finding_of(audited(ledger_path=ledger_path, config=config, feature=feature), task_class, feature)
    settings, ledger = load(config, ledger_path)
    subject = subject_of(finding.feature, task_class)
    with acting(settings, ledger, "move classes", subject, feature=finding.feature, why=why) as act:
        act.before, act.after = finding.state, REJECTED
    click.echo(f"breakeven: the finding on {task_class} is rejected", err=True)
