"""The same readings, sooner: typed decoding of the few plain shapes that make up nearly all live traffic.

`quick_reading` answers only where a body has no field that could change what it costs beyond those it knows; everything else
(tools, audio, iterations, totals that disagree, errors, a field never seen before) gets None and goes the general way of
`reader.py`. Wherever it answers it gives the Reading that `read_body` gives; a property test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from breakeven.economics.usage import UsagePart
from breakeven.providers.reader import Call
from breakeven.providers.reading import LARGEST_COUNT, Reading

_VENDORS = frozenset({"openai", "azure", "anthropic"})
_PLAIN_ITEMS = frozenset({"message", "reasoning", "function_call"})
_OK = 200


# A member that is declared as None makes decoding fail where it is anything else: then the general way says what it means.
class _Details(msgspec.Struct, forbid_unknown_fields=True):
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    cache_write_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


_NO_DETAILS = _Details()


class _ChatUsage(msgspec.Struct, forbid_unknown_fields=True):
    prompt_tokens: int
    total_tokens: int
    completion_tokens: int | msgspec.UnsetType = msgspec.UNSET
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _ChatBody(msgspec.Struct):
    model: str
    object: str
    usage: _ChatUsage
    id: str = ""
    service_tier: str | None = None
    error: None = None


class _Item(msgspec.Struct):
    type: str


class _ResponseUsage(msgspec.Struct, forbid_unknown_fields=True):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _ResponseBody(msgspec.Struct):
    id: str
    model: str
    object: str
    usage: _ResponseUsage
    output: list[_Item]
    service_tier: str | None = None
    error: None = None
    tool_usage: None = None
    response: None = None


class _Writes(msgspec.Struct, forbid_unknown_fields=True):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class _MessageUsage(msgspec.Struct, forbid_unknown_fields=True):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _Writes | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    server_tool_use: None = None


class _MessageBody(msgspec.Struct):
    id: str
    type: str
    model: str
    usage: _MessageUsage
    error: None = None


_chat = msgspec.json.Decoder(_ChatBody)
_response = msgspec.json.Decoder(_ResponseBody)
_message = msgspec.json.Decoder(_MessageBody)


@dataclass(frozen=True, slots=True)
class QuickCall:
    """A call whose address has been looked at once; the same for every call to one address with one requested model."""

    call: Call
    known: Mapping[str, str]
    apis: frozenset[str]

    @classmethod
    def of(cls, call: Call) -> QuickCall:
        """What the address and the caller say, before any body."""
        given = {name: value for name, value in call.context.items() if name != "http_status" and value and value != "auto"}
        vendor = call.vendor
        apis = (
            frozenset(api.name for api in vendor.apis) if vendor.name in _VENDORS and not vendor.given_model_wins else frozenset()
        )
        return cls(call, {**call.address.context, **given}, apis)


Found = tuple[str, str, dict[str, int], Mapping[str, str], str]
"""Model, response id, usage, pricing context, iteration of the one part."""


def quick_reading(body: bytes, quick: QuickCall) -> Reading | None:
    """The reading of one complete, successful body of a plain shape, or None where it needs the general way."""
    api = quick.call.api
    read = _READERS.get(api)
    if read is None or api not in quick.apis:
        return None
    try:
        found = read(body)
    except (msgspec.MsgspecError, ValueError):  # another shape, or not JSON: the general way says what is wrong with it
        return None
    if found is None:
        return None
    model, response_id, usage, context, iteration = found
    return Reading(
        quick.call.vendor.name,
        api,
        model,
        quick.call.model,
        (UsagePart(model, usage, iteration),),
        "metered",
        {**quick.known, **context} if quick.known else context,
        None,
        None,
        response_id,
        (),
        _OK,
    )


def _chat_found(body: bytes) -> Found | None:
    said = _chat.decode(body)
    usage = said.usage
    inside = usage.prompt_tokens_details or _NO_DETAILS
    outside = usage.completion_tokens_details or _NO_DETAILS
    plain = said.object == "chat.completion" and "-search-" not in said.model
    if not plain or not _plain(said.model, said.id) or not _text_only(inside, outside):
        return None
    tokens_out = usage.completion_tokens
    if tokens_out is msgspec.UNSET:
        return None
    counted = _split(usage.prompt_tokens, inside.cached_tokens, tokens_out, outside.reasoning_tokens, usage.total_tokens)
    return None if counted is None else (said.model, said.id, counted, _tier(said.service_tier), "")


def _embedding_found(body: bytes) -> Found | None:
    said = _chat.decode(body)
    usage = said.usage
    plain = said.object == "list" and usage.completion_tokens is msgspec.UNSET and usage.prompt_tokens_details is None
    if not plain or usage.completion_tokens_details is not None or not _plain(said.model, said.id):
        return None
    counted = _split(usage.prompt_tokens, 0, 0, 0, usage.total_tokens)
    return None if counted is None else (said.model, said.id, counted, _tier(said.service_tier), "")


def _response_found(body: bytes) -> Found | None:
    said = _response.decode(body)
    usage = said.usage
    inside = usage.input_tokens_details or _NO_DETAILS
    outside = usage.output_tokens_details or _NO_DETAILS
    plain = said.object == "response"
    if not plain or not _plain(said.model, said.id) or not _text_only(inside, outside):
        return None
    if any(item.type not in _PLAIN_ITEMS for item in said.output):
        return None
    counted = _split(usage.input_tokens, inside.cached_tokens, usage.output_tokens, outside.reasoning_tokens, usage.total_tokens)
    return None if counted is None else (said.model, said.id, counted, _tier(said.service_tier), "")


def _message_found(body: bytes) -> Found | None:
    said = _message.decode(body)
    usage = said.usage
    if said.type != "message" or not _plain(said.model, said.id):
        return None
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    split = usage.cache_creation
    hour = split.ephemeral_1h_input_tokens if split is not None else 0
    if split is not None and hour + split.ephemeral_5m_input_tokens != written:
        return None
    counts = {
        "input": usage.input_tokens,
        "cache_read": read,
        "cache_write_5m": written - hour,
        "cache_write_1h": hour,
        "output": usage.output_tokens,
    }
    if not all(0 <= count <= LARGEST_COUNT for count in counts.values()):
        return None
    context = {
        name: value
        for name, value in (("service_tier", usage.service_tier), ("inference_geo", usage.inference_geo))
        if value and value != "not_available"
    }
    if not all(value.isprintable() for value in context.values()):
        return None
    return said.model, said.id, {name: count for name, count in counts.items() if count}, context, ""


def _plain(model: str, response_id: str) -> bool:
    return bool(model) and model.isprintable() and response_id.isprintable()


def _text_only(inside: _Details, outside: _Details) -> bool:
    return not (
        inside.audio_tokens or outside.audio_tokens or inside.cache_write_tokens or outside.cache_write_tokens
        or inside.reasoning_tokens or outside.cached_tokens
    )  # fmt: skip


def _split(tokens_in: int, cached: int, tokens_out: int, reasoning: int, total: int) -> dict[str, int] | None:
    uncached, visible = tokens_in - cached, tokens_out - reasoning
    if total != tokens_in + tokens_out or uncached < 0 or visible < 0 or cached < 0 or reasoning < 0 or total > LARGEST_COUNT:
        return None
    usage: dict[str, int] = {}
    if uncached:
        usage["input"] = uncached
    if cached:
        usage["cache_read"] = cached
    if visible:
        usage["output"] = visible
    if reasoning:
        usage["reasoning"] = reasoning
    return usage


@lru_cache(maxsize=64)
def _tier(tier: str | None) -> Mapping[str, str]:
    return {"service_tier": tier} if tier and tier != "auto" and tier.isprintable() else {}


_READERS: Mapping[str, Callable[[bytes], Found | None]] = {
    "openai_chat": _chat_found,
    "openai_embeddings": _embedding_found,
    "openai_responses": _response_found,
    "anthropic": _message_found,
}
