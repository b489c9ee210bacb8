"""Who acts on the command line: whose token is set, else the user of the operating system."""

from __future__ import annotations

import getpass
import os
import socket
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.errors import PolicyFailed
from breakeven.governance.access import Person
from breakeven.ledger.acting import Act, Actor
from breakeven.ledger.acting import acting as acting_as

if TYPE_CHECKING:
    from breakeven.settings import Settings

TOKEN = "BREAKEVEN_TOKEN"  # noqa: S105 - the name of a variable


def acting(
    settings: Settings, ledger: Path, action: str, subject: str, *, feature: str | None = None, why: str | None = None
) -> AbstractContextManager[Act]:
    """Do something that changes something: refused where the role does not allow it, noted in either case.

    Raises PolicyFailed where it is refused, with who may do it.
    """
    origin = f"command line of {getpass.getuser()} on {socket.gethostname()}"
    return acting_as(Actor(actor(settings, ledger), settings.access, ledger, origin), action, subject, feature=feature, why=why)


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
