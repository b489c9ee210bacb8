"""Traces of model calls: every convention's words mean the same usage, and what is not said is not made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

BEGUN = 1_790_000_000_000_000_000
OPENAI = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o-2024-08-06"}


def span(number: int, attributes: Mapping[str, Any], parent: int = 0, **others: Any) -> dict[str, Any]:
    return {
        "traceId": f"{7:032x}", "spanId": f"{number:016x}", "parentSpanId": f"{parent:016x}" if parent else "",
        "name": f"span {number}",
        "startTimeUnixNano": str(BEGUN + number), "endTimeUnixNano": str(BEGUN + number + 1_500_000_000), "status": {},
        "attributes": [{"key": key, "value": value_of(value)} for key, value in attributes.items()], **others,
    }  # fmt: skip


def value_of(value: Any) -> dict[str, Any]:
    """As OTLP's JSON has it: whole numbers of 64 bits are texts."""
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def export(*spans: dict[str, Any], scope: str = "opentelemetry.instrumentation.openai_v2", **resource: str) -> str:
    held = [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in resource.items()]
    return json.dumps(
        {"resourceSpans": [{"resource": {"attributes": held}, "scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}]}]}
    )


def usage(desk: Any) -> dict[str, int]:
    return dict(desk.rows("SELECT usage_class, quantity::BIGINT FROM cost_lines WHERE quantity <> 0"))


SAME: list[dict[str, Any]] = [
    {**OPENAI, "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 600,
     "gen_ai.usage.reasoning.output_tokens": 40},
    {"llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.response.model": "gpt-4o-2024-08-06",
     "gen_ai.usage.prompt_tokens": 1000, "gen_ai.usage.completion_tokens": 100, "gen_ai.usage.cache_read_input_tokens": 600,
     "llm.usage.reasoning_tokens": 40},
    {"openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt-4o-2024-08-06",
     "llm.token_count.prompt": 1000, "llm.token_count.completion": 100, "llm.token_count.prompt_details.cache_read": 600,
     "llm.token_count.completion_details.reasoning": 40},
    {"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o-2024-08-06",
     "langfuse.observation.usage_details":
         '{"input": 400, "input_cached_tokens": 600, "output": 60, "output_reasoning_tokens": 40}'},
]  # fmt: skip


@pytest.mark.parametrize("attributes", SAME, ids=["genai", "traceloop", "openinference", "langfuse"])
def test_every_convention_is_the_same_usage(desk: Any, attributes: dict[str, Any]) -> None:
    """GenAI, OpenLLMetry, OpenInference and Langfuse attributes of one call give the same disjoint classes, vendor and cost."""
    answer = desk.bring("otlp", desk.file("a.json", export(span(1, attributes))))
    assert (answer.code, answer.summary["by_state"]) == (0, {"metered": 1}), answer.told
    assert usage(desk) == {"input": 400, "cache_read": 600, "output": 60, "reasoning": 40}
    assert desk.rows("SELECT provider, model, latency_ms FROM calls") == [("openai", "gpt-4o-2024-08-06", 1500)]
    assert answer.summary["cost"] == "0.00275"


def test_protobuf_says_what_json_says(desk: Any) -> None:
    """An export in protobuf, alone or framed by lengths as a collector writes files, is the calls of the same export in JSON."""
    message = ExportTraceServiceRequest()
    held = message.resource_spans.add().scope_spans.add()
    held.scope.name = "opentelemetry.instrumentation.openai_v2"
    made = held.spans.add(trace_id=(7).to_bytes(16, "big"), span_id=(1).to_bytes(8, "big"), name="span 1")
    made.start_time_unix_nano, made.end_time_unix_nano = BEGUN + 1, BEGUN + 1_500_000_001
    for key, value in SAME[0].items():
        attribute = made.attributes.add(key=key)
        if isinstance(value, int):
            attribute.value.int_value = value
        else:
            attribute.value.string_value = value
    body = message.SerializeToString()
    assert desk.bring("otlp", desk.file("a.json", export(span(1, SAME[0])))).summary["calls_added"] == 1
    for name, content in (("a.pb", body), ("b.pb", len(body).to_bytes(4, "big") + body)):
        again = desk.bring("otlp", desk.file(name, content))
        assert (again.summary["calls_added"], again.summary["duplicates"]) == (0, 1), again.told


def test_the_cache_inside_or_outside(desk: Any) -> None:
    """OpenLLMetry's Anthropic spans count the cache inside; with --set cache=outside the emitter's input is what was not cached."""
    attributes = {
        "gen_ai.provider.name": "anthropic", "gen_ai.operation.name": "chat", "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 600,
        "gen_ai.usage.cache_creation.input_tokens": 300,
    }  # fmt: skip
    desk.bring("otlp", desk.file("a.json", export(span(1, attributes), scope="opentelemetry.instrumentation.anthropic")))
    assert usage(desk) == {"input": 100, "cache_read": 600, "cache_write_5m": 300, "output": 10}
    answer = desk.bring("otlp", desk.file("b.json", export(span(2, attributes))), "--set", "cache=outside")
    assert answer.summary["calls_added"] == 1
    assert ("input", 1000) in desk.rows("SELECT usage_class, quantity::BIGINT FROM cost_lines")


def test_parts_beyond_the_whole_are_told_and_unknown(desk: Any) -> None:
    """An emitter that breaks its rule is named; the call is kept with unknown usage, never with a negative or guessed one."""
    attributes = {
        **OPENAI,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 600,
    }
    answer = desk.bring("otlp", desk.file("a.json", export(span(1, attributes))))
    assert answer.summary["by_state"] == {"usage_missing": 1}
    assert "cached and audio tokens exceed input (10 in, 5 out, 600 read, 0 written)" in answer.told
    assert "--set cache=outside" in answer.told
    assert desk.rows("SELECT json_extract_string(tags, '$.usage_fault') IS NOT NULL FROM calls") == [(True,)]


def test_an_error_is_of_unknown_cost(desk: Any) -> None:
    """A span that failed and tells no usage is a failed call of unknown usage, with its status code."""
    failed = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "error.type": "500"}
    answer = desk.bring("otlp", desk.file("a.json", export(span(1, failed, status={"code": 2}))))
    assert answer.summary["by_state"] == {"usage_missing": 1}
    assert desk.rows("SELECT status, http_status FROM calls") == [("failed", 500)]


def test_what_lies_around_a_call_is_not_billed(desk: Any) -> None:
    """Agents and tools are no calls; a framework's span around the client's is kept and not billed, also from another file."""
    agent = span(1, {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100})
    outer = span(2, {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.token_count.prompt": 1000}, parent=1)
    inner = span(3, SAME[0], parent=2)
    answer = desk.bring("otlp", desk.file("a.json", export(inner)), desk.file("b.json", export(agent, outer)))
    assert (answer.summary["calls_added"], answer.summary["cost"]) == (2, "0.00275")
    assert answer.summary["by_state"] == {"metered": 1, "not_billed": 1}


def test_whose_call_it_is(desk: Any) -> None:
    """Our attributes outweigh other tools', spans outweigh resources; the service is the feature where nothing better is said."""
    attributes = {
        **SAME[0], "breakeven.customer": "acme", "user.id": "u1", "session.id": "s1",
        "traceloop.association.properties.customer_id": "other", "traceloop.association.properties.team": "care",
    }  # fmt: skip
    resource = {"service__name": "desk", "deployment__environment__name": "test", "breakeven__customer": "resource"}
    desk.bring("otlp", desk.file("a.json", export(span(1, attributes), **resource)))
    (row,) = desk.rows("SELECT feature, customer, user_id, team, trace_id, environment, attribution_sources FROM calls")
    assert row[:6] == ("desk", "acme", "u1", "care", "s1", "test")
    assert json.loads(row[6])["feature"] == "resource:service.name"


def test_since_and_files_that_are_no_traces(desk: Any) -> None:
    """--since passes over what is older and says how much; a record without spans is set aside."""
    lines = [export(span(1, SAME[0])), json.dumps({"resourceMetrics": []})]
    answer = desk.bring("otlp", desk.file("a.jsonl", "\n".join(lines)), "--since", "2027-01-01")
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 0, 1)
    assert "1 row older than --since left out" in answer.told
    assert "a.jsonl:2: it has no resourceSpans" in answer.told


WRITES = ("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
          "gen_ai.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write")  # fmt: skip


@pytest.mark.parametrize("spelling", WRITES)
@pytest.mark.parametrize("vendor", ["gen_ai.provider.name", "gen_ai.system"])
def test_every_spelling_of_a_cache_write(desk: Any, spelling: str, vendor: str) -> None:
    """The new and the old names of cache writes, and of the vendor, say the same."""
    attributes = {
        vendor: "anthropic", "gen_ai.operation.name": "chat", "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 10, spelling: 300,
    }  # fmt: skip
    answer = desk.bring("otlp", desk.file("a.json", export(span(1, attributes), scope="opentelemetry.instrumentation.anthropic")))
    assert answer.summary["by_state"] == {"metered": 1}, answer.told
    assert usage(desk) == {"input": 700, "cache_write_5m": 300, "output": 10}


@pytest.mark.parametrize("spelling", ["openai.response.service_tier", "gen_ai.openai.response.service_tier"])
def test_the_served_tier_of_a_span_is_billed(desk: Any, spelling: str) -> None:
    """The tier that was served has its price, whatever was asked for: flex costs half."""
    asked = {**OPENAI, "gen_ai.response.model": "gpt-5-2025-08-07", "gen_ai.usage.input_tokens": 1000,
             "gen_ai.usage.output_tokens": 0, "openai.request.service_tier": "priority", spelling: "flex"}  # fmt: skip
    answer = desk.bring("otlp", desk.file("a.json", export(span(1, asked))))
    assert answer.summary["cost"] == "0.000625"


@pytest.mark.parametrize("field", ["input_tokens", "output_tokens", "cache_read.input_tokens", "reasoning.output_tokens"])
def test_a_negative_count_is_told_and_unknown(desk: Any, field: str) -> None:
    """A span with a negative count is kept with unknown usage and marked: it never lowers a sum."""
    attributes = {**OPENAI, "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, f"gen_ai.usage.{field}": -7}
    answer = desk.bring("otlp", desk.file("a.json", export(span(1, attributes))))
    assert answer.summary["by_state"] == {"usage_missing": 1}
    assert "Its usage is kept as unknown" in answer.told
    assert desk.rows("SELECT json_extract_string(tags, '$.usage_fault') IS NOT NULL FROM calls") == [(True,)]
    assert desk.rows("SELECT count(*) FROM cost_lines WHERE quantity < 0 OR cost <> 0") == [(0,)]


def test_a_cost_of_66_times_the_list_price_is_flagged(desk: Any) -> None:
    """What a ledger of another tool claims is held against the price book and told, and the price book's figure counts."""
    claimed = {**SAME[0], "gen_ai.usage.cost": "0.1815"}
    answer = desk.bring("otlp", desk.file("a.json", export(span(1, claimed))))
    assert answer.summary["cost"] == "0.00275"
    assert "the source says $0.181500 for 1 call, the price book says $0.002750" in answer.told
