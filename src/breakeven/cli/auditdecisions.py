"""`breakeven audit accept` and `reject`: a finding becomes a rollout in `breakeven.yaml`, or is put aside; both are logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.acting import acting
from breakeven.cli.audit import audit, audit_options, audited, finding_of
from breakeven.cli.context import find_config, ledger_options, load
from breakeven.cli.edits import edit
from breakeven.cli.reports import now, period_option

if TYPE_CHECKING:
    from breakeven.reports.audit import Finding
    from breakeven.reports.auditpolicies import Policy


@audit.command()
@click.argument("task_class", metavar="[CLASS]", required=False)
@period_option
@audit_options
@click.option("--shares", default="5%,25%,100%", show_default=True, help="The shares of the class's calls, stage by stage.")
@click.option("--checks", type=click.IntRange(10), default=200, show_default=True, help="How many checks each stage needs.")
@click.option("--checked", default="10%", show_default=True, help="The share of those calls that the dear rung answers as well.")
@click.option("--until", metavar="DAY", help="When it ends if it is not through. Default: in 90 days.")
@click.option("--scorer", metavar="RULE", help="How checks compare answers. Default: as the replays were; rules as of audit run.")
@click.option("--fields", metavar="A,B", help="With json: only these fields count.")
@click.option("--tolerance", metavar="SHARE", help="With number: the difference allowed.")
@click.option("--criterion", metavar="TEXT", help="What a judge goes by.")
@click.option("--why", metavar="TEXT", help="The reason, for the decisions log.")
@click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
@ledger_options
def accept(  # noqa: PLR0913 - one argument per option
    *,
    task_class: str | None,
    shares: str,
    checks: int,
    checked: str,
    until: str | None,
    scorer: str | None,
    fields: str | None,
    tolerance: str | None,
    criterion: str | None,
    why: str | None,
    dry_run: bool,
    ledger_path: Path | None,
    config: Path | None,
    **asked: Any,  # noqa: ANN401 - options of click
) -> None:
    """Move CLASS, or without one all of a --feature that pays, by stages: writes rollouts into breakeven.yaml.

    CLASS goes to the cheapest rung that is enough; a feature goes by the proven policy that is expected to save most, as `breakeven
    audit` lists them. A share of the calls goes to the cheaper rung, and a part of those is checked against the dear one. That
    widens while the evidence holds, goes back by itself when it does not, and ends if it is not through in time. Every step is in
    the decisions log.
    """
    from breakeven.ledger import routecandidates, taskclasses
    from breakeven.ledger.store import locate
    from breakeven.reports.auditproposal import Pace, accepted
    from breakeven.reports.auditstates import subject_of
    from breakeven.settings.files import write_beside

    found = audited(ledger_path=ledger_path, config=config, **asked)
    settings, ledger = load(config, ledger_path)
    named = tuple(name.strip() for name in (fields or "").split(",") if name.strip())
    pace = Pace(tuple(shares.split(",")), checks, checked, until, scorer, named, tolerance, criterion)
    routes = routecandidates.read(locate(ledger))
    names = taskclasses.read(locate(ledger))
    made = accepted(found, settings, now(), task_class=task_class, feature=asked["feature"], pace=pace, routes=routes, names=names)
    feature = made.findings[0].feature
    with ExitStack() as all_acts:
        acts = [
            all_acts.enter_context(
                acting(settings, ledger, "move classes", subject_of(feature, one.task_class), feature=feature, why=why)
            )
            for one in made.findings
        ]
        if not dry_run:
            write_beside(find_config(config, ledger_path), made.files)
        path = edit(config, ledger_path, partial(_written, feature=feature or "", rollouts=made.rollouts), dry_run=dry_run)
        for act, one, written in zip(acts, made.findings, made.rollouts, strict=True):
            act.done, act.before, act.after = path is not None, one.state, f"rollout to {_to(written)}"
    if path is not None:
        for one, written in zip(made.findings, made.rollouts, strict=True):
            _tell(one, _to(written), path, config, ledger_path, made.policy)
        for name in made.files:
            click.echo(f"breakeven: the route is in {name}, beside {path.name}; commit both", err=True)
        if made.policy is not None:
            click.echo(f"breakeven: expected to save {money_words(made.policy)} a month, checks paid", err=True)


def _to(written: Mapping[str, object]) -> str:
    """Where a rollout leads, in words."""
    more = f" where {written['agree']} agrees" if "agree" in written else " as its route says" if "route" in written else ""
    return f"{written['to']}{more}"


def _written(text: str, name: str, *, feature: str, rollouts: Sequence[dict[str, object]]) -> str:
    from breakeven.settings.editing import with_rollout

    for fields in reversed(rollouts):  # each goes to the head of the list
        text = with_rollout(text, name, feature, fields)
    return text


def money_words(policy: Policy) -> str:
    """The expected saving of a policy as a range."""
    from breakeven.reports.auditwords import money_range

    return money_range(policy.saving_per_month)


def _tell(finding: Finding, to: str, path: Path, config: Path | None, ledger_path: Path | None, policy: Policy | None) -> None:
    from breakeven.alignment.rollout import DROP
    from breakeven.reports.auditwords import money_range

    settings, _ = load(config, ledger_path)
    rollouts = settings.features[finding.feature or ""].rollouts
    plan = next(one for one in rollouts if one.task_class == finding.task_class)
    within = plan.found_within()
    found = f"; a loss of {DROP:.0%} of quality rolls it back within {within:,} checks (95 of 100 cases)" if within else ""
    saving = f", expected to save {money_range(finding.excess_per_month)} a month" if policy is None else ""
    click.echo(
        f"breakeven: {finding.task_class} moves to {to}{saving}{found}; commit {path.name}, so that it is reviewed",
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
