"""What the two stream translators share: bytes to events, and what is told of a stream that cannot be read."""

from __future__ import annotations

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
            self._over = True
            return self._fault({"message": f"the vendor's stream cannot be read: {fault.what}"})
        return b"".join(self._told(event) for event in events if isinstance(event, dict)) + self._done(self._decoder.done)

    def close(self) -> bytes:
        """What the end of the stream completes."""
        if self._over:
            return b""
        last = b"".join(self._told(event) for event in self._decoder.close() if isinstance(event, dict))
        return last + self._done(self._decoder.done) + self._closed()

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
