"""Vendor responses in a ledger: each answer once, by its vendor's rule, at its own time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

STATES = {"priced": "metered", "provider_stated": "stated"}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1767261600,
    "model": "gpt-4o-2024-08-06",
    "choices": [],
    "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "prompt_tokens_details": {"cached_tokens": 40}},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [],
    "usage": {"input_tokens": 100, "output_tokens": 10},
}


def records(index: Path) -> dict[str, dict[str, Any]]:
    """The recorded cases, each with the id of its own call: cases derived from others carry one id for several calls."""
    cases = [json.loads(line) for line in index.read_text().splitlines()]
    return {case["id"]: case for case in cases if case["kind"] == "recorded"}


def record(case: Mapping[str, Any], bodies: Path) -> str:
    names = ("provider", "api", "url", "at", "http_status", "context", "request")
    said = {name: case[name] for name in names if case[name] is not None}
    body = (bodies / case["file"]).read_text()
    return json.dumps({**said, "model": case["model_requested"], "trace_id": case["id"], "response": body}) + "\n"


def test_recorded_answers_cost_what_they_should(desk: Any, shared_data: Path) -> None:
    """Every recorded answer of 15 vendors, in one file of records, has the state and the exact cost that were computed for it."""
    pricing = shared_data / "pricing"
    cases = records(pricing / "index.jsonl")
    path = desk.file("recorded.jsonl", "".join(record(case, pricing) for case in cases.values()))
    answer = desk.bring("responses", path)
    assert answer.code == 0
    costs = "SELECT call_id, sum(cost) AS cost FROM cost_lines GROUP BY call_id"
    found = {
        name: (state, cost)
        for name, state, cost in desk.rows(f"SELECT trace_id, state, cost FROM calls JOIN ({costs}) USING (call_id)")
    }
    expected = {
        name: (
            STATES.get(case["state"], case["state"]),
            Decimal(case["expected"]["total_usd"]) if case["expected"] and case["expected"].get("total_usd") is not None else None,
        )
        for name, case in cases.items()
    }
    assert {name: (state, cost if expected[name][1] is not None else None) for name, (state, cost) in found.items()} == expected
    assert desk.bring("responses", path).summary["calls_added"] == 0
    assert desk.holds()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("one.json", json.dumps(CHAT)),
        ("pretty.json", json.dumps(CHAT, indent=2)),
        ("array.json", json.dumps([CHAT])),
        ("twice.jsonl", f"{json.dumps(CHAT)}\n{json.dumps(CHAT)}\n"),
        ("stream.sse", "".join(f"data: {json.dumps(each)}\n\n" for each in (
            {**CHAT, "object": "chat.completion.chunk", "usage": None},
            {**CHAT, "object": "chat.completion.chunk"},
        )) + "data: [DONE]\n\n"),
        ("record.json", json.dumps({"response": CHAT})),
        ("deep.json", json.dumps({"request": {"body": {}}, "response": {"status_code": 200, "body": json.dumps(CHAT)}})),
    ],
)  # fmt: skip
def test_containers_of_one_answer(desk: Any, name: str, content: str) -> None:
    """Alone, in an array, as JSONL, as a stream or in a record, it is one call at the instant that the vendor wrote."""
    answer = desk.bring("responses", desk.file(name, content), "--provider", "openai", "--feature", "chat")
    assert (answer.code, answer.summary["calls_added"]) == (0, 1), answer.told
    columns = (
        "occurred_at::VARCHAR, model, input_tokens::BIGINT, cache_read_tokens::BIGINT, output_tokens::BIGINT, feature, source_ref"
    )
    assert desk.rows(f"SELECT {columns} FROM calls") == [("2026-01-01 10:00:00", CHAT["model"], 60, 40, 10, "chat", "chatcmpl-1")]


def test_directories_are_searched(desk: Any) -> None:
    """A directory is searched for bodies; what is none of them is told, and the others are kept."""
    desk.file("d/a/one.json", json.dumps(CHAT))
    desk.file("d/two.jsonl", json.dumps({**CHAT, "id": "chatcmpl-2"}))
    desk.file("d/three.txt", "these are only words")
    desk.file("d/readme.md", "not looked at")
    answer = desk.bring("responses", desk.root / "d", "--provider", "openai")
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 2, 1)
    assert "three.txt" in answer.told


def test_an_answer_without_a_time(desk: Any) -> None:
    """Anthropic's answers carry no time: it must be said by --at or in a record, and the rejects can be mended so."""
    path = desk.file("a.json", json.dumps(MESSAGE))
    answer = desk.bring("responses", path, "--provider", "anthropic")
    assert (answer.code, answer.summary["calls_added"]) == (3, 0)
    assert "it has no time" in answer.told
    (rejects,) = answer.summary["rejects"]
    wrapped = json.loads(Path(rejects).read_text())
    mended = desk.file("b.jsonl", json.dumps({**wrapped, "at": "2026-03-01T00:00:00Z", "provider": "anthropic", "user": "u"}))
    assert desk.bring("responses", mended).summary["calls_added"] == 1
    assert desk.rows("SELECT occurred_at::VARCHAR, user_id FROM calls") == [("2026-03-01 00:00:00", "u")]
    assert desk.bring("responses", path, "--provider", "anthropic", "--at", "2026-03-02T00:00:00Z").summary["duplicates"] == 1


@pytest.mark.parametrize(
    ("content", "code", "state", "told"),
    [
        (json.dumps({**CHAT, "usage": None}), 0, "usage_missing", "usage"),
        (json.dumps({**CHAT, "usage": {"prompt_tokens": -1, "completion_tokens": 1}}), 0, "usage_missing", "prompt_tokens is -1"),
        (json.dumps({"created": 1767261600, "error": {"message": "no", "type": "x"}}), 0, "not_billed", ""),
        (json.dumps({**CHAT, "model": "gpt-999"}), 0, "unpriced", "gpt-999"),
        (json.dumps({**CHAT, "created": 2_000_000_000}), 3, None, "lies in the future"),
        (json.dumps(CHAT)[:-20], 3, None, "neither JSON nor a stream"),
        (json.dumps(CHAT) + "\n" + json.dumps(CHAT)[:-20], 3, "metered", "not JSON"),
        ("", 3, None, "is empty"),
    ],
)
def test_answers_with_faults(desk: Any, content: str, code: int, state: str | None, told: str) -> None:
    """Unknown usage is unknown, an error answer costs exactly nothing, and what is no answer is set aside or told."""
    answer = desk.bring("responses", desk.file("a.jsonl", content), "--provider", "openai")
    assert answer.code == code
    assert told in answer.told
    states = list(answer.summary.get("by_state", {}))
    assert states == ([state] if state else [])


def test_a_response_polled_while_it_ran(desk: Any) -> None:
    """A response that was fetched before and after its end is one call with the final usage, in either order."""
    begun = {**CHAT, "usage": None}
    for name, bodies in (("a", (begun, CHAT)), ("b", (CHAT, begun))):
        content = "".join(json.dumps({**body, "id": f"chatcmpl-{name}"}) + "\n" for body in bodies)
        answer = desk.bring("responses", desk.file(f"{name}.jsonl", content), "--provider", "openai")
        assert (answer.summary["calls_added"], answer.summary["by_state"]) == (1, {"metered": 1})
        assert "was seen before with other usage" in answer.told


def test_whose_answer_it_is_must_be_known(desk: Any) -> None:
    """Without a provider, in a record or by option, nothing is guessed."""
    answer = desk.bring("responses", desk.file("a.json", json.dumps(CHAT)))
    assert (answer.code, answer.summary["calls_added"]) == (3, 0)
    assert "nothing says whose answer this is. Say it with --provider" in answer.told


def test_own_key_costs_what_both_bill(desk: Any) -> None:
    """On the customer's own key OpenRouter bills its fee and the upstream vendor the rest: the call costs both."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "cost": 0.01,
        "is_byok": True,
        "cost_details": {"upstream_inference_cost": 0.2},
    }
    body = {**CHAT, "model": "openai/gpt-4o", "usage": usage}
    answer = desk.bring("responses", desk.file("a.json", json.dumps(body)), "--provider", "openrouter")
    assert (answer.summary["cost"], answer.summary["by_state"]) == ("0.21", {"stated": 1})
    assert desk.rows("SELECT json_extract_string(tags, '$.stated_upstream_cost') FROM calls") == [("0.2",)]


def test_results_of_a_batch_have_an_owner(desk: Any) -> None:
    """Each line of a batch's result is a call of the feature and customer named, at batch prices; its failures are not billed."""
    lines = [
        {"id": "b-1", "custom_id": "row-1", "response": {"status_code": 200, "body": {**CHAT, "created": 1790000000}}},
        {"id": "b-2", "custom_id": "row-2", "response": {"status_code": 400, "body": {"error": {"message": "no", "type": "x"}}}},
    ]
    path = desk.file("result.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    options = ("--provider", "openai", "--feature", "nightly", "--customer", "acme", "--at", "2026-10-01T00:00:00Z")
    answer = desk.bring("responses", path, *options)
    assert (answer.code, answer.summary["cost"]) == (0, "0.000175")  # half of 60 x 2.50 + 40 x 1.25 + 10 x 10 by the million
    owned = "SELECT feature, customer, state, count(*) FROM calls GROUP BY ALL ORDER BY state"
    assert desk.rows(owned) == [("nightly", "acme", "metered", 1), ("nightly", "acme", "not_billed", 1)]
    assert desk.bring("responses", path, *options).summary["calls_added"] == 0
