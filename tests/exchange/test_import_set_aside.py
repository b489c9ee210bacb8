"""Nothing that an import sets aside is lost, and what a log only half says is told."""

from __future__ import annotations

import json
from typing import Any

USAGE = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}


def entry(number: int, **more: object) -> str:
    """One line of a Claude Code log."""
    message = {"id": f"msg_{number}", "role": "assistant", "model": "claude-sonnet-4-6", "usage": USAGE}
    base = {
        "type": "assistant",
        "sessionId": "s",
        "requestId": f"req_{number}",
        "timestamp": "2026-03-01T10:00:00Z",
        "message": message,
    }
    return json.dumps(base | more)


def test_rejects_of_imports_within_one_second_all_survive(desk: Any) -> None:
    """Imports in quick succession each keep their own rejects file."""
    for number in range(4):
        path = desk.file(f"log{number}/a.jsonl", entry(number) + "\n" + '{"broken": ' + str(number) + "\n")
        assert desk.bring("claude-code", path).code == 3
    kept = "".join(path.read_text() for path in (desk.ledger / "rejects").glob("*.jsonl"))
    assert [f'"broken": {number}' in kept for number in range(4)] == [True] * 4


def test_a_line_cut_before_its_usage_is_set_aside(desk: Any) -> None:
    """A line that was cut off anywhere is told and kept, even where what it used is in the missing part."""
    answer = desk.bring("claude-code", desk.file("a.jsonl", entry(1) + "\n" + entry(2)[:60]))
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 1, 1)


def test_an_error_of_the_api_is_no_call(desk: Any) -> None:
    """A message that Claude Code writes for a failed request is not billed and not counted, whatever model it names."""
    path = desk.file("a.jsonl", entry(1) + "\n" + entry(2, isApiErrorMessage=True))
    assert desk.bring("claude-code", path).summary["calls_added"] == 1


def test_a_litellm_tag_names_the_feature(desk: Any) -> None:
    """A request tag `feature:NAME` attributes the call to that feature."""
    log = {
        "request_id": "r1", "model": "gpt-4o", "custom_llm_provider": "openai", "prompt_tokens": 10, "completion_tokens": 5,
        "total_tokens": 15, "spend": 0.0001, "startTime": "2026-03-01T10:00:00Z", "endTime": "2026-03-01T10:00:01Z",
        "request_tags": ["blue", "feature:invoice capture"],
    }  # fmt: skip
    assert desk.bring("litellm", desk.file("spend.jsonl", json.dumps(log))).code == 0
    assert desk.rows("SELECT feature FROM calls") == [("invoice capture",)]
