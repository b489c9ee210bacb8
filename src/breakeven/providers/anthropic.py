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
    """What a message says: the answer first, then every other iteration."""
    usage = body.get("usage")
    found = Metering(model=text(body, "model"), response_id=text(body, "id"))
    if not isinstance(usage, dict) or not usage:
        notes.reject(NO_USAGE if usage is None else "the response has a usage that is not an object, or empty")
        return found
    iterations = notes.nodes(usage, "iterations")
    model = _served_model(body, iterations)
    counted = _tokens(usage, notes)
    others = _other_parts(body, model, iterations, notes)
    if counted is None or notes.impossible:
        return found
    answer = _without(counted, _inside(usage, model, iterations, notes), notes)
    part = UsagePart(model, nonzero(answer | _tool_calls(usage, notes)), ANSWER if others else "")
    geography = text(usage, "inference_geo")
    context = facts(
        service_tier=text(usage, "service_tier"),
        speed=text(usage, "speed"),
        inference_geo="" if geography == "not_available" else geography,
    )
    return Metering(model, () if notes.impossible else (part, *others), context, response_id=found.response_id)


def _tokens(usage: Node, notes: Notes) -> dict[str, int] | None:
    """Disjoint token classes of one usage object."""
    tokens_in = notes.count(usage, "input_tokens")
    tokens_out = notes.count(usage, "output_tokens")
    if tokens_in is None or tokens_out is None:
        notes.missing(f"the usage has no {'input_tokens' if tokens_in is None else 'output_tokens'}")
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


def _served_model(body: Node, iterations: list[Node]) -> str:
    """The model that answered: the last fallback where there was one. A stream's start still names the one that declined."""
    fallbacks = [text(each, "model") for each in iterations if text(each, "type") == "fallback_message"]
    return next((model for model in reversed(fallbacks) if model), text(body, "model"))


def _is_other(iteration: Node, model: str, *, fallback: bool) -> bool:
    """Whether an iteration is not part of the answer: another kind, another model, or what a fallback replaced."""
    kind, own = text(iteration, "type"), text(iteration, "model")
    return kind not in _ANSWERING or own not in ("", model) or (fallback and kind == "message" and not own)


def _others(iterations: list[Node], model: str) -> list[Node]:
    fallback = any(text(each, "type") == "fallback_message" for each in iterations)
    return [each for each in iterations if _is_other(each, model, fallback=fallback)]


def _other_parts(body: Node, model: str, iterations: list[Node], notes: Notes) -> tuple[UsagePart, ...]:
    """The iterations that are not the answer, each at its own model. Attempts declined before any output are free."""
    found: list[UsagePart] = []
    for iteration in _others(iterations, model):
        declined = text(iteration, "type") in _ANSWERING
        counted = _tokens(iteration, notes)
        if counted is None or (declined and not iteration.get("output_tokens")):
            continue
        named = text(iteration, "model") or (_declined_model(body, model, notes) if declined else model)
        found.append(UsagePart(named, nonzero(counted), "declined" if declined else text(iteration, "type") or "iteration"))
    return tuple(found)


def _declined_model(body: Node, served: str, notes: Notes) -> str:
    """The model that a fallback replaced: as its content block names it, or as the start of the stream did."""
    replaced = [
        text(block["from"], "model")
        for block in objects(body, "content")
        if block.get("type") == "fallback" and isinstance(block.get("from"), dict)
    ]
    named = replaced[0] if replaced else text(body, "model")
    if named == served:
        notes.doubt("a declined attempt names no model; it is priced as the model that answered")
    return named


def _inside(usage: Node, model: str, iterations: list[Node], notes: Notes) -> list[dict[str, int]]:
    """What of other iterations the top-level totals contain: nothing, or the attempts by other models; the sums prove which."""
    others = _others(iterations, model)
    answers = [each for each in iterations if each not in others]
    messages = [each for each in iterations if text(each, "type") in _ANSWERING]
    stated = _sums([usage])
    if not messages or stated in (_sums(answers), _sums(answers[-1:])):
        return []
    if stated == _sums(messages):
        return [counted for each in messages if each in others and (counted := _tokens(each, notes)) is not None]
    notes.doubt("no set of usage.iterations sums to the top-level totals; the totals are taken as the answer")
    return []


def _sums(nodes: list[Node]) -> tuple[int, ...]:
    return tuple(sum(value for each in nodes if isinstance(value := each.get(name), int)) for name in _FIELDS)


def _without(counted: dict[str, int], parts: list[dict[str, int]], notes: Notes) -> dict[str, int]:
    """The totals without the parts inside them."""
    left = dict(counted)
    for name, quantity in ((name, quantity) for part in parts for name, quantity in part.items() if quantity):
        if notes.within(quantity, f"{name} of an iteration", left.get(name, 0), f"{name} of the totals"):
            left[name] -= quantity
    return left


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
    """A fallback block says which model took over from which."""
    if block.get("type") == "fallback":
        stream.body.setdefault("content", []).append(block)


def address(url: str) -> Address:
    """Anthropic's own address names the API; Google's names the model too."""
    found = _MODEL_IN_URL.search(url)
    if found:
        return Address(model=found[1], api="anthropic", decides_model=True)
    return Address(api="anthropic") if "/messages" in url else openai_address(url)


_TELLING = (b'"message_start"', b'"message_delta"', b'"message_stop"', b'"message"', b'"error"', b'"fallback"')

MESSAGES = Api("anthropic", is_message, meter, fold, _TELLING)
SHORT_NAMES = MappingProxyType({"messages": "anthropic", "chat": "openai_chat"})
ANTHROPIC = Vendor("anthropic", (MESSAGES, CHAT), ("claude",), ("api.anthropic.com",), SHORT_NAMES, address)
