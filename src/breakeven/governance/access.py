"""Who may change what. Pure: a matrix of roles and actions, and the reason for every answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["viewer", "engineer", "finance", "owner", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "engineer", "finance", "owner", "admin")

ACTIONS: Mapping[str, tuple[Role, ...]] = {
    "report outcomes": ("engineer", "finance", "owner"),
    "report calls": ("engineer", "finance", "owner"),
    "change keys": ("engineer",),
    "reload": ("engineer", "finance"),
    "test alerts": ("engineer", "finance", "owner"),
    "set budgets": ("finance", "owner"),
    "assign owners": ("finance", "owner"),
    "change prices": ("finance",),
    "adopt plans": ("finance",),
    "post invoices": ("finance",),
    "close periods": ("finance",),
    "share links": ("engineer", "finance", "owner"),
    "move the ledger": (),
    "move classes": ("engineer", "owner"),
    "read captures": ("engineer", "owner"),
    "purge captures": ("engineer", "owner"),
    "apply retention": ("finance",),
    "erase people": (),
    "reinstate handlers": ("engineer", "owner"),
    "manage access": (),
}
"""Who may do it, beside admins, who may do everything. An owner may do it for the features of his own."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a role; `features` are those that an owner answers for."""

    name: str
    role: Role = "viewer"
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """Who is who. Without any declaration everybody who can reach the ledger's files is an admin: the files are his anyway."""

    declared: bool = False
    people: Mapping[str, Person] = field(default_factory=dict)
    default_role: Role = "viewer"
    user_header: str | None = None
    trusted_proxies: tuple[str, ...] = ()

    def person(self, name: str) -> Person:
        """The person of this name, or a stranger with the default role."""
        if not self.declared:
            return Person(name, "admin")
        return self.people.get(name) or Person(name, self.default_role)

    def by_proxy(self, peer: str, user: str | None) -> Person | None:
        """Who a reverse proxy says it is; nobody where single sign-on is off, or the header does not come from a trusted proxy."""
        if self.user_header is None or not user or peer not in self.trusted_proxies:
            return None
        return self.person(user)


def refusal(access: Access, person: Person, action: str, feature: str | None = None) -> str | None:
    """Why a person may not do this; None where he may."""
    allowed = ACTIONS[action]
    if person.role == "admin":
        return None
    if person.role in allowed and (person.role != "owner" or feature in person.features):
        return None
    if person.role == "owner" and "owner" in allowed:
        whose = f"feature {feature}" if feature else "more than the features of their own"
        return f"{person.name} is not the owner of {whose}"
    able = sorted(each.name for each in access.people.values() if each.role in (*allowed, "admin") and each.role != "owner")
    needed = " or ".join((*allowed, "admin"))
    who = f"; ask {', '.join(able)}" if able else ""
    return f"{person.name} has the role {person.role}, and to {action} takes {needed}{who}"
