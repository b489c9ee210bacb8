"""Ollama: its own shape, streamed line by line, and OpenAI's.

A prompt that Ollama found in its cache has no `prompt_eval_count`: then the input is unknown, not zero.
"""

from __future__ import annotations

from types import MappingProxyType

from breakeven.economics.usage import UsagePart
from breakeven.providers.apis import Address, Api, Stream, Vendor, last_of
from breakeven.providers.openai import CHAT, COMPLETIONS, EMBEDDINGS, path_api
from breakeven.providers.reading import Metering, Node, Notes, nonzero, text


def is_native(body: Node) -> bool:
    """An answer of /api/generate, /api/chat or /api/embed, or one line of its stream."""
    return "choices" not in body and any(name in body for name in ("done", "eval_count", "prompt_eval_count", "total_duration"))


def meter(body: Node, notes: Notes) -> Metering:
    """Prompt and answer tokens as the server evaluated them."""
    found = Metering(text(body, "model"))
    tokens_in = notes.count(body, "prompt_eval_count")
    embedding = "embeddings" in body or "embedding" in body
    tokens_out = 0 if embedding else notes.count(body, "eval_count")
    if tokens_in is None or tokens_out is None:
        missing = "prompt_eval_count (the prompt was cached, so its length is unknown)" if tokens_in is None else "eval_count"
        notes.missing(f"the response has no {missing}")
        return found
    return Metering(found.model, (UsagePart(found.model, nonzero({"input": tokens_in, "output": tokens_out})),))


def fold(stream: Stream, event: Node) -> None:
    """Lines of an answer; the one that is `done` carries the counts."""
    stream.begun = True
    last_of(stream, event, ("model", "prompt_eval_count", "eval_count", "total_duration", "done"))
    stream.ended = stream.ended or event.get("done") is True


def address(url: str) -> Address:
    """Ollama's own paths start with /api/."""
    return Address(api=path_api(url) or ("ollama" if "/api/" in url else ""))


NATIVE = Api("ollama", is_native, meter, fold)
OLLAMA = Vendor(
    "ollama",
    (NATIVE, CHAT, COMPLETIONS, EMBEDDINGS),
    (),
    ("ollama.com",),
    MappingProxyType(
        {
            "generate": "ollama",
            "chat": "ollama",
            "completions": "openai_completions",
            "embeddings": "openai_embeddings",
        }
    ),
    address,
    self_hosted=True,
)
