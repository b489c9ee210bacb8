"""xAI: OpenAI's shape, but the completion count of chat excludes the reasoning; the total proves which holds."""

from __future__ import annotations

from dataclasses import replace

from breakeven.providers.anthropic import MESSAGES
from breakeven.providers.apis import Api, Vendor
from breakeven.providers.openai import (
    EMBEDDINGS,
    IMAGES,
    RESPONSES,
    SHORT_NAMES,
    Usage,
    address,
    fold_chat,
    is_chat,
    simple,
    tokens,
)
from breakeven.providers.reading import NOTHING, Metering, Node, Notes, nonzero
from breakeven.providers.tokens import TokenRule

RULE = TokenRule(reasoning="outside")


def with_sources(usage: Usage) -> Usage:
    """Live search bills each source it used."""

    def read(body: Node, notes: Notes) -> dict[str, int] | None:
        counted = usage(body, notes)
        stated = body.get("usage")
        sources = notes.total(stated, "num_sources_used") if isinstance(stated, dict) else 0
        return counted if counted is None or not sources else counted | {"web_search": sources}

    return read


def meter_response(body: Node, notes: Notes) -> Metering:
    """A response; xAI counts the calls of its own tools in the usage."""
    found = RESPONSES.meter(body, notes)
    usage = body.get("usage")
    calls = notes.node(usage, "server_side_tool_usage_details") if isinstance(usage, dict) else NOTHING
    if not calls or not found.parts:
        return found
    counted = {
        "web_search": notes.total(calls, "web_search_calls") + notes.total(calls, "x_search_calls"),
        "file_search": notes.total(calls, "file_search_calls", "document_search_calls"),
        "code_execution": notes.total(calls, "code_interpreter_calls"),
    }
    return replace(found, parts=(replace(found.parts[0], usage=nonzero({**found.parts[0].usage, **counted})), *found.parts[1:]))


CHAT = Api("openai_chat", is_chat, simple(with_sources(tokens(RULE))), fold_chat)
XAI_RESPONSES = Api("openai_responses", RESPONSES.matches, meter_response, RESPONSES.fold)
XAI = Vendor(
    "xai",
    (CHAT, XAI_RESPONSES, MESSAGES, EMBEDDINGS, IMAGES),
    ("x-ai", "x_ai", "grok"),
    ("api.x.ai",),
    {**SHORT_NAMES, "messages": "anthropic"},
    address,
)
