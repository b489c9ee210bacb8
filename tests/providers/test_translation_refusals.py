"""What translation refuses: every member by its name and place, never in silence, and nothing else goes wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.providers.translation import TRANSLATIONS, Aim, Untranslatable
from breakeven.providers.translation.notation import encoded
from breakeven.settings.dialects import NEEDS, TABLES, Member, needs_unmet

RESPONSES = TRANSLATIONS["/v1/responses", "anthropic"]
BY_CALLER = {
    "openai": TRANSLATIONS["/v1/chat/completions", "anthropic"],
    "anthropic": TRANSLATIONS["/v1/messages", "openai"],
}


def asked(caller: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The request in the other dialect."""
    translation = RESPONSES if "input" in request else BY_CALLER[caller]
    said: dict[str, Any] = json.loads(translation.request(encoded(request), Aim(vendor="openai")))
    return said


REQUESTS: dict[str, dict[str, Any]] = {
    "openai": {"model": "m", "messages": [{"role": "user", "content": "a"}]},
    "anthropic": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]},
}


def _within(table: str, caller: str, name: str, value: object) -> dict[str, Any]:
    """A request that has one member in one place."""
    request = REQUESTS[caller]
    if table == "request":
        return {**request, name: value}
    if table == "responses request":
        return {"model": "m", "input": "a", name: value}
    if table == "responses item":
        return {"model": "m", "input": [{"type": name}]}
    if table == "message":
        return {**request, "messages": [{**request["messages"][0], name: value}]}
    if table == "tool":
        return {**request, "tools": [{"name": "t", "input_schema": {"type": "object"}, name: value}]}
    return {**request, "messages": [{"role": "user", "content": [{"type": name, name: value}]}]}


REFUSED = [
    (caller, table, member)
    for caller, tables in TABLES.items()
    for table, members in tables.items()
    for member in members
    if member.fate == "refused" and table != "API"
]


@pytest.mark.parametrize(("caller", "table", "member"), REFUSED, ids=lambda each: getattr(each, "name", str(each)))
def test_what_the_statement_refuses_is_refused(caller: str, table: str, member: Member) -> None:
    """Every member that the statement calls refused is, with its reason, and passes where its value asks for nothing."""
    with pytest.raises(Untranslatable) as told:
        asked(caller, _within(table, caller, member.name, "something"))
    assert member.note in told.value.what
    if table in ("request", "message", "tool", "responses request"):
        for neutral in (None, *member.neutral):
            asked(caller, _within(table, caller, member.name, neutral))


@pytest.mark.parametrize("caller", ["openai", "anthropic"])
def test_what_nobody_knows_is_refused(caller: str) -> None:
    """A member that the statement does not name cannot be dropped in silence."""
    for table in ("request", "message", *(("responses request",) if caller == "openai" else ())):
        with pytest.raises(Untranslatable, match="novelty: it is not known"):
            asked(caller, _within(table, caller, "novelty", 1))


def _user(*parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def _image(url: str, **more: str) -> dict[str, Any]:
    return _user({"type": "image_url", "image_url": {"url": url, **more}})


def _called(arguments: str) -> dict[str, Any]:
    call = {"id": "a", "type": "function", "function": {"name": "n", "arguments": arguments}}
    return {"messages": [{"role": "assistant", "tool_calls": [call]}]}


FUNCTIONS = {"tools": [{"type": "function", "function": {"name": "a"}}]}
FIRST = "messages[0].content[0]"
VALUES: list[tuple[str, dict[str, Any], str]] = [
    ("openai", {"temperature": 1.5}, "temperature"),
    ("openai", {"reasoning_effort": "extreme"}, "reasoning_effort"),
    ("openai", {"service_tier": "flex"}, "service_tier"),
    ("openai", {"response_format": {"type": "json_object"}}, "response_format"),
    ("openai", {"tools": [{"type": "custom", "custom": {"name": "a"}}]}, "tools[0]"),
    ("openai", {**FUNCTIONS, "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
    ("openai", _image("https://a", detail="low"), f"{FIRST}.image_url.detail"),
    ("openai", _image("data:nothing"), f"{FIRST}.image_url.url"),
    ("openai", _user({"type": "file", "file": {"file_id": "f"}}), f"{FIRST}.file.file_id"),
    ("openai", _called("["), "messages[0].tool_calls[0].function.arguments"),
    ("openai", {"messages": 3}, "messages"),
    ("openai", {"messages": [3]}, "messages[0]"),
    ("openai", {"messages": [{"role": "critic", "content": "a"}]}, "messages[0].role"),
    ("openai", {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input[0].content[0]"),
    ("openai", {"input": [{"type": "web_search_call"}]}, "input[0]"),
    ("openai", {"input": "a", "text": {"format": {"type": "json_object"}}}, "text.format"),
    ("openai", {"input": "a", "text": {"verbosity": "low"}}, "text.verbosity"),
    ("openai", {"input": "a", "reasoning": {"effort": "extreme"}}, "reasoning.effort"),
    ("openai", {"input": "a", "tools": [{"type": "web_search"}]}, "tools[0]"),
    ("anthropic", {"max_tokens": 0}, "max_tokens"),
    ("anthropic", {"stop_sequences": list("abcde")}, "stop_sequences"),
    ("anthropic", {"metadata": {"other": 1}}, "metadata.other"),
    ("anthropic", {"thinking": {"type": "between_tools"}}, "thinking.type"),
    ("anthropic", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0]"),
    ("anthropic", _user({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image"}]}), f"{FIRST}.content[0]"),
    ("anthropic", _user({"type": "image", "source": {"type": "file", "file_id": "f"}}), f"{FIRST}.source"),
    ("anthropic", _user({"type": "document", "source": {"type": "url", "url": "u"}}), f"{FIRST}.source"),
]


@pytest.mark.parametrize(("caller", "change", "field"), VALUES)
def test_values_that_cannot_be_carried_are_refused_where_they_stand(caller: str, change: dict[str, Any], field: str) -> None:
    """A member that is carried may have values that are not: the refusal names the place."""
    with pytest.raises(Untranslatable) as told:
        asked(caller, {"model": "m", **change} if "input" in change else {**REQUESTS[caller], **change})
    assert told.value.field == field


NAMES = st.sampled_from(sorted({*NEEDS, "type", "source", "function", "json_schema", "schema", "url", "data"}))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(ANYTHING, st.sampled_from(["openai", "anthropic"]))
def test_hostile_requests_are_refused_and_never_break(value: Any, caller: str) -> None:
    """Whatever JSON stands in a request, it is carried or refused by name; no other fault comes out of it."""
    given = value if isinstance(value, dict) else {"messages": value, "temperature": value, "stop": value, "stop_sequences": value}
    for request in (value, {**REQUESTS[caller], **given}, {**REQUESTS[caller], "reasoning_effort": value, "tools": value}):
        for translation in (BY_CALLER[caller], RESPONSES):
            try:
                translation.request(encoded(request), Aim())
            except Untranslatable as fault:
                _named(fault)


def _named(fault: Untranslatable) -> None:
    assert fault.field
    assert fault.what.startswith(fault.field)


@given(ANYTHING)
def test_hostile_response_requests(value: Any) -> None:
    """The same of items and settings of response requests."""
    for request in (
        {"model": "m", "input": value},
        {"model": "m", "input": [value], "tools": value},
        {"input": "a", "text": value},
    ):
        try:
            RESPONSES.request(encoded(request), Aim())
        except Untranslatable as fault:
            _named(fault)


def test_needs_are_those_of_the_other_dialect() -> None:
    """What a caller needs is unmet only where the call would have to be translated."""
    assert [need for need, _ in needs_unmet(("logprobs", "tools", "/v1/embeddings", "top_k"), "anthropic")] == [
        "logprobs",
        "/v1/embeddings",
    ]
    assert [need for need, _ in needs_unmet(("logprobs", "tools", "/v1/embeddings", "top_k"), "openai")] == ["top_k"]
    assert needs_unmet(("logprobs", "top_k"), "native") == []
