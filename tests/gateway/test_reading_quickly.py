"""The quick ways are the long ways, sooner: readings, sieved streams, costs and digits are equal to the general ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.economics.money import digits
from breakeven.gateway.costing import Rater
from breakeven.gateway.facts import Clock, money, new_call_id
from breakeven.gateway.streams import Sieve, UsageStripper, ask_for_usage, renamed
from breakeven.ledger import open_ledger
from breakeven.pricebook import RateCard, open_card
from breakeven.providers import Reading, StreamReader, call_of
from breakeven.providers.quick import QuickCall, quick_reading
from breakeven.providers.reader import read_body
from breakeven.testing.answers import answer

AT = datetime(2026, 10, 1, 12)
APIS = (("openai", "openai_chat"), ("openai", "openai_responses"), ("openai", "openai_embeddings"), ("anthropic", "anthropic"))
COUNT = st.one_of(st.none(), st.integers(-2, 500), st.just("7"))
DETAILS = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens", "cache_write_tokens", "novel_tokens"]),
        COUNT,
        max_size=4,
    ),
)


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> RateCard:
    """The price book."""
    return open_card(tmp_path_factory.mktemp("prices"), (), AT)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Bodies of the plain shapes, right and wrong in every field that could matter."""
    usage: dict[str, Any] = {
        name: draw(COUNT)
        for name in draw(
            st.sets(st.sampled_from(["prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens"]))
        )
    }
    for name in draw(st.sets(st.sampled_from(["prompt_tokens_details", "output_tokens_details", "completion_tokens_details"]))):
        usage[name] = draw(DETAILS)
    for name in draw(st.sets(st.sampled_from(["cache_read_input_tokens", "cache_creation_input_tokens", "iterations", "novel"]))):
        usage[name] = draw(COUNT)
    if draw(st.booleans()):
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": draw(COUNT), "ephemeral_1h_input_tokens": draw(COUNT)}
    whole = [usage.get(name) for name in ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")]
    if draw(st.booleans()) and "total_tokens" in usage:
        usage["total_tokens"] = sum(value for value in whole if isinstance(value, int))
    body: dict[str, Any] = {"id": draw(st.sampled_from(["id-1", "", "\u202e"])), "usage": usage}
    body["model"] = draw(st.sampled_from(["gpt-4o", "gpt-4o-search-preview", "", "claude-sonnet-4-6", "\n"]))
    body["object"] = draw(st.sampled_from(["chat.completion", "response", "list", "message"]))
    body["type"] = draw(st.sampled_from(["message", "error", "response"]))
    body |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "service_tier": st.sampled_from(["auto", "default", "flex", None, 3]),
                "error": st.sampled_from([None, {"message": "no"}]),
                "output": st.lists(
                    st.sampled_from([{"type": "message"}, {"type": "web_search_call"}, {"type": "reasoning"}]), max_size=2
                ),
                "choices": st.just([{"message": {"content": "x"}}]),
                "tool_usage": st.just({"web_search": {"num_requests": 1}}),
            },
        )
    )
    return body


@settings(max_examples=1500, deadline=None)
@given(body=bodies(), which=st.sampled_from(APIS))
def test_a_quick_reading_is_the_reading(body: dict[str, Any], which: tuple[str, str]) -> None:
    """Wherever the quick reader answers, it says what the general one says, field by field."""
    provider, api = which
    call = call_of(provider=provider, api=api, model="asked", http_status=200)
    quick = quick_reading(json.dumps(body).encode(), QuickCall.of(call))
    if quick is not None:
        assert quick == read_body(body, call)


def test_recorded_bodies_are_read_quickly(shared_data: Path) -> None:
    """Every recorded body of OpenAI and Anthropic that is read quickly is read right, and most plain ones are."""
    found = 0
    for line in (shared_data / "pricing" / "index.jsonl").read_text().splitlines():
        case = json.loads(line)
        path = shared_data / "pricing" / case["file"]
        if case["provider"] not in ("openai", "anthropic") or case["stream"] or not path.is_file():
            continue
        call = call_of(provider=case["provider"], api=case["api"], model=case["model_requested"], url=case["url"], http_status=200)
        quick = quick_reading(path.read_bytes(), QuickCall.of(call))
        if quick is not None:
            found += 1
            assert quick == read_body(json.loads(path.read_bytes(), parse_float=Decimal), call)
    assert found >= 3


def _streams() -> Iterator[tuple[str, str, bytes]]:
    for path, provider, api, body in (
        (
            "/v1/chat/completions",
            "openai",
            "openai_chat",
            {"model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True}},
        ),
        ("/v1/chat/completions", "openai", "openai_chat", {"model": "gpt-4o", "stream": True}),
        ("/v1/responses", "openai", "openai_responses", {"model": "gpt-4o", "stream": True}),
        ("/v1/messages", "anthropic", "anthropic", {"model": "claude-sonnet-4-6", "stream": True}),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", "google", "gemini", {"contents": []}),
    ):
        said = answer("POST", path, json.dumps(body).encode())
        assert said is not None
        yield provider, api, b"".join(said.pieces)


STREAMS = list(_streams())


def _read(provider: str, api: str, chunks: list[bytes], *, sieved: bool) -> Reading:
    """The reading but for its problems: what is not read is not looked at, and lines are counted among those that are."""
    reader = StreamReader(call_of(provider=provider, api=api, model="m", http_status=200), "sse")
    sieve = Sieve(reader)
    for chunk in chunks:
        (sieve if sieved else reader).feed(chunk)
    if sieved:
        sieve.close()
    return replace(reader.finish(), problems=())


@settings(max_examples=200, deadline=None)
@given(
    which=st.sampled_from(STREAMS), cuts=st.sets(st.integers(0, 6000), max_size=12), end=st.integers(0, 6000), crlf=st.booleans()
)
def test_a_sieved_stream_reads_the_same(which: tuple[str, str, bytes], cuts: set[int], end: int, *, crlf: bool) -> None:
    """However a stream is cut, and wherever it breaks off, the sieve takes nothing away that the reading needs."""
    provider, api, content = which
    content = content[: end or None].replace(b"\n", b"\r\n") if crlf else content[: end or None]
    places = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    chunks = [content[start:stop] for start, stop in pairwise(places)]
    assert _read(provider, api, chunks, sieved=True) == _read(provider, api, [content], sieved=False)


def test_recorded_streams_read_the_same_through_the_sieve(shared_data: Path) -> None:
    """Every recorded stream of OpenAI and Anthropic has the same reading with and without the sieve, in pieces of any size."""
    checked = 0
    for line in (shared_data / "pricing" / "index.jsonl").read_text().splitlines():
        case = json.loads(line)
        path = shared_data / "pricing" / case["file"]
        if not case["stream"] or not path.is_file() or b"data:" not in path.read_bytes()[:2000]:
            continue
        content = path.read_bytes()
        for size in (1, 7, 100, 1000, len(content)):
            chunks = [content[start : start + size] for start in range(0, len(content), size)]
            assert _read(case["provider"], case["api"], chunks, sieved=True) == _read(
                case["provider"], case["api"], [content], sieved=False
            )
        checked += 1
    assert checked >= 3


@given(
    members=st.lists(
        st.sampled_from(['"model":"m"', '"stream":true', '"x":{"stream_options":{}}', '"y":"stream_options"']), unique=True
    ),
    options=st.sampled_from([None, "null", "{}", '{"include_usage":false}', '{ "include_obfuscation" : true }']),
    blanks=st.sampled_from(["", " ", "\n  "]),
)
def test_asking_changes_one_member(members: list[str], options: str | None, blanks: str) -> None:
    """Asking for usage sets that one option; every other member of the request stays as it was."""
    given_members = [*members, *([f'"stream_options": {options}'] if options else [])]
    body = f"{blanks}{{{blanks}{(',' + blanks).join(given_members)}}}".encode()
    asked = json.loads(ask_for_usage(body, options.encode() if options else None))
    before = json.loads(body)
    kept = before.pop("stream_options", None) or {}
    assert asked.pop("stream_options") == {**kept, "include_usage": True}
    assert asked == before


@given(cuts=st.sets(st.integers(0, 4000), max_size=10))
def test_stripping_undoes_asking(cuts: set[int]) -> None:
    """What the caller gets is, byte for byte, what the vendor streams when nobody asks for usage."""
    request = b'{"model":"gpt-4o","stream":true,"messages":[{"content":"\\"usage\\":null"}]}'
    plain, asked = (answer("POST", "/v1/chat/completions", body) for body in (request, ask_for_usage(request, None)))
    assert plain is not None
    assert asked is not None
    content = b"".join(asked.pieces)
    places = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    stripper = UsageStripper()
    stripped = b"".join(stripper.feed(content[a:b]) for a, b in pairwise(places)) + stripper.close()
    assert stripped == b"".join(plain.pieces)


def test_usage_beside_choices_is_not_ours_to_take() -> None:
    """A vendor that sends usage with its last choice unasked keeps it."""
    content = b'data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n'
    assert UsageStripper().feed(content) == content


def test_renaming_a_model() -> None:
    """Only the model's name changes, also where the same text stands elsewhere."""
    body = b'{"messages":[{"content":"\\"model\\":\\"a\\""}], "model" : "a","n":1.0}'
    assert renamed(body, "a", "b") == body.replace(b'"model" : "a"', b'"model" : "b"')


@given(st.integers(-(10**30), 10**30))
def test_quick_digits(atto: int) -> None:
    """Money's digits are those of `economics.money`."""
    assert money(atto) == digits(atto)


@given(st.integers(0, 4 * 10**18))
def test_call_ids_sort_by_time(now: int) -> None:
    """A call id begins with its milliseconds, and the ledger's text of an instant has its microseconds."""
    assert int(new_call_id(now).replace("-", "")[:12], 16) == now // 1_000_000 % 2**48
    assert Clock().text(now)[-6:] == f"{now // 1000 % 1_000_000:06d}"


@pytest.mark.slow
def test_live_costs_are_imported_costs(tmp_path: Path, card: RateCard, shared_data: Path) -> None:
    """For every recorded body, live costing gives the lines that an import gives in SQL, in every column."""
    from breakeven.app import quotes_for  # noqa: PLC0415
    from breakeven.providers import read_many  # noqa: PLC0415

    rater = Rater(card)
    readings: list[Reading] = []
    for line in (shared_data / "pricing" / "index.jsonl").read_text().splitlines():
        case = json.loads(line)
        path = shared_data / "pricing" / case["file"]
        if path.is_file():
            context = case.get("context") or {}
            readings += read_many(path.read_bytes(), provider=case["provider"], api=case["api"], url=case["url"], context=context)
    assert len(readings) >= 30
    with open_ledger(tmp_path / "ledger", write=True, create=True) as ledger:
        for number, reading in enumerate(readings):
            with ledger.intake(source="import:test", quotes=quotes_for(card), recorded_at=AT) as intake:
                intake.stage_rows(_staged(number, reading))
                intake.commit()
            live = rater.costs(reading, AT)
            rows = ledger.query(
                "SELECT line, part, model, kind, state, usage_class, quantity, unit_price, cost, price_version FROM cost_lines"
                f" WHERE call_id IN (SELECT call_id FROM calls WHERE source_ref = 'case-{number}') ORDER BY line"
            )
            mine = sorted(
                (
                    line.number, line.part, line.model, line.kind, line.state, line.usage_class, line.quantity,
                    _decimal(line.unit_price), _decimal(line.cost), line.price_version,
                )
                for line in live.lines
            )  # fmt: skip
            assert mine == [tuple(row) for row in rows]


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _staged(number: int, reading: Reading) -> list[dict[str, Any]]:
    shared = {
        "identity": f"case-{number}", "source_ref": f"case-{number}", "occurred_at": AT.isoformat(), "provider": reading.provider,
        "model": reading.model, "pricing_context": json.dumps(dict(reading.context), sort_keys=True),
        "usage_known": reading.state == "metered", "billed": reading.state != "not_billed",
        "stated_cost": None if reading.stated_cost is None else digits(reading.stated_cost),
    }  # fmt: skip
    if not reading.parts:
        return [shared | {"part_model": reading.model}]
    return [
        shared | {"part": at, "part_model": part.model, **(part.usage or {"input": 0})} for at, part in enumerate(reading.parts)
    ]
