"""Cohere: `billed_units` are what is billed; `tokens` beside them count the vendor's own prompt too and are not.

The body names no model: the caller does. Reranking is billed by search unit.
"""

from __future__ import annotations

from types import MappingProxyType

from breakeven.economics.usage import UsagePart
from breakeven.providers.apis import Address, Api, Stream, Vendor
from breakeven.providers.openai import CHAT, path_api
from breakeven.providers.reading import Metering, Node, Notes, nonzero, text

_UNITS = MappingProxyType(
    {
        "input_tokens": "input",
        "output_tokens": "output",
        "search_units": "search_unit",
        "image_tokens": "input_image",
    }
)


def is_cohere(body: Node) -> bool:
    """An answer, embeddings, a ranking, or one event of a stream."""
    return bool(_billed(body)) or any(name in body for name in ("meta", "finish_reason", "event_type", "generation_id", "results"))


def _billed(body: Node) -> Node | None:
    for name in ("usage", "meta"):
        outer = body.get(name)
        if isinstance(outer, dict) and isinstance(outer.get("billed_units"), dict):
            return dict(outer["billed_units"])
    return None


def meter(body: Node, notes: Notes) -> Metering:
    """What Cohere bills."""
    billed = _billed(body)
    found = Metering(text(body, "model"), response_id=text(body, "id", "response_id", "generation_id"))
    if not billed:
        notes.reject("the response has no billed_units")
        return found
    if not any(billed.get(name) is not None for name in _UNITS):
        notes.reject(f"billed_units name only {', '.join(sorted(map(str, billed)))}, which have no usage class")
        return found
    counted = {name: notes.total(billed, field) for field, name in _UNITS.items()}
    if notes.impossible:
        return found
    return Metering(found.model, (UsagePart(found.model, nonzero(counted)),), response_id=found.response_id)


def fold(stream: Stream, event: Node) -> None:
    """Events of both API versions: v2 ends with `message-end`, v1 with `stream-end`."""
    kind = text(event, "type", "event_type")
    stream.begun = True
    stream.body.update({name: event[name] for name in ("id", "generation_id") if event.get(name)})
    delta, response = event.get("delta"), event.get("response")
    if kind == "message-end" and isinstance(delta, dict):
        stream.body["usage"] = delta.get("usage")
        stream.error = delta if delta.get("error") else stream.error
    if kind == "stream-end" and isinstance(response, dict):
        stream.body.update({name: response[name] for name in ("meta", "response_id") if response.get(name)})
    stream.ended = stream.ended or kind in ("message-end", "stream-end")


def address(url: str) -> Address:
    """Cohere's address names the API only."""
    return Address(api="openai_chat" if "/compatibility/" in url and path_api(url) else "cohere")


COHERE_API = Api("cohere", is_cohere, meter, fold)
COHERE = Vendor(
    "cohere",
    (COHERE_API, CHAT),
    (),
    ("api.cohere.com", "api.cohere.ai"),
    MappingProxyType({"chat": "cohere", "embeddings": "cohere", "embed": "cohere", "rerank": "cohere", "generate": "cohere"}),
    address,
)
