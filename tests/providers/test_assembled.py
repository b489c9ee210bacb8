"""A stream put together says what the whole answer of the same call says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breakeven.providers.assembled import assembled
from breakeven.providers.eventstream import EventLines
from breakeven.providers.spoken import answer_of
from breakeven.testing.answers import answer

ASKED: dict[str, Any] = {"model": "gpt-4o-words-30", "messages": [{"role": "user", "content": "Hello"}], "input": "Hello"}
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses")


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_says_what_the_whole_answer_says(path: str) -> None:
    """Text, model and reason of the end are those of the answer that came whole."""
    whole = answer("POST", path, json.dumps(ASKED).encode())
    stream = answer("POST", path, json.dumps({**ASKED, "stream": True}).encode())
    assert whole is not None
    assert stream is not None
    put = assembled(b"".join(stream.pieces))
    assert put is not None
    assert answer_of(put) == answer_of(b"".join(whole.pieces))
    one, other = json.loads(put), json.loads(whole.pieces[0])
    assert {name: one.get(name) for name in ("model", "stop_reason", "status")} == {
        name: other.get(name) for name in ("model", "stop_reason", "status")
    }


NATIVE = {
    "google": ("/v1beta/models/gemini-2.5-pro:generateContent", "/v1beta/models/gemini-2.5-pro:streamGenerateContent"),
    "converse": ("/model/amazon.nova-micro-v1:0/converse", "/model/amazon.nova-micro-v1:0/converse-stream"),
}


@pytest.mark.parametrize("kind", NATIVE)
def test_a_stream_of_its_own_path_says_the_same(kind: str) -> None:
    """Google's chunks, and Amazon's frames once they are lines, as the whole answer of the other path."""
    body = json.dumps({"contents": [], "messages": []}).encode()
    whole, stream = (answer("POST", path, body) for path in NATIVE[kind])
    assert whole is not None
    assert stream is not None
    content = b"".join(stream.pieces)
    put = assembled(EventLines().feed(content) if kind == "converse" else content)
    assert put is not None
    assert answer_of(put) == answer_of(whole.pieces[0])
    assert str(answer_of(put)).startswith("this answer is invented")
    one, other = json.loads(put), json.loads(whole.pieces[0])
    assert [one.get(name) for name in ("usage", "usageMetadata", "stopReason")] == [
        other.get(name) for name in ("usage", "usageMetadata", "stopReason")
    ]


def test_a_converse_streams_tools_are_put_together() -> None:
    """A tool's input comes in pieces; an answer that calls one is no text."""
    events: list[dict[str, Any]] = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}},
        {"contentBlockStart": {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "pay"}}}},
        {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"a"'}}}},
        {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": ":1}"}}}},
        {"messageStop": {"stopReason": "tool_use"}},
    ]
    put = assembled(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    content = json.loads(put or b"{}")["output"]["message"]["content"]
    assert content[1] == {"toolUse": {"toolUseId": "t", "name": "pay", "input": '{"a":1}'}}
    assert answer_of(put or b"") is None


def test_tool_calls_are_put_together() -> None:
    """Arguments that come in pieces, in both dialects."""
    first = {"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a'}}
    second = {"index": 0, "function": {"arguments": '":1}'}}
    chat = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [first]}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [second]}, "finish_reason": "tool_calls"}]},
    ]
    put = assembled(b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in chat))
    call = json.loads(put or b"{}")["choices"][0]["message"]["tool_calls"][0]
    assert call == {"type": "function", "function": {"name": "f", "arguments": '{"a":1}'}, "id": "c"}
    messages = [
        {"type": "message_start", "message": {"role": "assistant", "model": "m"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "f", "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"a"'}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": ":1}"}},
    ]
    put = assembled(b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in messages))
    assert json.loads(put or b"{}")["content"] == [{"type": "tool_use", "name": "f", "input": {"a": 1}}]


def test_an_unknown_stream_is_not_put_together() -> None:
    """What is not known is said to be not known."""
    assert assembled(b'data: {"something":"else"}\n\ndata: [DONE]\n\n') is None
    assert assembled(b"") is None
