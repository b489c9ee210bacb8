"""The head of a request for a vendor: the caller's own, but for what is about us, about one connection, or secret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from breakeven.gateway.credentials import CREDENTIALS
from breakeven.gateway.meter import decodable
from breakeven.gateway.wire.messages import HOP_BY_HOP, Head, Headers, connection_names, request_head

if TYPE_CHECKING:
    from breakeven.gateway.targets import Target

_LENGTH = b"\0"
"""Where the length of the body will stand; no header can contain this byte."""


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
