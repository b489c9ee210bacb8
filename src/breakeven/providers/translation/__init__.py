"""Calls of one dialect at a vendor of the other: what is sent, and what comes back, in the words of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from breakeven.providers.translation.chat_answer import to_message_answer
from breakeven.providers.translation.chat_request import LONGEST_ANSWER, Aim, to_message_request
from breakeven.providers.translation.chat_stream import MessageEvents
from breakeven.providers.translation.faults import chat_fault, message_fault
from breakeven.providers.translation.message_answer import to_chat_answer
from breakeven.providers.translation.message_request import to_chat_request
from breakeven.providers.translation.message_stream import ChatChunks
from breakeven.providers.translation.notation import Node, Untranslatable, decoded, encoded
from breakeven.providers.translation.response_answer import to_response
from breakeven.providers.translation.response_request import response_as_message_request
from breakeven.providers.translation.response_stream import ResponseEvents

__all__ = ["LONGEST_ANSWER", "TRANSLATIONS", "Aim", "StreamTranslator", "Translation", "Untranslatable"]


class StreamTranslator(Protocol):
    """Bytes of the vendor's stream go in, bytes of the caller's dialect come out."""

    def feed(self, content: bytes) -> bytes:
        """What the next bytes say."""

    def close(self) -> bytes:
        """What the end of the stream completes."""


@dataclass(frozen=True, slots=True)
class Translation:
    """One direction: calls to `path` of the dialect `caller` go to `there`.

    `dropped`: headers of the caller that mean nothing at the other vendor; `added`: those that it needs; `request_id`: how the
    header with the id of a call is named there, and at the caller's.
    """

    caller: str
    path: str
    there: str
    ask: Callable[[Node, Aim], Node]
    answer: Callable[[Node, int], Node]
    stream: Callable[..., StreamTranslator]
    fault: Callable[[int, bytes], bytes]
    dropped: frozenset[bytes]
    request_id: tuple[bytes, bytes]
    added: tuple[tuple[bytes, bytes], ...] = ()

    def request(self, body: bytes, aim: Aim) -> bytes:
        """The request as the vendor understands it. Raises Untranslatable."""
        asked = decoded(body, "body")
        try:
            return encoded(self.ask(asked, aim))
        except _OTHER_TYPES:
            raise Untranslatable("body", "a member has another type than the dialect says") from None

    def response(self, body: bytes, created: int) -> bytes:
        """The answer as the caller understands it; `created` is its time in seconds since 1970. Raises Untranslatable."""
        answered = decoded(body, "answer")
        try:
            return encoded(self.answer(answered, created))
        except _OTHER_TYPES:
            raise Untranslatable("answer", "a member has another type than the dialect says") from None


_OTHER_TYPES = (TypeError, AttributeError, KeyError, ValueError)  # what JSON of unexpected types does to code that expects others
_OF_OPENAI = frozenset({b"openai-organization", b"openai-project", b"openai-beta", b"accept"})
_OF_ANTHROPIC = frozenset({b"anthropic-version", b"anthropic-beta", b"anthropic-dangerous-direct-browser-access", b"accept"})

TRANSLATIONS: Mapping[tuple[str, str], Translation] = {
    ("/v1/chat/completions", "anthropic"): Translation(
        "openai",
        "/v1/chat/completions",
        "/v1/messages",
        to_message_request,
        to_chat_answer,
        ChatChunks,
        chat_fault,
        _OF_OPENAI,
        (b"request-id", b"x-request-id"),
        ((b"anthropic-version", b"2023-06-01"),),
    ),
    ("/v1/responses", "anthropic"): Translation(
        "openai",
        "/v1/responses",
        "/v1/messages",
        response_as_message_request,
        to_response,
        ResponseEvents,
        chat_fault,
        _OF_OPENAI,
        (b"request-id", b"x-request-id"),
        ((b"anthropic-version", b"2023-06-01"),),
    ),
    ("/v1/messages", "openai"): Translation(
        "anthropic",
        "/v1/messages",
        "/v1/chat/completions",
        to_chat_request,
        to_message_answer,
        MessageEvents,
        message_fault,
        _OF_ANTHROPIC,
        (b"x-request-id", b"request-id"),
    ),
}
"""By the path that is called and the dialect of the provider that is to answer."""
