"""xAI: OpenAI's shape, but the completion count of chat excludes the reasoning; the total proves which holds."""

from __future__ import annotations

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
from breakeven.providers.reading import Node, Notes
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


CHAT = Api("openai_chat", is_chat, simple(with_sources(tokens(RULE))), fold_chat)
XAI = Vendor(
    "xai",
    (CHAT, RESPONSES, MESSAGES, EMBEDDINGS, IMAGES),
    ("x-ai", "x_ai", "grok"),
    ("api.x.ai",),
    {**SHORT_NAMES, "messages": "anthropic"},
    address,
)
