"""A message request (Anthropic) as a chat completion request (OpenAI, and the many vendors that speak its dialect)."""

from __future__ import annotations

from typing import Any

from breakeven.providers.translation.chat_request import Aim
from breakeven.providers.translation.checking import check, check_kind
from breakeven.providers.translation.notation import Node, Untranslatable, encoded, node, nodes, some, text
from breakeven.settings.dialects import MESSAGES, MESSAGES_BLOCK, MESSAGES_MESSAGE, MESSAGES_TOOL

_MOST_STOPS = 4
_LITTLE, _SOME = 4_096, 16_384
_OF_OPENAI = frozenset({"openai", "azure"})
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def to_chat_request(message: Node, aim: Aim) -> Node:
    """The request in OpenAI's dialect. Raises Untranslatable naming the member that cannot be carried."""
    check(MESSAGES, message)
    longest = message.get("max_tokens")
    if longest == 0:
        raise Untranslatable("max_tokens", "warming a cache is an affair of its own vendor")
    stops = message.get("stop_sequences") or []
    if len(stops) > _MOST_STOPS:
        raise Untranslatable("stop_sequences", f"the other dialect knows {_MOST_STOPS} at most")
    output = node(message.get("output_config") or {}, "output_config")
    for name in output.keys() - {"effort", "format"}:
        raise Untranslatable(f"output_config.{name}", "it is not known in the other dialect")
    official, stream = aim.vendor in _OF_OPENAI, message.get("stream")
    return some(
        model=aim.model or message.get("model"),
        messages=[*_system(message.get("system")), *_turns(message)],
        max_completion_tokens=longest if official else None,
        max_tokens=None if official else longest,
        tools=[_tool(each, at) for at, each in nodes(message.get("tools"), "tools")] or None,
        response_format=_format(output.get("format")),
        reasoning_effort=_effort(message.get("thinking"), output.get("effort")),
        stop=stops or None,
        temperature=message.get("temperature"),
        top_p=message.get("top_p"),
        user=_user(message.get("metadata")),
        service_tier=_tier(message.get("service_tier"), official=official),
        stream=stream,
        stream_options={"include_usage": True} if stream and aim.stream_usage else None,
        **_choice(message.get("tool_choice")),
    )


def _system(system: object) -> list[Node]:
    if not system:
        return []
    if isinstance(system, str):
        return [{"role": "system", "content": system}]
    return [{"role": "system", "content": _texts(system, "system")}]


def _texts(blocks: object, at: str) -> Any:  # noqa: ANN401 - a text, or a list of parts
    """Blocks of text as parts; one alone as plain text, which every vendor understands."""
    parts: list[Node] = []
    for place, block in nodes(blocks, at):
        if block.get("type") != "text":
            raise Untranslatable(place, "only text can be carried over here")
        parts.append({"type": "text", "text": text(block.get("text"), f"{place}.text")})
    return parts[0]["text"] if len(parts) == 1 else parts


def _effort(thinking: object, effort: object) -> str | None:
    if thinking is not None:
        asked = node(thinking, "thinking")
        kind, budget = asked.get("type"), asked.get("budget_tokens")
        if kind == "enabled" and effort is None and isinstance(budget, int):
            return "low" if budget < _LITTLE else "medium" if budget < _SOME else "high"
        if kind not in ("enabled", "disabled", "adaptive"):
            raise Untranslatable("thinking.type", f"{str(kind)[:40]!r} is not known in the other dialect")
    return None if effort is None else text(effort, "output_config.effort")


def _format(asked: object) -> Node | None:
    if asked is None:
        return None
    said = node(asked, "output_config.format")
    if said.get("type") != "json_schema":
        raise Untranslatable("output_config.format", f"{str(said.get('type'))[:40]!r} is not known in the other dialect")
    schema = node(said.get("schema"), "output_config.format.schema")
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": _is_strict(schema)}}


def _is_strict(schema: object) -> bool:
    """Whether OpenAI accepts a schema as a strict one: objects name all their members as required and allow no others."""
    if isinstance(schema, list):
        return all(_is_strict(each) for each in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        members = schema.get("properties")
        named = set(members) if isinstance(members, dict) else set()
        if schema.get("additionalProperties") is not False or set(schema.get("required") or ()) != named:
            return False
    return all(_is_strict(each) for each in schema.values())


def _user(metadata: object) -> str | None:
    given = node(metadata or {}, "metadata")
    for name in given.keys() - {"user_id"}:
        raise Untranslatable(f"metadata.{name}", "it is not known in the other dialect")
    return given.get("user_id")


def _tier(tier: object, *, official: bool) -> str | None:
    return "default" if tier == "standard_only" and official else None


# --- tools ------------------------------------------------------------------------------------------------------------------------


def _tool(tool: Node, at: str) -> Node:
    if tool.get("type") not in (None, "custom"):
        raise Untranslatable(at, f"a tool of type {str(tool['type'])[:40]!r} is run by its own vendor")
    check(MESSAGES_TOOL, tool, f"{at}.")
    function = some(
        name=tool.get("name"),
        description=tool.get("description"),
        parameters=tool.get("input_schema"),
        strict=tool.get("strict") or None,
    )
    return {"type": "function", "function": function}


def _choice(choice: object) -> Node:
    if choice is None:
        return {}
    said = node(choice, "tool_choice")
    kind = said.get("type")
    alone = {"parallel_tool_calls": False} if said.get("disable_parallel_tool_use") else {}
    if kind == "tool":
        name = text(said.get("name"), "tool_choice.name")
        return {"tool_choice": {"type": "function", "function": {"name": name}}, **alone}
    if kind not in _CHOICES:
        raise Untranslatable("tool_choice", f"{str(kind)[:40]!r} is not known in the other dialect")
    return {"tool_choice": _CHOICES[str(kind)], **alone}


# --- messages ---------------------------------------------------------------------------------------------------------------------


def _turns(message: Node) -> list[Node]:
    turns: list[Node] = []
    for at, turn in nodes(message.get("messages"), "messages"):
        check(MESSAGES_MESSAGE, turn, f"{at}.")
        role, content = turn.get("role"), turn.get("content")
        if role not in ("user", "assistant", "system"):
            raise Untranslatable(f"{at}.role", f"{str(role)[:40]!r} is not known in the other dialect")
        if isinstance(content, str):
            turns.append({"role": role, "content": content})
        elif role == "system":
            turns.append({"role": role, "content": _texts(content, f"{at}.content")})
        else:
            turns += _assistant(content, f"{at}.content") if role == "assistant" else _user_turns(content, f"{at}.content")
    return turns


def _user_turns(content: object, at: str) -> list[Node]:
    """Results of tools, each a message of its own, then what the user says."""
    results: list[Node] = []
    parts: list[Node] = []
    for place, block in nodes(content, at):
        if block.get("type") == "tool_result":
            results.append(_result(block, place))
        else:
            parts += _part(block, place)
    if not parts:
        return results
    plain = parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts
    return [*results, {"role": "user", "content": plain}]


def _result(block: Node, at: str) -> Node:
    content = block.get("content")
    said = content if isinstance(content, str) else _texts(content, f"{at}.content") or ""
    if block.get("is_error"):
        said = f"Error: {said}" if isinstance(said, str) else [{"type": "text", "text": "Error: "}, *said]
    return {"role": "tool", "tool_call_id": text(block.get("tool_use_id"), f"{at}.tool_use_id"), "content": said}


def _assistant(content: object, at: str) -> list[Node]:
    parts: list[Node] = []
    calls: list[Node] = []
    for place, block in nodes(content, at):
        if block.get("type") == "tool_use":
            arguments = encoded(node(block.get("input"), f"{place}.input")).decode()
            function = {"name": text(block.get("name"), f"{place}.name"), "arguments": arguments}
            calls.append({"id": text(block.get("id"), f"{place}.id"), "type": "function", "function": function})
        else:
            parts += _part(block, place)
    for number, part in enumerate(parts):
        if part["type"] != "text":
            raise Untranslatable(f"{at}[{number}]", "an assistant says only text in the other dialect")
    said = parts[0]["text"] if len(parts) == 1 else parts or None
    return [some(role="assistant", content=said, tool_calls=calls or None)] if said or calls else []


def _part(block: Node, at: str) -> list[Node]:
    kind = block.get("type")
    check_kind(MESSAGES_BLOCK, kind, at)
    if kind == "text":
        return [{"type": "text", "text": text(block.get("text"), f"{at}.text")}]
    if kind == "image":
        return [_image(node(block.get("source"), f"{at}.source"), f"{at}.source")]
    if kind == "document":
        return [_document(block, at)]
    if kind in ("thinking", "redacted_thinking"):
        return []
    raise Untranslatable(at, f"a block of type {kind!r} cannot stand here")


def _image(source: Node, at: str) -> Node:
    kind = source.get("type")
    if kind == "base64":
        return {"type": "image_url", "image_url": {"url": _data_url(source, at)}}
    if kind != "url":
        raise Untranslatable(at, "a stored file is known to its own vendor only; send it as base64 or as a url")
    return {"type": "image_url", "image_url": {"url": text(source.get("url"), f"{at}.url")}}


def _document(block: Node, at: str) -> Node:
    source = node(block.get("source"), f"{at}.source")
    for name in ("citations", "context"):
        if block.get(name) not in (None, {"enabled": False}):
            raise Untranslatable(f"{at}.{name}", "it is not known in the other dialect")
    if source.get("type") == "text":
        return {"type": "text", "text": text(source.get("data"), f"{at}.source.data")}
    if source.get("type") != "base64" or source.get("media_type") != "application/pdf":
        raise Untranslatable(f"{at}.source", "only PDF in base64 and plain text can be carried over")
    name = block.get("title") or "document.pdf"
    return {"type": "file", "file": {"filename": name, "file_data": _data_url(source, f"{at}.source")}}


def _data_url(source: Node, at: str) -> str:
    return f"data:{text(source.get('media_type'), f'{at}.media_type')};base64,{text(source.get('data'), f'{at}.data')}"
