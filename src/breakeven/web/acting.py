"""Who acts through the web API."""

from __future__ import annotations

from contextlib import AbstractContextManager

from breakeven.governance.access import Person
from breakeven.ledger.acting import Act, Actor
from breakeven.ledger.acting import acting as acting_as
from breakeven.web.desk import Desk


def acting(
    desk: Desk, person: Person, action: str, subject: str, *, feature: str | None = None, why: str | None = None
) -> AbstractContextManager[Act]:
    """Do something that changes something; see `ledger/acting.py`."""
    return acting_as(Actor(person, desk.settings().access, desk.ledger, "web"), action, subject, feature=feature, why=why)
