"""The chunks of a chat completion (OpenAI) as the events of a message (Anthropic)."""

from __future__ import annotations

from breakeven.providers.translation.chat_answer import reason, reasoning
from breakeven.providers.translation.events import EventTranslator
from breakeven.providers.translation.faults import message_error
from breakeven.providers.translation.notation import Node, encoded
from breakeven.providers.translation.usage import message_usage

_SERVER_FAULT = 500
_EMPTY = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


class MessageEvents(EventTranslator):
    """Bytes of a completion's stream go in, bytes of a message's stream come out; only whole events are told.

    Usage comes last in one dialect and first in the other: the message begins with zeros, and its end says the whole usage, which
    clients take in their place.
    """

    def __init__(self, created: int, *, wants_usage: bool) -> None:
        del created, wants_usage  # a message has no date, and always says its usage
        super().__init__()
        self._begun = False
        self._open = ""
        self._index = -1
        self._call: object = None
        self._past: set[object] = set()
        self._finish: object = None
        self._refused = False
        self._usage: Node = {}
        self._ended = False

    def _done(self, done: bool) -> bytes:  # noqa: FBT001 - what the decoder says
        return self._end() if done else b""

    def _closed(self) -> bytes:
        """A stream that never said why it ended stays without an end."""
        return self._end() if self._finish is not None else b""

    def _fault(self, said: Node) -> bytes:
        self._ended = True
        return _event("error", error=message_error(said, _SERVER_FAULT))

    def _told(self, chunk: Node) -> bytes:
        if self._ended:
            return b""
        error = chunk.get("error")
        if error:
            return self._fault(error if isinstance(error, dict) else {})
        grouped = chunk.get("x_groq")
        usage = chunk.get("usage") or (grouped.get("usage") if isinstance(grouped, dict) else None)
        if isinstance(usage, dict):
            self._usage = usage
        told = b"" if self._begun else self._begin(chunk)
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        delta = choice.get("delta")
        if isinstance(delta, dict):
            told += self._delta(delta)
        self._finish = choice.get("finish_reason") or self._finish
        return told

    def _begin(self, chunk: Node) -> bytes:
        self._begun = True
        message: Node = {
            "id": chunk.get("id"),
            "type": "message",
            "role": "assistant",
            "model": chunk.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": message_usage({}),
        }
        return _event("message_start", message=message)

    def _delta(self, delta: Node) -> bytes:
        told = b""
        if thoughts := reasoning(delta):
            told += self._open_block("thinking") + self._piece(type="thinking_delta", thinking=thoughts)
        for name in ("content", "refusal"):
            said = delta.get(name)
            if isinstance(said, str) and said:
                self._refused = self._refused or name == "refusal"
                told += self._open_block("text") + self._piece(type="text_delta", text=said)
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            told += self._tool(call) if isinstance(call, dict) else b""
        return told

    def _tool(self, call: Node) -> bytes:
        """A piece of a tool's call. A new one closes the one before; pieces of one that is closed cannot be told any more."""
        number = call.get("index", 0)
        function = call.get("function")
        said: Node = function if isinstance(function, dict) else {}
        told = b""
        if self._open != "tool_use" or self._call != number:
            if number in self._past:
                return self._fault({"message": "the vendor mixed the calls of two tools"})
            self._past.add(number)
            block: Node = {"type": "tool_use", "id": call.get("id"), "name": said.get("name"), "input": {}}
            told = self._open_block("tool_use", block)
            self._call = number
        pieces = said.get("arguments")
        return told + self._piece(type="input_json_delta", partial_json=pieces) if pieces else told

    def _open_block(self, kind: str, block: Node | None = None) -> bytes:
        if self._open == kind and block is None:
            return b""
        told = self._close_block()
        self._open = kind
        self._index += 1
        return told + _event("content_block_start", index=self._index, content_block=block or _EMPTY[kind])

    def _close_block(self) -> bytes:
        was, self._open = self._open, ""
        return _event("content_block_stop", index=self._index) if was else b""

    def _piece(self, **delta: object) -> bytes:
        return _event("content_block_delta", index=self._index, delta=delta)

    def _end(self) -> bytes:
        if self._ended or not self._begun:
            return b""
        self._ended = True
        ending = {"stop_reason": reason(self._finish, refused=self._refused), "stop_sequence": None}
        told = self._close_block() + _event("message_delta", delta=ending, usage=message_usage(self._usage))
        return told + _event("message_stop")


def _event(kind: str, **more: object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + encoded({"type": kind, **more}) + b"\n\n"
