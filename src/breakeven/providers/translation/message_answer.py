"""A message (Anthropic) as a chat completion (OpenAI)."""

from __future__ import annotations

from breakeven.providers.translation.notation import Node, encoded, node, nodes, some
from breakeven.providers.translation.usage import chat_usage

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_TIERS = {"standard": "default", "priority": "priority"}
THINKING = ("thinking", "redacted_thinking")


def to_chat_answer(message: Node, created: int) -> Node:
    """The completion; thinking stands beside the text as `reasoning_content` and, signed, as `thinking_blocks`."""
    texts: list[str] = []
    thoughts: list[str] = []
    signed: list[Node] = []
    calls: list[Node] = []
    for at, block in nodes(message.get("content"), "content"):
        kind = block.get("type")
        if kind == "text":
            texts.append(str(block.get("text") or ""))
        elif kind in THINKING:
            thoughts.append(str(block.get("thinking") or ""))
            signed.append(block)
        elif kind == "tool_use":
            arguments = encoded(node(block.get("input") or {}, f"{at}.input")).decode()
            function = {"name": block.get("name"), "arguments": arguments}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
    said = {"role": "assistant", "content": "".join(texts) if texts or not calls else None, "refusal": None}
    said |= some(tool_calls=calls or None, reasoning_content="".join(thoughts) or None, thinking_blocks=signed or None)
    finish = FINISH.get(str(message.get("stop_reason")), "stop")
    usage = message.get("usage")
    return some(
        id=message.get("id"),
        object="chat.completion",
        created=created,
        model=message.get("model"),
        choices=[{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
        usage=chat_usage(usage) if isinstance(usage, dict) else None,
        service_tier=tier(usage),
    )


def tier(usage: object) -> str | None:
    """The service tier that answered, in OpenAI's words."""
    return _TIERS.get(str(usage.get("service_tier"))) if isinstance(usage, dict) else None
