"""An answer that came as a stream, put together as if it had come whole: what a person reads and a program compares.

Only text and tool calls are put together, with the model, the reason of the end and the last usage that the stream tells. A stream
whose events are not known is not put together (None).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

Event = dict[str, Any]


def assembled(stream: bytes) -> bytes | None:
    """The whole answer of a stream of server-sent events or of JSON lines; None where its events are not known."""
    events = list(_events(stream))
    for build in (_responses, _messages, _chat, _google, _converse, _ollama):
        whole = build(events)
        if whole is not None:
            return msgspec.json.encode(whole)
    return None


def _events(stream: bytes) -> Iterator[Event]:
    for line in stream.splitlines():
        data = line[5:].strip() if line.startswith(b"data:") else line.strip() if line.startswith(b"{") else b""
        if data.startswith(b"{"):
            try:
                yield msgspec.json.decode(data, type=Event)
            except msgspec.MsgspecError:
                continue


def _responses(events: list[Event]) -> Event | None:
    """OpenAI's Responses: the last event holds the whole answer."""
    for event in reversed(events):
        whole = event.get("response")
        if event.get("type") in ("response.completed", "response.incomplete", "response.failed") and isinstance(whole, dict):
            return whole
    return None


def _messages(events: list[Event]) -> Event | None:
    """Anthropic's Messages."""
    start = next((event for event in events if event.get("type") == "message_start"), None)
    if start is None or not isinstance(start.get("message"), dict):
        return None
    whole: Event = {**start["message"]}
    blocks: dict[int, Event] = {}
    for event in events:
        kind = event.get("type")
        if kind == "content_block_start":
            blocks[event.get("index", len(blocks))] = {**event.get("content_block", {})}
        elif kind == "content_block_delta":
            _grow(blocks.setdefault(event.get("index", 0), {"type": "text", "text": ""}), event.get("delta", {}))
        elif kind == "message_delta":
            whole |= {name: value for name, value in event.get("delta", {}).items() if value is not None}
            whole["usage"] = {**(whole.get("usage") or {}), **(event.get("usage") or {})}
    whole["content"] = [_closed(blocks[index]) for index in sorted(blocks)]
    return whole


def _grow(block: Event, delta: Event) -> None:
    for name, grown in (("text", "text"), ("thinking", "thinking"), ("partial_json", "arguments")):
        if isinstance(delta.get(name), str):
            block[grown] = block.get(grown, "") + delta[name]


def _closed(block: Event) -> Event:
    """A tool's input comes in pieces of JSON text."""
    text = block.pop("arguments", None)
    if text:
        try:
            block["input"] = msgspec.json.decode(text.encode())
        except msgspec.MsgspecError:
            block["input"] = text
    return block


def _chat(events: list[Event]) -> Event | None:
    """OpenAI's chat and text completions, and whoever speaks like them."""
    chunks = [event for event in events if isinstance(event.get("choices"), list)]
    if not chunks:
        return None
    first = chunks[0]
    choices: dict[int, Event] = {}
    for event in chunks:
        for said in event["choices"]:
            if isinstance(said, dict):
                _add_choice(choices.setdefault(said.get("index") or 0, {}), said)
    whole: Event = {name: first[name] for name in ("id", "created", "model", "system_fingerprint") if name in first}
    whole["object"] = str(first.get("object", "chat.completion")).removesuffix(".chunk")
    whole["choices"] = [{"index": index, **_with_tools(choices[index])} for index in sorted(choices)]
    usage = next((event["usage"] for event in reversed(events) if event.get("usage")), None)
    return whole if usage is None else {**whole, "usage": usage}


def _add_choice(choice: Event, said: Event) -> None:
    if said.get("finish_reason") is not None:
        choice["finish_reason"] = said["finish_reason"]
    if isinstance(said.get("text"), str):
        choice["text"] = choice.get("text", "") + said["text"]
    delta = said.get("delta")
    if not isinstance(delta, dict):
        return
    message = choice.setdefault("message", {"role": "assistant", "content": None})
    for name in ("content", "refusal", "reasoning_content"):
        if isinstance(delta.get(name), str):
            message[name] = (message.get(name) or "") + delta[name]
    for call in delta.get("tool_calls") or ():
        tools: dict[int, Event] = message.setdefault("tools", {})
        tool = tools.setdefault(call.get("index", 0), {"type": "function", "function": {"name": "", "arguments": ""}})
        if call.get("id"):
            tool["id"] = call["id"]
        for name in ("name", "arguments"):
            tool["function"][name] += (call.get("function") or {}).get(name) or ""


def _with_tools(choice: Event) -> Event:
    message = choice.get("message", {})
    tools = message.pop("tools", None)
    if tools:
        message["tool_calls"] = [tools[index] for index in sorted(tools)]
    return choice


def _google(events: list[Event]) -> Event | None:
    """Google's generateContent: each chunk is an answer with the next parts."""
    chunks = [event for event in events if isinstance(event.get("candidates"), list)]
    if not chunks:
        return None
    parts: list[Event] = []
    reason = None
    for event in chunks:
        for candidate in event["candidates"][:1]:
            reason = candidate.get("finishReason", reason)
            for part in candidate.get("content", {}).get("parts") or ():
                if parts and parts[-1].keys() == part.keys() == {"text"}:
                    parts[-1] = {"text": parts[-1]["text"] + part["text"]}
                else:
                    parts.append(part)
    last = {name: value for name, value in chunks[-1].items() if name != "candidates"}
    return {**last, "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason}]}


def _converse(events: list[Event]) -> Event | None:
    """Amazon's Converse: each event is the only member of an object."""
    named = [(name, said) for event in events for name, said in event.items() if isinstance(said, dict)]
    start = next((said for name, said in named if name == "messageStart"), None)
    if start is None:
        return None
    blocks: dict[int, Event] = {}
    whole: Event = {}
    for name, said in named:
        block = blocks.setdefault(said["contentBlockIndex"], {}) if "contentBlockIndex" in said else {}
        if name == "contentBlockStart":
            block |= said.get("start") or {}
        elif name == "contentBlockDelta":
            _grow_converse(block, said.get("delta") or {})
        elif name in ("messageStop", "metadata"):
            whole |= said
    content = [blocks[index] for index in sorted(blocks)]
    return {**whole, "output": {"message": {"role": start.get("role", "assistant"), "content": content}}}


def _grow_converse(block: Event, delta: Event) -> None:
    if isinstance(delta.get("text"), str):
        block["text"] = block.get("text", "") + delta["text"]
    for name in ("toolUse", "reasoningContent"):
        if isinstance(delta.get(name), dict):
            held = block.setdefault(name, {})
            for key, value in delta[name].items():
                held[key] = held.get(key, "") + value if isinstance(value, str) else value


def _ollama(events: list[Event]) -> Event | None:
    """Ollama's chat: JSON lines, the last one with the counts."""
    chunks = [event for event in events if isinstance(event.get("message"), dict) and "done" in event]
    if not chunks:
        return None
    text = "".join(str(event["message"].get("content") or "") for event in chunks)
    return {**chunks[-1], "message": {"role": "assistant", "content": text}}
