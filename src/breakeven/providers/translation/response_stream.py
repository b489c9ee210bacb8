"""The events of a message (Anthropic) as the events of a response (OpenAI)."""

from __future__ import annotations

from breakeven.providers.translation.events import EventTranslator
from breakeven.providers.translation.faults import chat_error
from breakeven.providers.translation.message_answer import THINKING
from breakeven.providers.translation.notation import Node, encoded
from breakeven.providers.translation.response_answer import call_item, item_of, text_part, whole

_SERVER_FAULT = 500


class ResponseEvents(EventTranslator):
    """Bytes of a message's stream go in, bytes of a response's stream come out; only whole events are told."""

    def __init__(self, created: int, *, wants_usage: bool) -> None:
        super().__init__()
        del wants_usage  # a response always says its usage
        self._created = created
        self._message: Node = {}
        self._items: list[Node] = []
        self._block: Node = {}
        self._name = ""
        self._said = ""
        self._blocks = 0
        self._number = 0

    def _told(self, event: Node) -> bytes:
        match event.get("type"):
            case "message_start":
                told = self._begin(_node(event, "message"))
            case "content_block_start":
                told = self._open(dict(_node(event, "content_block")))
            case "content_block_delta":
                told = self._delta(_node(event, "delta"))
            case "content_block_stop":
                told = self._close_item()
            case "message_delta":
                told = self._ending(event)
            case "message_stop":
                told = self._end()
            case "error":
                told = self._fault(_node(event, "error"))
            case _:  # a ping
                told = b""
        return told

    def _fault(self, said: Node) -> bytes:
        error = chat_error(said, _SERVER_FAULT)
        return self._event("error", code=error["code"], message=error["message"], param=None)

    def _begin(self, message: Node) -> bytes:
        self._message = {**message, "stop_reason": None, "usage": dict(_node(message, "usage"))}
        begun = whole(self._message, self._created, [])
        return self._event("response.created", response=begun) + self._event("response.in_progress", response=begun)

    def _open(self, block: Node) -> bytes:
        self._block, self._said = block, ""
        self._name = f"{self._message.get('id')}_{self._blocks}"
        self._blocks += 1
        kind = block.get("type")
        if kind == "text":
            item: Node = {"id": self._name, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
            told = self._event("response.output_item.added", output_index=self._at, item=item)
            told += self._event("response.content_part.added", **self._place(content_index=0), part=text_part(""))
            first = str(block.get("text") or "")
            return told + (self._text(first) if first else b"")
        if kind == "tool_use":
            return self._event(
                "response.output_item.added", output_index=self._at, item=call_item(block, self._name, "", "in_progress")
            )
        if kind in THINKING:
            item = {"id": self._name, "type": "reasoning", "summary": []}
            return self._event("response.output_item.added", output_index=self._at, item=item)
        return b""

    def _delta(self, delta: Node) -> bytes:
        kind = delta.get("type")
        if kind == "text_delta":
            return self._text(str(delta.get("text") or ""))
        if kind == "input_json_delta":
            return self._arguments(str(delta.get("partial_json") or ""))
        if kind == "thinking_delta":
            return self._thought(str(delta.get("thinking") or ""))
        if kind == "signature_delta":
            self._block["signature"] = delta.get("signature")
        return b""

    def _text(self, piece: str) -> bytes:
        self._said += piece
        return self._event("response.output_text.delta", **self._place(content_index=0), delta=piece, logprobs=[])

    def _arguments(self, piece: str) -> bytes:
        self._said += piece
        return self._event("response.function_call_arguments.delta", **self._place(), delta=piece) if piece else b""

    def _thought(self, piece: str) -> bytes:
        told = b""
        if not self._said:
            part = {"type": "summary_text", "text": ""}
            told = self._event("response.reasoning_summary_part.added", **self._place(summary_index=0), part=part)
        self._said += piece
        return told + self._event("response.reasoning_summary_text.delta", **self._place(summary_index=0), delta=piece)

    def _close_item(self) -> bytes:
        block, said = self._block, self._said
        kind, arguments = block.get("type"), ""
        told = b""
        if kind == "text":
            block["text"] = said
            told = self._event("response.output_text.done", **self._place(content_index=0), text=said, logprobs=[])
            told += self._event("response.content_part.done", **self._place(content_index=0), part=text_part(said))
        elif kind == "tool_use":
            arguments = said or encoded(block.get("input") or {}).decode()
            told = b"" if said else self._arguments(arguments)
            told += self._event(
                "response.function_call_arguments.done", **self._place(), name=block.get("name"), arguments=arguments
            )
        elif kind in THINKING and said:
            block["thinking"] = said
            place = self._place(summary_index=0)
            told = self._event("response.reasoning_summary_text.done", **place, text=said)
            told += self._event("response.reasoning_summary_part.done", **place, part={"type": "summary_text", "text": said})
        if kind == "tool_use":  # as they came: an answer that was cut may have cut them, too
            item = call_item(block, self._name, arguments, "completed")
        else:
            item = item_of(block, str(self._message.get("id")), self._blocks - 1)
        if not item:
            return told
        told += self._event("response.output_item.done", output_index=self._at, item=item)
        self._items.append(item)
        return told

    def _ending(self, event: Node) -> bytes:
        self._message["stop_reason"] = _node(event, "delta").get("stop_reason")
        self._message["usage"] |= {name: value for name, value in _node(event, "usage").items() if value is not None}
        return b""

    def _end(self) -> bytes:
        found = whole(self._message, self._created, self._items)
        return self._event(f"response.{found['status']}", response=found)

    @property
    def _at(self) -> int:
        """Where the item that is being told will stand."""
        return len(self._items)

    def _place(self, **more: int) -> Node:
        return {"item_id": self._name, "output_index": self._at, **more}

    def _event(self, kind: str, **more: object) -> bytes:
        said = encoded({"type": kind, "sequence_number": self._number, **more})
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + said + b"\n\n"


def _node(event: Node, name: str) -> Node:
    value = event.get(name)
    return value if isinstance(value, dict) else {}
