"""OpenRouter: OpenAI's shapes over many vendors, and the cost that it bills in the body itself.

`usage.cost` is the bill. With the customer's own key it is OpenRouter's fee only; what the vendor bills is in `cost_details`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from breakeven.economics.usage import UsagePart
from breakeven.providers.anthropic import MESSAGES
from breakeven.providers.apis import Api, Vendor
from breakeven.providers.openai import APIS, CHAT, RESPONSES, SHORT_NAMES, address, is_chat, metering, tokens
from breakeven.providers.reading import Metering, Node, Notes
from breakeven.providers.tokens import TokenRule

RULE = TokenRule(reasoning="by_total")


def with_cost(meter: Callable[[Node, Notes], Metering]) -> Callable[[Node, Notes], Metering]:
    """Adds what OpenRouter states: its cost, the upstream cost on an own key, and searches that its own tools made."""

    def read(body: Node, notes: Notes) -> Metering:
        found = meter(body, notes)
        usage = body.get("usage")
        if not isinstance(usage, dict):
            return found
        own_key = usage.get("is_byok") is True
        details = notes.node(usage, "cost_details")
        return replace(
            found,
            parts=_with_searches(found.parts, usage, notes),
            context={**found.context, "byok": "true"} if own_key else found.context,
            stated_cost=notes.money(usage, "cost"),
            stated_upstream_cost=notes.money(details, "upstream_inference_cost") if own_key else None,
        )

    return read


def _with_searches(parts: tuple[UsagePart, ...], usage: Node, notes: Notes) -> tuple[UsagePart, ...]:
    searches = notes.total(notes.node(usage, "server_tool_use_details", "server_tool_use"), "web_search_requests")
    if not searches or not parts:
        return parts
    return (replace(parts[0], usage={**parts[0].usage, "web_search": searches}), *parts[1:])


OPENROUTER_CHAT = Api("openai_chat", is_chat, with_cost(lambda body, notes: metering(body, tokens(RULE)(body, notes))), CHAT.fold)
_COSTED = tuple(Api(api.name, api.matches, with_cost(api.meter), api.fold) for api in (RESPONSES, MESSAGES))
OPENROUTER = Vendor(
    "openrouter",
    (OPENROUTER_CHAT, *_COSTED, *(api for api in APIS if api not in (CHAT, RESPONSES))),
    ("open-router", "open_router"),
    ("openrouter.ai",),
    {**SHORT_NAMES, "messages": "anthropic"},
    address,
)
