"""A chat completion request (OpenAI) as a message request (Anthropic)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from breakeven.providers.translation.checking import check, check_kind
from breakeven.providers.translation.notation import Node, Untranslatable, decoded, node, nodes, some, text
from breakeven.settings.dialects import CHAT, CHAT_MESSAGE, CHAT_PART

LONGEST_ANSWER = 8_192
"""`max_tokens` where neither the caller nor the route says it; an answer that is cut there says so (`length`)."""
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[^,;]*)*;base64,(.*)\Z", re.DOTALL)
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Aim:
    """What the place that a call goes to adds to it: another model name, the longest answer, whose dialect it is."""

    model: str | None = None
    longest: int = LONGEST_ANSWER
    vendor: str = ""
    stream_usage: bool = True


def to_message_request(chat: Node, aim: Aim) -> Node:
    """The request in Anthropic's dialect. Raises Untranslatable naming the member that cannot be carried."""
    check(CHAT, chat)
    system, messages = _conversation(chat)
    effort, tier = chat.get("reasoning_effort"), chat.get("service_tier")
    output = some(effort=_effort(effort), format=_format(chat.get("response_format")))
    person = chat.get("safety_identifier") or chat.get("user")
    stop = chat.get("stop")
    return some(
        model=aim.model or chat.get("model"),
        max_tokens=chat.get("max_completion_tokens") or chat.get("max_tokens") or aim.longest,
        system=system or None,
        messages=messages,
        tools=[_tool(each, at) for at, each in nodes(chat.get("tools"), "tools")] or None,
        tool_choice=_choice(chat),
        output_config=output or None,
        thinking={"type": "disabled"} if effort == "none" else None,
        stop_sequences=[stop] if isinstance(stop, str) else stop or None,
        temperature=_temperature(chat.get("temperature")),
        top_p=chat.get("top_p"),
        stream=chat.get("stream"),
        metadata={"user_id": person} if person else None,
        service_tier=_tier(tier),
    )


def _temperature(value: Any) -> Any:  # noqa: ANN401 - a JSON number
    if value is not None and value > 1:
        raise Untranslatable("temperature", "it is above 1, the highest that the other dialect knows")
    return value


def _effort(effort: object) -> str | None:
    if effort is None or effort == "none":
        return None
    if effort not in _EFFORTS:
        raise Untranslatable("reasoning_effort", f"{str(effort)[:40]!r} is not known in the other dialect")
    return _EFFORTS[str(effort)]


def _tier(tier: object) -> str | None:
    if tier in (None, "auto"):
        return None
    if tier != "default":
        raise Untranslatable("service_tier", f"{str(tier)[:40]!r} has no counterpart in the other dialect")
    return "standard_only"


def _format(asked: object) -> Node | None:
    if asked is None:
        return None
    kind = node(asked, "response_format").get("type")
    if kind == "text":
        return None
    if kind != "json_schema":
        raise Untranslatable("response_format", f"{str(kind)[:40]!r} names no schema; use json_schema")
    said = node(node(asked, "response_format").get("json_schema"), "response_format.json_schema")
    schema = node(said.get("schema"), "response_format.json_schema.schema")
    described = {"description": said["description"]} if said.get("description") and "description" not in schema else {}
    return {"type": "json_schema", "schema": {**schema, **described}}


# --- tools ------------------------------------------------------------------------------------------------------------------------


def _tool(tool: Node, at: str) -> Node:
    if tool.get("type") != "function":
        raise Untranslatable(at, f"a tool of type {str(tool.get('type'))[:40]!r} cannot be carried over; use functions")
    function = node(tool.get("function"), f"{at}.function")
    for name in function.keys() - {"name", "description", "parameters", "strict"}:
        raise Untranslatable(f"{at}.function.{name}", "it is not known in the other dialect")
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    return some(
        name=function.get("name"),
        description=function.get("description"),
        input_schema=schema if "type" in schema else {"type": "object", **schema},
        strict=function.get("strict") or None,
    )


def _choice(chat: Node) -> Node | None:
    """`tool_choice`, and with it whether several tools may be called at once. Without tools there is nothing to choose."""
    if not chat.get("tools"):
        return None
    choice, alone = chat.get("tool_choice"), chat.get("parallel_tool_calls") is False
    single = {"disable_parallel_tool_use": True} if alone else {}
    if choice is None:
        return {"type": "auto", **single} if alone else None
    if choice == "none":
        return {"type": "none"}
    if choice in ("auto", "required"):
        return {"type": "any" if choice == "required" else "auto", **single}
    if not isinstance(choice, dict) or choice.get("type") != "function":
        raise Untranslatable("tool_choice", "only none, auto, required and one function can be carried over")
    function = node(choice.get("function"), "tool_choice.function")
    return {"type": "tool", "name": text(function.get("name"), "tool_choice.function.name"), **single}


# --- messages ---------------------------------------------------------------------------------------------------------------------


def _conversation(chat: Node) -> tuple[list[Node], list[Node]]:
    """The system text at the head, and the turns: neighbours of one role are one turn, and tool results are the user's."""
    system: list[Node] = []
    turns: list[Node] = []
    for at, message in nodes(chat.get("messages"), "messages"):
        check(CHAT_MESSAGE, message, f"{at}.")
        role = message.get("role")
        if role in _SYSTEM and not turns:
            system += _parts(message.get("content"), f"{at}.content")
            continue
        said, blocks = _turn(role, message, at)
        if turns and turns[-1]["role"] == said:
            turns[-1]["content"] += blocks
        elif blocks:  # an empty turn says nothing, and is refused there
            turns.append({"role": said, "content": blocks})
    return system, turns


def _turn(role: object, message: Node, at: str) -> tuple[str, list[Node]]:
    if role == "user":
        return "user", _parts(message.get("content"), f"{at}.content")
    if role in _SYSTEM:
        return "system", _parts(message.get("content"), f"{at}.content")
    if role == "assistant":
        return "assistant", _assistant(message, at)
    if role == "tool":
        called = text(message.get("tool_call_id"), f"{at}.tool_call_id")
        content = message.get("content")
        result = content if isinstance(content, str) else _parts(content, f"{at}.content")
        return "user", [{"type": "tool_result", "tool_use_id": called, "content": result}]
    raise Untranslatable(f"{at}.role", f"{str(role)[:40]!r} is not known in the other dialect")


def _assistant(message: Node, at: str) -> list[Node]:
    """Thinking first, as its vendor demands, then text, then calls of tools."""
    blocks = [block for _, block in nodes(message.get("thinking_blocks"), f"{at}.thinking_blocks")]
    blocks += _parts(message.get("content"), f"{at}.content")
    if message.get("refusal"):
        blocks.append({"type": "text", "text": text(message["refusal"], f"{at}.refusal")})
    for place, call in nodes(message.get("tool_calls"), f"{at}.tool_calls"):
        if call.get("type", "function") != "function":
            raise Untranslatable(place, "only calls of functions can be carried over")
        function = node(call.get("function"), f"{place}.function")
        given = function.get("arguments") or "{}"
        arguments = decoded(text(given, f"{place}.function.arguments"), f"{place}.function.arguments")
        name = text(function.get("name"), f"{place}.function.name")
        blocks.append({"type": "tool_use", "id": text(call.get("id"), f"{place}.id"), "name": name, "input": arguments})
    return blocks


def _parts(content: object, at: str) -> list[Node]:
    """Content as blocks; an empty text is none, because the other dialect refuses empty blocks."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for place, part in nodes(content, at) for block in _part(part, place)]


def _part(part: Node, at: str) -> list[Node]:
    kind = part.get("type")
    check_kind(CHAT_PART, kind, at)
    for name in part.keys() - {"type", str(kind), "prompt_cache_breakpoint"}:
        raise Untranslatable(f"{at}.{name}", "it is not known in the other dialect")
    if kind == "image_url":
        return [_image(part["image_url"] if isinstance(part.get("image_url"), dict) else {}, f"{at}.image_url")]
    if kind == "file":
        return [_document(node(part.get("file"), f"{at}.file"), f"{at}.file")]
    said = text(part.get(str(kind)), f"{at}.{kind}")
    return [{"type": "text", "text": said}] if said else []


def _image(image: Node, at: str) -> Node:
    if image.get("detail") not in (None, "auto"):
        raise Untranslatable(f"{at}.detail", "the other dialect has no such setting; leave it out")
    url = text(image.get("url"), f"{at}.url")
    if url.startswith("data:"):
        return {"type": "image", "source": _base64(url, f"{at}.url")}
    return {"type": "image", "source": {"type": "url", "url": url}}


def _document(file: Node, at: str) -> Node:
    if file.get("file_data") is None:
        raise Untranslatable(f"{at}.file_id", "a stored file is known to its own vendor only; send it as file_data")
    source = _base64(text(file["file_data"], f"{at}.file_data"), f"{at}.file_data")
    if source["media_type"] != "application/pdf":
        raise Untranslatable(f"{at}.file_data", f"a file of type {source['media_type']} cannot be carried over, only PDF")
    return some(type="document", source=source, title=file.get("filename"))


def _base64(url: str, at: str) -> Node:
    found = _DATA_URL.match(url)
    if found is None:
        raise Untranslatable(at, "it is no data URL in base64 with a media type")
    return {"type": "base64", "media_type": found[1], "data": found[2]}
