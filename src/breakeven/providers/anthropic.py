"""Anthropic Messages: input excludes cache reads and cache writes; the output contains the thinking.

A response may contain several model iterations. The top-level totals are those of the iterations that answered; compactions,
advisors and attempts that a fallback replaced stand in `usage.iterations` only, each billed at its own model. A declined attempt
without output is not billed. In a stream the usage of `message_delta` is cumulative: each field's last value wins.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from breakeven.economics.usage import UsagePart
from breakeven.providers.apis import Address, Api, Stream, Vendor, last_of
from breakeven.providers.openai import CHAT
from breakeven.providers.openai import address as openai_address
from breakeven.providers.quantities import output_classes
from breakeven.providers.reading import NO_USAGE, Metering, Node, Notes, facts, nonzero, objects, text

ANSWER = "answer"
_FIELDS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_ANSWERING = ("message", "fallback_message")
_TOOLS = MappingProxyType(
    {
        "web_search_requests": "web_search",
        "web_fetch_requests": "web_fetch",
        "code_execution_requests": "code_execution",
    }
)
_MODEL_IN_URL = re.compile(r"/publishers/anthropic/models/([^/:?]+)")


def is_message(body: Node) -> bool:
    """A message, one event of its stream, or a usage counted like one."""
    kind = text(body, "type")
    if kind.startswith(("message", "content_block")) or kind == "ping":
        return True
    usage = body.get("usage")
    if not isinstance(usage, dict) or "input_tokens" not in usage:
        return False
    return not any(
        name in usage for name in ("total_tokens", "input_tokens_details", "input_token_details", "billed_units", "tokens")
    )


def meter(body: Node, notes: Notes) -> Metering:
    """What a message says: the answer first, then every iteration that its totals do not contain."""
    usage = body.get("usage")
    model = text(body, "model")
    found = Metering(model=model, response_id=text(body, "id"))
    if not isinstance(usage, dict) or not usage:
        notes.reject(NO_USAGE if usage is None else "the response has a usage that is not an object, or empty")
        return found
    counted = _tokens(usage, notes)
    others = _other_parts(body, usage, notes)
    if counted is None or notes.impossible:
        return found
    answer = UsagePart(model, nonzero(counted | _tool_calls(usage, notes)), ANSWER if others else "")
    geography = text(usage, "inference_geo")
    context = facts(
        service_tier=text(usage, "service_tier"),
        speed=text(usage, "speed"),
        inference_geo="" if geography == "not_available" else geography,
    )
    return Metering(model, (answer, *others), context, response_id=found.response_id)


def _tokens(usage: Node, notes: Notes) -> dict[str, int] | None:
    """Disjoint token classes of one usage object."""
    tokens_in = notes.count(usage, "input_tokens")
    tokens_out = notes.count(usage, "output_tokens")
    if tokens_in is None or tokens_out is None:
        notes.reject(f"the usage has no {'input_tokens' if tokens_in is None else 'output_tokens'}")
        return None
    thinking = notes.total(notes.node(usage, "output_tokens_details"), "thinking_tokens", "reasoning_tokens")
    counted = {"input": tokens_in, "cache_read": notes.total(usage, "cache_read_input_tokens"), **_written(usage, notes)}
    return counted | output_classes(tokens_out, {}, thinking, notes)


def _written(usage: Node, notes: Notes) -> dict[str, int]:
    """Cache writes by lifetime; what the split does not name was written for the default five minutes."""
    split = notes.node(usage, "cache_creation")
    hour = notes.total(split, "ephemeral_1h_input_tokens")
    minutes = notes.total(split, "ephemeral_5m_input_tokens")
    whole = notes.count(usage, "cache_creation_input_tokens")
    if whole is None or not split:
        return {"cache_write_5m": minutes or whole or 0, "cache_write_1h": hour}
    if notes.within(hour + minutes, "cache_creation by lifetime", whole, "cache_creation_input_tokens"):
        notes.agree(hour + minutes, whole, "cache_creation_input_tokens")
    return {"cache_write_5m": max(whole - hour, 0), "cache_write_1h": hour}


def _tool_calls(usage: Node, notes: Notes) -> dict[str, int]:
    calls = notes.node(usage, "server_tool_use")
    return {name: notes.total(calls, field) for field, name in _TOOLS.items()}


def _other_parts(body: Node, usage: Node, notes: Notes) -> tuple[UsagePart, ...]:
    """The iterations that the top-level totals do not contain."""
    iterations = notes.nodes(usage, "iterations")
    answered = _answering(iterations, body, usage, notes)
    found: list[UsagePart] = []
    for position, iteration in enumerate(iterations):
        if position in answered:
            continue
        kind = text(iteration, "type") or "iteration"
        declined = kind in _ANSWERING
        if declined and not notes.total(iteration, "output_tokens"):
            continue
        counted = _tokens(iteration, notes)
        if counted is not None:
            model = text(iteration, "model") or (_declined_model(body) if declined else text(body, "model"))
            found.append(UsagePart(model, nonzero(counted), "declined" if declined else kind))
    return tuple(found)


def _answering(iterations: list[Node], body: Node, usage: Node, notes: Notes) -> set[int]:
    """The positions of the iterations that the top-level totals consist of; the sums prove it."""
    model = text(body, "model")
    messages = [n for n, each in enumerate(iterations) if text(each, "type") in _ANSWERING]
    fallbacks = [n for n in messages if text(iterations[n], "type") == "fallback_message"]
    own = [n for n in messages if text(iterations[n], "model") in ("", model)]
    likely = [fallbacks[-1:], fallbacks, own, messages] if fallbacks else [own, messages, messages[-1:]]
    for positions in likely:
        if positions and _sums(iterations, positions) == _sums([usage], [0]):
            return set(positions)
    if messages:
        notes.doubt("no set of usage.iterations sums to the top-level totals; the totals are taken as the answer")
    return set(likely[0])


def _sums(nodes: list[Node], positions: list[int]) -> tuple[int, ...]:
    return tuple(sum(value for n in positions if isinstance(value := nodes[n].get(name), int)) for name in _FIELDS)


def _declined_model(body: Node) -> str:
    """The model that a fallback replaced, as its content block names it."""
    replaced = [
        block["from"]
        for block in objects(body, "content")
        if block.get("type") == "fallback" and isinstance(block.get("from"), dict)
    ]
    return text(replaced[0], "model") if replaced else text(body, "model")


def fold(stream: Stream, event: Node) -> None:
    """Events of a message stream."""
    kind = text(event, "type")
    message = event.get("message")
    if kind == "message_start" and isinstance(message, dict):
        _start(stream, message)
    elif kind == "message_delta":
        _merge_delta(stream, event)
    elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
        _keep_fallback(stream, event["content_block"])
    elif kind == "error":
        stream.error = event
    elif kind == "message_stop":
        stream.ended = True
    elif kind == "message":
        _start(stream, event)
        stream.ended = True
    stream.begun = stream.begun or kind.startswith(("message", "content_block"))


def _start(stream: Stream, message: Node) -> None:
    stream.body.update({name: value for name, value in message.items() if name != "content"})
    usage = message.get("usage")
    stream.body["usage"] = dict(usage) if isinstance(usage, dict) else {}


def _merge_delta(stream: Stream, event: Node) -> None:
    usage = event.get("usage")
    known = stream.body.setdefault("usage", {})
    if isinstance(usage, dict):
        grown = usage.get("cache_creation_input_tokens") not in (None, known.get("cache_creation_input_tokens"))
        if grown and "cache_creation" not in usage:
            known.pop("cache_creation", None)  # the split of the start is older than this total
        known.update({name: value for name, value in usage.items() if value is not None})
    delta = event.get("delta")
    if isinstance(delta, dict):
        last_of(stream, delta, ("stop_reason", "model"))
        stream.ended = stream.ended or (bool(delta.get("stop_reason")) and isinstance(usage, dict))


def _keep_fallback(stream: Stream, block: Node) -> None:
    """A fallback block says which model took over; the start of the stream still named the one that declined."""
    if block.get("type") == "fallback":
        stream.body.setdefault("content", []).append(block)
        served = block.get("to")
        if isinstance(served, dict) and text(served, "model"):
            stream.body["model"] = text(served, "model")


def address(url: str) -> Address:
    """Anthropic's own address names the API; Google's names the model too."""
    found = _MODEL_IN_URL.search(url)
    if found:
        return Address(model=found[1], api="anthropic", decides_model=True)
    return Address(api="anthropic") if "/messages" in url else openai_address(url)


MESSAGES = Api("anthropic", is_message, meter, fold)
SHORT_NAMES = MappingProxyType({"messages": "anthropic", "chat": "openai_chat"})
ANTHROPIC = Vendor("anthropic", (MESSAGES, CHAT), ("claude",), ("api.anthropic.com",), SHORT_NAMES, address)
