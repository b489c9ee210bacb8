"""What surrounds a body: several bodies in a file, who is believed about model and context, and what cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breakeven.errors import DataError
from breakeven.providers import StreamReader, call_of, provider_of, read, read_many

CHAT: dict[str, Any] = {
    "id": "a",
    "object": "chat.completion",
    "model": "gpt-4o",
    "choices": [],
    "usage": {"prompt_tokens": 2, "completion_tokens": 1},
}


def test_lines_and_arrays_are_many_bodies_with_their_places() -> None:
    """JSONL and arrays give one reading a body; broken records lose no other and are told after the last."""
    lines = f"{json.dumps(CHAT)}\n\nnot json\n3\n{json.dumps(CHAT)}\n"
    readings = read_many(lines, provider="openai", where="calls.jsonl")
    assert [next(readings).state, next(readings).state] == ["metered", "metered"]
    with pytest.raises(DataError, match="2 such records") as caught:
        next(readings)
    assert [problem.where for problem in caught.value.problems] == ["calls.jsonl:3", "calls.jsonl:4"]
    bad = {**CHAT, "usage": None}
    array = list(read_many(json.dumps([CHAT, bad]), provider="openai", where="calls.json"))
    assert array[1].problems[0].where == "calls.json[1]"


def test_bodies_laid_out_one_after_the_other_are_read() -> None:
    """Indented objects without an array around them are bodies too."""
    readings = list(read_many(f"{json.dumps(CHAT, indent=1)}\n{json.dumps(CHAT, indent=1)}", provider="openai"))
    assert [reading.state for reading in readings] == ["metered", "metered"]


def test_a_realtime_session_is_one_reading_for_each_response() -> None:
    """Of the events of a session each response that is done was billed."""
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    events = [
        {"type": "session.created"},
        *({"type": "response.done", "response": {"id": f"r{n}", "usage": usage}} for n in range(2)),
    ]
    readings = list(read_many("\n".join(map(json.dumps, events)), provider="openai", model="gpt-realtime"))
    assert [(reading.response_id, reading.state) for reading in readings] == [("r0", "metered"), ("r1", "metered")]


def test_gemini_chunks_in_an_array_are_one_answer() -> None:
    """Without server-sent events Gemini streams one array; its chunks are one call, and the last count wins."""
    chunks = [
        {"candidates": [{"content": {}}], "responseId": "r", "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}},
        {
            "candidates": [{"finishReason": "STOP"}],
            "responseId": "r",
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
        },
    ]
    (reading,) = read_many(json.dumps(chunks), provider="google", model="gemini-2.5-pro")
    assert dict(reading.parts[0].usage) == {"input": 5, "output": 2}
    assert read(json.dumps(chunks), provider="google", model="gemini-2.5-pro") == reading


def test_the_body_is_believed_before_the_caller() -> None:
    """The served tier of the body wins over the one asked for; `auto` is no tier; what the body does not say is the caller's."""
    asked = {"service_tier": "priority", "processing": "batch"}
    assert read({**CHAT, "service_tier": "default"}, provider="openai", context=asked).context == {
        "service_tier": "default",
        "processing": "batch",
    }
    assert read({**CHAT, "service_tier": "auto"}, provider="openai", context=asked).context == asked
    assert read(CHAT, provider="openai", context={"service_tier": "auto"}).context == {}


def test_the_model_of_the_body_wins_over_the_one_asked_for() -> None:
    """OpenAI answers with the dated model; both are kept. Without any model the reading says so."""
    reading = read({**CHAT, "model": "gpt-4o-2024-08-06"}, provider="openai", model="gpt-4o")
    assert (reading.model, reading.model_requested) == ("gpt-4o-2024-08-06", "gpt-4o")
    nameless = read({"usage": CHAT["usage"]}, provider="openai")
    assert nameless.model == ""
    assert "names the model" in nameless.problems[0].what


def test_a_customers_own_profile_leaves_the_model_to_the_caller() -> None:
    """An application inference profile has an opaque id: the caller's model is believed."""
    arn = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fx1"
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{arn}/converse"
    body = {"usage": {"inputTokens": 1, "outputTokens": 1}}
    assert read(body, provider="bedrock", url=url).model == "x1"
    assert read(body, provider="bedrock", url=url, model="us.amazon.nova-lite-v1:0").model == "us.amazon.nova-lite-v1:0"


def test_a_failed_status_is_not_billed_whatever_the_body() -> None:
    """From 400 on nothing is billed, also where the status stands in the context; it is no pricing fact."""
    for known in ({"http_status": 500}, {"context": {"http_status": "503"}}):
        reading = read(CHAT, provider="openai", **known)
        assert (reading.state, reading.parts, dict(reading.context)) == ("not_billed", (), {})


def test_an_unlisted_vendor_is_read_as_openai_shaped() -> None:
    """A vendor that nobody listed keeps its name and gets the common rule; an address alone is enough for the listed ones."""
    reading = read(CHAT, provider="Acme")
    assert (reading.provider, reading.state) == ("acme", "metered")
    assert provider_of("", "https://my-project.openai.azure.com/openai/v1/responses").name == "azure"
    assert provider_of("", "https://nobody.example/v1").name == "unknown"


@pytest.mark.parametrize("raw", [b"3", b"hello", b"\xff\xfe", b'{"usage": {"prompt', b"[1, 2"])
def test_what_is_no_body_is_a_data_error(raw: bytes) -> None:
    """Text that is neither JSON nor a stream, or no text, raises a DataError with its place and what to do."""
    with pytest.raises(DataError) as caught:
        list(read_many(raw, provider="openai", where="x.json"))
    assert caught.value.remedy
    assert caught.value.problems[0].where == "x.json"


def test_an_empty_file_says_nothing() -> None:
    """A file without any body gives no reading; read wants one."""
    assert list(read_many(b" \n", provider="openai")) == []
    with pytest.raises(DataError, match="0 bodies"):
        read(b"", provider="openai")


def test_read_refuses_several_bodies() -> None:
    """`read` is for one body; several are an error that names read_many."""
    with pytest.raises(DataError, match="2 bodies"):
        read(json.dumps([CHAT, CHAT]), provider="openai")


def test_a_reader_of_whole_bodies_keeps_them_until_they_are_complete() -> None:
    """A plain body in chunks is the same reading; one that was cut is unknown."""
    call = call_of(provider="openai")
    raw = json.dumps(CHAT).encode()
    reader = StreamReader(call, "whole")
    for chunk in (raw[:10], raw[10:]):
        reader.feed(chunk)
    assert reader.finish() == read(raw, provider="openai")
    reader = StreamReader(call, "whole")
    reader.feed(raw[:-5])
    assert reader.finish().state == "usage_missing"
