"""Whatever stands in a field, an import keeps or sets aside the record; it never breaks, and no unusable figure is counted."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

WEIRD: list[Any] = [
    None,
    [],
    {},
    True,
    -1,
    0.5,
    10**16,
    -(10**18),
    10**30,
    1e300,
    "",
    "x",
    "NaN",
    "1e9",
    "2026-13-45",
    "\0",
    "é" * 50,
    [{"a": [1]}],
]
RECORDS: dict[str, dict[str, Any]] = {
    "calls": {
        "ts": "2026-01-01T00:00:00Z", "id": "a", "model": "gpt-4o", "provider": "openai", "prompt_tokens": 5, "cached_tokens": 1,
        "completion_tokens": 3, "customer": "c", "status": "ok", "http_status": 200, "latency_ms": 5, "reasoning_tokens": 1,
        "stated_cost": "0.5",
    },
    "aggregates": {
        "ts": "2026-01-01T00:00:00Z", "model": "gpt-4o", "provider": "openai", "requests": 5, "input_tokens_mean": 2.5,
        "output_tokens_mean": 1.5, "reason_ratio_mean": 0.5,
    },
    "outcomes": {"ts": "2026-01-01", "feature": "f", "quantity": 1, "succeeded": True, "value": "1.5"},
    "revenue": {"month": "2026-01", "customer": "c", "amount": "5.5"},
    "customers": {"customer": "c", "plan": "p", "signup_date": "2026-01-01"},
    "litellm": {
        "request_id": "c1", "spend": 0.0004, "prompt_tokens": 100, "completion_tokens": 20, "startTime": "2026-09-01T10:00:00Z",
        "endTime": "2026-09-01T10:00:01Z", "model": "gpt-4o", "custom_llm_provider": "openai", "status": "success",
        "metadata": {"error_information": {"error_code": "1"}, "usage_object": {"prompt_tokens_details": {"cached_tokens": 40}}},
    },
    "claude-code": {
        "sessionId": "s", "requestId": "r", "uuid": "u", "timestamp": "2026-03-01T10:00:00Z", "cwd": "/home/me/shop",
        "agentId": "a",
        "message": {
            "id": "m", "type": "message", "model": "claude-sonnet-4-5-20250929",
            "usage": {
                "input_tokens": 3, "output_tokens": 5, "cache_creation_input_tokens": 10,
                "cache_creation": {"ephemeral_1h_input_tokens": 5}, "server_tool_use": {"web_search_requests": 1},
            },
        },
    },
    "responses": {
        "provider": "openai", "at": "2026-01-01T00:00:00Z", "url": "https://api.openai.com/v1/chat/completions",
        "http_status": 200, "context": {"a": "b"}, "request": {"model": "x"}, "latency_ms": 4,
        "response": {"id": "c", "model": "gpt-4o", "usage": {"prompt_tokens": 100, "completion_tokens": 10}, "choices": []},
    },
}  # fmt: skip


def places(record: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(record, dict):
        for name, value in record.items():
            yield (*path, name)
            yield from places(value, (*path, name))


def mutated(record: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(record)
    parent: Any = changed
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    return changed


@pytest.mark.parametrize("format_", RECORDS)
def test_any_value_in_any_field(desk: Any, format_: str) -> None:
    """Every field of a record of each format, with every kind of wrong value, in one file: no fault, and a ledger that holds."""
    record = RECORDS[format_]
    rows = [record, *(mutated(record, path, value) for path in places(record) for value in WEIRD)]
    answer = desk.bring(format_, desk.file("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))
    assert answer.code == 3, answer.told
    assert "internal fault" not in answer.told
    assert answer.summary["rejected"] > 0
    assert answer.summary["calls_added"] + sum(answer.summary["facts_added"].values()) > 0
    assert desk.rows("SELECT count(*) FROM cost_lines WHERE quantity < 0 OR cost < 0") == [(0,)]
    assert desk.holds()
