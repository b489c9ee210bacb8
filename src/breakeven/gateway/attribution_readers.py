"""How each header says who a call is for: ours, other tools', W3C baggage; and the body.

A header is known by its lower-cased name. Where two headers say the same, the better *rank* decides, never the order in which they
were sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from breakeven.gateway.dimensions import DIMENSIONS, NAMES, Found, plain, shown, unquoted

if TYPE_CHECKING:
    from breakeven.gateway.attribution import BodyHints

Read = Callable[[Found, str, str], None]
"""Takes what a value says (found so far, the value, the source) into what is found."""

_MOST_MEMBERS = 128
_decode = msgspec.json.Decoder(float_hook=str).decode  # numbers keep their digits: an id must not be rounded
_OURS, _PROPERTY, _BAGGAGE, _KEY = b"breakeven-", b"helicone-property-", b"baggage", b"breakeven-key"
_SESSION = b"-session-id"
_VENDORS = (b"x-amz", b"x-goog-")
"""Headers that a vendor itself acts upon, such as `x-amzn-bedrock-agentcore-runtime-session-id`: they go on."""


class Reader(NamedTuple):
    """How one header is read: its rank among attribution headers, its source's name, and what takes its value."""

    rank: int
    source: str
    read: Read


def _as(dimension: str) -> Read:
    return lambda found, value, source: found.add(dimension, value, source)


def _our(dimension: str) -> Read:
    return lambda found, value, source: found.add(dimension, unquoted(value, found, source), source)


def _our_tags(found: Found, value: str, source: str) -> None:
    """`name=value,name=value`, percent-encoded; a name alone is true."""
    for item in _items(value, found, source):
        name, mark, rest = item.partition("=")
        found.add_tag(unquoted(name, found, source), unquoted(rest, found, source) if mark else "true", source)


def _key(found: Found, value: str, source: str) -> None:
    """`breakeven-key` is a credential and says nothing else."""
    del found, value, source


def _elsewhere(found: Found, value: str, source: str) -> None:
    """`breakeven-ladder` and `breakeven-task-class` are read where the ladder is (`climbing.py`)."""
    del found, value, source


def _unknown(found: Found, value: str, source: str) -> None:
    del value
    found.fault(source, "no such header")


def _tag_list(found: Found, value: str, source: str) -> None:
    """`a,b` or `name:value,...` or `name=value,...`, as LiteLLM takes tags."""
    for item in _items(value, found, source):
        name, mark, rest = item.partition("=") if "=" in item else item.partition(":")
        if mark:
            found.add_named(name.strip(), rest, source)
        else:
            found.add_tag(name, "true", source)


def _json_object(found: Found, value: str, source: str) -> None:
    if not value.strip():
        return
    try:
        said = _decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        said = None
    if not isinstance(said, dict):
        found.fault(source, "no readable JSON object")
        return
    for name, member in _first(said, found, source):
        if isinstance(member, bool):
            found.add_tag(name, "true" if member else "false", source)
        elif isinstance(member, str):
            found.add_named(name, member, source)
        elif isinstance(member, int):
            found.add_named(name, str(member), source)
        elif member is not None:
            found.fault(f"{source} {shown(name)}", "neither text nor number")


def _baggage(found: Found, value: str, source: str) -> None:
    """Members that name a dimension, or begin with `breakeven.`; the others are not ours to read."""
    del source
    for item in _items(value, found, "baggage"):
        name, mark, rest = item.split(";", maxsplit=1)[0].partition("=")
        known = name.strip().lower()
        if mark and (known.startswith("breakeven.") or plain(known) in NAMES):
            found.add_named(known, unquoted(rest, found, f"baggage {shown(known)}"), "baggage")


def _items(value: str, found: Found, source: str) -> list[str]:
    items = value.split(",", _MOST_MEMBERS)
    if len(items) > _MOST_MEMBERS:
        found.fault(source, f"more than {_MOST_MEMBERS} members")
        items.pop()
    return items


def _first(members: Mapping[str, object], found: Found, source: str) -> Iterable[tuple[str, object]]:
    if len(members) > _MOST_MEMBERS:
        found.fault(source, f"more than {_MOST_MEMBERS} members")
        return islice(members.items(), _MOST_MEMBERS)
    return members.items()


OURS: Mapping[bytes, Read] = {
    **{_OURS + dimension.encode(): _our(dimension) for dimension in DIMENSIONS},
    b"breakeven-tags": _our_tags,
    _KEY: _key,
    b"breakeven-ladder": _elsewhere,
    b"breakeven-task-class": _elsewhere,
}
OTHER_TOOLS: Mapping[bytes, Read] = {
    b"x-litellm-tags": _tag_list,
    b"x-litellm-customer-id": _as("customer"),
    b"x-litellm-end-user-id": _as("user"),
    b"x-litellm-spend-logs-metadata": _json_object,
    b"x-portkey-metadata": _json_object,
    b"x-portkey-trace-id": _as("trace"),
    b"cf-aig-metadata": _json_object,
    b"helicone-user-id": _as("user"),
    b"helicone-session-id": _as("trace"),
    b"helicone-session-name": _as("workflow"),
    b"x-bf-customer-id": _as("customer"),
}
"""Other tools' headers, the most believed first. After them come `Helicone-Property-*`, then `x-<tool>-session-id`."""

_UNKNOWN_RANK = len(OURS)
OURS_UNTIL = _UNKNOWN_RANK + 1
"""Ranks below this one are our own headers'."""

_RANKS: Mapping[bytes, int] = {
    **{name: rank for rank, name in enumerate(OURS)},
    **{name: OURS_UNTIL + rank for rank, name in enumerate(OTHER_TOOLS)},
}
_PROPERTY_RANK = OURS_UNTIL + len(OTHER_TOOLS)
_SESSION_RANK, _BAGGAGE_RANK = _PROPERTY_RANK + 1, _PROPERTY_RANK + 2


def reader_of(name: bytes) -> Reader | None:
    """How a header is read; None where it is not about attribution and goes on to the vendor."""
    lowered = name.lower()
    source = f"header:{shown(lowered.decode('ascii', 'replace'))}"
    read = OURS.get(lowered) or OTHER_TOOLS.get(lowered)
    if read is not None:
        return Reader(_RANKS[lowered], source, read)
    if lowered.startswith(_OURS):
        return Reader(_UNKNOWN_RANK, source, _unknown)
    if lowered.startswith(_PROPERTY):
        member = lowered.removeprefix(_PROPERTY).decode("ascii", "replace")
        return Reader(_PROPERTY_RANK, source, lambda found, value, said_by: found.add_named(member, value, said_by))
    if lowered == _BAGGAGE:
        return Reader(_BAGGAGE_RANK, "baggage", _baggage)
    if lowered.startswith(b"x-") and lowered.endswith(_SESSION) and not lowered.startswith(_VENDORS):
        return Reader(_SESSION_RANK, source, _as("trace"))
    return None


def read_body(found: Found, body: BodyHints) -> None:
    """What the body says: its metadata, then its `user`, then its `safety_identifier`."""
    for name, value in body.metadata:
        found.add_named(name, value, f"body:metadata.{shown(name)}")
    found.add("user", body.user, "body:user")
    found.add("user", body.safety_identifier, "body:safety_identifier")
