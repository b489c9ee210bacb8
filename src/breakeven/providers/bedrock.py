"""Amazon Bedrock: Converse, and the shapes of the vendors whose models it invokes.

The model stands in the address only (percent-encoded, often with an inference profile that changes the price); a model named in a
body is the vendor's, not Bedrock's. Converse counts cache reads and writes outside the input, its total contains them.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from urllib.parse import unquote

from breakeven.economics.usage import UsagePart
from breakeven.providers.anthropic import MESSAGES
from breakeven.providers.apis import Address, Api, Stream, Vendor, last_of
from breakeven.providers.openai import CHAT, RESPONSES, path_api
from breakeven.providers.reading import NO_USAGE, Metering, Node, Notes, facts, nonzero, text

_METRICS = "amazon-bedrock-invocationMetrics"
_MODEL_IN_URL = re.compile(r"/(?:model|foundation-model|inference-profile)/(?P<model>[^?]+?)/(?P<action>[a-z-]+)(?:\?|$)")
_REGION = re.compile(r"bedrock[a-z-]*\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws|api\.aws)")
_ACTIONS = MappingProxyType({"converse": "converse", "converse-stream": "converse"})
_EVENTS = ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata")
_TTL = MappingProxyType({"5m": "cache_write_5m", "1h": "cache_write_1h"})


def is_converse(body: Node) -> bool:
    """A Converse answer, one event of its stream, or an answer counted like one (Nova)."""
    usage = body.get("usage")
    return (isinstance(usage, dict) and "inputTokens" in usage) or any(isinstance(body.get(name), dict) for name in _EVENTS)


def meter_converse(body: Node, notes: Notes) -> Metering:
    """What a Converse answer says."""
    usage = body.get("usage")
    if not isinstance(usage, dict) or not usage:
        notes.reject(NO_USAGE if usage is None else "the response has a usage that is not an object, or empty")
        return Metering()
    tokens_in, tokens_out = notes.count(usage, "inputTokens"), notes.count(usage, "outputTokens")
    if tokens_in is None or tokens_out is None:
        notes.missing(f"the usage has no {'inputTokens' if tokens_in is None else 'outputTokens'}")
        return Metering()
    read = notes.total(usage, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = _written(usage, notes)
    counted = {"input": tokens_in, "cache_read": read, **written, "output": tokens_out}
    notes.agree(sum(counted.values()), notes.count(usage, "totalTokens"), "totalTokens")
    tier = text(notes.node(body, "serviceTier"), "type")
    latency = text(notes.node(body, "performanceConfig"), "latency")
    context = facts(service_tier=tier, speed="optimized" if latency == "optimized" else "")
    return Metering(parts=() if notes.impossible else (UsagePart("", nonzero(counted)),), context=context)


def _written(usage: Node, notes: Notes) -> dict[str, int]:
    """Cache writes by lifetime; five minutes where the details do not say."""
    whole = notes.total(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    split: dict[str, int] = {}
    for entry in notes.nodes(usage, "cacheDetails"):
        lifetime = text(entry, "ttl")
        if lifetime not in _TTL:
            notes.doubt(f"cacheDetails has an unknown ttl {lifetime!r}; taken as five minutes")
        name = _TTL.get(lifetime, "cache_write_5m")
        split[name] = split.get(name, 0) + notes.total(entry, "inputTokens")
    if not split:
        return {"cache_write_5m": whole}
    notes.within(sum(split.values()), "cacheDetails", whole, "cacheWriteInputTokens")
    notes.agree(sum(split.values()), whole, "cacheWriteInputTokens")
    return split | {"cache_write_5m": split.get("cache_write_5m", 0) + max(whole - sum(split.values()), 0)}


def fold_converse(stream: Stream, event: Node) -> None:
    """Events of a Converse stream; `metadata` comes last and carries the usage."""
    stream.begun = stream.begun or any(name in event for name in _EVENTS)
    metadata = event.get("metadata")
    final = metadata if isinstance(metadata, dict) else event
    if isinstance(final.get("usage"), dict):
        last_of(stream, final, ("usage", "serviceTier", "performanceConfig", "trace"))
        stream.ended = True
    stream.error = next((event for name in event if name.endswith("Exception")), stream.error)


def is_invocation(body: Node) -> bool:
    """An answer in a shape of Amazon's, Meta's, Mistral's or Cohere's own, or Bedrock's metrics at the end of a stream."""
    names = (
        "inputTextTokenCount",
        "prompt_token_count",
        "generation_token_count",
        "generation",
        "results",
        "outputs",
        "generations",
        "text",
    )
    return any(name in body for name in (*names, _METRICS))


def meter_invocation(body: Node, notes: Notes) -> Metering:
    """An invoked model's answer: Bedrock's metrics where they are, else the vendor's own counts."""
    metrics = notes.node(body, _METRICS)
    if metrics:
        counted = {
            "input": _needed(metrics, notes, "inputTokenCount"),
            "cache_read": notes.total(metrics, "cacheReadInputTokenCount"),
            "cache_write_5m": notes.total(metrics, "cacheWriteInputTokenCount"),
            "output": _needed(metrics, notes, "outputTokenCount"),
        }
    elif "inputTextTokenCount" in body:
        generated = [notes.total(result, "tokenCount") for result in notes.nodes(body, "results")]
        counted = {
            "input": _needed(body, notes, "inputTextTokenCount"),
            "output": sum(generated) or notes.total(body, "totalOutputTextTokenCount"),
        }
    else:
        tokens_in = _needed(body, notes, "prompt_token_count")
        counted = {"input": tokens_in, "output": 0 if notes.impossible else _needed(body, notes, "generation_token_count")}
    return Metering(parts=() if notes.impossible else (UsagePart("", nonzero(counted)),), response_id=text(body, "id"))


def _needed(node: Node, notes: Notes, name: str) -> int:
    """A count without which the usage is unknown; Bedrock then gives it in the response's headers only."""
    found = notes.count(node, name)
    if found is None and not notes.impossible:
        notes.reject(
            f"the body has no {name}", "Bedrock gives it in the headers x-amzn-bedrock-input-token-count and -output-token-count."
        )
    return found or 0


def fold_invocation(stream: Stream, event: Node) -> None:
    """Chunks of an invoked model; Bedrock adds its metrics to the last one."""
    stream.begun = True
    last_of(
        stream,
        event,
        (_METRICS, "inputTextTokenCount", "totalOutputTextTokenCount", "prompt_token_count", "generation_token_count"),
    )
    stream.ended = stream.ended or _METRICS in event


def address(url: str) -> Address:
    """The model with its inference profile, the region, and the API."""
    region = _REGION.search(url)
    context = facts(region=region["region"] if region else "")
    found = _MODEL_IN_URL.search(unquote(url))
    if found is None:
        return Address(api="anthropic" if "/messages" in url else path_api(url), context=context)
    # A customer's own profile has an opaque id: whoever recorded the call may know the model behind it.
    opaque = "application-inference-profile/" in found["model"]
    return Address(_model(found["model"]), _ACTIONS.get(found["action"], ""), context, decides_model=not opaque)


def _model(name: str) -> str:
    """The model id; of an ARN the part that names a profile or a foundation model."""
    for part in ("inference-profile/", "foundation-model/"):
        if part in name:
            return name.split(part, 1)[1]
    return name


CONVERSE = Api("converse", is_converse, meter_converse, fold_converse)
INVOKE = Api("bedrock_invoke", is_invocation, meter_invocation, fold_invocation)
SHORT_NAMES = MappingProxyType(
    {
        "converse-stream": "converse",
        "invoke": "bedrock_invoke",
        "messages": "anthropic",
        "chat": "openai_chat",
        "responses": "openai_responses",
        "embeddings": "bedrock_invoke",
    }
)
BEDROCK = Vendor(
    "bedrock",
    (CONVERSE, MESSAGES, INVOKE, RESPONSES, CHAT),
    ("aws", "amazon", "amazon-bedrock", "aws-bedrock", "aws_bedrock"),
    ("amazonaws.com", "api.aws"),
    SHORT_NAMES,
    address,
    given_model_wins=True,
)
