"""A chat completion (OpenAI) as a message (Anthropic)."""

from __future__ import annotations

from breakeven.providers.translation.notation import Node, Untranslatable, decoded, node, nodes
from breakeven.providers.translation.usage import message_usage

STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def to_message_answer(chat: Node, created: int) -> Node:
    """The message. Raises Untranslatable where there is no answer in it, or a tool's arguments are no JSON object."""
    del created  # a message has no date
    choice = next((each for _, each in nodes(chat.get("choices"), "choices")), None)
    if choice is None:
        raise Untranslatable("choices", "the answer has none")
    said = node(choice.get("message"), "choices[0].message")
    return {
        "id": chat.get("id"),
        "type": "message",
        "role": "assistant",
        "model": chat.get("model"),
        "content": _content(said),
        "stop_reason": reason(choice.get("finish_reason"), refused=bool(said.get("refusal"))),
        "stop_sequence": None,
        "usage": message_usage(chat.get("usage")),
    }


def reason(finish: object, *, refused: bool) -> str:
    """Why the answer ended, in Anthropic's words. Which stop sequence it was, OpenAI does not say."""
    return "refusal" if refused else STOP.get(str(finish), "end_turn")


def reasoning(said: Node) -> str:
    """The readable thoughts that some vendors put beside the text."""
    found = said.get("reasoning_content") or said.get("reasoning")
    return found if isinstance(found, str) else ""


def _content(said: Node) -> list[Node]:
    blocks: list[Node] = []
    if thoughts := reasoning(said):
        blocks.append({"type": "thinking", "thinking": thoughts, "signature": ""})
    content = said.get("content")
    if isinstance(content, list):  # some vendors answer in parts
        content = "".join(str(part.get("text") or "") for _, part in nodes(content, "content"))
    blocks += [{"type": "text", "text": each} for each in (content, said.get("refusal")) if each]
    for at, call in nodes(said.get("tool_calls"), "choices[0].message.tool_calls"):
        function = node(call.get("function"), f"{at}.function")
        arguments = decoded(str(function.get("arguments") or "{}"), f"{at}.function.arguments")
        blocks.append({"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": arguments})
    return blocks
