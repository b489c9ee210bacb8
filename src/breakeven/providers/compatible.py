"""Vendors and servers that speak OpenAI's shape and add nothing to it that costs.

One declared rule serves them all: the usage is OpenAI's, and where a vendor's total shows that reasoning lies outside the
completion count, the total is believed. Each vendor is one line: its name, its other names, its hosts.
"""

from __future__ import annotations

from breakeven.providers.anthropic import MESSAGES
from breakeven.providers.apis import Address, Api, Vendor
from breakeven.providers.openai import APIS, CHAT, SHORT_NAMES, Usage, fold_chat, is_chat, path_api, simple, tokens
from breakeven.providers.reading import Node, Notes
from breakeven.providers.tokens import TokenRule

RULE = TokenRule(reasoning="by_total")


def address(url: str) -> Address:
    """The API; several of these vendors also answer in Anthropic's shape."""
    return Address(api="anthropic" if "/messages" in url else path_api(url))


def with_searches(usage: Usage) -> Usage:
    """Perplexity counts the searches behind an answer in the usage."""

    def read(body: Node, notes: Notes) -> dict[str, int] | None:
        counted = usage(body, notes)
        stated = body.get("usage")
        searches = notes.total(stated, "num_search_queries") if isinstance(stated, dict) else 0
        return counted if counted is None or not searches else counted | {"web_search": searches}

    return read


GENERIC_CHAT = Api("openai_chat", is_chat, simple(tokens(RULE)), fold_chat)
SEARCHED_CHAT = Api("openai_chat", is_chat, simple(with_searches(tokens(RULE))), fold_chat)
_REST = tuple(api for api in APIS if api is not CHAT)
_SHORT = {**SHORT_NAMES, "messages": "anthropic"}


def compatible(
    name: str, *hosts: str, aliases: tuple[str, ...] = (), chat: Api = GENERIC_CHAT, self_hosted: bool = False
) -> Vendor:
    """A vendor with OpenAI's shape."""
    return Vendor(name, (chat, *_REST, MESSAGES), aliases, hosts, _SHORT, address, self_hosted=self_hosted)


VLLM = compatible(
    "vllm", aliases=("hosted_vllm", "openai-compatible", "local", "sglang", "tgi", "llamacpp", "lmstudio"), self_hosted=True
)
COMPATIBLE: tuple[Vendor, ...] = (
    VLLM,
    compatible("cerebras", "api.cerebras.ai"),
    compatible("doubleword", "api.doubleword.ai"),
    compatible("fireworks", "api.fireworks.ai", aliases=("fireworks_ai", "fireworks-ai")),
    compatible("github", "models.github.ai", "models.inference.ai.azure.com"),
    compatible("huggingface", "router.huggingface.co", "api-inference.huggingface.co"),
    compatible("minimax", "api.minimax.io", "api.minimax.chat"),
    compatible("modal", "modal.run"),
    compatible("moonshotai", "api.moonshot.ai", "api.moonshot.cn", aliases=("moonshot", "kimi")),
    compatible("nebius", "api.studio.nebius.ai", "api.tokenfactory.nebius.com"),
    compatible("novita", "api.novita.ai"),
    compatible("ovhcloud", "endpoints.kepler.ai.cloud.ovh.net"),
    compatible("perplexity", "api.perplexity.ai", chat=SEARCHED_CHAT),
    compatible("sambanova", "api.sambanova.ai"),
    compatible("together", "api.together.xyz", "api.together.ai", aliases=("together_ai", "together-ai")),
    compatible("voyageai", "api.voyageai.com", aliases=("voyage",)),
    compatible("zai", "api.z.ai", "open.bigmodel.cn", aliases=("zhipuai", "z-ai", "z.ai")),
)
