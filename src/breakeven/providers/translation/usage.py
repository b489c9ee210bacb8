"""Usage in the other dialect. OpenAI's prompt count contains cache reads and writes, Anthropic's input count contains neither."""

from __future__ import annotations

from breakeven.providers.translation.notation import Node, some


def _count(usage: object, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def chat_usage(usage: Node) -> Node:
    """A message's usage as a chat completion's: prompt = uncached + read + written."""
    read, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
    prompt, completion = _count(usage, "input_tokens") + read + written, _count(usage, "output_tokens")
    thinking = _count(usage.get("output_tokens_details"), "thinking_tokens")
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": thinking},
    }


def response_usage(usage: Node) -> Node:
    """A message's usage as a response's: the same sums under other names."""
    chat = chat_usage(usage)
    return {
        "input_tokens": chat["prompt_tokens"],
        "input_tokens_details": chat["prompt_tokens_details"],
        "output_tokens": chat["completion_tokens"],
        "output_tokens_details": chat["completion_tokens_details"],
        "total_tokens": chat["total_tokens"],
    }


def message_usage(usage: object) -> Node:
    """A chat completion's usage as a message's: uncached = prompt - read - written.

    Where a vendor counts its reasoning beside the completion, the total says so, and the output contains it as Anthropic's does.
    """
    prompt, details = _count(usage, "prompt_tokens"), usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    read, written = _count(details, "cached_tokens"), _count(details, "cache_write_tokens")
    completion = max(_count(usage, "completion_tokens"), _count(usage, "total_tokens") - prompt)
    thinking = _count(usage.get("completion_tokens_details") if isinstance(usage, dict) else None, "reasoning_tokens")
    return some(
        input_tokens=max(0, prompt - read - written),
        cache_creation_input_tokens=written,
        cache_read_input_tokens=read,
        output_tokens=completion,
        output_tokens_details={"thinking_tokens": thinking} if thinking else None,
    )
