"""A change that somebody makes: refused where the role does not allow it, noted in the decisions log in either case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from breakeven.errors import PolicyFailed
from breakeven.governance.access import Access, Person, refusal
from breakeven.governance.decisions import Decision
from breakeven.ledger.decisions import append
from breakeven.ledger.layout import Layout


@dataclass(slots=True)
class Act:
    """What is told of a change, for the log. Nothing is noted of one that changed nothing."""

    subject: str
    before: str | None = None
    after: str | None = None
    done: bool = True


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something in which ledger, under which roles, and from where."""

    person: Person
    access: Access
    ledger: Path
    origin: str


@contextmanager
def acting(actor: Actor, action: str, subject: str, *, feature: str | None = None, why: str | None = None) -> Iterator[Act]:
    """Do something that changes something. Raises PolicyFailed where it is refused, with who may do it."""
    reason = refusal(actor.access, actor.person, action, feature)
    act = Act(subject)
    if reason is not None:
        _note(actor, action, act, why, allowed=False)
        raise PolicyFailed(reason, "Roles are declared in breakeven.yaml under `access:`; who was refused is in the decisions log.")
    yield act
    if act.done:
        _note(actor, action, act, why, allowed=True)


def _note(actor: Actor, action: str, act: Act, why: str | None, *, allowed: bool) -> None:
    layout = Layout(actor.ledger)
    if not layout.identity.is_file():
        return  # a configuration without a ledger: its history is that of its repository
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    person = actor.person
    decision = Decision(at, person.name, person.role, action, act.subject, act.before, act.after, why, actor.origin, allowed)
    append(layout, decision)
