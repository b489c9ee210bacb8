"""Amazon's binary event streams: read as AWS's own library reads them, however they are cut; damage is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from breakeven.errors import DataError
from breakeven.providers.eventstream import EventLines
from breakeven.testing.answers import answer

CONVERSE = "/model/amazon.nova-micro-v1:0/converse-stream"
INVOKE = "/model/anthropic.claude-3-haiku-20240307-v1:0/invoke-with-response-stream"


def _stream(path: str, body: bytes = b'{"messages":[]}') -> bytes:
    said = answer("POST", path, body)
    assert said is not None
    return b"".join(said.pieces)


def _by_amazon(stream: bytes) -> list[Any]:
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return [{event.headers[":event-type"]: json.loads(event.payload)} for event in buffer]


def _lines(content: bytes) -> list[Any]:
    return [json.loads(line) for line in content.splitlines()]


@given(cuts=st.lists(st.integers(1, 700), max_size=20))
def test_it_reads_what_amazons_library_reads(cuts: list[int]) -> None:
    """The same events with the same payloads, for every way of cutting the stream."""
    stream, reader, found, at = _stream(CONVERSE), EventLines(), b"", 0
    for size in [*cuts, 10**6]:
        found += reader.feed(stream[at : at + size])
        at += size
    assert _lines(found) == _by_amazon(stream)
    assert _lines(found)[-1]["metadata"]["usage"]["outputTokens"] == 12


def test_an_invoked_models_events_are_its_own() -> None:
    """What a `chunk` carries is the event, as the model's vendor writes it."""
    events = _lines(EventLines().feed(_stream(INVOKE, b'{"max_tokens":9,"messages":[{"role":"user","content":"hello"}]}')))
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]


def _fed(reader: EventLines, stream: bytes, size: int, lines: list[bytes]) -> None:
    lines.extend(reader.feed(stream[at : at + size]) for at in range(0, len(stream), size))


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.integers(1, 400))
def test_a_flipped_bit_is_noticed(place: int, bit: int, cut: int) -> None:
    """One wrong bit anywhere is damage; the events before it are those of the whole stream."""
    whole = _stream(CONVERSE)
    damaged = bytearray(whole)
    damaged[place % len(whole)] ^= 1 << bit
    lines: list[bytes] = []
    with pytest.raises(DataError, match="checksum"):
        _fed(EventLines(), bytes(damaged), cut, lines)
    assert EventLines().feed(whole).startswith(b"".join(lines))


@given(st.binary(min_size=12, max_size=300))
def test_garbage_is_damage(content: bytes) -> None:
    """What is no such stream is refused, by the place where it is wrong."""
    with pytest.raises(DataError) as raised:
        EventLines("answer").feed(content)
    assert raised.value.problems[0].where == "answer: message 1"
