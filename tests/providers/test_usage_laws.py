"""Laws that hold for every body: disjoint classes sum to the vendor's total, and nothing that is JSON raises."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breakeven.economics.usage import total_input_tokens
from breakeven.errors import DataError
from breakeven.providers import PROVIDERS, Reading, read, read_many

COUNT = st.integers(0, 10**7)
OPENAI_SHAPED = tuple(
    vendor.name for vendor in PROVIDERS if vendor.api("openai_chat") is not None and vendor.name not in ("xai", "google")
)
STATES = {"metered", "usage_missing", "not_billed"}


def _tokens(reading: Reading) -> tuple[int, int]:
    """(input, output) tokens of the first part."""
    usage = reading.parts[0].usage
    tokens_in = total_input_tokens(usage)
    return tokens_in, sum(
        quantity for name, quantity in usage.items() if name in ("output", "reasoning", "output_audio", "output_image")
    )


@st.composite
def openai_usage(draw: st.DrawFn) -> dict[str, Any]:
    """A consistent usage object in the shape of chat."""
    text, audio, image = draw(COUNT), draw(COUNT), draw(COUNT)
    whole = text + audio + image
    cached = draw(st.integers(0, whole))
    written = draw(st.integers(0, whole - cached))
    reasoning, said, spoken = draw(COUNT), draw(COUNT), draw(COUNT)
    output = reasoning + said + spoken
    details = {
        "audio_tokens": audio,
        "image_tokens": image,
        "text_tokens": text,
        "cached_tokens": cached,
        "cache_write_tokens": written,
    }
    return {
        "prompt_tokens": whole,
        "completion_tokens": output,
        "total_tokens": whole + output,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": spoken},
    }


@given(openai_usage(), st.sampled_from(OPENAI_SHAPED))
def test_openai_classes_sum_to_the_totals(usage: dict[str, Any], vendor: str) -> None:
    """For a consistent usage, input and output classes sum to the vendor's counts, cache classes to the cached counts."""
    reading = read({"model": "m", "choices": [], "usage": usage}, provider=vendor, api="openai_chat")
    assert reading.state == "metered", reading.problems
    assert _tokens(reading) == (usage["prompt_tokens"], usage["completion_tokens"])
    counted = reading.parts[0].usage
    details = usage["prompt_tokens_details"]
    assert sum(quantity for name, quantity in counted.items() if name.startswith("cache_read")) == details["cached_tokens"]
    assert counted.get("cache_write_5m", 0) == details["cache_write_tokens"]
    assert not [problem for problem in reading.problems if "sum to" in problem.what]


@given(COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
def test_anthropic_classes_are_beside_each_other(plain: int, read_: int, five: int, hour: int, said: int, thought: int) -> None:
    """Anthropic's input, cache reads and cache writes are added, not subtracted."""
    usage = {
        "input_tokens": plain,
        "cache_read_input_tokens": read_,
        "cache_creation_input_tokens": five + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
        "output_tokens": said + thought,
        "output_tokens_details": {"thinking_tokens": thought},
    }
    reading = read({"type": "message", "model": "m", "usage": usage}, provider="anthropic")
    assert _tokens(reading) == (plain + read_ + five + hour, said + thought)
    assert not reading.problems


@given(COUNT, COUNT, COUNT, COUNT, COUNT, st.data())
def test_gemini_classes_sum_to_the_total(text: int, audio: int, tool: int, said: int, thought: int, data: st.DataObject) -> None:
    """Gemini's classes sum to its total: prompt, tool prompts, candidates and thoughts."""
    cached = data.draw(st.integers(0, text))
    usage = {
        "promptTokenCount": text + audio,
        "toolUsePromptTokenCount": tool,
        "cachedContentTokenCount": cached,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thought,
        "totalTokenCount": text + audio + tool + said + thought,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": text}, {"modality": "AUDIO", "tokenCount": audio}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": cached}],
    }
    reading = read({"modelVersion": "m", "usageMetadata": usage}, provider="google")
    assert _tokens(reading) == (text + audio + tool, said + thought)
    assert not reading.problems


@given(COUNT, COUNT, COUNT, COUNT)
def test_converse_classes_sum_to_the_total(plain: int, read_: int, written: int, said: int) -> None:
    """Converse's classes sum to its total, which contains the cache."""
    usage = {"inputTokens": plain, "outputTokens": said, "cacheReadInputTokens": read_, "cacheWriteInputTokens": written}
    reading = read({"usage": {**usage, "totalTokens": plain + read_ + written + said}}, provider="bedrock", model="m")
    assert sum(reading.parts[0].usage.values()) == plain + read_ + written + said
    assert not reading.problems


@given(COUNT, COUNT, COUNT)
def test_xai_counts_reasoning_once(prompt: int, said: int, thought: int) -> None:
    """With or without a total, xAI's reasoning is added to its completion, once."""
    usage = {"prompt_tokens": prompt, "completion_tokens": said, "completion_tokens_details": {"reasoning_tokens": thought}}
    for total in ({}, {"total_tokens": prompt + said + thought}):
        reading = read({"model": "m", "choices": [], "usage": usage | total}, provider="xai")
        assert _tokens(reading) == (prompt, said + thought)
        assert not reading.problems


IMPOSSIBLE = st.one_of(
    st.integers(max_value=-1),
    st.integers(min_value=10**15 + 1),
    st.floats(),
    st.booleans(),
    st.text(),
    st.lists(st.integers(), max_size=2),
    st.none(),
)
REQUIRED: tuple[tuple[str, dict[str, Any], str, dict[str, int]], ...] = (
    ("openai", {"choices": []}, "usage", {"prompt_tokens": 1, "completion_tokens": 1}),
    ("anthropic", {"type": "message"}, "usage", {"input_tokens": 1, "output_tokens": 1}),
    ("google", {"candidates": []}, "usageMetadata", {"promptTokenCount": 1, "totalTokenCount": 1}),
    ("bedrock", {}, "usage", {"inputTokens": 1, "outputTokens": 1}),
    ("mistral", {"choices": []}, "usage", {"prompt_tokens": 1, "completion_tokens": 1}),
    ("ollama", {"done": True}, "", {"prompt_eval_count": 1, "eval_count": 1}),
)


@given(st.sampled_from(REQUIRED), IMPOSSIBLE)
def test_an_impossible_count_makes_the_usage_unknown(shape: tuple[str, dict[str, Any], str, dict[str, int]], value: object) -> None:
    """A required count that is negative, fractional, not a number, too large or null: usage_missing, never a smaller cost."""
    vendor, rest, name, counts = shape
    for field in counts:
        if field == "totalTokenCount" and value is None:
            continue  # a total is a check, not a requirement
        spoilt = {**counts, field: value}
        reading = read({**rest, **({name: spoilt} if name else spoilt)}, provider=vendor, model="m")
        assert reading.state == "usage_missing"
        assert reading.parts == ()
        assert reading.problems


# What bodies call their fields, so that arbitrary JSON reaches every rule.
NAMES = (
    "usage usageMetadata model id choices object type error message delta response output iterations input_tokens "
    "output_tokens prompt_tokens completion_tokens total_tokens prompt_tokens_details cached_tokens cache_creation "
    "promptTokenCount promptTokensDetails modality tokenCount candidates groundingMetadata webSearchQueries cost "
    "cost_details upstream_inference_cost is_byok x_groq usage_breakdown models tool_usage image_gen tools content "
    "from billed_units meta done prompt_eval_count eval_count data seconds inputTokens outputTokens cacheDetails "
    "ttl metadata amazon- bedrock-invocationMetrics results event_type custom_id result server_tool_use "
    "input_token_details finish_reason responseId content_block service_tier"
)
KEYS = st.sampled_from(sorted(NAMES.split(" ")))
WORDS = st.sampled_from(
    [
        "message",
        "response",
        "response.done",
        "response.completed",
        "error",
        "message_delta",
        "message_start",
        "duration",
        "fallback",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


@pytest.mark.parametrize("vendor", [vendor.name for vendor in PROVIDERS[:13]])
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, VALUES, max_size=6), st.lists(VALUES, max_size=4))
def test_no_json_raises(vendor: str, body: dict[str, Any], events: list[Any]) -> None:
    """Any JSON gives readings with a known state: as a body, an array, lines or a stream. Only what is no object is a DataError."""
    assert read(body, provider=vendor).state in STATES
    sse = "".join(f"data: {json.dumps(event)}\n\n" for event in [body, *events])
    assert read(sse, provider=vendor).state in STATES
    lines = "".join(f"{json.dumps(event)}\n" for event in [body, *events])
    for text in (json.dumps(body), json.dumps([body, *events]), lines):
        with suppress(DataError):
            assert all(reading.state in STATES for reading in read_many(text, provider=vendor, api="chat"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_that_are_no_body_are_a_data_error(raw: bytes) -> None:
    """Arbitrary bytes give readings or a DataError, never anything else."""
    with suppress(DataError):
        assert all(reading.state in STATES for reading in read_many(raw, provider="openai"))
