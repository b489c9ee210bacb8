"""A request for a vendor: the caller's own, but for what is about us, one connection or secret, and what its target changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from breakeven.gateway.credentials import CREDENTIALS
from breakeven.gateway.meter import decodable
from breakeven.gateway.streams import ask_for_usage, renamed
from breakeven.gateway.tasks import with_parameters
from breakeven.gateway.translating import said_there
from breakeven.gateway.wire.messages import HOP_BY_HOP, Head, Headers, connection_names, request_head

if TYPE_CHECKING:
    from breakeven.gateway.call import Call
    from breakeven.gateway.targets import Target

_LENGTH = b"\0"
"""Where the length of the body will stand; no header can contain this byte."""

_ASKABLE = frozenset({"openai_chat", "openai_completions"})


def request_for(call: Call, target: Target) -> bytes:
    """The whole request of a call to one of its targets. Raises Unreachable without credentials, Untranslatable."""
    head, body = call.request.head, _body(call, target)
    plain = call.asked_usage or call.snapshot.usage_cost or call.climb is not None or target.translation is not None
    key = (target, plain)
    known = head.notes.get(key)
    if known is None:
        added = call.snapshot.targets.headers(target, head.method, body)
        known = upstream_head(head, call.caller.forwarded, target, added, plain=plain, has_body=bool(body))
        if call.snapshot.targets.constant(target):
            head.notes[key] = known
    before, after = known
    return b"%b%d%b%b" % (before, len(body), after, body) if after else before


def _body(call: Call, target: Target) -> bytes:
    hints, body = call.hints, call.bodies.get(target) or call.request.body
    if target.translation is not None:
        call.asked_usage = False
        body = call.bodies.get(target) or said_there(call, target)
        return with_parameters(body, target.parameters) if target.parameters else body
    if target.rename is not None and hints.model is not None:
        body = renamed(body, hints.model, target.rename)
    if target.parameters:
        body = with_parameters(body, target.parameters)
    call.asked_usage = hints.stream and target.api in _ASKABLE and not hints.wants_usage and target.provider.stream_usage
    return ask_for_usage(body, hints.stream_options) if call.asked_usage else body


def upstream_head(
    head: Head, forwarded: Headers, target: Target, added: Iterable[tuple[bytes, bytes]], *, plain: bool, has_body: bool
) -> tuple[bytes, bytes]:
    """The head in two pieces around the length of the body; the second is empty without one.

    Headers keep their order and bytes. `added` ones take the place of the caller's of the same name. Where we have a credential of
    our own, all of the caller's are dropped: a vendor must see exactly one, or none at all. `plain`: the answer must not come
    compressed, because it is changed on its way.
    """
    translation = target.translation
    if translation is not None:
        forwarded = [pair for pair in forwarded if pair[0].lower() not in translation.dropped]
        added = (*added, *translation.added)
    placed = {name.lower(): (name, value) for name, value in added}
    own = target.provider.credential == "none" or not CREDENTIALS.isdisjoint(placed)
    dropped = connection_names(head.by_name.get(b"connection"))
    pairs: list[tuple[bytes, bytes]] = []
    for name, value in forwarded:
        lowered = name.lower()
        if lowered == b"host":
            pairs.append((name, target.host_header))
        elif lowered == b"content-length":
            pairs.append((name, _LENGTH))
        elif lowered == b"accept-encoding":
            pairs.append((name, b"identity" if plain else decodable(value)))
        elif lowered in placed:
            pairs.append(placed.pop(lowered))
        elif lowered not in HOP_BY_HOP and lowered not in dropped and not (own and lowered in CREDENTIALS):
            pairs.append((name, value))
    if has_body and b"content-length" not in head.by_name:
        pairs.append((b"content-length", _LENGTH))
    before, _, after = request_head(head.method, target.path, (*pairs, *placed.values())).partition(_LENGTH)
    return before, after
