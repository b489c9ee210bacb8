"""What accepting a finding means: the rollout that goes into `breakeven.yaml`, by stages, with its evidence beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from breakeven.alignment.rollout import certificate_of, digest_of
from breakeven.alignment.routing.route_file import read_route, to_bytes
from breakeven.alignment.scoring import RULES
from breakeven.errors import PolicyFailed, UsageError
from breakeven.ledger.routecandidates import Candidate
from breakeven.ledger.taskclasses import Classes
from breakeven.reports.audit import Audit, Finding, RungEvidence
from breakeven.reports.auditpolicies import STAY, Policy
from breakeven.settings import Settings
from breakeven.settings.ladders import HANDLER, Ladder
from breakeven.settings.rollouts import rung_of

_DAYS = 90


class Pace(NamedTuple):
    """How fast calls are moved: shares stage by stage, checks each stage needs, the share that is checked, and when it ends.

    `scorer`: how checks compare answers, where it is not as the replays were compared; with its fields, tolerance or criterion.
    """

    shares: tuple[str, ...] = ("5%", "25%", "100%")
    checks: int = 200
    checked: str = "10%"
    until: str | None = None
    scorer: str | None = None
    fields: tuple[str, ...] = ()
    tolerance: str | None = None
    criterion: str | None = None


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


class Accepted(NamedTuple):
    """What is to be written: the findings, a rollout for each, files that belong to them, and the policy where one was taken."""

    findings: Sequence[Finding]
    rollouts: Sequence[dict[str, object]]
    files: Mapping[str, bytes]
    policy: Policy | None


def accepted(
    audited: Audit,
    settings: Settings,
    now: datetime,
    *,
    task_class: str | None,
    feature: str | None,
    pace: Pace = _PACE,
    routes: Sequence[Candidate] = (),
    names: Classes | None = None,
) -> Accepted:
    """The rollout of one class, or without one of all classes of a feature that its policy moves.

    Raises UsageError where neither is named, and as `rollout_fields` and `policy_of` do.
    """
    if task_class is None and feature is None:
        raise UsageError("nothing says what to move", "Name a task class, or a whole feature: --feature NAME.")
    policy = policy_of(audited, feature) if task_class is None and feature is not None else None
    moves: Mapping[str, str | None] = {task_class or "": None} if policy is None else policy.rungs
    findings = [finding_of(audited, name, feature) for name in moves]
    files: dict[str, bytes] = {}
    fields = []
    for found, to in zip(findings, moves.values(), strict=True):
        chosen = next((one for one in found.rungs if one.rung == (to or found.enough) and one.by == "route"), None)
        made = None if chosen is None else route_file(routes, found, chosen, audited.alpha)
        if made is not None:
            files[made[0]] = made[1]
        written = rollout_fields(found, settings, now, pace, to, None if made is None else made[0])
        fields.append({**written, **_of_found(found, written, names or Classes())})
    return Accepted(findings, fields, files, policy)


def _of_found(finding: Finding, written: Mapping[str, object], names: Classes) -> dict[str, object]:
    """What a rollout needs besides where its class was found, and no call says it: its prompts tell its calls.

    Raises PolicyFailed where they do not: classes of one prompt are told apart by their wording, which the gateway does not read.
    """
    if all(one.name != finding.task_class for one in names.found.get(finding.feature or "", ())):
        return {}
    own = {template for template, name in names.templates.items() if name == finding.task_class}
    tested = written.get("templates")
    if not own or not isinstance(tested, list) or not own.intersection(tested):
        raise PolicyFailed(
            f"{finding.task_class} was found by the wording of its calls, by which the gateway cannot tell them",
            "Let these calls say their class: the header breakeven-task-class or breakeven-workflow.",
        )
    return {"unlabelled": "true"}


def route_file(routes: Sequence[Candidate], finding: Finding, rung: RungEvidence, alpha: float) -> tuple[str, bytes] | None:
    """Name and content of the file of a proven route; None where it was not learned here. The name says what was proven."""
    candidate = next((one for one in routes if one.feature == finding.feature and one.rung == rung.members[0]), None)
    if candidate is None or candidate.threshold is None:
        return None
    learned = read_route(bytes(candidate.route), "the learned route")
    share = sum(points <= candidate.threshold for points in candidate.points.values()) / len(candidate.points)
    told = msgspec.structs.replace(
        learned.certificate, margin=finding.margin, confidence=1 - alpha, pairs=len(candidate.points), evidence="fresh",
        share=share, threshold=candidate.threshold, mean_loss=None, harm_at_most=None,
    )  # fmt: skip
    content = to_bytes(msgspec.structs.replace(learned, certificate=told))
    words = "-".join(re.findall(r"[a-z0-9]+", f"{finding.feature} {candidate.rung}".lower())) or "route"
    return f"{words}-{digest_of(content)}.route.json", content


def rollout_fields(
    finding: Finding, settings: Settings, now: datetime, pace: Pace = _PACE, to: str | None = None, route: str | None = None
) -> dict[str, object]:
    """The rollout of a finding, as the configuration has it: to its cheapest rung that is enough, or by another proven policy.

    `route`: the name of the file of the route, where it moves by one.

    Raises PolicyFailed where the evidence does not allow it, UsageError where the class has one already or belongs to no feature.
    """
    task_class = finding.task_class
    if finding.verdict != "enough" or finding.enough is None:
        raise PolicyFailed(f"{task_class}: {finding.verdict}, so nothing may be moved", f"Next: {finding.next}")
    if finding.feature is None:
        raise UsageError(f"{task_class} belongs to no feature", "Bring its replays in with --feature NAME.")
    declared = settings.features.get(finding.feature)
    if declared is not None and any(plan.task_class == task_class for plan in declared.rollouts):
        told = "Change it in breakeven.yaml, under `rollouts:` of the feature; take one that has ended out before the next."
        raise UsageError(f"{task_class} has a rollout already", told)
    rung = next(one for one in finding.rungs if one.rung == (to or finding.enough) and one.verdict == "enough")
    cheap = list(zip(rung.members, rung.models, strict=True)) or [(rung.rung, rung.model)]
    parameters = _parameters(task_class, cheap, None if declared is None else declared.ladder)
    besides = {"agree": cheap[1][0], **({"agree_model": cheap[1][1]} if cheap[1][1] else {})} if rung.by == "cascade" else {}
    if rung.by == "route":
        if route is None:
            raise UsageError(f"{task_class} would move by a route that is gone", "Learn it again: breakeven audit route.")
        besides = {"route": route}
    to, model = cheap[0]
    return {
        "class": task_class,
        "to": to,
        **({"model": model} if model and to != HANDLER else {}),
        **besides,
        **_compared(task_class, rung, pace),
        "shares": [share.strip() for share in pace.shares],
        "checks": pace.checks,
        "checked": pace.checked,
        "margin": _margin(finding.margin, rung.moved),
        "until": pace.until or f"{now + timedelta(days=_DAYS):%Y-%m-%d}",
        **({"certificate": certificate_of(model, {**parameters, **besides}, rung.templates)} if model else {}),
        **({"templates": list(rung.templates)} if rung.templates else {}),
    }


def _parameters(task_class: str, cheap: Sequence[tuple[str, str | None]], ladder: Ladder | None) -> dict[str, object]:
    """What the cheap rungs set besides their models. Raises PolicyFailed where one is another model now than was replayed."""
    found: dict[str, object] = {}
    for place, (name, tested) in enumerate(cheap):
        model, parameters = rung_of(name, tested, ladder)
        if model is not None and tested is not None and model != tested:
            raise PolicyFailed(
                f"{task_class}: {name} is {model} in breakeven.yaml, and the replays are of {tested}",
                "Replay what the rung is now (breakeven audit run), or put the tested one back.",
            )
        if parameters:
            found |= {"agree_parameters": dict(parameters)} if place else parameters
    return found


def _margin(margin: float, moved: float) -> str:
    """What a check may lose on average: only calls that a cheap rung answered are checked, the margin is over all of the class."""
    share = min(margin / moved, 0.5) if moved else margin
    return f"{float(f'{100 * share:.4g}'):g}%"


def _compared(task_class: str, rung: RungEvidence, pace: Pace) -> dict[str, object]:
    """How checks compare answers: as the replays were compared. Raises PolicyFailed where live answers cannot be."""
    scorer = pace.scorer or (rung.scored_by[0] if len(rung.scored_by) == 1 else "agreement")
    if scorer == "import" and rung.basis == "agreement":
        scorer = "agreement"
    if scorer.startswith("judge:"):
        return {"judge": scorer.removeprefix("judge:"), **({"criterion": pace.criterion} if pace.criterion else {})}
    if scorer not in RULES or (len(rung.scored_by) > 1 and rung.basis != "agreement" and pace.scorer is None):
        raise PolicyFailed(
            f"{task_class}: its replays were scored by {', '.join(rung.scored_by)}, by which the gateway cannot check live answers",
            f"Say how: --scorer {', '.join(RULES)} or judge:MODEL. What differs by it counts as a loss.",
        )
    more = {"fields": list(pace.fields)} if pace.fields else {}
    tolerance = {"tolerance": pace.tolerance} if pace.tolerance else {}
    return {**({"scorer": scorer} if scorer != RULES[0] else {}), **more, **tolerance}
