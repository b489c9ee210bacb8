"""When two requests are the same, and which are never answered from the cache: laws and cases."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.caching import CacheRules, canonical, key_of, objection, template_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
REQUESTS = st.dictionaries(st.sampled_from(["model", "messages", "tools", "seed", "top_p", "stop"]), VALUES)


def _shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shuffled(member) for name, member in reversed(list(value.items()))}
    return [_shuffled(each) for each in value] if isinstance(value, list) else value


@given(REQUESTS, st.dictionaries(st.sampled_from(["stream", "user", "metadata", "service_tier"]), st.text(), max_size=4))
def test_order_spelling_and_what_is_carried_do_not_matter(request_: dict[str, Any], carried: dict[str, str]) -> None:
    """The order of members, white space, and members that only say how the answer is carried leave the key as it is."""
    spelled = msgspec.json.decode(json.dumps(_shuffled(request_) | carried, indent=3))
    assert key_of(spelled, "a") == key_of(request_, "a")


@given(REQUESTS, REQUESTS)
def test_requests_that_differ_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Keys are equal only where the canonical requests are."""
    assert (key_of(one, "a") == key_of(other, "a")) == (canonical(one) == canonical(other))


@given(st.lists(st.none() | st.text(max_size=4), max_size=3), st.lists(st.none() | st.text(max_size=4), max_size=3))
def test_boundaries_are_never_crossed(one: list[str | None], other: list[str | None]) -> None:
    """The same request for another customer, or for nobody, has another key."""
    clean = [[part for part in parts if part is None or part.isprintable()] for parts in (one, other)]
    assert (key_of({}, *clean[0]) == key_of({}, *clean[1])) == (clean[0] == clean[1])


def test_numbers_are_what_they_are_worth() -> None:
    """`1` and `1.0` are one number; `0.5` is another; true is no number."""
    assert key_of({"seed": 1}) == key_of({"seed": 1.0}) != key_of({"seed": 0.5})
    assert key_of({"seed": True}) != key_of({"seed": 1})


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"temperature": 1.2}, "temperature"),
        ({"n": 3}, "several answers"),
        ({"previous_response_id": "r"}, "vendor keeps"),
        ({"input": [{"type": "input_file", "file_id": "f"}]}, "content may change"),
        ({"messages": [{"content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}, "content may change"),
        ({"tools": [{"type": "function", "function": {"name": "pay"}}]}, "tool pay"),
        ({"tools": [{"name": "pay", "input_schema": {}}]}, "tool pay"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tool web_search_20250305"),
        ({"messages": [{"content": "call +49 30 1234567"}]}, "private pattern"),
    ],
)
def test_what_is_never_kept(request_: dict[str, Any], said: str) -> None:
    """Each rule says why."""
    rules = CacheRules(per=(), private=(r"\+[0-9 ]{8,}",))
    why = objection(request_, json.dumps(request_).encode(), rules, ())
    assert why is not None
    assert said in why


def test_what_may_be_kept() -> None:
    """A plain request, one with images inside, and one with a tool declared to have no effect."""
    rules = CacheRules(per=("customer",), tools=("look_up",), temperature=0)
    request = {"temperature": 0, "tools": [{"type": "function", "name": "look_up"}], "input": [{"url": "data:image/png;base64,AA"}]}
    assert objection(request, json.dumps(request).encode(), rules, ("acme",)) is None
    assert objection(request, b"", rules, (None,)) == "no customer is known, and answers are kept per customer"
    assert objection({}, b"{}", rules, ("acme",)) == "its temperature is above 0"


def test_the_template_is_the_constant_part() -> None:
    """Another user text or model has the same template; another system text, schema or tool has not."""
    base: dict[str, Any] = {
        "model": "a",
        "messages": [{"role": "system", "content": "Extract."}, {"role": "user", "content": "one"}],
    }
    same = {"model": "b", "messages": [{"role": "system", "content": "Extract."}, {"role": "user", "content": "two"}]}
    others: list[dict[str, Any]] = [
        {**base, "tools": [{"name": "x"}]},
        {**base, "response_format": {"type": "json_object"}},
        {"messages": [{"role": "system", "content": "Extract!"}, {"role": "user", "content": "one"}]},
        {"instructions": "Extract.", "input": "one"},
    ]
    assert template_of(base) == template_of(same)
    assert len({template_of(one) for one in [base, *others]}) == 5
