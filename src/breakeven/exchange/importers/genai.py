"""What attributes of a traced model call mean: OpenTelemetry's GenAI conventions old and new, OpenInference, OpenLLMetry, Langfuse.

The declared rule: a total of input tokens contains cache reads and writes, a total of output tokens contains reasoning, as the
conventions say. Emitters that count otherwise are listed in `OUTSIDE`. Where the parts exceed the whole, the rule was wrong for the
emitter: the usage is unknown and the doubt is told, because a guess that depends on each call's numbers would be wrong in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from breakeven.exchange.importers.langfuse_usage import Counted, langfuse_usage
from breakeven.exchange.importers.names import family, provider_named
from breakeven.exchange.importers.records import object_text, pricing_context
from breakeven.exchange.importers.recordwise import FAULT, WHO, Row

Attributes = Mapping[str, Any]


class Span(NamedTuple):
    """One span, freed of its wire format. Times are nanoseconds since 1970; ids are hexadecimal."""

    trace: str
    span: str
    parent: str
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    attributes: Attributes
    resource: Attributes
    emitter: str


_CALLS = frozenset({
    "chat", "text_completion", "completion", "generate_content", "embeddings", "embedding", "responses", "response", "rerank",
    "generation", "llm", "chat_completion", "image_generation", "transcription", "speech",
})  # fmt: skip
_NO_CALLS = frozenset({
    "invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "retrieval", "chain", "agent", "tool", "retriever",
    "workflow", "task", "span", "event", "guardrail", "evaluator", "prompt", "unknown", "reranker",
})  # fmt: skip
_KINDS = (
    "langfuse.observation.type", "gen_ai.operation.name", "openinference.span.kind", "traceloop.span.kind", "llm.request.type",
)  # fmt: skip
_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "llm.vendor", "ai.model.provider")
_MODEL = (
    "gen_ai.response.model", "llm.response.model", "llm.model_name", "embedding.model_name", "langfuse.observation.model.name",
    "ai.response.model", "gen_ai.request.model", "llm.request.model", "ai.model.id", "gen_ai.model",
)  # fmt: skip
_REQUESTED = ("gen_ai.request.model", "llm.request.model", "ai.model.id")
_INPUT = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt",
    "ai.usage.inputTokens", "ai.usage.promptTokens",
)  # fmt: skip
_OUTPUT = (
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens", "llm.token_count.completion",
    "ai.usage.outputTokens", "ai.usage.completionTokens",
)  # fmt: skip
_CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cache_read_input_tokens", "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read", "ai.usage.cachedInputTokens", "gen_ai.usage.cached_tokens",
)  # fmt: skip
_CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens", "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
)  # fmt: skip
_CACHE_WRITE_1H = (
    "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens", "gen_ai.usage.details.ephemeral_1h_input_tokens",
    "gen_ai.usage.cache_write.ephemeral_1h_input_tokens",
)  # fmt: skip
_REASONING = (
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens", "llm.usage.reasoning_tokens", "llm.token_count.completion_details.reasoning",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens", "ai.usage.reasoningTokens",
)  # fmt: skip
_INPUT_AUDIO = ("llm.token_count.prompt_details.audio", "gen_ai.usage.details.input_audio_tokens")
_OUTPUT_AUDIO = ("llm.token_count.completion_details.audio", "gen_ai.usage.details.output_audio_tokens")
_TIER = ("openai.response.service_tier", "gen_ai.openai.response.service_tier", "gen_ai.response.service_tier")
_COST = ("gen_ai.usage.cost", "llm.cost.total", "gen_ai.usage.total_cost", "gen_ai.cost.total_cost", "operation.cost")
_RESPONSE = ("gen_ai.response.id", "llm.response.id", "ai.response.id")
_USAGE_MARKS = (*_INPUT, *_OUTPUT, "langfuse.observation.usage_details")

OUTSIDE: tuple[tuple[str, str], ...] = (
    ("ai", "anthropic"),  # Vercel's SDK before version 6 passes Anthropic's own counts on
    ("langchain4j", "anthropic"),
    ("spring-ai", "anthropic"),
    ("io.micrometer", "anthropic"),
)
"""Emitters (name of the instrumentation scope, provider) whose input leaves the cache out."""

_WHO: Mapping[str, tuple[str, ...]] = {
    "feature": ("breakeven.feature", "feature", "feature.name", "langfuse.trace.metadata.feature", "langfuse.trace.name"),
    "team": ("breakeven.team", "team", "team.id", "langfuse.trace.metadata.team"),
    "customer": ("breakeven.customer", "customer.id", "customer", "tenant.id", "langfuse.trace.metadata.customer"),
    "user_id": ("breakeven.user", "user.id", "enduser.id", "langfuse.user.id"),
    "workflow": ("breakeven.workflow", "traceloop.workflow.name", "gen_ai.workflow.name", "gen_ai.agent.name"),
    "environment": ("breakeven.environment", "langfuse.environment", "deployment.environment.name", "deployment.environment"),
    "trace_id": ("breakeven.trace", "session.id", "langfuse.session.id", "gen_ai.conversation.id"),
}
_ASSOCIATED_RANK, _RESOURCE, _LAST = 50, 100, 1000
_ASSOCIATED = "traceloop.association.properties."
_ASSOCIATIONS: Mapping[str, str] = {
    "feature": "feature", "team": "team", "customer": "customer", "customer_id": "customer", "tenant_id": "customer",
    "user": "user_id", "user_id": "user_id", "workflow": "workflow", "environment": "environment", "session_id": "trace_id",
    "chat_id": "trace_id", "conversation_id": "trace_id",
}  # fmt: skip
_NAMED: Mapping[str, tuple[str, int]] = {
    **{key: (dimension, rank) for dimension, keys in _WHO.items() for rank, key in enumerate(keys)},
    **{_ASSOCIATED + name: (dimension, _ASSOCIATED_RANK) for name, dimension in _ASSOCIATIONS.items()},
}
_DECLARED = frozenset(("inside", "outside"))


def is_call(span: Span) -> bool:
    """Whether a span is one call of a model, rather than an agent, a tool or a chain around calls."""
    attributes = span.attributes
    for name in _KINDS:
        kind = attributes.get(name)
        if isinstance(kind, str) and kind:
            lowered = kind.lower()
            if lowered in _CALLS:
                return True
            if lowered in _NO_CALLS:
                return False
    return any(name in attributes for name in _USAGE_MARKS)


def has_usage(span: Span) -> bool:
    """Whether a span says what was used."""
    return any(name in span.attributes for name in _USAGE_MARKS)


def row_of(span: Span, *, encloses: bool = False, cache: str | None = None) -> Row:
    """The staged row of a span that is a call. `encloses`: a call traced within it is the one that was billed."""
    attributes = span.attributes
    model = _text(attributes, _MODEL)
    provider = provider_named(_text(attributes, _PROVIDER), model) or family(model)
    counted = _counted(span, provider, cache)
    failed = span.failed or "error.type" in attributes
    tier = _text(attributes, _TIER)
    response = _text(attributes, _RESPONSE)
    row: Row = {
        "identity": f"otlp:{span.trace}:{span.span}",
        "occurred_at": datetime.fromtimestamp(span.start_ns // 1_000_000_000, UTC).replace(
            tzinfo=None, microsecond=span.start_ns % 1_000_000_000 // 1000
        ),
        "provider": provider or None,
        "api": _operation(attributes),
        "model": model or None,
        "model_requested": _text(attributes, _REQUESTED) or None,
        "pricing_context": pricing_context({"service_tier": tier}) if tier and tier != "auto" else "{}",
        "status": "failed" if failed else "ok",
        "http_status": _status(attributes),
        "latency_ms": max(0, (span.end_ns - span.start_ns) // 1_000_000) if span.end_ns else None,
        "usage_known": bool(counted.usage),
        "billed": not encloses,
        "source_ref": response or span.span,
        "tags": object_text(
            {
                "emitter": span.emitter,
                "emitter_cost": _cost(attributes),
                "encloses": "a call traced within it" if encloses else None,
                "usage_fault": counted.fault,
            }
        ),
        WHO: _who(span),
    }
    row.update(counted.usage or {})
    if counted.fault:
        row[FAULT] = counted.fault
    return row


def _counted(span: Span, provider: str, cache: str | None) -> Counted:
    attributes = span.attributes
    details = attributes.get("langfuse.observation.usage_details")
    if details is not None:
        return langfuse_usage(_json(details))
    whole, produced = _count(attributes, _INPUT), _count(attributes, _OUTPUT)
    if whole is None and produced is None:
        return Counted(None)
    read, written = _count(attributes, _CACHE_READ) or 0, _count(attributes, _CACHE_WRITE) or 0
    hour = min(_count(attributes, _CACHE_WRITE_1H) or 0, written)
    audio_in, audio_out = _count(attributes, _INPUT_AUDIO) or 0, _count(attributes, _OUTPUT_AUDIO) or 0
    reasoning = _count(attributes, _REASONING) or 0
    inside = cache == "inside" if cache in _DECLARED else (span.emitter, provider) not in OUTSIDE
    rest = (whole or 0) - audio_in - (read + written if inside else 0)
    visible = (produced or 0) - reasoning - audio_out
    least = min(rest, visible, read, written, reasoning, audio_in, audio_out)
    if least < 0:
        parts = "cached and audio tokens exceed input" if rest < 0 else "reasoning and audio tokens exceed output"
        said = parts if min(rest, visible) < 0 else "a count is negative"
        return Counted(
            None, f"{span.emitter or 'the emitter'}: {said} ({whole} in, {produced} out, {read} read, {written} written)"
        )
    usage = {
        "input": rest, "cache_read": read, "cache_write_5m": written - hour, "cache_write_1h": hour, "input_audio": audio_in,
        "output": visible, "reasoning": reasoning, "output_audio": audio_out,
    }  # fmt: skip
    return Counted({name: quantity for name, quantity in usage.items() if quantity or name in ("input", "output")})


def _who(span: Span) -> dict[str, tuple[object, str]]:
    """Whose call it is. What the span says outweighs its resource; of several names the first in `_WHO` counts."""
    ranks: dict[str, int] = {}
    who: dict[str, tuple[object, str]] = {}
    for place, where in ((span.attributes, "span:"), (span.resource, "resource:")):
        later = where == "resource:"
        for key, value in place.items():
            known = _NAMED.get(key)
            if known is None or value in (None, ""):
                continue
            dimension, rank = known
            rank += _RESOURCE if later else 0
            if rank < ranks.get(dimension, _LAST):
                ranks[dimension], who[dimension] = rank, (value, where + key)
    if "feature" not in who and span.resource.get("service.name") not in (None, "", "unknown_service"):
        who["feature"] = (span.resource["service.name"], "resource:service.name")
    if "trace_id" not in who:
        who["trace_id"] = (span.trace, "span:trace id")
    return who


def _text(attributes: Attributes, names: Iterable[str]) -> str:
    for name in names:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _count(attributes: Attributes, names: Iterable[str]) -> int | None:
    for name in names:
        value = attributes.get(name)
        if value is not None and not isinstance(value, bool):
            try:
                return int(value)
            except (TypeError, ValueError, OverflowError):
                continue
    return None


def _cost(attributes: Attributes) -> str | None:
    value = next((attributes[name] for name in _COST if attributes.get(name) is not None), None)
    return None if value is None else str(value)


def _operation(attributes: Attributes) -> str | None:
    return _text(attributes, ("gen_ai.operation.name", "llm.request.type")) or None


def _status(attributes: Attributes) -> int | None:
    for name in ("http.response.status_code", "http.status_code", "error.type"):
        value = str(attributes.get(name, ""))
        if len(value) == 3 and value.isdecimal():  # noqa: PLR2004 - a status code has three digits
            return int(value)
    return None


def _json(value: object) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return {}
    return value if isinstance(value, Mapping) else {}
