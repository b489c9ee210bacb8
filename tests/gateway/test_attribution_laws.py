"""Laws of attribution that hold for whatever callers send."""

from __future__ import annotations

import json
import tracemalloc
from random import Random
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from breakeven.gateway.attribution import Attribution, Attributor, BodyHints
from breakeven.gateway.dimensions import DIMENSIONS, LONGEST_VALUE, MOST_TAGS, RESERVED
from breakeven.gateway.keys import VirtualKey

OURS = (*(f"breakeven-{name}" for name in DIMENSIONS), "breakeven-tags", "breakeven-key", "breakeven-anything")
TOOLS = (
    "x-litellm-tags", "x-litellm-customer-id", "x-litellm-end-user-id", "x-litellm-spend-logs-metadata", "x-portkey-metadata",
    "x-portkey-trace-id", "cf-aig-metadata", "helicone-user-id", "helicone-session-id", "helicone-session-name",
    "helicone-property-customer", "helicone-property-plan", "x-bf-customer-id", "x-claude-code-session-id", "baggage",
)  # fmt: skip
COLUMNS = {name: {"user": "user_id", "trace": "trace_id"}.get(name, name) for name in DIMENSIONS}
FACTS: dict[str, Any] = {"id": "k", "name": "app", "shown": "bek-", "digest": "0" * 64, "created_at": "2026-10-01T00:00:00Z"}

words = st.text(min_size=1, max_size=12).filter(str.strip)
members = st.dictionaries(
    st.sampled_from(["user", "customer", "feature", "session_id", "env", "plan", "x"]) | words, words, max_size=4
)
telling = st.one_of(
    members.map(lambda each: json.dumps(each).encode()),
    members.map(lambda each: ",".join(f"{quote(name)}={quote(value)}" for name, value in each.items()).encode()),
    words.map(lambda each: quote(each).encode()),
)
values = st.binary(max_size=40) | telling | st.sampled_from([b"a" * 300, b"%", b"%ff", b"{", b"[[", b"=", b",,;=", b"\x00\x1b[31m"])
cased = st.sampled_from([str.lower, str.upper, str.title])
attributing = st.tuples(cased, st.sampled_from(OURS + TOOLS)).map(lambda each: each[0](each[1]).encode())
unrelated = st.sampled_from(
    [b"Host", b"Content-Type", b"AUTHORIZATION", b"x-stainless-lang", b"Mcp-Session-Id", b"breakevenx", b"\xff"]
)
headers = st.lists(st.tuples(attributing | unrelated, values), max_size=12)
bodies = st.builds(
    BodyHints,
    st.none() | words,
    st.none() | words,
    st.lists(st.tuples(st.sampled_from([*DIMENSIONS, "user_id", "plan"]) | words, words), max_size=4).map(tuple),
)


def of(sent: list[tuple[bytes, bytes]], key: VirtualKey | None = None, body: BodyHints | None = None) -> Attribution:
    """The attribution of a call that nothing forbids."""
    attributor = Attributor("production")
    _, ours = attributor.split(sent)
    found = attributor.attribute(ours, key, body or BodyHints(), "m")
    assert isinstance(found, Attribution)
    assert attributor.attribute(ours, key, body or BodyHints(), "m") == found
    return found


@given(sent=headers, body=bodies, locked=st.sets(st.sampled_from(DIMENSIONS), min_size=1))
def test_locked_dimensions_hold(sent: list[tuple[bytes, bytes]], body: BodyHints, locked: set[str]) -> None:
    """Whatever headers, baggage and body say, a dimension that the key locks has the key's value and the key as its source."""
    found = of(sent, VirtualKey(**FACTS, locked=tuple((name, f"the key's {name}") for name in sorted(locked))), body)
    for name in locked:
        assert getattr(found, COLUMNS[name]) == f"the key's {name}"
        assert json.loads(str(found.sources))[COLUMNS[name]] == "key"


@given(sent=headers)
def test_nothing_of_ours_is_forwarded(sent: list[tuple[bytes, bytes]]) -> None:
    """Attribution headers are kept back, all others go on: the same bytes in the same order, and none is lost."""
    forwarded, ours = Attributor().split(sent)
    accepted = {name.encode() for name in OURS + TOOLS}
    assert forwarded == [pair for pair in sent if pair[0].lower() not in accepted]
    assert list(ours) == [pair for pair in sent if pair[0].lower() in accepted]


@given(sent=headers, body=bodies, order=st.randoms(use_true_random=False), noise=st.lists(st.tuples(unrelated, values), max_size=5))
def test_order_decides_nothing(
    sent: list[tuple[bytes, bytes]], body: BodyHints, order: Random, noise: list[tuple[bytes, bytes]]
) -> None:
    """Headers of different names in another order, and unrelated ones between them, give the same attribution."""
    distinct = list({name.lower(): (name, value) for name, value in sent}.values())
    shuffled = [*distinct, *noise]
    order.shuffle(shuffled)
    assert of(shuffled, body=body) == of(distinct, body=body)


@given(sent=headers, body=bodies)
def test_what_is_kept_can_be_shown(sent: list[tuple[bytes, bytes]], body: BodyHints) -> None:
    """No input breaks it: values are within bounds and free of control characters, tags and sources are JSON objects of texts."""
    found = of(sent, body=body)
    labels: dict[str, str] = json.loads(found.tags or "{}")
    sources: dict[str, str] = json.loads(found.sources or "{}")
    kept = [getattr(found, column) for column in COLUMNS.values() if getattr(found, column) is not None]
    kept += [text for name, value in labels.items() if name not in RESERVED for text in (name, value)]
    assert all(0 < len(text) <= LONGEST_VALUE and text == text.strip() for text in kept)
    assert not any(
        ord(each) < 32 or 0x7F <= ord(each) < 0xA0 for text in (*kept, *labels.values(), *sources.values()) for each in text
    )
    assert len(labels) <= MOST_TAGS + len(RESERVED)
    assert all(getattr(found, column) is None or column in sources for column in COLUMNS.values())
    assert list(labels) == sorted(labels, key=str.encode)


@given(one=st.text(max_size=300), other=st.text(max_size=300))
def test_two_customers_never_become_one(one: str, other: str) -> None:
    """Two names that differ, but for space around them, are never the same customer in the ledger."""
    found = [of([(b"breakeven-customer", quote(name, safe="", errors="replace").encode())]).customer for name in (one, other)]
    if found[0] is not None and found[0] == found[1]:
        assert one.strip().encode("utf-8", "replace") == other.strip().encode("utf-8", "replace")


@given(value=st.binary(max_size=60), other=st.binary(max_size=60))
def test_bytes_never_become_the_same_user(value: bytes, other: bytes) -> None:
    """Two values of another tool's header, in whatever encoding, are the same user only where they are the same text."""
    found = [of([(b"helicone-user-id", each)]).user_id for each in (value, other)]
    if found[0] is not None and found[0] == found[1]:
        assert {_text(value), _text(other)} == {found[0]}


def _text(value: bytes) -> str:
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


def test_memory_is_bounded() -> None:
    """However many different and large headers and bodies come, what is remembered of them stays small."""
    attributor = Attributor()
    tracemalloc.start()
    try:
        for number in range(5000):
            name, value = b"breakeven-%08d" % number + b"x" * 4000, b"%08d" % number + b"y" * 8000
            _, ours = attributor.split([(name, value)])
            attributor.attribute(ours, None, BodyHints(user=f"{number}" + "z" * 10_000), None)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 16 * 1024 * 1024
