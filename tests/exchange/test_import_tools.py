"""Langfuse, Helicone, Portkey, LiteLLM's callback: what they recorded is metered anew, and what they charge is compared."""

from __future__ import annotations

import json
from typing import Any

import pytest

TRACE = {"id": "t1", "name": "summaries", "sessionId": "s1", "userId": "u1", "metadata": {"customer": "acme"}}


def generation(identity: str, parent: str | None, usage: dict[str, int], **others: Any) -> dict[str, Any]:
    return {
        "id": identity, "traceId": "t1", "type": "GENERATION", "parentObservationId": parent,
        "startTime": "2026-10-01T10:00:00.000Z",
        "endTime": "2026-10-01T10:00:02.000Z", "model": "gpt-4o", "usageDetails": usage, "environment": "production", **others,
    }  # fmt: skip


def usage(desk: Any, ref: str) -> dict[str, int]:
    return dict(
        desk.rows(
            f"SELECT usage_class, quantity FROM cost_lines JOIN calls USING (call_id) WHERE source_ref = '{ref}' AND quantity <> 0"
        )
    )


def test_a_trace_of_langfuse(desk: Any) -> None:
    """Generations become calls of the trace's feature, customer, user and session; a generation around another is not billed."""
    observations = [
        generation("outer", None, {"input": 900, "output": 90, "total": 990}),
        {"id": "chain", "traceId": "t1", "type": "CHAIN", "parentObservationId": "outer", "startTime": "2026-10-01T10:00:00Z"},
        generation("inner", "chain", {"input": 600, "output": 90, "total": 690}, totalCost=1.0),
        generation("silent", None, {}),
    ]
    path = desk.file("trace.json", json.dumps({"trace": TRACE, "observations": observations}, indent=1))
    answer = desk.bring("langfuse", path)
    assert (answer.code, answer.summary["by_state"]) == (0, {"metered": 1, "not_billed": 1, "usage_missing": 1}), answer.told
    assert answer.summary["cost"] == "0.0024"
    assert "the source says $1.000000 for 1 call, the price book says $0.002400" in answer.told
    assert desk.rows("SELECT DISTINCT feature, customer, user_id, trace_id, environment, latency_ms FROM calls") == [
        ("summaries", "acme", "u1", "s1", "production", 2000)
    ]
    assert desk.bring("langfuse", path).summary["duplicates"] == 3


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            {"input": 100, "output": 50, "total": 150, "completion_details.reasoning": 30},
            {"input": 100, "output": 20, "reasoning": 30},
        ),
        ({"input": 100, "input_cached_tokens": 60, "output": 50, "total": 210}, {"input": 100, "cache_read": 60, "output": 50}),
        ({"input": 100, "cache_read_input_tokens": 60, "output": 50}, {"input": 100, "cache_read": 60, "output": 50}),
        ({"input": 100, "output": 50, "total": 150, "input_cache_read": 60}, {"input": 40, "cache_read": 60, "output": 50}),
    ],
)
def test_the_total_says_where_the_parts_lie(desk: Any, details: dict[str, int], expected: dict[str, int]) -> None:
    """A total of input and output has the parts inside; a total of everything, or none at all, has them beside."""
    desk.bring("langfuse", desk.file("a.json", json.dumps([generation("g", None, details)])))
    assert usage(desk, "g") == expected


HELICONE = {
    "request_id": "h1", "request_created_at": "2026-10-01T10:00:00Z", "provider": "ANTHROPIC", "response_status": 200,
    "delay_ms": 900,
    "request_user_id": "u1", "request_properties": {"Feature": "support", "Customer": "acme", "Plan": "pro"},
    "response_model": "claude-sonnet-4-5-20250929", "total_prompt_tokens": 100, "total_completion_tokens": 10,
    "prompt_cache_read_tokens": 600, "cost": 0.5,
}  # fmt: skip
PORTKEY = {
    "id": "p1", "created_at": "2026-10-01T10:00:00Z", "ai_org": "openai", "ai_model": "gpt-4o", "response_status_code": 200,
    "req_units": 100, "res_units": 10, "response_time": 900, "trace_id": "t1", "metadata": {"_user": "u1", "feature": "support"},
    "cost": 3, "cost_currency": "USD",
}  # fmt: skip
CALLBACK = {
    "id": "chatcmpl-1", "startTime": 1790848800.0, "endTime": 1790848801.5, "call_type": "acompletion", "status": "success",
    "model": "gpt-4o", "custom_llm_provider": "openai", "model_group": "big", "prompt_tokens": 100, "completion_tokens": 20,
    "response_cost": 0.00033, "request_tags": ["feature:support"], "end_user": "acme",
    "metadata": {"user_api_key_team_alias": "care", "usage_object": {"prompt_tokens_details": {"cached_tokens": 40}}},
}  # fmt: skip


def test_a_count_that_is_none_leaves_the_usage_unknown(desk: Any) -> None:
    """One class that cannot be read must not let the rest pass for the whole: the call has no known cost, and why is told."""
    path = desk.file("one.jsonl", json.dumps(generation("g", None, {"input": "many", "output": 90, "unit": "TOKENS"})))  # type: ignore[dict-item] # that is the case
    answer = desk.bring("langfuse", path)
    assert (answer.code, answer.summary["by_state"]) == (0, {"usage_missing": 1})
    assert "input of Langfuse's usage is no whole number: 'many'" in answer.told


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_of_tools_are_read_however_they_are_written(desk: Any, encoding: str, separator: str) -> None:
    """A byte order mark, UTF-16 or Windows' encoding, another separator and line end, columns in another order: the same calls."""
    columns = {
        "id": ("p1", "p2"), "created_at": ("2026-10-01T10:00:00Z", "2026-10-02T10:00:00Z"), "ai_org": ("openai", "openai"),
        "ai_model": ("gpt-4o", "gpt-4o"), "req_units": ("100", "200"), "res_units": ("20", "30"), "trace_id": ("tür", "tör"),
    }  # fmt: skip
    for names in (list(columns), list(columns)[::-1]):
        rows = [names, *([columns[name][row] for name in names] for row in range(2))]
        text = "\r\n".join(separator.join(row) for row in rows)
        desk.bring("portkey", desk.file("logs.csv", text.encode(encoding)))
    assert desk.rows("SELECT source_ref, trace_id, output_tokens FROM calls ORDER BY 1") == [("p1", "tür", 20), ("p2", "tör", 30)]


def test_a_request_of_helicone(desk: Any) -> None:
    """Anthropic's cache counts lie beside prompt tokens; properties are attribution or tags; a failure is not billed."""
    failed = {**HELICONE, "request_id": "h2", "response_status": 429, "total_prompt_tokens": None}
    answer = desk.bring("helicone", desk.file("h.jsonl", "\n".join(map(json.dumps, [HELICONE, failed]))))
    assert answer.summary["by_state"] == {"metered": 1, "not_billed": 1}, answer.told
    assert usage(desk, "h1") == {"input": 100, "cache_read": 600, "output": 10}
    (row,) = desk.rows("SELECT feature, customer, user_id, latency_ms, tags FROM calls WHERE source_ref = 'h1'")
    assert (row[:4], json.loads(row[4])["Plan"]) == (("support", "acme", "u1", 900), "pro")
    assert "the source says $0.500000" in answer.told


def test_the_vendors_body_outweighs_counts(desk: Any) -> None:
    """Where a log holds the vendor's answer it is read by the vendor's rule."""
    body = {
        "model": "gpt-4o",
        "usage": {"prompt_tokens": 70, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 20}},
    }
    desk.bring("helicone", desk.file("h.json", json.dumps([{**HELICONE, "provider": "OPENAI", "response_body": body}])))
    assert usage(desk, "h1") == {"input": 50, "cache_read": 20, "output": 7}


def test_a_log_of_portkey(desk: Any) -> None:
    """Units are tokens, metadata is attribution, an answer from its cache costs nothing, and its cost is in cents."""
    hit = {**PORTKEY, "id": "p2", "cache_status": "HIT"}
    answer = desk.bring("portkey", desk.file("p.jsonl", "\n".join(map(json.dumps, [PORTKEY, hit]))))
    assert (answer.summary["by_state"], answer.summary["cost"]) == ({"metered": 1, "not_billed": 1}, "0.00035"), answer.told
    assert "the source says $0.030000 for 1 call" in answer.told
    assert desk.rows("SELECT DISTINCT feature, user_id, trace_id FROM calls") == [("support", "u1", "t1")]


def test_portkeys_columns_as_its_manual_lists_them(desk: Any) -> None:
    """Metadata may be a column of keys and one of values, bodies lie in `request` and `response`; `is_success` 0 is a failure."""
    columns = {key: value for key, value in PORTKEY.items() if key not in ("metadata", "response_status_code")}
    columns |= {"metadata.key": ["_user", "feature"], "metadata.value": ["u2", "search"], "request": {"body": {"model": "gpt-4"}}}
    answered = {"body": {"model": "gpt-4o", "usage": {"prompt_tokens": 70, "completion_tokens": 7}}}
    lines = [{**columns, "is_success": 1, "response": answered}, {**columns, "id": "p2", "is_success": 0}]
    answer = desk.bring("portkey", desk.file("p.jsonl", "\n".join(map(json.dumps, lines))))
    assert answer.summary["by_state"] == {"metered": 1, "not_billed": 1}, answer.told
    assert usage(desk, "p1") == {"input": 70, "output": 7}
    assert desk.rows("SELECT DISTINCT feature, user_id, model_requested FROM calls") == [("search", "u2", "gpt-4")]


def test_helicones_counts_lie_beside_for_openai_too(desk: Any) -> None:
    """Helicone stores OpenAI's counts without their cached and audio tokens; -1 tokens are unknown, not a count."""
    counted = {
        **HELICONE, "provider": "OPENAI", "response_model": "gpt-4o", "prompt_audio_tokens": 5, "completion_audio_tokens": 2,
        "reasoning_tokens": 4,
    }  # fmt: skip
    silent = {**counted, "request_id": "h2", **dict.fromkeys([key for key in counted if key.endswith("_tokens")], -1)}
    desk.bring("helicone", desk.file("h.jsonl", "\n".join(map(json.dumps, [counted, silent]))))
    assert usage(desk, "h1") == {
        "input": 100, "cache_read": 600, "input_audio": 5, "output": 6, "output_audio": 2, "reasoning": 4,
    }  # fmt: skip
    assert desk.rows("SELECT DISTINCT cost_lines.state FROM cost_lines JOIN calls USING (call_id) WHERE source_ref = 'h2'") == [
        ("usage_missing",)
    ]


def test_the_callback_and_the_spend_log_are_one_call(desk: Any) -> None:
    """What LiteLLM posts and what its spend log holds have one identity: the second adds nothing."""
    assert desk.bring("litellm-callback", desk.file("c.json", json.dumps([CALLBACK]))).summary["cost"] == "0.0004"
    assert desk.rows("SELECT feature, customer, team, latency_ms FROM calls") == [("support", "acme", "care", 1500)]
    log = {
        "request_id": "chatcmpl-1", "startTime": "2026-10-01T10:00:00Z", "endTime": "2026-10-01T10:00:01.5Z", "status": "success",
        "model": "gpt-4o", "custom_llm_provider": "openai", "prompt_tokens": 100, "completion_tokens": 20,
    }  # fmt: skip
    again = desk.bring("litellm", desk.file("l.json", json.dumps([log])))
    assert (again.summary["calls_added"], again.summary["duplicates"]) == (0, 1), again.told


@pytest.mark.parametrize(
    ("format_", "record", "what"),
    [
        ("langfuse", {"hello": 1}, "it is neither a trace with observations nor an observation"),
        ("langfuse", {"id": "t", "observations": ["a", "b"]}, "it names its observations and does not hold them"),
        ("helicone", {**HELICONE, "request_id": None}, "it has no id"),
        ("helicone", {**HELICONE, "response_body": None, "prompt_tokens": "many"}, "prompt_tokens: this is not a whole number"),
        ("portkey", {**PORTKEY, "response": None, "req_units": 10.5}, "field req_units: this is not a whole number (10.5)"),
        ("litellm-callback", {**CALLBACK, "completion_tokens": "-"}, "field completion_tokens: this is not a whole number (-)"),
        ("portkey", {**PORTKEY, "created_at": "yesterday"}, "its time 'yesterday' is no instant"),
        (
            "litellm-callback",
            {**CALLBACK, "prompt_tokens": 30},
            "its parts (cached, written, audio, reasoning) are more than the whole",
        ),
    ],
)
def test_records_that_cannot_be_used(desk: Any, format_: str, record: dict[str, Any], what: str) -> None:
    """A bad record is told with its place and set aside as it came; the exit code is 3."""
    answer = desk.bring(format_, desk.file("bad.jsonl", json.dumps(record) + "\n" + json.dumps(record)))
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 0, 2)
    assert "bad.jsonl:1" in answer.told
    assert what in answer.told
    (rejects,) = answer.summary["rejects"]
    with open(rejects, encoding="utf-8") as stream:  # noqa: PTH123 - the path is text here
        assert [json.loads(line) for line in stream] == [record, record]
