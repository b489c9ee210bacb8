"""What the two stream translators share: bytes to events, and what is told of a stream that cannot be read."""

from __future__ import annotations

from typing import Any

from breakeven.errors import DataError
from breakeven.providers.streams import SseDecoder
from breakeven.providers.translation.notation import Node


class EventTranslator:
    """Bytes of one dialect's stream go in, bytes of the other's come out; however they are cut, the same."""

    def __init__(self) -> None:
        self._decoder = SseDecoder()
        self._over = False

    def feed(self, content: bytes) -> bytes:
        """What the next bytes say."""
        if self._over:
            return b""
        try:
            events = self._decoder.feed(content)
        except DataError as fault:
            return self._unreadable(fault.what)
        return self._all(events)

    def close(self) -> bytes:
        """What the end of the stream completes."""
        if self._over:
            return b""
        last = self._all(self._decoder.close())
        return last if self._over else last + self._closed()

    def _all(self, events: list[Any]) -> bytes:
        """What events say, and the end mark after them; an event of another shape than the dialect's ends it all."""
        told: list[bytes] = []
        for event in events:
            try:
                told.append(self._told(event) if isinstance(event, dict) else b"")
            except (TypeError, AttributeError, KeyError, ValueError):
                return b"".join(told) + self._unreadable("an event has another shape than the dialect says")
        return b"".join(told) + self._done(self._decoder.done)

    def _unreadable(self, why: str) -> bytes:
        self._over = True
        return self._fault({"message": f"the vendor's stream cannot be read: {why}"})

    def _told(self, event: Node) -> bytes:
        raise NotImplementedError

    def _done(self, done: bool) -> bytes:  # noqa: FBT001 - what the decoder says
        """What follows the vendor's own end mark."""
        del done
        return b""

    def _closed(self) -> bytes:
        """What follows the last byte."""
        return b""

    def _fault(self, said: Node) -> bytes:
        raise NotImplementedError
