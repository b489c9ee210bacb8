"""LiteLLM's spend logs: metered anew by one declared rule, its own cost compared and not believed."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

USUAL = {"startTime": "2026-09-01T10:00:00.000Z", "endTime": "2026-09-01T10:00:01.500Z", "status": "success", "cache_hit": "False"}
OPENAI = {
    **USUAL, "request_id": "chatcmpl-1", "call_type": "acompletion", "spend": 0.000401, "prompt_tokens": 100,
    "completion_tokens": 20,
    "completionStartTime": "2026-09-01T10:00:00.400Z", "model": "gpt-4o", "model_group": "big", "custom_llm_provider": "openai",
    "user": "u1", "end_user": "acme", "team_id": "t1", "session_id": "s1", "request_tags": ["support"],
    "metadata": {
        "user_api_key_alias": "support-bot",
        "usage_object": {
            "prompt_tokens_details": {"cached_tokens": 40}, "completion_tokens_details": {"reasoning_tokens": 5},
        },
    },
}  # fmt: skip
ANTHROPIC = {
    **USUAL, "request_id": "msg-2", "spend": 0.5, "prompt_tokens": 1000, "completion_tokens": 100,
    "custom_llm_provider": "anthropic",
    "model": "anthropic/claude-sonnet-4-5-20250929",
    "metadata": {"additional_usage_values": {
        "cache_read_input_tokens": 600, "cache_creation_input_tokens": 300, "cache_creation": {"ephemeral_1h_input_tokens": 100},
    }},
}  # fmt: skip
FAILED = {
    **USUAL, "request_id": "f-3", "spend": 0, "prompt_tokens": 0, "completion_tokens": 0, "model": "gpt-4o",
    "custom_llm_provider": "openai", "status": "failure", "metadata": {"error_information": {"error_code": "429"}},
}  # fmt: skip
CACHED = {**OPENAI, "request_id": "c-4", "cache_hit": "True", "spend": 0}
IMAGE = {
    **USUAL,
    "request_id": "i-5",
    "spend": 0.04,
    "model": "dall-e-3",
    "custom_llm_provider": "openai",
    "prompt_tokens": 0,
    "completion_tokens": 0,
}
IMPOSSIBLE = {**OPENAI, "request_id": "n-6", "prompt_tokens": 39}
ROWS = [OPENAI, ANTHROPIC, FAILED, CACHED, IMAGE]


def as_csv(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()})
    return out.getvalue()


CONTAINERS = [
    ("a.json", json.dumps(ROWS)),
    ("a.jsonl", "\n".join(map(json.dumps, ROWS))),
    ("page.json", json.dumps({"data": ROWS, "total": len(ROWS), "page": 1}, indent=2)),
    ("a.csv", as_csv(ROWS)),
    ("text.jsonl", "\n".join(json.dumps({**row, "metadata": json.dumps(row.get("metadata"))}) for row in ROWS)),
]


@pytest.mark.parametrize(("name", "content"), CONTAINERS)
def test_every_container_is_the_same_calls(desk: Any, name: str, content: str) -> None:
    """JSON, JSONL, a page of the API and CSV, metadata nested or as text, give the same calls; importing another adds nothing."""
    answer = desk.bring("litellm", desk.file(name, content))
    assert (answer.code, answer.summary["calls_added"]) == (0, 5), answer.told
    assert answer.summary["by_state"] == {"metered": 2, "not_billed": 2, "usage_missing": 1}
    usage = desk.rows(
        "SELECT source_ref, usage_class, quantity FROM cost_lines JOIN calls USING (call_id) WHERE quantity <> 0 ORDER BY ALL"
    )
    assert usage == [
        ("chatcmpl-1", "cache_read", 40), ("chatcmpl-1", "input", 60), ("chatcmpl-1", "output", 15), ("chatcmpl-1", "reasoning", 5),
        ("msg-2", "cache_read", 600), ("msg-2", "cache_write_1h", 100), ("msg-2", "cache_write_5m", 200), ("msg-2", "input", 100),
        ("msg-2", "output", 100),
    ]  # fmt: skip
    again = desk.bring("litellm", desk.file("again.json", json.dumps(ROWS)))
    assert (again.summary["calls_added"], again.summary["duplicates"]) == (0, 5)


def test_attribution_and_times(desk: Any) -> None:
    """End user, user, team and session become customer, user, team and trace; latency and first token are computed."""
    desk.bring("litellm", desk.file("a.json", json.dumps([OPENAI])), "--map", "feature=metadata.user_api_key_alias")
    columns = "feature, customer, user_id, team, trace_id, model, model_requested, latency_ms, first_token_ms, tags"
    (row,) = desk.rows(f"SELECT {columns} FROM calls")
    assert row[:9] == ("support-bot", "acme", "u1", "t1", "s1", "gpt-4o", "big", 1500, 400)
    assert json.loads(row[9]) == {
        "call_type": "acompletion", "key_alias": "support-bot", "litellm_spend": "0.000401", "request_tags": '["support"]',
    }  # fmt: skip


def test_failed_and_cached_calls_cost_nothing(desk: Any) -> None:
    """A call that failed keeps its status code; one that LiteLLM's cache answered says so by its rung; neither is billed."""
    desk.bring("litellm", desk.file("a.json", json.dumps([FAILED, CACHED])))
    assert desk.rows("SELECT source_ref, status, http_status, rung, state FROM calls ORDER BY 1") == [
        ("c-4", "ok", None, "exact_cache", "not_billed"),
        ("f-3", "failed", 429, None, "not_billed"),
    ]


def test_recorded_spend_is_compared(desk: Any) -> None:
    """Where LiteLLM's figure is not the price book's, both are told per model; the price book's counts."""
    answer = desk.bring("litellm", desk.file("a.json", json.dumps([OPENAI, ANTHROPIC])))
    assert answer.summary["cost"] == "0.00373"
    assert "anthropic claude-sonnet-4-5-20250929: LiteLLM recorded $0.5000 for 1 call, the price book says $0.0033" in answer.told
    assert "openai gpt-4o: LiteLLM recorded" not in answer.told  # less than 1% apart
    assert desk.rows("SELECT count(*) FROM calls WHERE stated_cost IS NOT NULL") == [(0,)]


def test_parts_that_exceed_the_whole(desk: Any) -> None:
    """More cached than prompt tokens contradict the declared rule: set aside, told, and mended in LiteLLM's own columns."""
    answer = desk.bring("litellm", desk.file("a.json", json.dumps([OPENAI, IMPOSSIBLE])))
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 1, 1)
    assert "a.json:2 field input_inclusive" in answer.told
    (rejects,) = answer.summary["rejects"]
    with open(rejects, encoding="utf-8") as stream:  # noqa: PTH123 - the path is text here
        row = json.loads(stream.read())
    assert {name: row[name] for name in IMPOSSIBLE} == IMPOSSIBLE
    assert desk.bring("litellm", desk.file("b.json", json.dumps({**row, "prompt_tokens": 50}))).summary["calls_added"] == 1


@pytest.mark.parametrize(
    ("said", "model", "provider", "name"),
    [
        ("azure", "azure/gpt-4o", "azure", "gpt-4o"),
        ("vertex_ai", "vertex_ai/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("gemini", "gemini/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        (
            "bedrock_converse",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (None, "mistral/mistral-large-latest", "mistral", "mistral-large-latest"),
        ("openrouter", "openrouter/openai/gpt-4o", "openrouter", "openai/gpt-4o"),
    ],
)
def test_names_of_providers(desk: Any, said: str | None, model: str, provider: str, name: str) -> None:
    """LiteLLM's names of vendors become ours; the vendor before the slash is not part of the model's name."""
    desk.bring("litellm", desk.file("a.json", json.dumps([{**OPENAI, "custom_llm_provider": said, "model": model}])))
    assert desk.rows("SELECT provider, model FROM calls") == [(provider, name)]
