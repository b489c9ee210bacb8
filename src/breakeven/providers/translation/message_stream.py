"""The events of a message (Anthropic) as the chunks of a chat completion (OpenAI)."""

from __future__ import annotations

from breakeven.providers.translation.events import EventTranslator
from breakeven.providers.translation.faults import chat_error
from breakeven.providers.translation.message_answer import FINISH, THINKING, tier
from breakeven.providers.translation.notation import Node, encoded
from breakeven.providers.translation.usage import chat_usage

_SERVER_FAULT = 500


class ChatChunks(EventTranslator):
    """Bytes of a message's stream go in, bytes of a completion's stream come out; only whole events are told.

    `wants_usage`: the caller asked for the extra chunk with the usage, and for `"usage": null` in all others.
    """

    def __init__(self, created: int, *, wants_usage: bool) -> None:
        super().__init__()
        self._created = created
        self._wants_usage = wants_usage
        self._head: Node = {}
        self._usage: Node = {}
        self._block: Node = {}
        self._calls = 0
        self._said = 0
        self._ended = False

    def _told(self, event: Node) -> bytes:
        match event.get("type"):
            case "message_start":
                told = self._begin(_node(event, "message"))
            case "content_block_start":
                told = self._block_start(_node(event, "content_block"))
            case "content_block_delta":
                told = self._delta(_node(event, "delta"))
            case "content_block_stop":
                told = self._block_stop()
            case "message_delta":
                told = self._finish(event)
            case "message_stop":
                told = self._end()
            case "error":
                told = self._fault(_node(event, "error"))
            case _:  # a ping
                told = b""
        return told

    def _finish(self, event: Node) -> bytes:
        self._usage |= {name: value for name, value in _node(event, "usage").items() if value is not None}
        return self._chunk({}, FINISH.get(str(_node(event, "delta").get("stop_reason")), "stop"))

    def _fault(self, said: Node) -> bytes:
        return b"data: " + encoded({"error": chat_error(said, _SERVER_FAULT)}) + b"\n\n"

    def _begin(self, message: Node) -> bytes:
        self._usage = dict(_node(message, "usage"))
        self._head = {
            "id": message.get("id"),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": message.get("model"),
        }
        served = tier(self._usage)
        if served is not None:
            self._head["service_tier"] = served
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def _block_start(self, given: Node) -> bytes:
        self._said = 0
        block = self._block = dict(given)
        if block.get("type") == "tool_use":
            function = {"name": block.get("name"), "arguments": ""}
            call = {"index": self._calls, "id": block.get("id"), "type": "function", "function": function}
            return self._chunk({"tool_calls": [call]})
        if block.get("type") == "text" and block.get("text"):
            return self._chunk({"content": block["text"]})
        return b""

    def _delta(self, delta: Node) -> bytes:
        kind = delta.get("type")
        if kind == "text_delta":
            return self._chunk({"content": delta.get("text")})
        if kind == "input_json_delta":
            return self._arguments(str(delta.get("partial_json") or ""))
        if kind == "thinking_delta":
            said = str(delta.get("thinking") or "")
            self._block["thinking"] = str(self._block.get("thinking") or "") + said
            return self._chunk({"reasoning_content": said})
        if kind == "signature_delta":
            self._block["signature"] = delta.get("signature")
        return b""

    def _arguments(self, piece: str) -> bytes:
        if not piece:
            return b""
        self._said += len(piece)
        return self._chunk({"tool_calls": [{"index": self._calls, "function": {"arguments": piece}}]})

    def _block_stop(self) -> bytes:
        """A tool without arguments has said nothing yet: OpenAI says an empty object. Thinking is repeated whole, signed."""
        block, self._block = self._block, {}
        if block.get("type") == "tool_use":
            rest = b"" if self._said else self._arguments(encoded(block.get("input") or {}).decode())
            self._calls += 1
            return rest
        return self._chunk({"thinking_blocks": [block]}) if block.get("type") in THINKING else b""

    def _end(self) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        last = b""
        if self._wants_usage:
            last = b"data: " + encoded({**self._head, "choices": [], "usage": chat_usage(self._usage)}) + b"\n\n"
        return last + b"data: [DONE]\n\n"

    def _chunk(self, delta: Node, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        asked = {"usage": None} if self._wants_usage else {}
        return b"data: " + encoded({**self._head, "choices": [choice], **asked}) + b"\n\n"


def _node(event: Node, name: str) -> Node:
    value = event.get(name)
    return value if isinstance(value, dict) else {}
