"""Who a call is for: feature, team, customer, user, workflow, trace, environment and free tags, each with its source.

The order of belief, for each dimension by itself:
1. the virtual key, where it locks the dimension;
2. our own headers (`breakeven-feature`, ...);
3. the virtual key's defaults;
4. other tools' headers, in the order of `attribution_readers.OTHER_TOOLS`;
5. W3C baggage;
6. the body: `metadata`, `user`, `safety_identifier`;
7. the environment that the gateway is configured for.
All of these headers are taken out before the vendor sees the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from breakeven.gateway.attribution_readers import OURS_UNTIL, Reader, read_body, reader_of
from breakeven.gateway.dimensions import COLUMNS, FAULT, KEY, QUARANTINED, QUARANTINED_FEATURE, Found, text_of

if TYPE_CHECKING:
    from breakeven.gateway.keys import VirtualKey
    from breakeven.governance.privacy import Pseudonyms

_MOST_REMEMBERED = 4096
_MOST_REMEMBERED_BYTES = 8 * 1024 * 1024
_LONGEST_NAME = 64
_BAD_REQUEST, _FORBIDDEN = 400, 403
_encode = msgspec.json.Encoder(order="sorted").encode

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
    more: Mapping[str, Any] = field(default_factory=dict)
    """Members of the error object beside the message, for programs."""
    headers: tuple[tuple[bytes, bytes], ...] = ()


NOBODY = Attribution()


def with_tag(who: Attribution, name: str, value: str) -> Attribution:
    """The same attribution with one more tag."""
    tags = {} if who.tags is None else msgspec.json.decode(who.tags, type=dict[str, str])
    return replace(who, tags=_json({**tags, name: value}))


class Attributor:
    """Reads attribution. What was read once is remembered, because callers repeat themselves; how much is bounded in bytes."""

    def __init__(self, environment: str | None = None, pseudonyms: Pseudonyms | None = None) -> None:
        self._environment = environment
        self._pseudonyms = pseudonyms
        self._known: dict[tuple[Any, ...], Attribution | Refusal] = {}
        self._known_bytes = 0
        self._readers: dict[bytes, Reader | None] = {}

    def split(self, headers: Pairs) -> tuple[list[tuple[bytes, bytes]], tuple[tuple[bytes, bytes], ...]]:
        """The headers that go on, in their order and untouched, and those that are about attribution, which do not go on."""
        forwarded: list[tuple[bytes, bytes]] = []
        ours: list[tuple[bytes, bytes]] = []
        readers = self._readers
        for pair in headers:
            name = pair[0]
            reader = readers[name] if name in readers else self._reader(name)
            (forwarded if reader is None else ours).append(pair)
        return forwarded, tuple(ours)

    def attribute(
        self, ours: tuple[tuple[bytes, bytes], ...], key: VirtualKey | None, body: BodyHints, model: str | None
    ) -> Attribution | Refusal:
        """Who the call is for, or why it is refused: the key requires a dimension that is missing, or does not allow one."""
        known = (ours, key, body, model if key is not None else None)
        result = self._known.get(known)
        if result is None:
            result = self._attributed(ours, key, body, model)
            self._remember(known, _size(ours, body, model), result)
        return result

    def _reader(self, name: bytes) -> Reader | None:
        reader = reader_of(name)
        if len(name) <= _LONGEST_NAME:
            if len(self._readers) >= _MOST_REMEMBERED:
                self._readers.clear()
            self._readers[name] = reader
        return reader

    def _remember(self, known: tuple[Any, ...], size: int, result: Attribution | Refusal) -> None:
        if len(self._known) >= _MOST_REMEMBERED or self._known_bytes + size > _MOST_REMEMBERED_BYTES:
            self._known.clear()
            self._known_bytes = 0
        if size <= _MOST_REMEMBERED_BYTES:
            self._known[known] = result
            self._known_bytes += size

    def _attributed(self, ours: Pairs, key: VirtualKey | None, body: BodyHints, model: str | None) -> Attribution | Refusal:
        found = Found()
        if key is not None and key.locked:
            _add(found, key.locked)
        said = self._said(ours)
        others = next((at for at, each in enumerate(said) if each[0] >= OURS_UNTIL), len(said))
        _read(found, said[:others])
        if key is not None and key.defaults:
            _add(found, key.defaults)
        _read(found, said[others:])
        read_body(found, body)
        if self._environment:
            found.add("environment", self._environment, "configuration")
        refusal = None if key is None else _judged(found, key, model)
        return refusal or _attribution(found, self._pseudonyms)

    def _said(self, ours: Pairs) -> list[tuple[int, str, int, bytes, Reader]]:
        """The headers by rank, so that the order in which different headers were sent decides nothing."""
        readers = self._readers
        said: list[tuple[int, str, int, bytes, Reader]] = []
        for at, (name, value) in enumerate(ours):
            reader = readers.get(name) or self._reader(name)
            if reader is not None:
                said.append((reader.rank, reader.source, at, value, reader))
        said.sort()
        return said


def _read(found: Found, said: Iterable[tuple[int, str, int, bytes, Reader]]) -> None:
    for _, source, _, value, reader in said:
        reader.read(found, text_of(value, found, source), source)


def _add(found: Found, dimensions: Iterable[tuple[str, str]]) -> None:
    for dimension, value in dimensions:
        found.add(dimension, value, KEY)


def _size(ours: Pairs, body: BodyHints, model: str | None) -> int:
    """About how many bytes it takes to remember this."""
    texts = sum(len(name) + len(value) for name, value in ours) + sum(len(name) + len(value) for name, value in body.metadata)
    return 1024 + 2 * texts + 4 * (len(body.user or "") + len(body.safety_identifier or "") + len(model or ""))


def _judged(found: Found, key: VirtualKey, model: str | None) -> Refusal | None:
    missing = [name for name in key.required if name not in found.values]
    if missing and key.on_missing == "refuse":
        names = ", ".join(f"breakeven-{name}" for name in missing)
        faults = f" What was sent could not be taken: {found.told()}." if found.faults else ""
        return Refusal(_BAD_REQUEST, "attribution_required", f"The key {key.name} requires {names}; send it as a header.{faults}")
    feature = found.values.get("feature")
    if "feature" not in missing and not key.allows_feature(feature):
        return Refusal(_FORBIDDEN, "feature_not_allowed", f"The key {key.name} may not be used for this feature.")
    if not key.allows_model(model):
        return Refusal(_FORBIDDEN, "model_not_allowed", f"The key {key.name} may not be used for this model.")
    if missing:
        _quarantine(found, missing)
    return None


def _quarantine(found: Found, missing: Sequence[str]) -> None:
    """Let a call through under nobody's name. What it said of its feature stays as a tag, for whoever looks into it."""
    found.tags[QUARANTINED] = ",".join(missing)
    feature = found.values.pop("feature", None)
    found.sources.pop("feature", None)
    if feature is not None:
        found.tags[QUARANTINED_FEATURE] = feature


def _attribution(found: Found, pseudonyms: Pseudonyms | None = None) -> Attribution:
    if found.faults:
        found.tags[FAULT] = found.told()
    if pseudonyms is not None:
        found.tags = pseudonyms.in_tags(found.tags, found.values)
        found.values.update({name: pseudonyms.of(name, value) for name, value in found.values.items()})
    columns = {COLUMNS.get(name, name): value for name, value in found.values.items()}
    sources = {COLUMNS.get(name, name): source for name, source in found.sources.items()}
    return Attribution(**columns, tags=_json(found.tags), sources=_json(sources))


def _json(members: Mapping[str, str]) -> str | None:
    return _encode(members).decode() if members else None
