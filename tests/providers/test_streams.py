"""Decoding of server-sent events and JSON lines."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.errors import DataError
from breakeven.providers.streams import Decoder, LineDecoder, SseDecoder

SSE = (
    b'\xef\xbb\xbf: hello\r\nevent: a\r\ndata: {"n": 1}\r\n\r\nid: 7\n'
    b'data: {"n":\ndata:  "\xc3\xb6"}\n\ndata: [DONE]\r\rdata:{"n":3}'
)


def _all(decoder: Decoder, *chunks: bytes) -> list[Any]:
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


def test_every_line_ending_comment_and_split_datum_is_understood() -> None:
    """LF, CR and CRLF end lines, comments and other fields are passed over, data over several lines are one event."""
    decoder = SseDecoder()
    assert _all(decoder, SSE) == [{"n": 1}, {"n": "ö"}, {"n": 3}]
    assert decoder.done
    assert decoder.problems == []


@given(st.lists(st.integers(0, len(SSE)), max_size=6))
def test_chunks_of_any_size_give_the_same_events(cuts: list[int]) -> None:
    """However the bytes are cut, inside a character or a line ending too, the events are the same."""
    edges = [0, *sorted(cuts), len(SSE)]
    decoder = SseDecoder()
    assert _all(decoder, *(SSE[a:b] for a, b in pairwise(edges))) == [{"n": 1}, {"n": "ö"}, {"n": 3}]


def test_a_broken_event_is_a_problem_with_its_line() -> None:
    """Malformed JSON loses one event, says where, and leaves the others."""
    decoder = SseDecoder("rec.sse")
    assert _all(decoder, b'data: {"n": 1}\n\ndata: {"n": \n\ndata: {"n": 2}\n\n') == [{"n": 1}, {"n": 2}]
    assert [(problem.where, problem.what) for problem in decoder.problems] == [("rec.sse:4", "this event is not JSON")]


def test_lines_are_read_with_any_ending() -> None:
    """JSON lines may end in LF or CRLF, be empty, and the last one may lack its end."""
    decoder = LineDecoder("x")
    assert _all(decoder, b'{"a":1}\r\n\n{"a"', b":2}\nnot json\n3") == [{"a": 1}, {"a": 2}, 3]
    assert [problem.where for problem in decoder.problems] == ["x:4"]


def test_bytes_that_are_no_text_are_refused() -> None:
    """Compressed or binary data raise a DataError that says what to do."""
    for decoder in (SseDecoder(), LineDecoder()):
        with pytest.raises(DataError, match="not UTF-8"):
            _all(decoder, b"\x1f\x8b\x08\x00data")


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text()), max_size=4), st.sampled_from(["\n", "\r", "\r\n"]))
def test_what_was_sent_arrives(events: list[dict[str, Any]], ending: str) -> None:
    """Events written as server-sent events come out as they went in."""
    raw = "".join(f"data: {json.dumps(event)}{ending}{ending}" for event in events).encode()
    assert _all(SseDecoder(), *(raw[n : n + 1] for n in range(len(raw)))) == events
