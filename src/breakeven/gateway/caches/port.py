"""The port of kept answers: what every store does, and what an entry is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

Found = Callable[["Entry | None"], None]
Claimed = Callable[["Entry | bytes"], None]
"""Told the entry that is there by now, or else who asks for it: the claimant itself, or the one who claimed before."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One kept answer, as it was sent: its media type and bytes; the rung and model that gave it; what it used.

    `usage` are usage classes and quantities of the vendor's reading, from which the baseline's cost follows at any time.
    """

    content_type: bytes
    body: bytes
    model: str
    rung: str
    provider: str
    usage: tuple[tuple[str, int], ...]


class CacheStore(Protocol):
    """Entries by key, in spaces of bounded size.

    A fault of the store is a miss, or an entry that is not kept, never an exception: the call goes on.
    """

    def find(self, space: str, key: bytes, then: Found) -> None:
        """Look an entry up; `then` is told at once, or later in the same thread. An entry that has been found was used just now."""

    def keep(self, space: str, key: bytes, entry: Entry, ttl: float, size: int, owner: bytes = b"") -> None:
        """Keep an entry for `ttl` seconds. A space holds at most `size` bytes: the least recently used go first.

        The claim of `owner` ends with it, not before: who claims after that finds the entry.
        """

    def claim(self, space: str, key: bytes, owner: bytes, seconds: float, then: Claimed) -> None:
        """Say that `owner` asks for what is not there, so that nobody else does for so many seconds; again, to renew it.

        Where the store is at fault the claim is granted: the same is rather asked twice than not at all.
        """

    def release(self, space: str, key: bytes, owner: bytes) -> None:
        """The claim of `owner`, if it still is its own, ends without an entry."""

    def tick(self) -> None:
        """For the worker's slower timer: what can wait is done now."""

    def close(self) -> None:
        """Let go of files and connections."""


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Entry).decode
