"""What a dimension is, which values are taken for one, and what has been found so far of a call.

A value that cannot be taken is not repaired: cut to length or stripped of characters, two customers could become one, and a cost
would be booked on somebody else. The dimension stays unknown, and why is told in the tag `attribution_fault`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

DIMENSIONS = ("feature", "team", "customer", "user", "workflow", "trace", "environment")
COLUMNS = {"user": "user_id", "trace": "trace_id"}
LONGEST_VALUE = 256
MOST_TAGS = 64
MOST_FAULTS = 8
QUARANTINED, QUARANTINED_FEATURE, FAULT = "quarantined", "quarantined_feature", "attribution_fault"
BUDGETS, VIRTUAL_KEY, POLICY = "budgets", "virtual_key", "policy_warning"
KEY, OUR_HEADER = "key", "header:breakeven-"
RESERVED = frozenset({QUARANTINED, QUARANTINED_FEATURE, FAULT, BUDGETS, VIRTUAL_KEY, POLICY})
"""Tags that only the gateway sets."""

_LONGEST_NAME = 64
_JOINERS = "\u200c\u200d"
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BAD_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_OURS = "breakeven."

NAMES: Mapping[str, str] = {
    "feature": "feature",
    "feature_id": "feature",
    "team": "team",
    "team_id": "team",
    "customer": "customer",
    "customer_id": "customer",
    "tenant": "customer",
    "user": "user",
    "_user": "user",
    "user_id": "user",
    "user.id": "user",
    "userid": "user",
    "end_user": "user",
    "end_user_id": "user",
    "workflow": "workflow",
    "trace": "trace",
    "trace_id": "trace",
    "session": "trace",
    "session_id": "trace",
    "session.id": "trace",
    "environment": "environment",
    "env": "environment",
    "_environment": "environment",
}
"""Names of members that mean a dimension, in JSON headers, baggage and body metadata; `-` stands for `_` in them."""


def plain(name: str) -> str:
    """The name of a member as `NAMES` writes it."""
    return name.lower().removeprefix(_OURS).replace("-", "_")


def dimension_of(name: str) -> str | None:
    """The dimension that a member of this name says; None where it is of another kind."""
    return NAMES.get(name) or NAMES.get(plain(name))


def flaw(value: str) -> str | None:
    """Why a value cannot be taken: it is too long, or has characters that steer a terminal or cannot be seen."""
    if len(value) > LONGEST_VALUE:
        return f"longer than {LONGEST_VALUE} characters"
    if value.isprintable() or all(unicodedata.category(each) not in _UNFIT or each in _JOINERS for each in value):
        return None
    return "has control or invisible characters"


def clean(value: str | None) -> str | None:
    """The value without space around it; None where nothing is left, or where it has a flaw."""
    stripped = value.strip() if value is not None else ""
    return stripped if stripped and flaw(stripped) is None else None


def shown(name: str) -> str:
    """A name from outside, fit to stand in a message."""
    return "".join(each if each.isprintable() else "?" for each in name[:_LONGEST_NAME])


class Found:
    """What has been found so far. The first source that names a dimension decides it, even if its value cannot be taken."""

    __slots__ = ("faults", "sources", "tags", "values")

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.faults: dict[str, None] = {}

    def add(self, dimension: str, value: str | None, source: str) -> None:
        """A value for a dimension, unless a better source gave one."""
        stripped = value.strip() if value is not None else ""
        if not stripped:
            return
        if dimension in self.sources:
            self._disagreed(dimension, stripped, source)
            return
        self.sources[dimension] = source
        what = flaw(stripped)
        if what is None:
            self.values[dimension] = stripped
        else:
            self.fault(source, what)

    def _disagreed(self, dimension: str, value: str, source: str) -> None:
        """A weaker source is passed over in silence, but not one that contradicts itself or would override a lock."""
        by = self.sources[dimension]
        if self.values.get(dimension) != value:
            if by == source:
                self.fault(source, "said twice, the first counts")
            elif by == KEY and source.startswith(OUR_HEADER):
                self.fault(source, "decided by the key")

    def add_tag(self, name: str, value: str, source: str) -> None:
        """A free tag, unless there is one of that name."""
        named, stripped = name.strip(), value.strip()
        if not named or not stripped or named in self.tags:
            return
        what = "a reserved tag" if named in RESERVED else flaw(named) or flaw(stripped)
        if what is not None:
            self.fault(f"{source} {shown(named)}", what)
        elif len(self.tags) >= MOST_TAGS:
            self.fault(source, f"more than {MOST_TAGS} tags")
        else:
            self.tags[named] = stripped

    def add_named(self, name: str, value: str, source: str) -> None:
        """A member of a mapping: a dimension where its name is one, else a tag."""
        dimension = dimension_of(name)
        if dimension is not None:
            self.add(dimension, value, source)
        else:
            self.add_tag(name.removeprefix(_OURS), value, source)

    def fault(self, where: str, what: str) -> None:
        """Something that was said and could not be taken. It names headers and members, never values."""
        if len(self.faults) < MOST_FAULTS:
            self.faults[f"{where.removeprefix('header:')}: {what}"] = None

    def told(self) -> str:
        """All faults in one line."""
        return "; ".join(self.faults)


def text_of(value: bytes, found: Found, source: str) -> str:
    """A header's value as text. What is not UTF-8 is read as Latin-1, which is what HTTP libraries send for `ü`."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        found.fault(source, "not UTF-8, read as Latin-1")
        return value.decode("latin-1")


def unquoted(value: str, found: Found, source: str) -> str:
    """The value without percent-encoding. A `%` that encodes nothing stays as it is."""
    if "%" not in value:
        return value
    if _BAD_PERCENT.search(value):
        found.fault(source, "bad percent-encoding, kept as it is")
    return text_of(unquote_to_bytes(value), found, source)
