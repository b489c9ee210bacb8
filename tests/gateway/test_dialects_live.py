"""A call of one dialect answered by a vendor of the other, through a real gateway, as both official SDKs see it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import anthropic
import httpx
import openai
import pytest
from pydantic import BaseModel

from breakeven.testing import ScriptedUpstream

WORDS = "this answer is invented by the scripted vendor of breakeven and no"
CONFIG = """
gateway: {{usage_cost: true}}
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1}}}}
  anthropic: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1}}}}
routes:
  - {{model: "fast", to: [{{provider: anthropic, model: claude-haiku-4-5, max_tokens: 1234}}]}}
  - {{model: "claude-*", to: anthropic}}
  - {{model: "smart", to: [{{provider: openai, model: gpt-4o}}]}}
  - {{model: "either", to: [{{provider: openai, model: gpt-4o}}, {{provider: anthropic, model: claude-sonnet-4-6}}]}}
  - {{model: "*", to: openai}}
"""
MESSAGES: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say something."}]
PICTURE = "iVBORw0KGgo="


@pytest.fixture(scope="module")
def translating(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any) -> Iterator[Any]:
    """One gateway whose routes lead to vendors of both dialects."""
    service = service_type(tmp_path_factory.mktemp("dialects"), vendor, CONFIG)
    yield service
    service.stop()


@pytest.fixture
def who(vendor: ScriptedUpstream) -> str:
    """A feature of the test's own, with an empty journal at the vendor."""
    vendor.journal.clear()
    return f"feature-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def client(translating: Any, who: str) -> Iterator[openai.OpenAI]:
    """The OpenAI SDK, pointed at the gateway."""
    headers = {"breakeven-feature": who}
    with openai.OpenAI(base_url=f"{translating.url}/v1", api_key="sk-mine", default_headers=headers, max_retries=0) as client:
        yield client


@pytest.fixture
def claude(translating: Any, who: str) -> Iterator[anthropic.Anthropic]:
    """The Anthropic SDK, pointed at the gateway."""
    headers = {"breakeven-feature": who}
    with anthropic.Anthropic(base_url=translating.url, api_key="sk-mine", default_headers=headers, max_retries=0) as client:
        yield client


def sent(vendor: ScriptedUpstream, number: int = -1) -> dict[str, Any]:
    """What the vendor was asked."""
    said: dict[str, Any] = json.loads(vendor.journal[number].body)
    return said


def test_a_chat_completion_is_answered_by_a_message(client: openai.OpenAI, translating: Any, who: str, vendor: Any) -> None:
    """The vendor sees a message request with its own key and version and no other secret; the caller sees a completion."""
    answer = client.chat.completions.with_raw_response.create(
        model="fast", messages=MESSAGES, temperature=0.5, stop=["END"], user="u1", top_p=0.9
    )
    said = answer.parse()
    assert (said.choices[0].message.content, said.choices[0].finish_reason) == (WORDS, "stop")
    assert (said.object, said.model, said.created > 1_700_000_000) == ("chat.completion", "claude-haiku-4-5", True)
    assert sent(vendor) == {
        "model": "claude-haiku-4-5",
        "max_tokens": 1234,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say something."}]}],
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u1"},
    }
    asked = vendor.journal[-1]
    assert (asked.target, asked.header("x-api-key"), asked.header("anthropic-version")) == (
        "/v1/messages",
        "sk-the-vendors-secret",
        "2023-06-01",
    )
    assert asked.header("authorization") is None
    assert answer.headers["breakeven-model"] == "claude-haiku-4-5"
    cost = translating.cost(translating.calls(1, f"feature = '{who}'")[0])
    assert answer.headers["breakeven-cost-usd"] == cost
    assert Decimal(str(said.usage.cost)) == Decimal(cost)  # type: ignore[union-attr] # ours, beside the dialect's members


def test_a_message_is_answered_by_a_chat_completion(claude: anthropic.Anthropic, translating: Any, who: str, vendor: Any) -> None:
    """The vendor sees a chat request, the caller a message."""
    answer = claude.messages.with_raw_response.create(
        model="smart", max_tokens=99, system="Be brief.", messages=MESSAGES[1:], stop_sequences=["END"], metadata={"user_id": "u1"}
    )
    said = answer.parse()
    assert [block.text for block in said.content if block.type == "text"] == [WORDS]
    assert (said.type, said.role, said.model, said.stop_reason) == ("message", "assistant", "gpt-4o", "end_turn")
    assert sent(vendor) == {
        "model": "gpt-4o",
        "messages": MESSAGES,
        "max_completion_tokens": 99,
        "stop": ["END"],
        "user": "u1",
    }
    asked = vendor.journal[-1]
    assert (asked.target, asked.header("authorization"), asked.header("x-api-key"), asked.header("anthropic-version")) == (
        "/v1/chat/completions",
        "Bearer sk-the-vendors-secret",
        None,
        None,
    )
    (call,) = translating.calls(1, f"feature = '{who}'")
    assert (call["provider"], call["api"], call["model"], call["model_requested"]) == ("openai", "openai_chat", "gpt-4o", "smart")
    assert answer.headers["breakeven-cost-usd"] == translating.cost(call)
    assert answer.headers["request-id"] == "req_scripted"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("size", [10, 9_000])
def test_what_a_translated_call_costs_is_what_the_same_native_call_costs(
    translating: Any, client: openai.OpenAI, claude: anthropic.Anthropic, who: str, vendor: Any, *, stream: bool, size: int
) -> None:
    """Usage and cost are read from the vendor's own answer: cache reads included, to the last digit, in both directions."""
    messages: Any = [{"role": "user", "content": "x" * size}]
    for path, other in (("/v1/messages", "anthropic"), ("/v1/chat/completions", "openai")):
        vendor.journal.clear()
        feature = f"{who}-{other}"
        if other == "anthropic":
            for _ in client.chat.completions.create(
                model="fast", messages=messages, stream=stream, extra_headers={"breakeven-feature": feature}
            ):
                pass
        elif stream:
            with claude.messages.stream(
                model="smart", max_tokens=50, messages=messages, extra_headers={"breakeven-feature": feature}
            ) as events:
                events.until_done()
        else:
            claude.messages.create(model="smart", max_tokens=50, messages=messages, extra_headers={"breakeven-feature": feature})
        body = vendor.journal[-1].body
        response = httpx.post(
            f"{translating.url}/{other}{path}",
            content=body,
            headers={"breakeven-feature": feature, "content-type": "application/json"},
        )
        assert response.status_code == 200
        first, second = translating.calls(2, f"feature = '{feature}'")
        assert first["state"] == second["state"] == "metered"
        assert translating.cost(first) == translating.cost(second) is not None
        same = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "provider", "api", "model")
        assert [first[name] for name in same] == [second[name] for name in same]
        assert (first["cache_read_tokens"] > 0) == (size > 4_096)


def test_usage_keeps_its_truth_in_the_other_dialect(
    client: openai.OpenAI, claude: anthropic.Anthropic, translating: Any, who: str
) -> None:
    """OpenAI's prompt count contains the cache reads, Anthropic's input count does not; the caller's own arithmetic must hold."""
    messages: Any = [{"role": "user", "content": "x" * 9_000}]
    chat = client.chat.completions.create(model="fast", messages=messages).usage
    message = claude.messages.create(model="smart", max_tokens=50, messages=messages).usage
    first, second = translating.calls(2, f"feature = '{who}'")
    assert chat is not None
    assert chat.prompt_tokens_details is not None
    assert chat.prompt_tokens == first["input_tokens"] + first["cache_read_tokens"]
    assert chat.prompt_tokens_details.cached_tokens == first["cache_read_tokens"] > 0
    assert chat.total_tokens == chat.prompt_tokens + chat.completion_tokens
    assert (message.input_tokens, message.cache_read_input_tokens) == (second["input_tokens"], second["cache_read_tokens"])


def test_a_chat_stream_from_a_message_stream(client: openai.OpenAI) -> None:
    """Word by word, with a finish reason, and the usage only where it is asked for."""
    chunks = list(client.chat.completions.create(model="fast", messages=MESSAGES, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == WORDS
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    assert len(chunks) > 10
    options: Any = {"include_usage": True}
    *_, last = client.chat.completions.create(model="fast", messages=MESSAGES, stream=True, stream_options=options)
    assert (last.choices, last.usage is not None and last.usage.completion_tokens) == ([], 12)


def test_a_message_stream_from_a_chat_stream(claude: anthropic.Anthropic, vendor: Any) -> None:
    """Word by word; the usage at the end is the whole usage, because the vendor was asked for it."""
    with claude.messages.stream(model="smart", max_tokens=50, messages=MESSAGES[1:]) as stream:
        assert "".join(stream.text_stream) == WORDS
        final = stream.get_final_message()
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 12)
    assert final.usage.input_tokens > 0
    assert sent(vendor)["stream_options"] == {"include_usage": True}


TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"The {name}.",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
        },
    }
    for name in ("weather", "time")
]


@pytest.mark.parametrize("stream", [False, True])
def test_a_whole_tool_loop_of_the_openai_sdk(client: openai.OpenAI, vendor: Any, *, stream: bool) -> None:
    """Two tools are called at once, their results go back, and the model answers."""
    messages = list(MESSAGES)
    asked: Any = {"model": "fast", "tools": TOOLS, "tool_choice": "auto"}
    if stream:
        with client.chat.completions.stream(messages=messages, **asked) as events:
            said = events.get_final_completion().choices[0]
    else:
        said = client.chat.completions.create(messages=messages, **asked).choices[0]
    calls = said.message.tool_calls or []
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls if call.type == "function"] == [
        ("weather", {"place": "invented"}),
        ("time", {"place": "invented"}),
    ]
    assert said.finish_reason == "tool_calls"
    assert sent(vendor)["tools"][0] == {
        "name": "weather",
        "description": "The weather.",
        "input_schema": TOOLS[0]["function"]["parameters"],
    }
    messages.append({"role": "assistant", "content": said.message.content, "tool_calls": [call.model_dump() for call in calls]})
    messages += [{"role": "tool", "tool_call_id": call.id, "content": f"{number} degrees"} for number, call in enumerate(calls)]
    for call in messages[-3]["tool_calls"]:
        call["function"].pop("parsed_arguments", None)
    final = client.chat.completions.create(messages=messages, **asked)
    assert (final.choices[0].message.content, final.choices[0].finish_reason) == (WORDS, "stop")
    turns = sent(vendor)["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert [block["type"] for block in turns[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": calls[0].id, "content": "0 degrees"},
        {"type": "tool_result", "tool_use_id": calls[1].id, "content": "1 degrees"},
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_a_whole_tool_loop_of_the_anthropic_sdk(claude: anthropic.Anthropic, vendor: Any, *, stream: bool) -> None:
    """The reverse: tool_use blocks out of tool calls, tool messages out of results."""
    tools: Any = [
        {"name": each["function"]["name"], "description": "d", "input_schema": each["function"]["parameters"]} for each in TOOLS
    ]
    messages: Any = list(MESSAGES[1:])
    asked: Any = {"model": "smart", "max_tokens": 99, "tools": tools, "tool_choice": {"type": "any"}}
    if stream:
        with claude.messages.stream(messages=messages, **asked) as events:
            said = events.get_final_message()
    else:
        said = claude.messages.create(messages=messages, **asked)
    uses = [block for block in said.content if block.type == "tool_use"]
    assert [(use.name, use.input) for use in uses] == [("weather", {"place": "invented"}), ("time", {"place": "invented"})]
    assert said.stop_reason == "tool_use"
    assert sent(vendor)["tool_choice"] == "required"
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": "warm", "is_error": use.name == "time"} for use in uses]
    messages += [{"role": "assistant", "content": said.content}, {"role": "user", "content": results}]
    final = claude.messages.create(messages=messages, **asked)
    assert [block.text for block in final.content if block.type == "text"] == [WORDS]
    assert [turn["role"] for turn in sent(vendor)["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [turn["content"] for turn in sent(vendor)["messages"][2:]] == ["warm", "Error: warm"]


def test_one_tool_at_a_time(client: openai.OpenAI, claude: anthropic.Anthropic, vendor: Any) -> None:
    """What says that tools may not be called at once says so in the other dialect too."""
    said = client.chat.completions.create(model="fast", messages=MESSAGES, tools=TOOLS, parallel_tool_calls=False)
    assert len(said.choices[0].message.tool_calls or []) == 1
    assert sent(vendor)["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    tool: Any = {"name": "weather", "input_schema": {"type": "object"}}
    choice: Any = {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}
    claude.messages.create(model="smart", max_tokens=9, messages=MESSAGES[1:], tools=[tool], tool_choice=choice)
    assert sent(vendor)["parallel_tool_calls"] is False
    assert sent(vendor)["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


def test_responses_of_the_openai_sdk(client: openai.OpenAI, translating: Any, who: str, vendor: Any) -> None:
    """The newer API of OpenAI at an Anthropic vendor: plain, as a stream, with a schema, and a whole tool loop."""
    said = client.responses.create(model="fast", instructions="Be brief.", input="Say something.", max_output_tokens=77)
    assert (said.output_text, said.status, said.model) == (WORDS, "completed", "claude-haiku-4-5")
    assert (sent(vendor)["max_tokens"], sent(vendor)["system"]) == (77, [{"type": "text", "text": "Be brief."}])
    with client.responses.stream(model="fast", input="Say something.") as stream:
        final = stream.get_final_response()
    assert final.output_text == WORDS
    assert final.usage is not None
    parsed = client.responses.parse(model="fast", input="An invoice.", text_format=Invoice)
    assert parsed.output_parsed == Invoice(number="invented", lines=1)
    tools: Any = [{"type": "function", "strict": False, **each["function"]} for each in TOOLS]
    items: list[Any] = [{"role": "user", "content": "How warm is it?"}]
    for streamed in (False, True):
        if streamed:
            with client.responses.stream(model="fast", input=items, tools=tools) as stream:
                answer: Any = stream.get_final_response()
        else:
            answer = client.responses.create(model="fast", input=items, tools=tools)
        calls = [item for item in answer.output if item.type == "function_call"]
        assert [(call.name, json.loads(call.arguments)) for call in calls] == [
            ("weather", {"place": "invented"}),
            ("time", {"place": "invented"}),
        ]
    history = [*items, *(item.model_dump(exclude={"parsed_arguments"}, exclude_none=True) for item in answer.output)]
    history += [{"type": "function_call_output", "call_id": call.call_id, "output": "warm"} for call in calls]
    assert client.responses.create(model="fast", input=history, tools=tools).output_text == WORDS
    for call in translating.calls(6, f"feature = '{who}'"):
        assert (call["api"], call["state"], translating.cost(call) is not None) == ("anthropic", "metered", True)
    with pytest.raises(openai.BadRequestError) as told:
        client.responses.create(model="fast", input="a", previous_response_id="resp_1")
    assert told.value.param == "previous_response_id"


def test_images_and_documents(client: openai.OpenAI, claude: anthropic.Anthropic, vendor: Any) -> None:
    """Pictures as data and as addresses, and PDF files, in both directions."""
    content: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}},
    ]
    client.chat.completions.create(model="fast", messages=[{"role": "user", "content": content}])
    blocks = sent(vendor)["messages"][0]["content"]
    assert blocks == [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
            "title": "a.pdf",
        },
    ]
    claude.messages.create(model="smart", max_tokens=9, messages=[{"role": "user", "content": blocks}])
    assert sent(vendor)["messages"][0]["content"] == content


class Invoice(BaseModel):
    """What is asked for."""

    number: str
    lines: int


def test_structured_output(client: openai.OpenAI, claude: anthropic.Anthropic, vendor: Any) -> None:
    """A schema asked for in one dialect binds the answer of the other, and both SDKs parse it."""
    parsed = client.chat.completions.parse(model="fast", messages=MESSAGES, response_format=Invoice).choices[0].message.parsed
    assert parsed == Invoice(number="invented", lines=1)
    assert sent(vendor)["output_config"]["format"]["type"] == "json_schema"
    said = claude.messages.parse(model="smart", max_tokens=99, messages=MESSAGES[1:], output_format=Invoice)
    assert said.parsed_output == Invoice(number="invented", lines=1)
    assert sent(vendor)["response_format"]["json_schema"]["schema"]["required"] == ["number", "lines"]


@pytest.mark.parametrize(
    ("status", "of_openai", "of_anthropic"),
    [
        (400, openai.BadRequestError, anthropic.BadRequestError),
        (401, openai.AuthenticationError, anthropic.AuthenticationError),
        (404, openai.NotFoundError, anthropic.NotFoundError),
        (429, openai.RateLimitError, anthropic.RateLimitError),
        (529, openai.InternalServerError, anthropic.InternalServerError),
    ],
)
def test_errors_are_told_in_the_callers_dialect(
    client: openai.OpenAI, claude: anthropic.Anthropic, status: int, of_openai: Any, of_anthropic: Any
) -> None:
    """The vendor's status and message, as the error that the caller's SDK knows."""
    headers = {"x-script": json.dumps({"status": status})}
    with pytest.raises(of_openai) as told:
        client.chat.completions.create(model="fast", messages=MESSAGES, extra_headers=headers)
    assert (told.value.status_code, told.value.body["message"]) == (status, f"scripted {status}")
    assert set(told.value.body) == {"message", "type", "param", "code"}
    with pytest.raises(of_anthropic) as said:
        claude.messages.create(model="smart", max_tokens=9, messages=MESSAGES[1:], extra_headers=headers)
    assert (said.value.status_code, said.value.body["type"]) == (status, "error")
    assert said.value.body["error"]["message"] == f"scripted {status}"


def test_what_cannot_be_carried_is_refused_by_name(
    client: openai.OpenAI, claude: anthropic.Anthropic, translating: Any, who: str, vendor: Any
) -> None:
    """No vendor is asked, nothing is billed, and the error names the member."""
    with pytest.raises(openai.BadRequestError) as told:
        client.chat.completions.create(model="fast", messages=MESSAGES, logprobs=True)
    assert (told.value.param, told.value.code) == ("logprobs", "not_translatable")
    assert "probabilities of tokens are not told" in str(told.value)
    with pytest.raises(anthropic.BadRequestError) as said:
        claude.messages.create(model="smart", max_tokens=9, messages=MESSAGES[1:], extra_body={"top_k": 5})
    refused: Any = said.value.body
    assert refused["error"]["param"] == "top_k"
    assert not vendor.journal
    assert [call["status"] for call in translating.calls(2, f"feature = '{who}'")] == ["refused", "refused"]


def test_a_fallback_of_the_other_dialect(client: openai.OpenAI, translating: Any, who: str, vendor: Any) -> None:
    """Where the first vendor fails, the other one answers in its place; where it could not carry the call, it is not asked."""
    headers = {"x-script": json.dumps({"status": 503, "path": "/v1/chat"})}
    said = client.chat.completions.create(model="either", messages=MESSAGES, extra_headers=headers)
    assert (said.choices[0].message.content, said.model) == (WORDS, "claude-sonnet-4-6")
    assert [asked.target for asked in vendor.journal] == ["/v1/chat/completions", "/v1/messages"]
    assert [call["status"] for call in translating.calls(2, f"feature = '{who}'")] == ["failed", "ok"]
    vendor.journal.clear()
    with pytest.raises(openai.InternalServerError, match="scripted 503"):
        client.chat.completions.create(model="either", messages=MESSAGES, seed=7, extra_headers=headers)
    assert [asked.target for asked in vendor.journal] == ["/v1/chat/completions"]


def test_calls_that_need_no_translation_stay_as_they_are(translating: Any, vendor: Any, who: str) -> None:
    """A native call on a route that leads elsewhere too arrives byte for byte, and a path that cannot be translated is not."""
    body = b'{ "model":"gpt-4o-mini","messages" :[{"role":"user","content":"\\u00e9"}],"seed":  7 }'
    headers = {"content-type": "application/json", "breakeven-feature": who}
    httpx.post(f"{translating.url}/v1/chat/completions", content=body, headers=headers)
    assert vendor.journal[-1].body == body
    httpx.post(f"{translating.url}/v1/messages", content=body, headers=headers)
    assert (vendor.journal[-1].target, vendor.journal[-1].body) == ("/v1/messages", body)  # `*` of one dialect is of that dialect
    embedding = httpx.post(f"{translating.url}/v1/embeddings", json={"model": "either", "input": "a"}, headers=headers)
    assert (embedding.status_code, vendor.journal[-1].target) == (200, "/v1/embeddings")


def test_a_stream_cut_at_any_byte_is_translated_alike(translating: Any, who: str) -> None:
    """However the vendor's bytes are cut, the caller gets the same events."""
    seen = set()
    for cut in (1, 7, 64, 5_000):
        headers = {"breakeven-feature": who, "x-script": json.dumps({"cut": cut})}
        asked = {"model": "fast", "messages": MESSAGES, "stream": True}
        told = httpx.post(f"{translating.url}/v1/chat/completions", json=asked, headers=headers).text
        seen.add("".join(line for line in told.splitlines() if '"created"' not in line))
    assert len(seen) == 1


def test_an_answer_that_is_none(client: openai.OpenAI) -> None:
    """What cannot be understood becomes an error of the gateway in the caller's dialect, not a half answer."""
    with pytest.raises(openai.InternalServerError, match="compressed"):
        client.chat.completions.create(model="fast", messages=MESSAGES, extra_headers={"x-script": '{"encoding": "gzip"}'})
