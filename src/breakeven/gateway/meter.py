"""Reading what passes: from the bytes of one answer, compressed or not, streamed or whole, to its `Reading`.

Whatever is wrong with an answer, the caller gets it as it is; a reading that cannot be made says so and the usage is unknown.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from breakeven.errors import DataError, Problem
from breakeven.gateway.streams import Sieve
from breakeven.providers import Reading, StreamReader
from breakeven.providers.accumulate import Framing
from breakeven.providers.eventstream import EventLines
from breakeven.providers.quick import QuickCall, quick_reading

LARGEST_METERED = 64 * 1024 * 1024
"""Bytes of one answer, decompressed, that are kept for reading; a longer one has unknown usage."""

LARGEST_CAPTURED = 4 * 1024 * 1024
"""Bytes of one body that are kept where a feature's charter wants bodies kept; a longer one is not."""

_GZIP_OR_ZLIB = 47
_OK = 200
_AMAZONS = b"application/vnd.amazon.eventstream"
_FRAMINGS: dict[bytes, Framing] = {
    b"text/event-stream": "sse",
    b"application/x-ndjson": "lines",
    b"application/jsonl": "lines",
    b"application/stream+json": "lines",
    _AMAZONS: "lines",
}


class _Inflater(Protocol):
    def decompress(self, content: bytes, max_length: int = 0, /) -> bytes:
        """The next decompressed bytes."""


@lru_cache(maxsize=256)
def framing_of(content_type: bytes) -> Framing:
    """How a body of this media type is divided into messages, once it can be read."""
    return _FRAMINGS.get(_media_type(content_type), "whole")


def _media_type(content_type: bytes) -> bytes:
    return content_type.split(b";", maxsplit=1)[0].strip().lower()


class Meter:
    """Reads one answer while it passes, or when it is complete."""

    __slots__ = ("_copy", "_copy_size", "_fault", "_inflater", "_kept", "_lines", "_quick", "_reader", "_sieve", "_size", "_status")

    def __init__(self, quick: QuickCall, status: int, content_type: bytes, encoding: bytes, *, keeps: bool = False) -> None:
        framing = framing_of(content_type)
        self._quick = quick
        self._status = status
        self._fault = ""
        self._size = 0
        self._kept: list[bytes] = []
        self._copy: list[bytes] | None = [] if keeps and framing != "whole" else None
        self._copy_size = 0
        self._inflater: _Inflater | None = None
        self._sieve: Sieve | None = None
        self._reader: StreamReader | None = None
        self._lines = EventLines() if framing == "lines" and _media_type(content_type) == _AMAZONS else None
        if encoding not in (b"", b"identity"):
            self._inflater = _inflater(encoding)
            if self._inflater is None:
                self._fault = f"the answer is compressed as {encoding.decode('ascii', 'replace')[:20]}, which cannot be read here"
        if framing != "whole":
            self._reader = StreamReader(replace(quick.call, http_status=status), framing)
            self._sieve = Sieve(self._reader) if framing == "sse" else None

    def feed(self, content: bytes) -> None:
        """The next bytes of the body."""
        if self._fault:
            return
        try:
            if self._inflater is not None:
                content = self._inflater.decompress(content, LARGEST_METERED)
            if self._lines is not None:
                content = self._lines.feed(content)
            if self._copy is not None:
                self._duplicate(content)
            if self._sieve is not None:
                self._sieve.feed(content)
            elif self._reader is not None:
                self._reader.feed(content)
            else:
                self._keep(content)
        except DataError as error:
            self._fault = error.what
        except zlib.error:
            self._fault = "the answer's compression is damaged"

    def reading(self) -> Reading:
        """What the answer says, now that it has ended or was cut."""
        if self._reader is None:
            whole = self._kept[0] if len(self._kept) == 1 else b"".join(self._kept)
            if self._status == _OK and not self._fault:
                found = quick_reading(whole, self._quick)
                if found is not None:
                    return found
            self._reader = StreamReader(replace(self._quick.call, http_status=self._status), "whole")
            self._kept = [whole]
        try:
            if self._sieve is not None:
                self._sieve.close()
            for content in self._kept:
                self._reader.feed(content)
            reading = self._reader.finish()
        except DataError as error:
            self._fault = self._fault or error.what
            reading = StreamReader(replace(self._quick.call, http_status=self._status), "sse").finish()
        if self._fault and reading.state == "metered":
            return replace(reading, state="usage_missing", parts=(), problems=(self._problem(),))
        return reading

    def body(self) -> bytes | None:
        """The answer as it came, decompressed, where it was to be kept; None where it is too long or damaged."""
        kept = self._kept if self._copy is None else self._copy
        return None if self._fault or not kept else b"".join(kept)

    def _duplicate(self, content: bytes) -> None:
        self._copy_size += len(content)
        if self._copy is not None and self._copy_size <= LARGEST_CAPTURED:
            self._copy.append(content)
        else:
            self._copy = None

    def _keep(self, content: bytes) -> None:
        self._size += len(content)
        if self._size > LARGEST_METERED:
            self._fault = f"the answer is longer than {LARGEST_METERED} bytes"
            self._kept.clear()
        else:
            self._kept.append(content)

    def _problem(self) -> Problem:
        return Problem("answer", self._fault, "Take the usage from the vendor's usage report.")


def _inflater(encoding: bytes) -> _Inflater | None:
    if encoding in (b"gzip", b"x-gzip"):
        return zlib.decompressobj(_GZIP_OR_ZLIB)
    return zlib.decompressobj() if encoding == b"deflate" else None


@lru_cache(maxsize=256)
def decodable(accepted: bytes) -> bytes:
    """The caller's `Accept-Encoding` without the codings that cannot be read here (br, zstd)."""
    kept = [each for each in accepted.split(b",") if each.split(b";")[0].strip().lower() in (b"gzip", b"deflate", b"identity")]
    return b",".join(kept).strip() or b"identity"
