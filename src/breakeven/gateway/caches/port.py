"""The port of kept answers: what every store does, and what an entry is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

Found = Callable[["Entry | None"], None]


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

    def keep(self, space: str, key: bytes, entry: Entry, ttl: float, size: int) -> None:
        """Keep an entry for `ttl` seconds. A space holds at most `size` bytes: the least recently used go first."""

    def tick(self) -> None:
        """For the worker's slower timer: what can wait is done now."""

    def close(self) -> None:
        """Let go of files and connections."""


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Entry).decode
