"""Groq: OpenAI's shape; streams may carry the usage in `x_groq`, and compound systems list the usage of each model they called."""

from __future__ import annotations

from breakeven.economics.usage import UsagePart
from breakeven.providers.apis import Api, Vendor
from breakeven.providers.openai import AUDIO, RESPONSES, SHORT_NAMES, address, fold_chat, is_chat, metering, tokens
from breakeven.providers.reading import Metering, Node, Notes, text
from breakeven.providers.tokens import TokenRule, token_usage

RULE = TokenRule()


def meter(body: Node, notes: Notes) -> Metering:
    """A completion; that of a compound system is the sum of its models' calls, each at its own price."""
    found = metering(body, tokens(RULE)(body, notes))
    called = notes.nodes(notes.node(body, "usage_breakdown"), "models")
    if not called or not found.parts:
        return found
    parts = tuple(
        UsagePart(text(each, "model"), counted, "compound")
        for each in called
        if (counted := token_usage(notes.node(each, "usage"), RULE, notes)) is not None
    )
    notes.agree(
        sum(sum(part.usage.values()) for part in parts),
        sum(found.parts[0].usage.values()),
        "sum over the models of usage_breakdown",
    )
    return Metering(found.model, parts, found.context, response_id=found.response_id)


CHAT = Api("openai_chat", is_chat, meter, fold_chat)
GROQ = Vendor("groq", (CHAT, RESPONSES, AUDIO), (), ("api.groq.com",), SHORT_NAMES, address)
