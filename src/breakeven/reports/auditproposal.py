"""What accepting a finding means: the rollout that goes into `breakeven.yaml`, by stages, with its evidence beside it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from breakeven.errors import PolicyFailed, UsageError
from breakeven.reports.audit import Audit, Finding
from breakeven.reports.auditpolicies import STAY, Policy
from breakeven.settings import Settings

_DAYS = 90


class Pace(NamedTuple):
    """How fast calls are moved: shares stage by stage, checks each stage needs, the share that is checked, and when it ends."""

    shares: tuple[str, ...] = ("5%", "25%", "100%")
    checks: int = 200
    checked: str = "10%"
    until: str | None = None


_PACE = Pace()


def finding_of(audited: Audit, task_class: str, feature: str | None = None) -> Finding:
    """The finding on one class. Raises UsageError where there is none, or where two features have such a class."""
    found = [one for one in audited.findings if one.task_class == task_class and feature in (None, one.feature)]
    if not found:
        known = ", ".join(dict.fromkeys(one.task_class for one in audited.findings)) or "none"
        raise UsageError(f"there is no task class {task_class!r} in {audited.label}", f"Classes: {known}.")
    if len(found) > 1:
        names = ", ".join(str(one.feature) for one in found)
        raise UsageError(f"{len(found)} features have a class {task_class!r}", f"Say which with --feature: {names}.")
    return found[0]


def policy_of(audited: Audit, feature: str) -> Policy:
    """The policy to take for a feature. Raises UsageError for a feature without classes, PolicyFailed where everything stays."""
    if all(one.feature != feature for one in audited.findings):
        known = ", ".join(dict.fromkeys(str(one.feature) for one in audited.findings)) or "none"
        raise UsageError(f"{feature!r} has no task class in {audited.label}", f"Features that have: {known}.")
    chosen = next((one for one in audited.policies if one.feature == feature and one.chosen), None)
    if chosen is None or chosen.policy == STAY:
        raise PolicyFailed(
            f"{feature}: everything stays, no move is both proven and expected to save",
            "Look at breakeven audit: replays that are missing, or what was decided already.",
        )
    return chosen


def rollout_fields(
    finding: Finding, settings: Settings, now: datetime, pace: Pace = _PACE, to: str | None = None
) -> dict[str, object]:
    """The rollout of a finding, as the configuration has it: to its cheapest rung that is enough, or to another proven one.

    Raises PolicyFailed where the evidence does not allow it, UsageError where the class has one already or belongs to no feature.
    """
    task_class = finding.task_class
    if finding.verdict != "enough" or finding.enough is None:
        raise PolicyFailed(f"{task_class}: {finding.verdict}, so nothing may be moved", f"Next: {finding.next}")
    if finding.feature is None:
        raise UsageError(f"{task_class} belongs to no feature", "Bring its replays in with --feature NAME.")
    declared = settings.features.get(finding.feature)
    if declared is not None and any(plan.task_class == task_class for plan in declared.rollouts):
        raise UsageError(f"{task_class} has a rollout already", "Change it in breakeven.yaml, under `rollouts:` of the feature.")
    rung = next(one for one in finding.rungs if one.rung == (to or finding.enough) and one.verdict == "enough")
    return {
        "class": task_class,
        "to": rung.rung,
        **({"model": rung.model} if rung.model and rung.rung != "handler" else {}),
        "shares": [share.strip() for share in pace.shares],
        "checks": pace.checks,
        "checked": pace.checked,
        "margin": f"{100 * finding.margin:g}%",
        "until": pace.until or f"{now + timedelta(days=_DAYS):%Y-%m-%d}",
        **({"certificate": rung.certificate} if rung.certificate else {}),
        **({"templates": list(rung.templates)} if rung.templates else {}),
    }
