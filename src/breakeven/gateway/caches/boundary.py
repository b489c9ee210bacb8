"""Within whose calls kept answers are shared: those of one customer, user, team, workflow or environment."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

_MEMBERS = {"customer": "customer", "user": "user_id", "team": "team", "workflow": "workflow", "environment": "environment"}
_who = {name: attrgetter(member) for name, member in _MEMBERS.items()}


def boundary_of(attribution: Any, per: Sequence[str]) -> list[str | None]:  # noqa: ANN401 - whoever the call is attributed to
    """What must be equal for two calls to share an answer; None where it is not known of this call."""
    return [_who[name](attribution) for name in per]
