"""What was said in a request and in its answer, whatever the dialect: the same texts as a task and as a reply.

Read by form, not by the name of an API, because a kept request may have been answered in another dialect than it was asked in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from breakeven.alignment.task import Task

_TEXTS = ("text", "input_text", "output_text")


def task_of(request: bytes, feature: str | None = None, workflow: str | None = None) -> Task | None:
    """The request as a task; None where it is not one of the known forms (chat, messages, responses, Google's contents)."""
    body = _mapping(request)
    if body is None:
        return None
    system, turns = _turns(body)
    if not turns or turns[-1][0] != "user":
        return None
    told = [text for role, text, _ in turns if role in ("system", "developer")]
    said = [turn for turn in turns if turn[0] not in ("system", "developer")]
    return Task(
        prompt=said[-1][1],
        system="\n".join(text for text in (system, *told) if text),
        earlier=tuple((role, text) for role, text, _ in said[:-1]),
        schema=_schema(body),
        tools=bool(body.get("tools") or body.get("functions")),
        media=any(media for _, _, media in said),
        feature=feature,
        workflow=workflow,
    )


def answer_of(response: bytes) -> str | None:
    """The text of a whole answer; None where it calls tools, refuses, or is of an unknown form."""
    body = _mapping(response) or {}
    read = next((read for name, kind, read in _ANSWERS if isinstance(body.get(name), kind) and body[name]), None)
    try:
        return None if read is None else read(body) or None
    except (AttributeError, TypeError, KeyError):  # a form that only looks like a known one
        return None


def _from_choices(body: Mapping[str, Any]) -> str | None:
    first = body["choices"][0]
    message = first.get("message")
    if isinstance(message, Mapping):
        return None if message.get("tool_calls") else _content(message.get("content"))[0]
    return first.get("text") if isinstance(first.get("text"), str) else None


def _from_output(body: Mapping[str, Any]) -> str | None:
    items = [item for item in body["output"] if item.get("type") != "reasoning"]
    said = [_blocks(item.get("content") or []) if item.get("type") == "message" else None for item in items]
    return None if None in said else "".join(text for text in said if text)


def _from_candidates(body: Mapping[str, Any]) -> str | None:
    parts = body["candidates"][0].get("content", {}).get("parts") or []
    return None if any("text" not in part for part in parts) else "".join(part["text"] for part in parts)


def _from_converse(body: Mapping[str, Any]) -> str | None:
    blocks = [block for block in body["output"]["message"]["content"] if "reasoningContent" not in block]
    return None if any("text" not in block for block in blocks) else "".join(block["text"] for block in blocks)


_ANSWERS: tuple[tuple[str, type, Callable[[Mapping[str, Any]], str | None]], ...] = (
    ("choices", list, _from_choices),
    ("content", list, lambda body: _blocks(body["content"])),
    ("output", list, _from_output),
    ("output", dict, _from_converse),
    ("candidates", list, _from_candidates),
    ("message", dict, lambda body: _content(body["message"].get("content"))[0]),
)


def _mapping(body: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return None


def _turns(body: Mapping[str, Any]) -> tuple[str, list[tuple[str, str, bool]]]:
    """The system text, and role, text and whether it carries media of every message."""
    if isinstance(body.get("contents"), list):
        told = body.get("systemInstruction") or body.get("system_instruction") or {}
        turns = [
            _turn({"role": each.get("role", "user"), "content": each.get("parts")})
            for each in body["contents"]
            if isinstance(each, Mapping)
        ]
        return _content(told.get("parts") if isinstance(told, Mapping) else None)[0], turns
    messages = body.get("messages", body.get("input"))
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    found = [_turn(each) for each in messages if isinstance(each, Mapping)] if isinstance(messages, list) else []
    return _content(body.get("system", body.get("instructions")))[0], found


def _turn(message: Mapping[str, Any]) -> tuple[str, str, bool]:
    text, media = _content(message.get("content"))
    return str(message.get("role", "")), text, media


def _content(content: object) -> tuple[str, bool]:
    """The text of a message's content, and whether it holds anything else."""
    if isinstance(content, str):
        return content, False
    if not isinstance(content, list):
        return "", content is not None
    texts = [part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str)]
    return "\n".join(texts), len(texts) < len(content)


def _blocks(content: list[Any]) -> str | None:
    """The texts of an answer's blocks; thinking is not part of what was said, a tool's call is an answer of another kind."""
    blocks = [
        block for block in content if isinstance(block, Mapping) and block.get("type") not in ("thinking", "redacted_thinking")
    ]
    if any(block.get("type") not in _TEXTS for block in blocks):
        return None
    return "".join(str(block.get("text", "")) for block in blocks) or None


def _schema(body: Mapping[str, Any]) -> Mapping[str, object] | None:
    """The JSON schema that the answer must follow."""
    asked = (
        body.get("response_format") or (body.get("text") or {} if isinstance(body.get("text"), Mapping) else {}).get("format") or {}
    )
    if not isinstance(asked, Mapping):
        return None
    inner = asked.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, Mapping) else asked.get("schema")
    return schema if isinstance(schema, Mapping) else None
