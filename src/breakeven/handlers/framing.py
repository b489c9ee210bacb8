"""What the gateway's worker and a handler's process say to each other: MessagePack in frames, led by their length in four bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeVar

import msgspec

from breakeven.alignment.task import Declined, Reply, Task

LARGEST = 64 * 1024 * 1024
"""Bytes of one message; a longer one ends the process."""
_LENGTH = 4
Message = TypeVar("Message", bound=msgspec.Struct)
_ENCODER = msgspec.msgpack.Encoder()


class Boot(msgspec.Struct, frozen=True, array_like=True):
    """The first message to a process: what it is to run, and how much memory it may use (0: no limit)."""

    name: str
    kind: str
    source: str
    options: Mapping[str, str]
    memory: int = 0


class Question(msgspec.Struct, frozen=True, array_like=True):
    """A task to be answered; or, with an answer, a reply to be judged."""

    number: int
    task: Task
    answer: Reply | None = None


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What became of a question: an answer, a decline, that the answer stands, or why it does not."""

    number: int
    kind: Literal["answered", "declined", "stands", "fault"]
    text: str = ""
    value: object = None

    def spoken(self) -> Reply | Declined:
        """The outcome of an `ask`."""
        return Reply(self.text, self.value) if self.kind == "answered" else Declined(self.text)


def frame(message: msgspec.Struct) -> bytes:
    """One message with its length before it."""
    body = _ENCODER.encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


class Frames:
    """Whole messages out of a stream of bytes. Raises ValueError where a message is longer than LARGEST."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes in, give out every message that is whole."""
        pending = self._pending
        pending += data
        while len(pending) >= _LENGTH:
            end = _LENGTH + int.from_bytes(pending[:_LENGTH], "big")
            if end > LARGEST:
                raise ValueError(f"a message of {end:,} bytes")
            if len(pending) < end:
                return
            body = bytes(pending[_LENGTH:end])
            del pending[:end]
            yield body


def decoder(kind: type[Message]) -> msgspec.msgpack.Decoder[Message]:
    """The decoder of one kind of message."""
    return msgspec.msgpack.Decoder(kind)
