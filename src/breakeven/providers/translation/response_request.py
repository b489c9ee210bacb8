"""A response request (OpenAI) as a message request (Anthropic), by way of the chat completion that says the same."""

from __future__ import annotations

import base64
import json
from typing import Any

from breakeven.providers.translation.chat_request import Aim, to_message_request
from breakeven.providers.translation.checking import check, check_kind
from breakeven.providers.translation.notation import Node, Untranslatable, encoded, node, nodes, some, text
from breakeven.settings.dialects import RESPONSES, RESPONSES_ITEM

_OURS = "breakeven:"
"""How the `encrypted_content` of a reasoning item begins that holds signed thinking of an Anthropic model."""
_NAMES = {"reasoning_effort": "reasoning.effort", "response_format.json_schema": "text.format", "response_format": "text.format"}
_ALIKE = ("model", "stream", "temperature", "top_p", "parallel_tool_calls", "user", "safety_identifier", "service_tier")


def response_as_message_request(response: Node, aim: Aim) -> Node:
    """The request in Anthropic's dialect. Raises Untranslatable naming the member, as it is called in a response request."""
    check(RESPONSES, response)
    settings, reasoning = node(response.get("text") or {}, "text"), node(response.get("reasoning") or {}, "reasoning")
    if settings.get("verbosity") not in (None, "medium"):
        raise Untranslatable("text.verbosity", "the length of answers has no setting in the other dialect")
    chat = some(
        **{name: response.get(name) for name in _ALIKE},
        messages=[*_instructions(response.get("instructions")), *_messages(response.get("input"))],
        max_completion_tokens=response.get("max_output_tokens"),
        tools=[_tool(each, at) for at, each in nodes(response.get("tools"), "tools")] or None,
        tool_choice=_choice(response.get("tool_choice")),
        response_format=_format(settings.get("format")),
        reasoning_effort=reasoning.get("effort"),
    )
    try:
        return to_message_request(chat, aim)
    except Untranslatable as fault:
        name = next((there for here, there in _NAMES.items() if fault.field.startswith(here)), fault.field)
        raise Untranslatable(name.replace("messages[", "input["), fault.what.partition(": ")[2]) from None


def _instructions(said: object) -> list[Node]:
    return [{"role": "system", "content": text(said, "instructions")}] if said else []


def _format(asked: object) -> Node | None:
    if asked is None:
        return None
    said = node(asked, "text.format")
    if said.get("type") != "json_schema":
        return {"type": said.get("type")}
    return {"type": "json_schema", "json_schema": {name: value for name, value in said.items() if name != "type"}}


def _tool(tool: Node, at: str) -> Node:
    if tool.get("type") != "function":
        raise Untranslatable(at, f"a tool of type {str(tool.get('type'))[:40]!r} cannot be carried over; use functions")
    return {"type": "function", "function": {name: value for name, value in tool.items() if name != "type" and value is not None}}


def _choice(choice: object) -> Any:  # noqa: ANN401 - a word or an object
    if isinstance(choice, dict) and choice.get("type") == "function":
        return {"type": "function", "function": {"name": choice.get("name")}}
    return choice


# --- items ------------------------------------------------------------------------------------------------------------------------


def _messages(given: object) -> list[Node]:
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return [message for at, item in nodes(given, "input") for message in _item(item, at)]


def _item(item: Node, at: str) -> list[Node]:
    kind = item.get("type") or "message"
    check_kind(RESPONSES_ITEM, kind, at)
    if kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        return [{"role": "assistant", "tool_calls": [{"id": item.get("call_id"), "type": "function", "function": function}]}]
    if kind == "function_call_output":
        output = item.get("output")
        result = output if isinstance(output, str) else _content(output, f"{at}.output")
        return [{"role": "tool", "tool_call_id": item.get("call_id"), "content": result}]
    if kind == "reasoning":
        blocks = thinking_in(item.get("encrypted_content"))
        return [{"role": "assistant", "thinking_blocks": blocks}] if blocks else []
    content: object = item.get("content")
    said = content if isinstance(content, str) else _content(content, f"{at}.content")
    return [{"role": item.get("role"), "content": said}]


def _content(content: object, at: str) -> list[Node]:
    return [_part(part, place) for place, part in nodes(content, at)]


def _part(part: Node, at: str) -> Node:
    kind = part.get("type")
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": text(part.get("text"), f"{at}.text")}
    if kind == "refusal":
        return {"type": "refusal", "refusal": part.get("refusal")}
    if kind == "input_image":
        if part.get("image_url") is None:
            raise Untranslatable(f"{at}.file_id", "a stored file is known to its own vendor only; send its address or its data")
        return {"type": "image_url", "image_url": some(url=part["image_url"], detail=part.get("detail"))}
    if kind == "input_file":
        if part.get("file_data") is None:
            raise Untranslatable(at, "only PDF as file_data can be carried over")
        return {"type": "file", "file": some(filename=part.get("filename"), file_data=part["file_data"])}
    raise Untranslatable(at, f"a part of type {str(kind)[:40]!r} cannot be carried over")


def sealed(blocks: list[Node]) -> str:
    """Signed thinking as the `encrypted_content` of a reasoning item, which clients send back as it is."""
    return _OURS + base64.b64encode(encoded(blocks)).decode()


def thinking_in(content: object) -> list[Node]:
    """The signed thinking in a reasoning item; none where another vendor wrote it."""
    if not isinstance(content, str) or not content.startswith(_OURS):
        return []
    found = json.loads(base64.b64decode(content.removeprefix(_OURS)))
    return [block for block in found if isinstance(block, dict)] if isinstance(found, list) else []
