"""One suite for every vendor in PROVIDERS, over the bodies in tests/recordings: invented, in recorded shapes."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from breakeven.economics.money import digits
from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.providers import PROVIDERS, StreamReader, call_of, provider_of, read, read_many


class Recorded(Protocol):
    """A recording: how the call was made, what came back in which framing, and what it says."""

    call: dict[str, Any]
    raw: bytes
    framing: Literal["sse", "lines", "whole"]
    expected: dict[str, Any]


def test_a_recording_says_what_its_vendor_means(case: Recorded) -> None:
    """Each recording gives exactly the usage, model, state, context and cost that stand beside it."""
    reading = read(case.raw, **case.call)
    expected = case.expected
    assert reading.state == expected["state"], reading.problems
    assert [(part.model, dict(part.usage)) for part in reading.parts] == [(p["model"], p["usage"]) for p in expected["parts"]]
    for part, told in zip(reading.parts, expected["parts"], strict=True):
        assert part.iteration == told.get("iteration", part.iteration)
    for name in ("api", "model", "response_id", "http_status"):
        if name in expected:
            assert getattr(reading, name) == expected[name]
    for name in ("stated_cost", "stated_upstream_cost"):
        if name in expected:
            assert digits(getattr(reading, name)) == expected[name]
    if "context" in expected:
        assert reading.context == expected["context"]


def test_faults_are_told_and_nothing_else(case: Recorded) -> None:
    """Each problem that a recording expects is told; a recording that expects none, and is metered, has none."""
    told = [problem.what for problem in read(case.raw, **case.call).problems]
    wanted = case.expected.get("problems", [])
    assert all(any(words in what for what in told) for words in wanted), told
    if case.expected["state"] == "metered":
        assert len(told) == len(wanted), told


def test_usage_is_whole_and_of_known_classes(case: Recorded) -> None:
    """Every quantity is a positive whole number of a class that the economics knows."""
    for part in read(case.raw, **case.call).parts:
        assert all(type(quantity) is int and quantity > 0 for quantity in part.usage.values())
        assert part.usage.keys() <= CLASS_BY_NAME.keys()


def test_read_many_reads_one_as_read_does(case: Recorded) -> None:
    """A file with one body or one stream is one reading."""
    assert list(read_many(case.raw, **case.call)) == [read(case.raw, **case.call)]


def test_how_a_stream_is_cut_changes_nothing(stream: Recorded) -> None:
    """The reading of a stream is the same for every place where its bytes are cut in two, and for single bytes."""
    whole = read(stream.raw, **stream.call)
    for at in range(len(stream.raw) + 1):
        reader = StreamReader(call_of(**stream.call), stream.framing)
        reader.feed(stream.raw[:at])
        reader.feed(stream.raw[at:])
        assert reader.finish() == whole
    reader = StreamReader(call_of(**stream.call), stream.framing)
    for position in range(len(stream.raw)):
        reader.feed(stream.raw[position : position + 1])
    assert reader.finish() == whole


def test_a_stream_cut_short_is_unknown_never_cheaper(stream: Recorded) -> None:
    """A stream that ends early says the same as the whole stream, or nothing: never a smaller usage."""
    whole = read(stream.raw, **stream.call)
    for at in range(len(stream.raw)):
        reader = StreamReader(call_of(**stream.call), stream.framing)
        reader.feed(stream.raw[:at])
        early = reader.finish()
        assert early.parts in ((), whole.parts)
        assert early.state != "metered" or whole.state == "metered"


def test_every_vendor_has_recordings(recorded_vendors: dict[str, set[str]]) -> None:
    """Each vendor of PROVIDERS has an answer and a refusal among the recordings, and none is of an unknown vendor."""
    assert recorded_vendors.keys() == {vendor.name for vendor in PROVIDERS}
    for states in recorded_vendors.values():
        assert {"metered", "not_billed"} <= states


def test_names_and_hosts_lead_to_one_vendor() -> None:
    """No name or host belongs to two vendors; each leads to its vendor."""
    names = [name for vendor in PROVIDERS for name in (vendor.name, *vendor.aliases)]
    hosts = [host for vendor in PROVIDERS for host in vendor.hosts]
    assert len(set(names)) == len(names)
    assert len(set(hosts)) == len(hosts)
    for vendor in PROVIDERS:
        assert all(provider_of(name.upper()) is vendor for name in (vendor.name, *vendor.aliases))
        assert all(provider_of("", f"https://{host}:443/v1/x") is vendor for host in vendor.hosts)
        assert all(vendor.api(short) in vendor.apis for short in vendor.short if vendor.api(short) is not None)
