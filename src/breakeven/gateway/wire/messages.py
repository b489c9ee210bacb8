"""Requests and responses as the wire sees them: header pairs in the order they came, bodies as opaque bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

Headers = Sequence[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
        b"expect",
    }
)
"""Headers about one connection and not about the message; each side writes its own."""


class Head:
    """The head of a request: everything that does not depend on its body, nor on how long that is.

    `takes_chunks`: the caller speaks HTTP/1.1; an older one gets a body of unknown length unframed, up to the connection's end.
    Callers repeat their heads, so one is parsed once and remembered (`HeadMemory`); `notes` is for what others derive from it.
    """

    __slots__ = ("by_name", "headers", "keep_alive", "method", "notes", "takes_chunks", "target")

    def __init__(
        self, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], *, keep_alive: bool, takes_chunks: bool = True
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.by_name = {name.lower(): value for name, value in headers}
        self.keep_alive = keep_alive
        self.takes_chunks = takes_chunks
        self.notes: dict[object, Any] = {}


class Request:
    """One request of a caller. `started` is the loop's clock when its last byte had come."""

    __slots__ = ("body", "head", "started")

    def __init__(self, head: Head, body: bytes, started: float) -> None:
        self.head = head
        self.body = body
        self.started = started


_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: ([0-9]{1,9})\r\n")
_LONGEST_REMEMBERED = 8 * 1024
_MOST_REMEMBERED = 2048


class HeadMemory:
    """Heads that llhttp has accepted, by their bytes without the digits of the content length.

    Other digits in that one place change nothing about how a head is divided, so what was accepted once is known for ever. Heads
    with a transfer coding, an expectation or without a length are never kept.
    """

    def __init__(self) -> None:
        self._heads: dict[tuple[bytes, bytes], Head] = {}

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and body of `data` where it is exactly one request whose head is known."""
        end = data.find(b"\r\n\r\n") + 4
        found = _LENGTH.search(data, 0, end)
        if found is None or len(data) - end != int(found[1]):
            return None
        at, after = found.span(1)
        head = self._heads.get((data[:at], data[after:end]))
        return None if head is None else (head, data[end:])

    def keep(self, data: bytes, head: Head) -> None:
        """Remember the head of `data`, which was one whole request."""
        end = data.find(b"\r\n\r\n") + 4
        found = _LENGTH.search(data, 0, end)
        names = head.by_name
        if found is None or end > _LONGEST_REMEMBERED or len(data) - end != int(found[1]):
            return
        if b"transfer-encoding" in names or b"expect" in names:
            return
        if len(self._heads) >= _MOST_REMEMBERED:
            self._heads.clear()
        at, after = found.span(1)
        self._heads[data[:at], data[after:end]] = head


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may be at most; beyond it the answer is a clear 4xx. Times in seconds, sizes in bytes."""

    body: int = 32 * 1024 * 1024
    header_count: int = 100
    header_bytes: int = 32 * 1024
    target_bytes: int = 8 * 1024
    idle: float = 75.0
    request: float = 60.0


REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


def response_head(status: int, headers: Iterable[tuple[bytes, bytes]], reason: bytes = b"") -> bytes:
    """The head of a response, up to and with its empty line."""
    lines = [b"HTTP/1.1 %d %b" % (status, reason or REASONS.get(status, b"Unknown"))]
    lines += [b"%b: %b" % pair for pair in headers]
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def request_head(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a request, up to and with its empty line."""
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    lines += [b"%b: %b" % pair for pair in headers]
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def chunk(content: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(content), content)


UNFRAMED = (b"connection", b"close")
"""The framing of a body that ends with its connection."""

LAST_CHUNK = b"0\r\n\r\n"


@lru_cache(maxsize=256)
def connection_names(value: bytes | None) -> frozenset[bytes]:
    """The header names that a `Connection` header declares to be hop-by-hop too."""
    return frozenset(name.strip().lower() for name in (value or b"").split(b",") if name.strip())
