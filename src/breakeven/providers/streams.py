"""Event streams, byte by byte: what has arrived so far becomes JSON events, however the network cut it.

`SseDecoder` follows the WHATWG rules for server-sent events (any line ending, comments, data over several lines); `LineDecoder`
reads newline-delimited JSON. Both take chunks of any size and give the same events for every way of cutting.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Protocol

from breakeven.errors import DataError, Problem

DONE = "[DONE]"
_REMEDY = "The recording is damaged here; take the usage from the vendor's report."


_DECODER = json.JSONDecoder(parse_float=Decimal)


class Decoder(Protocol):
    """Turns bytes into JSON values. `done` is set once the vendor's own end mark was seen."""

    done: bool
    problems: list[Problem]

    def feed(self, chunk: bytes) -> list[Any]:
        """The events that are complete now."""

    def close(self) -> list[Any]:
        """The events that the end of input completes."""


def parse(text: str) -> object:
    """The JSON value of a text, with exact decimals. Raises ValueError, also where it nests too deeply."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it nests too deeply") from None


class _Lines:
    """Complete lines of a byte stream, whether they end in LF, CR or CRLF. Raises DataError where the text is not UTF-8."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._text = codecs.getincrementaldecoder("utf-8-sig")()
        self._pending: list[str] = []
        self._after_return = False

    def feed(self, chunk: bytes, *, final: bool = False) -> Iterator[str]:
        """The lines that are complete now; with `final` also the rest."""
        try:
            text = self._text.decode(chunk)
        except UnicodeDecodeError as error:
            problem = Problem(
                self._where or "body", "the bytes are not UTF-8 text", "Give the body as the vendor sent it, decompressed."
            )
            raise DataError(problem.what, problem.remedy, (problem,)) from error
        if final and self._text.getstate()[0]:
            text += "\ufffd"  # the stream was cut inside a character
        if self._after_return and text:
            text = text.removeprefix("\n")
            self._after_return = False
        if text.endswith("\r"):
            self._after_return = True
        *complete, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in complete:
            yield "".join((*self._pending, line))
            self._pending.clear()
        self._pending.append(rest)
        if final and any(self._pending):
            yield "".join(self._pending)
            self._pending.clear()


class _Events:
    """JSON events with the place where a broken one stood."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.done = False
        self.problems: list[Problem] = []

    def parsed(self, text: str, line: int) -> list[Any]:
        """The event, or none and a Problem."""
        if text.strip() == DONE:
            self.done = True
            return []
        try:
            return [parse(text)]
        except ValueError:
            self.problems.append(Problem(f"{self.where or 'stream'}:{line}", "this event is not JSON", _REMEDY))
            return []


class SseDecoder:
    """Server-sent events whose data are JSON."""

    def __init__(self, where: str = "") -> None:
        self._lines = _Lines(where)
        self._events = _Events(where)
        self._data: list[str] = []
        self._number = 0
        self.problems = self._events.problems
        self.done = False

    def feed(self, chunk: bytes) -> list[Any]:
        """The events that are complete now."""
        return [event for line in self._lines.feed(chunk) for event in self._line(line)]

    def close(self) -> list[Any]:
        """The last event, also where its empty line is missing: a recording often ends without it."""
        events = [event for line in self._lines.feed(b"", final=True) for event in self._line(line)]
        return events + self._dispatch()

    def _line(self, line: str) -> list[Any]:
        self._number += 1
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
        return []

    def _dispatch(self) -> list[Any]:
        if not self._data:
            return []
        text = "\n".join(self._data)
        self._data.clear()
        events = self._events.parsed(text, self._number) if text.strip() else []
        self.done = self._events.done
        return events


class LineDecoder:
    """Newline-delimited JSON."""

    def __init__(self, where: str = "") -> None:
        self._lines = _Lines(where)
        self._events = _Events(where)
        self._number = 0
        self.problems = self._events.problems
        self.done = False

    def feed(self, chunk: bytes) -> list[Any]:
        """The events that are complete now."""
        return self._parsed(self._lines.feed(chunk))

    def close(self) -> list[Any]:
        """The last line, also where its line end is missing."""
        return self._parsed(self._lines.feed(b"", final=True))

    def _parsed(self, lines: Iterator[str]) -> list[Any]:
        events: list[Any] = []
        for line in lines:
            self._number += 1
            if line.strip():
                events += self._events.parsed(line, self._number)
        self.done = self._events.done
        return events
