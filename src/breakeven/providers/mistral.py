"""Mistral: OpenAI's shape; cache reads (inside the prompt) as `num_cached_tokens` or in the details; audio by seconds."""

from __future__ import annotations

from types import MappingProxyType

from breakeven.providers.apis import Api, Vendor
from breakeven.providers.openai import EMBEDDINGS, address, fold_chat, is_chat, simple, usage_node
from breakeven.providers.reading import Node, Notes
from breakeven.providers.tokens import TokenRule, token_usage

RULE = TokenRule()
_MS_PER_SECOND = 1000


def usage(body: Node, notes: Notes) -> dict[str, int] | None:
    """The tokens of a completion, or the audio of a transcription with the text it became."""
    found = usage_node(body, notes)
    if found is None:
        return None
    seconds = notes.count(found, "prompt_audio_seconds")
    if not seconds:
        return token_usage(found, RULE, notes)
    # The total also counts audio tokens, which are not billed: the recording is, by its length.
    counted = token_usage({name: value for name, value in found.items() if name != "total_tokens"}, RULE, notes)
    return None if counted is None else counted | {"input_audio_ms": seconds * _MS_PER_SECOND}


CHAT = Api("mistral", is_chat, simple(usage), fold_chat)
MISTRAL = Vendor(
    "mistral",
    (CHAT, EMBEDDINGS),
    ("mistralai", "mistral-ai"),
    ("api.mistral.ai", "codestral.mistral.ai"),
    MappingProxyType({"chat": "mistral", "completions": "mistral", "embeddings": "openai_embeddings", "openai_chat": "mistral"}),
    address,
)
