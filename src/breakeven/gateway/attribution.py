"""Who a call is for: feature, team, customer, user, workflow, trace, environment and free tags, each with its source.

The order of belief, for each dimension by itself:
1. the virtual key, where it locks the dimension;
2. our own headers (`breakeven-feature`, ...);
3. the virtual key's defaults;
4. other tools' headers, in the order of `OTHER_TOOLS`;
5. W3C baggage;
6. the body: `metadata`, `user`, `safety_identifier`;
7. the environment that the gateway is configured for.
All of these headers are taken out before the vendor sees the call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

if TYPE_CHECKING:
    from breakeven.gateway.keys import VirtualKey

DIMENSIONS = ("feature", "team", "customer", "user", "workflow", "trace", "environment")
LONGEST_VALUE = 256
MOST_TAGS = 64
_MOST_CACHED = 10_000
COLUMNS = {"user": "user_id", "trace": "trace_id"}
_OURS = "breakeven-"
_BAGGAGE_PREFIX = "breakeven."
_QUARANTINED = "quarantined"
_BAD_REQUEST, _FORBIDDEN = 400, 403

Pairs = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class BodyHints:
    """What a request body says about who a call is for."""

    user: str | None = None
    safety_identifier: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Attribution:
    """The dimensions of a call as the ledger keeps them; None is unknown. `tags` and `sources` are JSON objects."""

    feature: str | None = None
    team: str | None = None
    customer: str | None = None
    user_id: str | None = None
    workflow: str | None = None
    environment: str | None = None
    trace_id: str | None = None
    tags: str | None = None
    sources: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is not let through: the HTTP status, a code for programs, a message for people."""

    status: int
    code: str
    message: str


@dataclass(slots=True)
class _Found:
    """What has been found so far: the first source of a dimension wins."""

    values: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def add(self, dimension: str, value: str | None, source: str) -> None:
        """A value for a dimension, unless a better source gave one."""
        cleaned = clean(value)
        if cleaned and dimension not in self.values:
            self.values[dimension] = cleaned
            self.sources[dimension] = source

    def add_tag(self, name: str, value: str | None) -> None:
        """A free tag, unless there is one of that name, or too many."""
        cleaned, named = clean(value), clean(name)
        if cleaned and named and len(self.tags) < MOST_TAGS:
            self.tags.setdefault(named, cleaned)

    def add_named(self, name: str, value: str | None, source: str) -> None:
        """A member of a mapping: a dimension where its name is one, else a tag."""
        dimension = _NAMES.get(name.lower().removeprefix(_BAGGAGE_PREFIX).replace("-", "_"))
        if dimension is not None:
            self.add(dimension, value, source)
        else:
            self.add_tag(name, value)


def clean(value: str | None) -> str | None:
    """The value without control characters, stripped, at most `LONGEST_VALUE` long; None where nothing is left."""
    if value is None:
        return None
    if not value.isprintable():
        value = "".join(each for each in value if each.isprintable())
    return value.strip()[:LONGEST_VALUE] or None


# --- headers of other tools -------------------------------------------------------------------------------------------------------

_NAMES: Mapping[str, str] = {
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
    "userid": "user",
    "end_user": "user",
    "end_user_id": "user",
    "workflow": "workflow",
    "trace": "trace",
    "trace_id": "trace",
    "session": "trace",
    "session_id": "trace",
    "session.id": "trace",
    "user.id": "user",
    "environment": "environment",
    "env": "environment",
    "_environment": "environment",
}
"""Names of members that mean a dimension, in JSON headers, baggage and body metadata."""


def _json_members(value: str) -> Iterator[tuple[str, str]]:
    try:
        said = msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError):
        return
    for name, member in said.items() if isinstance(said, dict) else ():
        if isinstance(member, str | int | float) and not isinstance(member, bool):
            yield str(name), str(member)


def _json_header(found: _Found, value: str, source: str) -> None:
    for name, member in _json_members(value):
        found.add_named(name, member, source)


def _tag_list(found: _Found, value: str, source: str) -> None:
    """`a,b` or `name:value,...` or `name=value,...`, as LiteLLM takes tags."""
    for item in value.split(","):
        name, mark, rest = item.partition("=") if "=" in item else item.partition(":")
        if mark:
            found.add_named(name.strip(), rest, source)
        else:
            found.add_tag(name.strip(), "true")


def _as(dimension: str) -> Callable[[_Found, str, str], None]:
    return lambda found, value, source: found.add(dimension, value, source)


OTHER_TOOLS: Mapping[bytes, Callable[[_Found, str, str], None]] = {
    b"x-litellm-tags": _tag_list,
    b"x-litellm-customer-id": _as("customer"),
    b"x-litellm-end-user-id": _as("user"),
    b"x-litellm-spend-logs-metadata": _json_header,
    b"x-portkey-metadata": _json_header,
    b"x-portkey-trace-id": _as("trace"),
    b"cf-aig-metadata": _json_header,
    b"helicone-user-id": _as("user"),
    b"helicone-session-id": _as("trace"),
    b"helicone-session-name": _as("workflow"),
    b"x-bf-customer-id": _as("customer"),
}
_PROPERTY = b"helicone-property-"
_SESSION_SUFFIX = b"-session-id"
"""`x-claude-code-session-id` and its like: a trace."""


def _our_tags(found: _Found, value: str) -> None:
    """`name=value,name=value`, percent-encoded."""
    for item in value.split(","):
        name, mark, rest = item.partition("=")
        found.add_tag(unquote(name.strip()), unquote(rest) if mark else "true")


def _baggage(found: _Found, value: str) -> None:
    for item in value.split(","):
        name, mark, rest = item.split(";", maxsplit=1)[0].partition("=")
        known = name.strip().lower()
        if mark and (known.startswith(_BAGGAGE_PREFIX) or known in _NAMES):
            found.add_named(known, unquote(rest.strip()), "baggage")


# --- the attributor ---------------------------------------------------------------------------------------------------------------


class Attributor:
    """Reads attribution. What was read once is remembered, because callers repeat themselves."""

    def __init__(self, environment: str | None = None) -> None:
        self._environment = environment
        self._known: dict[tuple[Any, ...], Attribution | Refusal] = {}
        self._is_ours: dict[bytes, bool] = {}

    def split(self, headers: Pairs) -> tuple[list[tuple[bytes, bytes]], tuple[tuple[bytes, bytes], ...]]:
        """The headers that go on, and those that are about attribution, which do not."""
        forwarded: list[tuple[bytes, bytes]] = []
        ours: list[tuple[bytes, bytes]] = []
        is_ours = self._is_ours
        for pair in headers:
            name = pair[0]
            found = is_ours.get(name)
            if found is None:
                found = _attributes(name.lower())
                if len(is_ours) < _MOST_CACHED:
                    is_ours[name] = found
            (ours if found else forwarded).append(pair)
        return forwarded, tuple(ours)

    def attribute(
        self, ours: tuple[tuple[bytes, bytes], ...], key: VirtualKey | None, body: BodyHints, model: str | None
    ) -> Attribution | Refusal:
        """Who the call is for, or why it is refused: the key requires a dimension that is missing, or does not allow one."""
        known = (ours, key, body, model if key is not None else None)
        result = self._known.get(known)
        if result is None:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            result = self._known[known] = self._attributed(ours, key, body, model)
        return result

    def _attributed(self, ours: Pairs, key: VirtualKey | None, body: BodyHints, model: str | None) -> Attribution | Refusal:
        found = _Found()
        if key is not None:
            for dimension, value in key.locked:
                found.add(dimension, value, "key")
        read = [(name.lower(), value.decode("utf-8", "replace")) for name, value in ours]
        _read_ours(found, read)
        if key is not None:
            for dimension, value in key.defaults:
                found.add(dimension, value, "key")
        _read_others(found, read)
        _read_body(found, body)
        if self._environment:
            found.add("environment", self._environment, "configuration")
        refusal = None if key is None else _judged(found, key, model)
        return refusal or _attribution(found)


def _attributes(name: bytes) -> bool:
    """Whether a header of this lower-cased name is about attribution."""
    return (
        name.startswith((b"breakeven-", _PROPERTY))
        or name in OTHER_TOOLS
        or name == b"baggage"
        or (name.startswith(b"x-") and name.endswith(_SESSION_SUFFIX))
    )


def _read_ours(found: _Found, headers: Sequence[tuple[bytes, str]]) -> None:
    for name, value in headers:
        if name.startswith(b"breakeven-"):
            dimension = name.decode("ascii", "replace").removeprefix(_OURS)
            if dimension in DIMENSIONS:
                found.add(dimension, unquote(value), f"header:{name.decode()}")
            elif dimension == "tags":
                _our_tags(found, value)


def _read_others(found: _Found, headers: Sequence[tuple[bytes, str]]) -> None:
    for name, value in headers:
        source = f"header:{name.decode('ascii', 'replace')}"
        if name in OTHER_TOOLS:
            OTHER_TOOLS[name](found, value, source)
        elif name.startswith(_PROPERTY):
            found.add_named(name.removeprefix(_PROPERTY).decode("ascii", "replace"), value, source)
        elif name.endswith(_SESSION_SUFFIX):
            found.add("trace", value, source)
    for name, value in headers:
        if name == b"baggage":
            _baggage(found, value)


def _read_body(found: _Found, body: BodyHints) -> None:
    for name, value in body.metadata:
        found.add_named(name, value, f"body:metadata.{name}"[:LONGEST_VALUE])
    found.add("user", body.user, "body:user")
    found.add("user", body.safety_identifier, "body:safety_identifier")


def _judged(found: _Found, key: VirtualKey, model: str | None) -> Refusal | None:
    missing = [name for name in key.required if name not in found.values]
    if missing and key.on_missing == "refuse":
        names = ", ".join(f"breakeven-{name}" for name in missing)
        return Refusal(_BAD_REQUEST, "attribution_required", f"The key {key.name} requires {names}; send it as a header.")
    if missing:
        found.tags[_QUARANTINED] = ",".join(missing)
        found.values.pop("feature", None)
        found.sources.pop("feature", None)
    if not key.allows_feature(found.values.get("feature")):
        return Refusal(_FORBIDDEN, "feature_not_allowed", f"The key {key.name} may not be used for this feature.")
    if not key.allows_model(model):
        return Refusal(_FORBIDDEN, "model_not_allowed", f"The key {key.name} may not be used for this model.")
    return None


def _attribution(found: _Found) -> Attribution:
    columns = {COLUMNS.get(name, name): value for name, value in found.values.items()}
    sources = {COLUMNS.get(name, name): source for name, source in found.sources.items()}
    return Attribution(
        **columns,
        tags=_json(found.tags),
        sources=_json(sources),
    )


def _json(members: Mapping[str, str]) -> str | None:
    return json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":")) if members else None
