"""Requests checked against the statement of support (`settings/dialects.py`): what cannot be carried is refused by its name."""

from __future__ import annotations

from breakeven.providers.translation.notation import Node, Untranslatable
from breakeven.settings.dialects import Member, Table

_INDEXES: dict[int, dict[str, Member]] = {}  # the tables are constants: none is ever made anew at the address of another


def check(table: Table, given: Node, at: str = "") -> None:
    """Raises Untranslatable for the first member that cannot be carried over."""
    known = _by_name(table)
    for name, value in given.items():
        member = known.get(name)
        if member is None:
            raise Untranslatable(f"{at}{name}", "it is not known how this could be carried over to the other dialect")
        if member.fate == "refused" and value is not None and value not in member.neutral:
            raise Untranslatable(f"{at}{name}", f"it cannot be carried over to the other dialect: {member.note}")


def check_kind(table: Table, kind: object, at: str) -> None:
    """Raises Untranslatable where a part or block of this kind cannot be carried over."""
    member = _by_name(table).get(str(kind))
    if member is None or member.fate == "refused":
        why = "it is not known in the other dialect" if member is None else member.note
        raise Untranslatable(at, f"a part of type {str(kind)[:40]!r} cannot be carried over: {why}")


def _by_name(table: Table) -> dict[str, Member]:
    found = _INDEXES.get(id(table))
    if found is None:
        found = _INDEXES[id(table)] = {member.name: member for member in table}
    return found
