"""DeepSeek: OpenAI's shape; the prompt is the sum of cache hits and misses, each with its own price."""

from __future__ import annotations

from types import MappingProxyType

from breakeven.providers.anthropic import MESSAGES
from breakeven.providers.apis import Address, Api, Vendor
from breakeven.providers.openai import address as openai_address
from breakeven.providers.openai import fold_chat, is_chat, simple, tokens
from breakeven.providers.tokens import TokenRule


def address(url: str) -> Address:
    """DeepSeek also answers in Anthropic's shape."""
    return Address(api="anthropic") if "/anthropic/" in url else openai_address(url)


CHAT = Api("deepseek", is_chat, simple(tokens(TokenRule())), fold_chat)
DEEPSEEK = Vendor(
    "deepseek",
    (CHAT, MESSAGES),
    (),
    ("api.deepseek.com",),
    MappingProxyType({"chat": "deepseek", "completions": "deepseek", "messages": "anthropic", "openai_chat": "deepseek"}),
    address,
)
