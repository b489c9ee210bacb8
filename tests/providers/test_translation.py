"""What translation keeps: requests, answers, streams and usage, each in the other dialect and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.providers import StreamReader, call_of, read
from breakeven.providers.translation import TRANSLATIONS, Aim, StreamTranslator, Translation
from breakeven.providers.translation.notation import encoded

TO_ANTHROPIC = TRANSLATIONS["/v1/chat/completions", "anthropic"]
TO_OPENAI = TRANSLATIONS["/v1/messages", "openai"]
RESPONSES = TRANSLATIONS["/v1/responses", "anthropic"]
AIM = Aim(vendor="openai")


def asked(translation: Translation, request: dict[str, Any], aim: Aim = AIM) -> dict[str, Any]:
    """The request in the other dialect."""
    said: dict[str, Any] = json.loads(translation.request(encoded(request), aim))
    return said


# --- requests that both dialects can say ------------------------------------------------------------------------------------------

TEXT = st.text(min_size=1, max_size=12)
NAME = st.sampled_from(["weather", "time", "order_7"])
NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3).map(float)
ARGUMENTS = st.dictionaries(TEXT, NUMBERS | TEXT | st.lists(TEXT, max_size=2), max_size=3)
PARTS = st.lists(
    TEXT.map(lambda text: {"type": "text", "text": text})
    | st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})
    | st.just({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}),
    min_size=2,
    max_size=3,
)
USER = st.builds(lambda content: [{"role": "user", "content": content}], TEXT | PARTS)


@st.composite
def tool_turn(draw: st.DrawFn) -> list[dict[str, Any]]:
    """An assistant's calls and their results."""
    count = draw(st.integers(1, 3))
    calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": draw(NAME), "arguments": encoded(draw(ARGUMENTS)).decode()},
        }
        for number in range(count)
    ]
    said: dict[str, Any] = {"role": "assistant", "tool_calls": calls}
    if draw(st.booleans()):
        said["content"] = draw(TEXT)
    results = [{"role": "tool", "tool_call_id": call["id"], "content": draw(TEXT)} for call in calls]
    return [said, *results]


ASSISTANT = TEXT.map(lambda text: [{"role": "assistant", "content": text}])
TOOLS = st.lists(
    st.builds(
        lambda name, text: {
            "type": "function",
            "function": {"name": name, "description": text, "parameters": {"type": "object", "properties": {}}},
        },
        NAME,
        TEXT,
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def chats(draw: st.DrawFn) -> dict[str, Any]:
    """A chat request in its plainest form."""
    turns = draw(USER)
    for answer in draw(st.lists(ASSISTANT | tool_turn(), max_size=3)):
        turns = turns + answer + (draw(USER) if answer[-1]["role"] == "assistant" else [])
    if draw(st.booleans()):
        turns = [{"role": "system", "content": draw(TEXT)}, *turns]
    chat: dict[str, Any] = {"model": draw(TEXT), "messages": turns, "max_completion_tokens": draw(st.integers(1, 9999))}
    optional = {
        "temperature": st.sampled_from([0, 0.5, 1]),
        "top_p": st.sampled_from([0.1, 1]),
        "stop": st.lists(TEXT, min_size=1, max_size=4),
        "user": TEXT,
        "reasoning_effort": st.sampled_from(["low", "medium", "high"]),
        "service_tier": st.just("default"),
        "stream": st.just(value=False),
        "response_format": st.just(
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "answer",
                    "strict": True,
                    "schema": {
                        "type": "object",
                        "properties": {"a": {"type": "string"}},
                        "required": ["a"],
                        "additionalProperties": False,
                    },
                },
            }
        ),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            chat[name] = draw(values)
    if draw(st.booleans()):
        chat["tools"] = draw(TOOLS)
        chat["tool_choice"] = draw(
            st.sampled_from(["none", "auto", "required"]) | st.just({"type": "function", "function": {"name": "time"}})
        )
        if chat["tool_choice"] != "none" and draw(st.booleans()):
            chat["parallel_tool_calls"] = False
    return chat


def _with_arguments_read(chat: dict[str, Any]) -> dict[str, Any]:
    """The request with the arguments of its tools as values: 1E+16 and 1e16 are one number in two spellings."""
    messages = [
        {
            **message,
            "tool_calls": [
                {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}
                for call in message["tool_calls"]
            ],
        }
        if "tool_calls" in message
        else message
        for message in chat["messages"]
    ]
    return {**chat, "messages": messages}


@given(chats())
def test_a_chat_request_comes_back_as_it_went(chat: dict[str, Any]) -> None:
    """What is carried to Anthropic's dialect and back is the same request."""
    there = asked(TO_ANTHROPIC, chat)
    assert _with_arguments_read(asked(TO_OPENAI, there)) == _with_arguments_read(chat)
    assert asked(TO_ANTHROPIC, asked(TO_OPENAI, there)) == there  # and so is a message request that has a counterpart


# --- answers ----------------------------------------------------------------------------------------------------------------------

COUNT = st.integers(0, 10_000)


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """A message as Anthropic answers."""
    content: list[dict[str, Any]] = []
    if draw(st.booleans()):
        content.append({"type": "thinking", "thinking": draw(TEXT), "signature": "c2ln"})
    if draw(st.booleans()):
        content.append({"type": "text", "text": draw(TEXT)})
    content += [
        {"type": "tool_use", "id": f"toolu_{number}", "name": draw(NAME), "input": draw(ARGUMENTS)}
        for number in range(draw(st.integers(0, 3)))
    ]
    if not content:
        content.append({"type": "text", "text": "!"})
    uses = any(block["type"] == "tool_use" for block in content)
    usage = {
        "input_tokens": draw(COUNT),
        "cache_creation_input_tokens": draw(COUNT),
        "cache_read_input_tokens": draw(COUNT),
        "output_tokens": draw(COUNT),
    }
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-6",
        "content": content,
        "stop_reason": "tool_use" if uses else draw(st.sampled_from(["end_turn", "max_tokens", "refusal"])),
        "stop_sequence": None,
        "usage": usage,
    }


@given(messages())
def test_an_answer_comes_back_as_it_went(message: dict[str, Any]) -> None:
    """A message as a completion and back: text, calls with every argument, the reason and the whole usage; only signatures stay."""
    chat = TO_ANTHROPIC.response(encoded(message), 1_790_000_000)
    back = json.loads(TO_OPENAI.response(chat, 0))
    unsigned = [{**block, "signature": ""} if block["type"] == "thinking" else block for block in message["content"]]
    assert back == {**message, "content": unsigned}


@given(messages())
def test_usage_is_read_alike_in_both_dialects(message: dict[str, Any]) -> None:
    """Our own readers find the same disjoint tokens in a message and in the completion that it becomes."""
    native = read(encoded(message), provider="anthropic")
    chat = read(TO_ANTHROPIC.response(encoded(message), 1), provider="openai", api="openai_chat")

    def tokens(usage: Any) -> dict[str, int]:
        return {name.removesuffix("_5m").removesuffix("_30m"): count for name, count in usage.items()}

    assert tokens(native.parts[0].usage if native.parts else {}) == tokens(chat.parts[0].usage if chat.parts else {})


@given(messages())
def test_thinking_goes_back_to_its_vendor(message: dict[str, Any]) -> None:
    """Thinking that a translated answer showed returns signed, at the head of its turn, as a tool loop needs it."""
    said = json.loads(TO_ANTHROPIC.response(encoded(message), 1))["choices"][0]["message"]
    there = asked(TO_ANTHROPIC, {"model": "m", "messages": [{"role": "user", "content": "a"}, said]})
    assert there["messages"][1]["content"] == message["content"]


# --- streams ----------------------------------------------------------------------------------------------------------------------


EMPTY: dict[str, dict[str, Any]] = {"thinking": {"thinking": "", "signature": ""}, "text": {"text": ""}, "tool_use": {"input": {}}}


def events_of(message: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events in which Anthropic streams a message."""
    usage = message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield "message_start", {"message": begun}
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        empty = EMPTY[kind]
        yield "content_block_start", {"index": index, "content_block": {**block, **empty}}
        yield "ping", {}
        if kind == "tool_use":
            told = json.dumps(block["input"])
            for at in range(0, len(told), 4) if block["input"] else ():
                delta: dict[str, Any] = {"type": "input_json_delta", "partial_json": told[at : at + 4]}
                yield "content_block_delta", {"index": index, "delta": delta}
        else:
            for at in range(0, len(block[kind]), 3):
                yield "content_block_delta", {"index": index, "delta": {"type": f"{kind}_delta", kind: block[kind][at : at + 3]}}
            if kind == "thinking":
                yield (
                    "content_block_delta",
                    {"index": index, "delta": {"type": "signature_delta", "signature": block["signature"]}},
                )
        yield "content_block_stop", {"index": index}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"delta": ending, "usage": {"output_tokens": usage["output_tokens"]}}
    yield "message_stop", {}


def streamed(message: dict[str, Any]) -> bytes:
    """The bytes of that stream."""
    return b"".join(
        b"event: " + kind.encode() + b"\ndata: " + json.dumps({"type": kind, **more}).encode() + b"\n\n"
        for kind, more in events_of(message)
    )


def fed(translator: StreamTranslator, content: bytes, sizes: list[int]) -> bytes:
    """What a translator says of these bytes, cut into pieces of these sizes in turn."""
    told, at, number = b"", 0, 0
    while at < len(content):
        size = sizes[number % len(sizes)] if sizes else len(content)
        told += translator.feed(content[at : at + size])
        at += size
        number += 1
    return told + translator.close()


def data_of(stream: bytes) -> list[Any]:
    """The JSON of each event but the end mark."""
    return [json.loads(each[6:]) for each in stream.decode().split("\n") if each.startswith("data: ") and each != "data: [DONE]"]


def chat_of(chunks: list[Any]) -> dict[str, Any]:
    """The completion that chunks add up to."""
    said: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
    finish, usage = None, None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            delta, finish = choice["delta"], choice["finish_reason"] or finish
            said["content"] += delta.get("content") or ""
            for name in ("reasoning_content", "thinking_blocks"):
                if name in delta:
                    said[name] = said.get(name, type(delta[name])()) + delta[name]
            for call in delta.get("tool_calls", ()):
                calls = said.setdefault("tool_calls", [])
                if call["index"] == len(calls):
                    calls.append(
                        {"id": call["id"], "type": "function", "function": {"name": call["function"]["name"], "arguments": ""}}
                    )
                calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
    for call in said.get("tool_calls", ()):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return {"message": said, "finish_reason": finish, "usage": usage}


@given(messages(), st.lists(st.integers(1, 40), max_size=4))
def test_a_stream_says_what_the_whole_answer_says(message: dict[str, Any], sizes: list[int]) -> None:
    """Cut anywhere, the chunks add up to the completion of the whole message, and back again to the message."""
    stream = fed(TO_ANTHROPIC.stream(1, wants_usage=True), streamed(message), sizes)
    assert stream == fed(TO_ANTHROPIC.stream(1, wants_usage=True), streamed(message), [])
    assert stream.endswith(b"data: [DONE]\n\n")
    whole = json.loads(TO_ANTHROPIC.response(encoded(message), 1))
    said = whole["choices"][0]["message"]
    for call in said.get("tool_calls", ()):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    expected: dict[str, Any] = {
        "message": {**said, "content": said["content"] or ""},
        "finish_reason": whole["choices"][0]["finish_reason"],
    }
    assert chat_of(data_of(stream)) == {**expected, "usage": whole["usage"]}
    back = fed(TO_OPENAI.stream(1, wants_usage=False), stream, sizes)
    assert back == fed(TO_OPENAI.stream(1, wants_usage=False), stream, [])
    reading = read(streamed(message), provider="anthropic")
    assert read(back, provider="anthropic").parts == reading.parts
    again = chat_of(data_of(fed(TO_ANTHROPIC.stream(1, wants_usage=True), back, [])))
    again["message"].pop("thinking_blocks", None)
    expected["message"].pop("thinking_blocks", None)
    assert again == {**expected, "usage": whole["usage"]}


@given(messages(), st.lists(st.integers(1, 40), max_size=4))
def test_a_response_stream_ends_with_the_response_of_the_whole_answer(message: dict[str, Any], sizes: list[int]) -> None:
    """Cut anywhere; the deltas add up to the items, numbers run on, and the usage is the message's."""
    stream = fed(RESPONSES.stream(1, wants_usage=False), streamed(message), sizes)
    assert stream == fed(RESPONSES.stream(1, wants_usage=False), streamed(message), [])
    events = data_of(stream)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    whole = json.loads(RESPONSES.response(encoded(message), 1))
    last = events[-1]
    assert last["type"] == f"response.{whole['status']}"
    assert parsed(last["response"]) == parsed(whole)
    assert (
        parsed({"output": [event["item"] for event in events if event["type"] == "response.output_item.done"]})["output"]
        == parsed(whole)["output"]
    )
    texts = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert texts == "".join(block["text"] for block in message["content"] if block["type"] == "text")
    native, there = read(encoded(message), provider="anthropic"), read(stream, provider="openai")
    assert sum(native.parts[0].usage.values()) == sum(there.parts[0].usage.values())
    assert native.parts[0].usage.get("cache_read") == there.parts[0].usage.get("cache_read")


def parsed(response: dict[str, Any]) -> dict[str, Any]:
    """The response with arguments as values: the spaces in them are the vendor's."""
    items = [
        {**item, "arguments": json.loads(item["arguments"])} if item["type"] == "function_call" else item
        for item in response["output"]
    ]
    return {**response, "output": items}


@given(messages())
def test_a_response_goes_back_as_input(message: dict[str, Any]) -> None:
    """The items of a translated response, sent back with results, are the message again, signed thinking included."""
    items = json.loads(RESPONSES.response(encoded(message), 1))["output"]
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "x"}
        for item in items
        if item["type"] == "function_call"
    ]
    there = asked(RESPONSES, {"model": "m", "instructions": "s", "input": [{"role": "user", "content": "a"}, *items, *results]})
    assert there["system"] == [{"type": "text", "text": "s"}]
    assert there["messages"][1] == {"role": "assistant", "content": message["content"]}
    assert len(there["messages"]) == (3 if results else 2)


def test_recorded_streams_keep_their_usage(stream: Any) -> None:
    """Every recorded stream of either dialect, cut at every byte or not at all, is translated alike and says the same usage."""
    reading = read(stream.raw, **stream.call)
    if reading.api not in ("openai_chat", "anthropic") or stream.framing != "sse" or b"iterations" in stream.raw:
        return
    translation = TO_ANTHROPIC if reading.api == "anthropic" else TO_OPENAI
    other = "openai" if reading.api == "anthropic" else "anthropic"
    told = fed(translation.stream(1, wants_usage=True), stream.raw, [])
    assert told == fed(translation.stream(1, wants_usage=True), stream.raw, [1])
    if reading.state != "metered":
        return
    reader = StreamReader(call_of(provider=other), "sse")
    reader.feed(told)
    here, there = reading.parts[0].usage, reader.finish().parts[0].usage
    plain = ("input", "cache_read")
    assert [here.get(name, 0) for name in plain] == [there.get(name, 0) for name in plain]
    assert sum(here.get(name, 0) for name in ("output", "reasoning")) == sum(there.get(name, 0) for name in ("output", "reasoning"))


@pytest.mark.parametrize(
    ("translation", "told", "expected"),
    [
        (
            TO_ANTHROPIC,
            b'data: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n',
            '"code":"overloaded_error"',
        ),
        (
            TO_OPENAI,
            b'data: {"error":{"message":"busy","code":"x"}}\n\n',
            '{"type":"error","error":{"type":"api_error","message":"busy"',
        ),
        (TO_ANTHROPIC, b"data: \xff\n\n", "cannot be read"),
        (TO_OPENAI, b"data: \xff\n\n", "cannot be read"),
    ],
)
def test_an_error_in_a_stream(translation: Translation, told: bytes, expected: str) -> None:
    """An error that comes in the middle is an error of the caller's dialect, and nothing follows that looks like an end."""
    translator = translation.stream(1, wants_usage=False)
    said = (translator.feed(told) + translator.feed(b"data: [DONE]\n\n") + translator.close()).decode()
    assert expected in said
    assert "message_stop" not in said


def test_a_stream_without_an_end_stays_without_one() -> None:
    """A stream that broke off does not become one that ended well."""
    for translation, first in (
        (TO_OPENAI, b'data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'),
        (TO_ANTHROPIC, b'data: {"type":"message_start","message":{"id":"a","model":"m"}}\n\n'),
    ):
        translator = translation.stream(1, wants_usage=False)
        told = translator.feed(first) + translator.close()
        assert told
        assert b"message_stop" not in told
        assert b"[DONE]" not in told
