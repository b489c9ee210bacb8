"""Breakpoints for Anthropic's prompt cache: where they are placed, and what they never do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.providers.breakpoints import MOST_BREAKPOINTS, prefixes, shortest, with_breakpoints

LONG = "word " * 2_000
TOOL = {"name": "weather", "input_schema": {"type": "object"}, "description": LONG}


def turn(role: str, text: str) -> dict[str, Any]:
    """One message."""
    return {"role": role, "content": text}


def marks(request: dict[str, Any]) -> int:
    """How many breakpoints stand in a request."""
    return json.dumps(request).count('"cache_control"')


def unmarked(value: Any) -> Any:
    """The request without marks, texts of one block plain again."""
    if isinstance(value, list):
        blocks = [unmarked(each) for each in value]
        plain = len(blocks) == 1 and isinstance(blocks[0], dict) and blocks[0].keys() == {"type", "text"}
        return blocks[0]["text"] if plain else blocks
    if isinstance(value, dict):
        return {name: unmarked(each) for name, each in value.items() if name != "cache_control"}
    return value


def after(before: dict[str, Any], request: dict[str, Any], least: int = 1_024) -> dict[str, Any]:
    """The request as it goes where the one before was seen."""
    known = {prefix.digest for prefix in prefixes(before, "a")}
    seen = [prefix for prefix in prefixes(request, "a") if prefix.digest in known]
    return with_breakpoints(request, seen, "5m", least)


def test_only_what_was_seen_is_marked() -> None:
    """Two calls with the same tools and system text share these; what differs from call to call is not written."""
    first = {"model": "m", "tools": [TOOL], "system": LONG, "messages": [turn("user", LONG + "one")]}
    second = {**first, "messages": [turn("user", LONG + "two")]}
    placed = after(first, second)
    assert placed["tools"][-1]["cache_control"] == {"type": "ephemeral"}
    assert placed["system"] == [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    assert placed["messages"] == second["messages"]
    assert after({**first, "system": "today is Monday " + LONG}, second)["system"] == LONG  # only the tools come again


def test_a_conversation_is_read_where_it_was_written_and_written_to_its_end() -> None:
    """The next turn reads what the last one wrote; at most four breakpoints stand in a request."""
    first = {"model": "m", "tools": [TOOL], "system": LONG, "messages": [turn("user", LONG)]}
    second = {**first, "messages": [turn("user", LONG), turn("assistant", "yes"), turn("user", "and?")]}
    placed = after(first, second)
    assert [isinstance(message["content"], list) for message in placed["messages"]] == [True, False, True]
    assert marks(placed) == MOST_BREAKPOINTS


def test_nothing_is_marked_below_the_least_length_or_unseen() -> None:
    """A short prefix, or a first call, goes as it came."""
    short = {"model": "m", "system": "Be brief.", "messages": [turn("user", "a")]}
    assert after(short, short) == short
    first = {"model": "m", "system": LONG, "messages": [turn("user", "a")]}
    assert with_breakpoints(first, [], "5m", 1_024) == first
    assert after(first, first, least=4_096) == first


def test_an_hour_is_asked_for_by_name() -> None:
    """Five minutes are the vendor's own lifetime, an hour is another price."""
    request = {"model": "m", "system": LONG, "messages": [turn("user", "a")]}
    placed = with_breakpoints(request, prefixes(request, "a")[:1], "1h", 1_024)
    assert placed["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_thinking_bears_no_mark() -> None:
    """A block that the vendor does not let be marked is passed over."""
    content = [{"type": "text", "text": LONG}, {"type": "thinking", "thinking": "t", "signature": "s"}]
    request = {"model": "m", "messages": [{"role": "assistant", "content": content}]}
    (message,) = with_breakpoints(request, prefixes(request, "a"), "5m", 1_024)["messages"]
    assert "cache_control" in message["content"][0]
    assert "cache_control" not in message["content"][1]


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-opus-5", 512), ("claude-sonnet-4-6", 1_024), ("claude-sonnet-5", 1_024), ("claude-haiku-4-5-20251001", 4_096),
        ("claude-opus-4-6", 4_096), ("claude-opus-4-8", 1_024), ("claude-3-5-haiku-20241022", 2_048), ("gpt-5", 1_024),
        ("somebody-s", 4_096),
    ],
)  # fmt: skip
def test_each_model_has_its_least_length(model: str, tokens: int) -> None:
    """The least that a model caches; the largest known where the model is not."""
    assert shortest(model) == tokens


TEXTS = st.text(alphabet="ab", min_size=1, max_size=3).map(lambda text: text * 5_000)
TURNS = st.lists(st.builds(turn, st.sampled_from(["user", "assistant"]), TEXTS), min_size=1, max_size=4)


@given(TURNS, TURNS, st.booleans(), st.booleans())
def test_marks_change_nothing_but_marks(one: list[Any], other: list[Any], tools: bool, system: bool) -> None:
    """Never more than four; without them the prompt is what it was; the same calls give the same bytes."""
    shared: dict[str, Any] = {"model": "m", **({"tools": [TOOL]} if tools else {}), **({"system": LONG} if system else {})}
    before, request = {**shared, "messages": one}, {**shared, "messages": [*one, *other]}
    placed = after(before, request)
    assert 1 <= marks(placed) <= MOST_BREAKPOINTS
    assert unmarked(placed) == request
    assert after(before, request) == placed
