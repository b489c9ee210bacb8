"""The section `privacy`: who is disguised before anything is written, and how long calls are kept.

privacy:
  pseudonymise: [user, customer]
  key_env: BREAKEVEN_PSEUDONYM_KEY
  keep: {identities: 90d, calls: 400d}
  features:
    support: {identities: 30d}
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from breakeven.errors import ConfigError
from breakeven.governance.privacy import PEOPLE, SHORTEST_KEY, Keeping, Privacy, Pseudonyms
from breakeven.yamlfields import Fields, Problems, entries, suggestion
from breakeven.yamlfile import Node

PRIVACY_FIELDS = ("pseudonymise", "key_env", "keep", "features")
KEEP_FIELDS = ("identities", "calls")
_DAYS = re.compile(r"([0-9]{1,5})\s*d\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_DAY_SECONDS = 86_400
_MOST_DAYS = 36_500


def privacy_of(node: Node | None, problems: Problems) -> Privacy:
    """The section, checked. Without it nobody is disguised and every call is kept."""
    if node is None or (node.value is None and node.mapping is None):
        return Privacy()
    fields = Fields(node, "privacy", PRIVACY_FIELDS, problems)
    said = fields.words("pseudonymise")
    for name in said:
        if name not in PEOPLE:
            fields.fault("pseudonymise", f"{name!r} cannot be disguised", suggestion(name, PEOPLE))
    key_env = fields.text("key_env")
    if said and key_env is None:
        fields.fault("key_env", "pseudonyms need a key", "Name the variable that holds it: key_env: BREAKEVEN_PSEUDONYM_KEY")
    if key_env is not None and not _VARIABLE.match(key_env):
        fields.fault("key_env", f"key_env is {key_env[:8]!r}...", "Write the name of a variable, never the key itself.")
    keeping = _keeping(fields.get("keep"), "privacy: keep", Keeping(), problems)
    features = {
        name: _keeping(each, f"privacy: {name}", keeping, problems)
        for name, each in entries(fields.get("features"), "privacy: features", problems).items()
    }
    return Privacy(tuple(each for each in PEOPLE if each in said), key_env, keeping, features)


def pseudonyms_of(privacy: Privacy, environment: Mapping[str, str]) -> Pseudonyms | None:
    """The pseudonyms with their key; None where nobody is disguised. Raises ConfigError where the key is missing or too short.

    Nothing is written under a real name because a variable was forgotten.
    """
    if not privacy.dimensions or privacy.key_env is None:
        return None
    key = environment.get(privacy.key_env, "").encode()
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"the variable {privacy.key_env} (privacy: key_env) "
            + ("is not set" if not key else f"holds {len(key)} bytes, too few for a key"),
            f"Set it to {SHORTEST_KEY} random bytes or more (openssl rand -hex 32), the same on every host, and keep it.",
        )
    return Pseudonyms(privacy.dimensions, key)


def _keeping(node: Node | None, what: str, default: Keeping, problems: Problems) -> Keeping:
    if node is None or (node.value is None and node.mapping is None):
        return default
    fields = Fields(node, what, KEEP_FIELDS, problems)
    found = Keeping(_days(fields, "identities", default.identities), _days(fields, "calls", default.calls))
    if found.identities and found.calls and found.calls < found.identities:
        fields.fault("calls", "calls end before their identities", "A daily sum has no identity: let `calls` be the longer time.")
    return found


def _days(fields: Fields, name: str, default: int | None) -> int | None:
    text = fields.text(name)
    if text is None:
        return default
    if text == "forever":
        return None
    found = _DAYS.match(text)
    if found is None or not 1 <= int(found[1]) <= _MOST_DAYS:
        fields.fault(name, f"{name} is {text[:40]!r}", "Write whole days, 1d or more, such as 90d, or `forever`.")
        return default
    return int(found[1]) * _DAY_SECONDS
