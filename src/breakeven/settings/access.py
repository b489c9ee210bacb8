"""The section `access`: who has which role, and whether a reverse proxy says who somebody is."""

from __future__ import annotations

from ipaddress import ip_address

from breakeven.governance.access import ROLES, Access, Person
from breakeven.settings.quantities import inner
from breakeven.yamlfields import Fields, Problems, entries
from breakeven.yamlfile import Node

ACCESS_FIELDS = ("people", "default_role", "sso")


def access_of(node: Node | None, problems: Problems) -> Access:
    """Roles from the file; without the section everybody with access to the ledger's files is an admin."""
    if node is None or node.value is None:
        return Access()
    fields = Fields(node, "access", ACCESS_FIELDS, problems)
    people: dict[str, Person] = {}
    for name, one in entries(fields.get("people"), "access: people", problems).items():
        said = Fields(one, f"access: {name}", ("role", "features"), problems)
        said.text("role", required=True)
        role, features = said.choice("role", ROLES, "viewer"), said.words("features")
        if (role == "owner") != bool(features):
            said.fault("features", "features and `role: owner` belong together", "Name the features that this owner answers for.")
        people[name] = Person(name, role, features)
    sso = inner(fields, "sso", ("user_header", "trusted_proxies"), problems)
    header, proxies = sso.text("user_header"), sso.words("trusted_proxies")
    if (header is None) != (not proxies):
        sso.fault(
            "trusted_proxies", "user_header and trusted_proxies belong together", "Name the addresses of the proxies that set it."
        )
    for proxy in proxies:
        try:
            ip_address(proxy)
        except ValueError:
            sso.fault("trusted_proxies", f"{proxy!r} is no IP address", "Write addresses such as 10.0.0.5; no names, no networks.")
    return Access(
        declared=True,
        people=people,
        default_role=fields.choice("default_role", ROLES, "viewer"),
        user_header=header.lower() if header else None,
        trusted_proxies=proxies,
    )
