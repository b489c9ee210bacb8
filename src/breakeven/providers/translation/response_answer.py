"""A message (Anthropic) as a response (OpenAI)."""

from __future__ import annotations

from breakeven.providers.translation.message_answer import THINKING, tier
from breakeven.providers.translation.notation import Node, encoded, nodes, some
from breakeven.providers.translation.response_request import sealed
from breakeven.providers.translation.usage import response_usage

_INCOMPLETE = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "refusal": "content_filter",
}


def to_response(message: Node, created: int) -> Node:
    """The response: one output item for each block of the message."""
    items = [
        item_of(block, str(message.get("id")), number) for number, (_, block) in enumerate(nodes(message.get("content"), "content"))
    ]
    return whole(message, created, [item for item in items if item])


def whole(message: Node, created: int, items: list[Node]) -> Node:
    """The response object around its items. Why it is incomplete, if it is, follows from the reason of the message's end."""
    usage, reason = message.get("usage"), message.get("stop_reason")
    cut = _INCOMPLETE.get(str(reason))
    status = "incomplete" if cut else "completed" if reason else "in_progress"
    return {
        "id": message.get("id"),
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "model": message.get("model"),
        "output": items,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "metadata": {},
        "usage": response_usage(usage) if isinstance(usage, dict) and reason else None,
        **some(service_tier=tier(usage)),
    }


def item_of(block: Node, message: str, number: int) -> Node:
    """One output item; empty for a block that no request of this dialect can have asked for."""
    kind, name = block.get("type"), f"{message}_{number}"
    if kind == "text":
        return {
            "id": name,
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [text_part(str(block.get("text") or ""))],
        }
    if kind == "tool_use":
        arguments = encoded(block.get("input") or {}).decode()
        return call_item(block, name, arguments, "completed")
    if kind in THINKING:
        said = str(block.get("thinking") or "")
        summary = [{"type": "summary_text", "text": said}] if said else []
        return {"id": name, "type": "reasoning", "summary": summary, "encrypted_content": sealed([block])}
    return {}


def text_part(said: str) -> Node:
    """The part that holds text."""
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}


def call_item(block: Node, name: str, arguments: str, status: str) -> Node:
    """The item of a function's call."""
    return {
        "id": name,
        "type": "function_call",
        "status": status,
        "call_id": block.get("id"),
        "name": block.get("name"),
        "arguments": arguments,
    }
