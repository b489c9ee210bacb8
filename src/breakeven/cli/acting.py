"""Who acts: the one place where a changing command is checked against the roles and noted in the decisions log."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.errors import PolicyFailed
from breakeven.governance.access import Person, refusal
from breakeven.governance.decisions import Decision

if TYPE_CHECKING:
    from breakeven.settings import Settings

TOKEN = "BREAKEVEN_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(slots=True)
class Act:
    """What a command tells of its change, for the log. Nothing is noted of one that changed nothing."""

    subject: str
    before: str | None = None
    after: str | None = None
    done: bool = True


@contextmanager
def acting(
    settings: Settings, ledger: Path, action: str, subject: str, *, feature: str | None = None, why: str | None = None
) -> Iterator[Act]:
    """Do something that changes something: refused where the role does not allow it, noted in either case.

    Raises PolicyFailed where it is refused, with who may do it.
    """
    person = actor(settings, ledger)
    reason = refusal(settings.access, person, action, feature)
    act = Act(subject)
    if reason is not None:
        _note(ledger, person, action, act, why, allowed=False)
        raise PolicyFailed(reason, "Roles are declared in breakeven.yaml under `access:`; who was refused is in the decisions log.")
    yield act
    if act.done:
        _note(ledger, person, action, act, why, allowed=True)


def actor(settings: Settings, ledger: Path) -> Person:
    """Who runs this command: whose token is in BREAKEVEN_TOKEN, else the user of the operating system.

    Raises PolicyFailed for a token that does not work: nobody becomes somebody else by a typing error.
    """
    from breakeven.ledger.tokens import load_tokens, person_of

    secret = os.environ.get(TOKEN, "")
    if not secret:
        return settings.access.person(getpass.getuser())
    name = person_of(load_tokens(ledger), secret, datetime.now(UTC).replace(tzinfo=None))
    if name is None:
        raise PolicyFailed(
            f"the token in {TOKEN} does not exist, has expired or was revoked", f"Unset {TOKEN}, or ask for another."
        )
    return settings.access.person(name)


def _note(ledger: Path, person: Person, action: str, act: Act, why: str | None, *, allowed: bool) -> None:
    from breakeven.ledger.decisions import append
    from breakeven.ledger.layout import Layout

    layout = Layout(ledger)
    if not layout.identity.is_file():
        return  # a configuration without a ledger: its history is that of its repository
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    origin = f"command line of {getpass.getuser()} on {socket.gethostname()}"
    append(layout, Decision(at, person.name, person.role, action, act.subject, act.before, act.after, why, origin, allowed))
