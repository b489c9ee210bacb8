"""Event streams on their way through: usage asked for and taken out again, and only the telling events read.

`ask_for_usage` changes a request by one inserted member and nothing else. `UsageStripper` takes out of the answer exactly what the
asking put in. `Sieve` spares the reader the events that cannot change what a stream cost: nearly all of them.
"""

from __future__ import annotations

import json
import re

import msgspec

from breakeven.providers import StreamReader

_ASKED = b'"stream_options":{"include_usage":true}'
_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null(?=\s*[,}])|(?<=\{)"usage"\s*:\s*null\s*,')
_BOUNDARY = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LONGEST_EVENT = 4 * 1024 * 1024


class _Event(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


_event = msgspec.json.Decoder(_Event)


def ask_for_usage(body: bytes, given: bytes | None) -> bytes:
    """The request with `stream_options.include_usage` set; `given` is the caller's own `stream_options`, as it stands in the body.

    The member is put first, or replaces the caller's options with the same ones and the usage; all other bytes stay.
    """
    if given is None:
        start = body.index(b"{") + 1
        comma = b"" if body[start:].lstrip().startswith(b"}") else b","
        return body[:start] + _ASKED + comma + body[start:]
    options = msgspec.json.decode(given) or {}
    asked = msgspec.json.encode({**options, "include_usage": True})
    places = list(re.finditer(rb'"stream_options"\s*:\s*' + re.escape(given), body))
    if len(places) == 1:
        at = places[0].end() - len(given)
        return body[:at] + asked + body[at + len(given) :]
    request = json.loads(body)
    request["stream_options"] = {**options, "include_usage": True}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


def renamed(body: bytes, model: str, other: str) -> bytes:
    """The request with another model name; all other bytes stay."""
    quoted = msgspec.json.encode(model)
    places = list(re.finditer(rb'"model"\s*:\s*' + re.escape(quoted), body))
    if len(places) == 1:
        at = places[0].end() - len(quoted)
        return body[:at] + msgspec.json.encode(other) + body[at + len(quoted) :]
    request = json.loads(body)
    request["model"] = other
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


class _Costed(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw(b"")


def with_cost(body: bytes, dollars: str) -> bytes:
    """The answer with `"cost"` at the end of its usage object, the de-facto field; all other bytes stay."""
    try:
        usage = bytes(msgspec.json.decode(body, type=_Costed).usage)
    except msgspec.MsgspecError:
        return body
    at = body.rfind(usage)
    if not usage.endswith(b"}") or usage == b"{}" or b'"cost"' in usage or at < 0:
        return body
    end = at + len(usage) - 1
    return body[:end] + f',"cost":{dollars}'.encode() + body[end:]


def event_boundary(content: bytes | bytearray, start: int = 0) -> int:
    """Where the last complete event of `content` ends; 0 where none does."""
    ends = [at + len(mark) for mark in (b"\n\n", b"\r\n\r\n", b"\r\r") if (at := content.rfind(mark, start)) >= 0]
    return max(ends, default=0)


class UsageStripper:
    """Takes the usage that the caller did not ask for out of a stream of chat chunks.

    A vendor that was asked puts `"usage":null` into every chunk and sends one more chunk with empty choices. Both go; a chunk that
    has choices beside its usage stays as it is, because some vendors send it unasked.
    """

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, chunk: bytes) -> bytes:
        """What of the stream may go on now: only whole events."""
        content = self._kept + chunk if self._kept else chunk
        end = event_boundary(content)
        self._kept = content[end:]
        if len(self._kept) > _LONGEST_EVENT:
            end, self._kept = len(content), b""
        return self._stripped(content[:end]) if end else b""

    def close(self) -> bytes:
        """What was still held back: an event without its end goes on as it came."""
        kept, self._kept = self._kept, b""
        return kept

    def _stripped(self, events: bytes) -> bytes:
        if b'"usage"' not in events:
            return events
        without = _NULL_USAGE.sub(b"", events)
        if b'"usage"' not in without:
            return without
        kept: list[bytes] = []
        start = 0
        for found in _BOUNDARY.finditer(without):
            event = without[start : found.end()]
            start = found.end()
            if not _only_usage(event):
                kept.append(event)
        kept.append(without[start:])
        return b"".join(kept)


def _only_usage(event: bytes) -> bool:
    """Whether an event is the extra chunk: empty choices and a usage."""
    if b'"usage"' not in event:
        return False
    data = b"\n".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    try:
        said = _event.decode(data)
    except msgspec.MsgspecError:
        return False
    return said.choices == [] and bytes(said.usage) != b"null"


class Sieve:
    """Hands to a reader of server-sent events only those that can change its reading.

    Which those are the API says once an event has shown which API it is; until then, and where it does not say, all go to the
    reader. The reading is the same as without the sieve; a test holds them equal over every recorded stream, cut at every byte.
    """

    __slots__ = ("_all", "_kept", "_reader", "_telling")

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader
        self._kept = b""
        self._telling: tuple[bytes, ...] = ()
        self._all = False

    def feed(self, chunk: bytes) -> None:
        """The next bytes."""
        if self._all:
            self._reader.feed(chunk)
            return
        if self._kept or not chunk.endswith(b"\n\n"):
            chunk = self._whole_events(chunk)
        if self._telling:
            for mark in self._telling:
                if mark in chunk:
                    self._reader.feed(self._told(chunk))
                    return
        elif chunk:
            self._reader.feed(chunk)
            if self._reader.recognised:
                self._telling = self._reader.telling
                self._all = not self._telling
                if self._all:
                    self.close()

    def close(self) -> None:
        """The end of the stream."""
        if self._kept:
            self._reader.feed(self._kept)
            self._kept = b""

    def _whole_events(self, chunk: bytes) -> bytes:
        content = self._kept + chunk
        end = event_boundary(content)
        if len(content) - end > _LONGEST_EVENT:
            end = len(content)
        self._kept = content[end:]
        return content[:end]

    def _told(self, events: bytes) -> bytes:
        """The telling ones among whole events; all of them where they do not end in plain line feeds."""
        if b"\r" in events:
            return events
        told = [event for event in events.split(b"\n\n") if any(mark in event for mark in self._telling)]
        return b"\n\n".join(told) + b"\n\n"
