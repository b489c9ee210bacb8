"""The audit over HTTP: which capability is enough, with the proof; and what is done about a finding."""

from __future__ import annotations

from contextlib import ExitStack

import msgspec
from litestar import get, post
from litestar.params import FromQuery, JSONBody

from breakeven.ledger import decisions, rollouts, routecandidates, taskclasses
from breakeven.reports.audit import Audit, Finding
from breakeven.reports.audit import audit as audit_report
from breakeven.reports.auditproposal import Accepted, accepted, finding_of
from breakeven.reports.auditstates import REJECTED, states, subject_of
from breakeven.reports.question import Facts
from breakeven.settings.editing import with_rollout
from breakeven.settings.files import write_beside
from breakeven.web.acting import acting
from breakeven.web.asked import Asked
from breakeven.web.changes import Changed, edit_of, next_of, write
from breakeven.web.dependencies import AtDesk, Question, Who
from breakeven.web.desk import Desk


class Accepting(msgspec.Struct, frozen=True, kw_only=True):
    """What is accepted: the class of `task_class` in a period, of one feature where two have it.

    Without `task_class` all classes of `feature` that its chosen policy moves, in one change.
    """

    task_class: str | None = None
    feature: str | None = None
    period: str | None = None
    why: str | None = None
    dry_run: bool = False


class FindingDecided(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided on a finding: the class of `task_class` in a period, of one feature where two have it."""

    task_class: str
    feature: str | None = None
    period: str | None = None
    why: str | None = None
    dry_run: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """A finding that was put aside."""

    task_class: str
    state: str


@get("/audit", sync_to_thread=True)
def audit(desk: AtDesk, asked: Question, task_class: FromQuery[str | None] = None) -> Audit:
    """Where do we pay for more capability than the task needs? With `task_class` only the findings on that class."""
    found = _audited(desk, asked)
    if task_class is None:
        return found
    return msgspec.structs.replace(found, findings=[one for one in found.findings if one.task_class == task_class])


@post("/audit/accept", status_code=200, sync_to_thread=True)
def accept(desk: AtDesk, visitor: Who, data: JSONBody[Accepting]) -> Changed:
    """Move a class, or all of a feature that pays, to what is enough: rollouts in `breakeven.yaml`. A dry run only tells."""
    found = _audited(desk, _asked(data.period, data.feature))
    if data.task_class is not None:
        finding = finding_of(found, data.task_class, data.feature)
        subjects = [(finding.feature, finding.task_class)]
    else:
        feature = data.feature or ""
        policy = next((one for one in found.policies if one.feature == feature and one.chosen), None)
        subjects = [(feature, name) for name in (policy.rungs if policy is not None else {})]
    with ExitStack() as all_acts:
        acts = [
            all_acts.enter_context(
                acting(desk, visitor.person, "move classes", subject_of(*subject), feature=subject[0], why=data.why)
            )
            for subject in subjects
        ]
        for act in acts:
            act.done = False  # nothing is noted of what the evidence does not allow
        routes = routecandidates.read(desk.layout)
        made = accepted(
            found, desk.settings(), desk.clock(), task_class=data.task_class, feature=data.feature, routes=routes,
            names=taskclasses.read(desk.layout),
        )  # fmt: skip
        edit = edit_of(desk, lambda text, name: _with(text, name, made))
        if not data.dry_run:
            write_beside(desk.config, made.files)
        done = write(edit, dry_run=data.dry_run)
        for act, one, fields in zip(acts, made.findings, made.rollouts, strict=True):
            act.before, act.after, act.done = one.state, f"rollout to {fields['to']}", done
    return Changed(edit.difference, done, next_of(desk))


def _with(text: str, name: str, made: Accepted) -> str:
    """The configuration with all rollouts; each goes to the head of its feature's list."""
    for one, fields in reversed(list(zip(made.findings, made.rollouts, strict=True))):
        text = with_rollout(text, name, one.feature or "", fields)
    return text


@post("/audit/reject", status_code=200, sync_to_thread=True)
def reject(desk: AtDesk, visitor: Who, data: JSONBody[FindingDecided]) -> Rejected:
    """Put a finding aside, with the reason: it stays in the list as rejected, and is not proposed any more."""
    finding = _finding(desk, data)
    subject = subject_of(finding.feature, finding.task_class)
    with acting(desk, visitor.person, "move classes", subject, feature=finding.feature, why=data.why) as act:
        act.done, act.before, act.after = not data.dry_run, finding.state, REJECTED
    return Rejected(finding.task_class, finding.state if data.dry_run else REJECTED)


def _finding(desk: Desk, data: FindingDecided) -> Finding:
    return finding_of(_audited(desk, _asked(data.period, data.feature)), data.task_class, data.feature)


def _asked(period: str | None, feature: str | None) -> Asked:
    return Asked(period, None, "feature", None, () if feature is None else (("feature", feature),))


def _audited(desk: Desk, asked: Asked) -> Audit:
    """The audit with what was decided; asked again each time, since decisions are no change of the ledger."""
    feature = dict(asked.filters).get("feature")
    settings, layout, now = desk.settings(), desk.layout, desk.clock()
    routes = routecandidates.read(layout)
    decided = states(settings, {name: one.state for name, one in rollouts.read(layout).items()}, decisions.read(layout)[0])

    def report(ledger: Facts, _: object) -> Audit:
        names = taskclasses.read(layout)
        return audit_report(
            ledger, settings, asked.period_in(ledger, now), now, feature=feature, names=names, states=decided, routes=routes
        )

    learned = tuple((one.feature, one.rung, one.learned_at) for one in routes)
    return desk.answer(("audit", asked, tuple(sorted(decided.items(), key=str)), learned), report)


AUDITS = (audit, accept, reject)
"""The routes of this module."""
