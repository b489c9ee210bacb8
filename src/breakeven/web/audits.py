"""The audit over HTTP: which capability is enough, with the proof; and what is done about a finding."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, SkipValidation

from breakeven.ledger import decisions, rollouts, taskclasses
from breakeven.reports.audit import Audit, Finding
from breakeven.reports.audit import audit as audit_report
from breakeven.reports.auditproposal import finding_of, rollout_fields
from breakeven.reports.auditstates import REJECTED, states, subject_of
from breakeven.reports.question import Facts
from breakeven.settings.editing import with_rollout
from breakeven.web.acting import acting
from breakeven.web.asked import Asked
from breakeven.web.changes import Changed, edit_of, next_of, write
from breakeven.web.desk import Desk
from breakeven.web.visitors import Visitor

AtDesk = NamedDependency[SkipValidation[Desk]]
Question = NamedDependency[SkipValidation[Asked]]
Who = NamedDependency[SkipValidation[Visitor]]


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
def accept(desk: AtDesk, visitor: Who, data: JSONBody[FindingDecided]) -> Changed:
    """Move a class to the cheapest rung that is enough, by stages: a rollout in `breakeven.yaml`. A dry run only tells."""
    finding = _finding(desk, data)
    feature, subject = finding.feature or "", subject_of(finding.feature, finding.task_class)
    with acting(desk, visitor.person, "move classes", subject, feature=finding.feature, why=data.why) as act:
        act.done = False  # nothing is noted of what the evidence does not allow
        fields = rollout_fields(finding, desk.settings(), desk.clock())
        made = edit_of(desk, lambda text, name: with_rollout(text, name, feature, fields))
        act.before, act.after = finding.state, f"rollout to {finding.enough}"
        act.done = write(made, dry_run=data.dry_run)
    return Changed(made.difference, act.done, next_of(desk))


@post("/audit/reject", status_code=200, sync_to_thread=True)
def reject(desk: AtDesk, visitor: Who, data: JSONBody[FindingDecided]) -> Rejected:
    """Put a finding aside, with the reason: it stays in the list as rejected, and is not proposed any more."""
    finding = _finding(desk, data)
    subject = subject_of(finding.feature, finding.task_class)
    with acting(desk, visitor.person, "move classes", subject, feature=finding.feature, why=data.why) as act:
        act.done, act.before, act.after = not data.dry_run, finding.state, REJECTED
    return Rejected(finding.task_class, finding.state if data.dry_run else REJECTED)


def _finding(desk: Desk, data: FindingDecided) -> Finding:
    filters = () if data.feature is None else (("feature", data.feature),)
    return finding_of(_audited(desk, Asked(data.period, None, "feature", None, filters)), data.task_class, data.feature)


def _audited(desk: Desk, asked: Asked) -> Audit:
    """The audit with what was decided; asked again each time, since decisions are no change of the ledger."""
    feature = dict(asked.filters).get("feature")
    settings, layout, now = desk.settings(), desk.layout, desk.clock()
    decided = states(settings, {name: one.state for name, one in rollouts.read(layout).items()}, decisions.read(layout)[0])

    def report(ledger: Facts, _: object) -> Audit:
        names = taskclasses.read(layout)
        return audit_report(ledger, settings, asked.period_in(ledger, now), now, feature=feature, names=names, states=decided)

    return desk.answer(("audit", asked, tuple(sorted(decided.items(), key=str))), report)


AUDITS = (audit, accept, reject)
"""The routes of this module."""
