"""Answers as APIs write them: the text of one that came, whole or as a stream, and one made of a text alone.

What is made here was written by no model: it states no usage but zero, and its id begins like the vendor's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

EVENT_STREAM = b"text/event-stream; charset=utf-8"
JSON = b"application/json"
_encode = msgspec.json.encode
_decode = msgspec.json.decode
_COMPLETE = frozenset({"stop", "end_turn", "stop_sequence", "completed", "tool_calls", "tool_use", "function_call"})
Node = Mapping[str, Any]


class Said(NamedTuple):
    """What an answer says: its text, whether it came to its own end, and whether it holds more than text (calls of tools)."""

    text: str
    complete: bool
    more: bool = False


def said(api: str, content: bytes, *, streamed: bool) -> Said | None:
    """What an answer of one of the `tasks.ANSWERABLE` APIs says; None where it cannot be read."""
    try:
        if streamed:
            return _STREAMED[api](_events(content))
        body = _decode(content)
        return _WHOLE[api](body) if isinstance(body, dict) else None
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _events(content: bytes) -> Iterator[Node]:
    """The JSON objects of an event stream, in order."""
    for line in content.splitlines():
        if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
            found = _decode(data)
            if isinstance(found, dict):
                yield found


def _first_choice(node: Node) -> Node | None:
    return next((choice for choice in node.get("choices") or () if not choice.get("index")), None)


def _chat(body: Node) -> Said | None:
    choice = _first_choice(body)
    if choice is None:
        return None
    message = choice["message"]
    more = bool(message.get("tool_calls") or message.get("function_call") or message.get("refusal") or message.get("audio"))
    return Said(message.get("content") or "", choice.get("finish_reason") in _COMPLETE, more)


def _chat_stream(events: Iterator[Node]) -> Said:
    texts: list[str] = []
    complete = more = False
    for event in events:
        choice = _first_choice(event)
        if choice is not None:
            delta = choice.get("delta") or {}
            texts.append(delta.get("content") or "")
            more = more or bool(delta.get("tool_calls") or delta.get("function_call") or delta.get("refusal"))
            complete = complete or choice.get("finish_reason") in _COMPLETE
    return Said("".join(texts), complete, more)


def _response(body: Node) -> Said:
    texts: list[str] = []
    more = False
    for item in body.get("output") or ():
        if item["type"] == "message":
            parts = item["content"]
            texts += [part["text"] for part in parts if part["type"] == "output_text"]
            more = more or any(part["type"] != "output_text" for part in parts)
        elif item["type"] != "reasoning":
            more = True
    return Said("".join(texts), body.get("status") == "completed", more)


def _response_stream(events: Iterator[Node]) -> Said | None:
    ended = [event["response"] for event in events if event.get("type") in ("response.completed", "response.incomplete")]
    return _response(ended[-1]) if ended else None


def _message(body: Node) -> Said:
    parts = body.get("content") or ()
    texts = [part["text"] for part in parts if part["type"] == "text"]
    more = any(part["type"] not in ("text", "thinking", "redacted_thinking") for part in parts)
    return Said("".join(texts), body.get("stop_reason") in _COMPLETE, more)


def _message_stream(events: Iterator[Node]) -> Said:
    texts: list[str] = []
    complete = more = False
    for event in events:
        kind = event.get("type")
        if kind == "content_block_start":
            more = more or event["content_block"]["type"] not in ("text", "thinking", "redacted_thinking")
        elif kind == "content_block_delta":
            texts.append(event["delta"].get("text") or "")
        elif kind == "message_delta":
            complete = event["delta"].get("stop_reason") in _COMPLETE
    return Said("".join(texts), complete, more)


_WHOLE = {"openai_chat": _chat, "openai_responses": _response, "anthropic": _message}
_STREAMED = {"openai_chat": _chat_stream, "openai_responses": _response_stream, "anthropic": _message_stream}


# --- made of a text ---------------------------------------------------------------------------------------------------------------


class Written(NamedTuple):
    """An answer ready to be sent."""

    content_type: bytes
    body: bytes


def written(api: str, text: str, model: str, call_id: str, created: int, *, streamed: bool, usage: bool = True) -> Written:
    """The answer of one of the `tasks.ANSWERABLE` APIs that says `text`; `usage`: a chat's stream ends with its usage."""
    name = call_id.replace("-", "")
    if api == "openai_chat":
        shared = {"id": f"chatcmpl-{name}", "created": created, "model": model}
        if streamed:
            return Written(EVENT_STREAM, b"".join(_chat_events(shared, text, usage=usage)))
        return Written(JSON, _encode(_chat_body(shared, text)))
    if api == "openai_responses":
        whole = _response_body(name, text, model, created)
        return Written(EVENT_STREAM, b"".join(_response_events(whole))) if streamed else Written(JSON, _encode(whole))
    message = {"id": f"msg_{name}", "type": "message", "role": "assistant", "model": model}
    if streamed:
        return Written(EVENT_STREAM, b"".join(_message_events(message, text)))
    ending = {"stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 0, "output_tokens": 0}}
    return Written(JSON, _encode({**message, "content": [{"type": "text", "text": text}], **ending}))


_NO_CHAT_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _event(value: Node | str, name: str = "") -> bytes:
    data = value.encode() if isinstance(value, str) else _encode(value)
    return (b"event: %b\n" % name.encode() if name else b"") + b"data: %b\n\n" % data


def _chat_body(shared: Node, text: str) -> Node:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**shared, "object": "chat.completion", "choices": [choice], "usage": _NO_CHAT_USAGE}


def _chat_events(shared: Node, text: str, *, usage: bool) -> Iterator[bytes]:
    head = {**shared, "object": "chat.completion.chunk"}
    more = {"usage": None} if usage else {}

    def chunk(delta: Node, finish: str | None) -> bytes:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], **more})

    yield chunk({"role": "assistant", "content": ""}, None)
    yield chunk({"content": text}, None)
    yield chunk({}, "stop")
    if usage:
        yield _event({**head, "choices": [], "usage": _NO_CHAT_USAGE})
    yield _event("[DONE]")


def _response_body(name: str, text: str, model: str, created: int) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": f"msg_{name}", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    usage = {
        "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 0, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
    }  # fmt: skip
    return {
        "id": f"resp_{name}", "object": "response", "created_at": created, "status": "completed", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "model": model, "output": [item],
        "parallel_tool_calls": True, "temperature": None, "tool_choice": "auto", "tools": [], "top_p": None, "usage": usage,
    }  # fmt: skip


def _response_events(whole: dict[str, Any]) -> Iterator[bytes]:
    item = whole["output"][0]
    part = item["content"][0]
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    started = {**item, "status": "in_progress", "content": []}
    events: tuple[tuple[str, Node], ...] = (
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": started}),
        ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
        ("response.output_text.delta", {**place, "delta": part["text"], "logprobs": []}),
        ("response.output_text.done", {**place, "text": part["text"], "logprobs": []}),
        ("response.content_part.done", {**place, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": whole}),
    )
    for number, (kind, members) in enumerate(events):
        yield _event({"type": kind, "sequence_number": number, **members}, kind)


def _message_events(message: Node, text: str) -> Iterator[bytes]:
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 0, "output_tokens": 0}}
    block = {"type": "text", "text": ""}
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    yield _event({"type": "message_start", "message": begun}, "message_start")
    yield _event({"type": "content_block_start", "index": 0, "content_block": block}, "content_block_start")
    if text:
        delta = {"type": "text_delta", "text": text}
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")
    yield _event({"type": "content_block_stop", "index": 0}, "content_block_stop")
    yield _event({"type": "message_delta", "delta": ending, "usage": {"output_tokens": 0}}, "message_delta")
    yield _event({"type": "message_stop"}, "message_stop")
