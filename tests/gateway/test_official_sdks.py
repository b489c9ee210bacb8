"""The official SDKs through the gateway: every kind of call works as before, and is in the ledger to the last digit."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import anthropic
import openai
import pytest

from breakeven.testing import ScriptedUpstream

WORDS = "this answer is invented by the scripted vendor of breakeven and no"


@pytest.fixture
def who() -> str:
    """A feature of the test's own, by which it finds its calls."""
    return f"feature-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def client(service: Any, who: str) -> Iterator[openai.OpenAI]:
    """The OpenAI SDK, pointed at the gateway."""
    headers = {"breakeven-feature": who}
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="sk-mine", default_headers=headers, max_retries=0) as client:
        yield client


@pytest.fixture
def claude(service: Any, who: str) -> Iterator[anthropic.Anthropic]:
    """The Anthropic SDK, pointed at the gateway."""
    headers = {"breakeven-feature": who}
    with anthropic.Anthropic(base_url=service.url, api_key="sk-mine", default_headers=headers, max_retries=0) as client:
        yield client


MESSAGES: Any = [{"role": "user", "content": "Say something."}]


def _openai_kinds() -> dict[str, Callable[[openai.OpenAI], tuple[str, int]]]:
    """Each kind of call, as (text of the answer, output tokens)."""

    def chat(client: openai.OpenAI) -> tuple[str, int]:
        said = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        assert said.usage is not None
        return said.choices[0].message.content or "", said.usage.completion_tokens

    def chat_stream(client: openai.OpenAI) -> tuple[str, int]:
        chunks = list(client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
        assert all(chunk.usage is None and chunk.choices for chunk in chunks)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks), 12

    def chat_stream_with_usage(client: openai.OpenAI) -> tuple[str, int]:
        options: Any = {"include_usage": True}
        *chunks, last = list(client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True, stream_options=options))
        assert last.usage is not None
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks), last.usage.completion_tokens

    def responses(client: openai.OpenAI) -> tuple[str, int]:
        said = client.responses.create(model="gpt-4o", input="Say something.")
        assert said.usage is not None
        return said.output_text, said.usage.output_tokens

    def responses_stream(client: openai.OpenAI) -> tuple[str, int]:
        events = list(client.responses.create(model="gpt-4o", input="Say something.", stream=True))
        done = events[-1]
        assert done.type == "response.completed"
        assert done.response.usage is not None
        return done.response.output_text, done.response.usage.output_tokens

    def completions(client: openai.OpenAI) -> tuple[str, int]:
        said = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Say something.")
        assert said.usage is not None
        return said.choices[0].text, said.usage.completion_tokens

    return {call.__name__: call for call in (chat, chat_stream, chat_stream_with_usage, responses, responses_stream, completions)}


@pytest.mark.parametrize("kind", _openai_kinds())
def test_openai_calls(kind: str, client: openai.OpenAI, service: Any, who: str) -> None:
    """Every kind of OpenAI call answers as the vendor does, and is one metered call of its feature."""
    text, tokens = _openai_kinds()[kind](client)
    assert text == WORDS
    (call,) = service.calls(1, f"feature = '{who}'")
    assert (call["status"], call["state"], call["output_tokens"], tokens) == ("ok", "metered", 12, 12)
    prices = {"gpt-4o": ("2.5", "10"), "gpt-3.5-turbo-instruct": ("1.5", "2")}[call["model"]]
    expected = (call["input_tokens"] * Decimal(prices[0]) + 12 * Decimal(prices[1])) / 1_000_000
    assert Decimal(service.cost(call) or "-1") == expected


def test_embeddings_and_models(client: openai.OpenAI, service: Any, who: str) -> None:
    """Embeddings are metered; a list of models costs nothing and says so."""
    assert client.embeddings.create(model="text-embedding-3-small", input="hello", encoding_format="float").data[0].embedding
    assert [model.id for model in client.models.list()] == ["gpt-4o"]
    embedded, listed = service.calls(2, f"feature = '{who}'")
    assert (embedded["api"], embedded["state"], listed["state"]) == ("openai_embeddings", "metered", "not_billed")
    assert service.cost(listed) == "0"


def test_openai_tools(client: openai.OpenAI, service: Any, who: str) -> None:
    """A tool is offered, its call comes back, and the call is metered."""
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    said = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, tools=[tool])
    assert said.choices[0].message.tool_calls is not None
    assert said.choices[0].message.tool_calls[0].function.name == "weather"  # type: ignore[union-attr] # a function call
    assert service.calls(1, f"feature = '{who}'")[0]["state"] == "metered"


def test_images_and_files_are_opaque(client: openai.OpenAI, service: Any, who: str, vendor: ScriptedUpstream) -> None:
    """A picture in a message and an uploaded file arrive byte for byte; the upload costs nothing that the gateway can see."""
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 2000
    content: Any = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": picture}}]
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": content}])
    uploaded = client.files.create(file=("data.jsonl", bytes(range(256)) * 1000), purpose="batch")
    assert picture.encode() in vendor.journal[0].body
    assert bytes(range(256)) * 1000 in vendor.journal[1].body
    assert uploaded.bytes == len(vendor.journal[1].body)
    assert [call["state"] for call in service.calls(2, f"feature = '{who}'")] == ["metered", "not_billed"]


def test_anthropic_calls(claude: anthropic.Anthropic, service: Any, who: str) -> None:
    """Messages, streamed or not, with tools, and token counts: each answers as the vendor does and is metered as it is billed."""
    said = claude.messages.create(model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES)
    assert [block.text for block in said.content if block.type == "text"] == [WORDS]
    with claude.messages.stream(model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES) as stream:
        assert "".join(stream.text_stream) == WORDS
    tool: Any = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}
    used = claude.messages.create(model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES, tools=[tool])
    assert used.stop_reason == "tool_use"
    assert claude.messages.count_tokens(model="claude-sonnet-4-6", messages=MESSAGES).input_tokens > 0
    calls = service.calls(4, f"feature = '{who}'")
    assert [(call["provider"], call["state"]) for call in calls] == [("anthropic", "metered")] * 3 + [("anthropic", "not_billed")]
    for call in calls[:3]:
        assert Decimal(service.cost(call) or "-1") == (call["input_tokens"] * 3 + 12 * 15) / Decimal(1_000_000)


def test_asynchronous_clients(service: Any, who: str) -> None:
    """Many asynchronous calls at once, of both SDKs, are as many metered calls."""
    headers = {"breakeven-feature": who}

    async def run() -> list[str]:
        async with (
            openai.AsyncOpenAI(base_url=f"{service.url}/v1", api_key="k", default_headers=headers) as client,
            anthropic.AsyncAnthropic(base_url=service.url, api_key="k", default_headers=headers) as claude,
        ):
            asked = [client.chat.completions.create(model="gpt-4o", messages=MESSAGES) for _ in range(20)]
            messages = [claude.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=MESSAGES) for _ in range(20)]
            said = await asyncio.gather(*asked)
            return [each.choices[0].message.content or "" for each in said] + [
                each.model for each in await asyncio.gather(*messages)
            ]

    assert asyncio.run(run()) == [WORDS] * 20 + ["claude-haiku-4-5"] * 20
    assert {call["state"] for call in service.calls(40, f"feature = '{who}'")} == {"metered"}


@pytest.mark.parametrize(("status", "raised"), [(400, openai.BadRequestError), (401, openai.AuthenticationError)])
def test_a_vendors_error_is_the_callers_error(
    status: int, raised: type[openai.APIStatusError], client: openai.OpenAI, service: Any, who: str
) -> None:
    """An error of the vendor reaches the caller as it is, and the call costs nothing."""
    script = {"x-script": f'{{"status": {status}}}'}
    with pytest.raises(raised, match=f"scripted {status}"):
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES, extra_headers=script)
    (call,) = service.calls(1, f"feature = '{who}'")
    assert (call["status"], call["http_status"], call["state"], service.cost(call)) == ("failed", status, "not_billed", "0")


def test_the_gateway_retries_what_deserves_it(client: openai.OpenAI, service: Any, who: str, vendor: ScriptedUpstream) -> None:
    """Two overloaded answers and a good one are one call of three attempts; the caller sees and pays for the good one only."""
    messages: Any = [{"role": "user", "content": who}]
    script = {"x-script": '{"status": 529, "times": 2}'}
    assert (
        client.chat.completions.create(model="gpt-4o", messages=messages, extra_headers=script).choices[0].message.content == WORDS
    )
    attempts = service.calls(3, f"feature = '{who}'")
    assert [(each["attempt"], each["status"], each["state"]) for each in attempts] == [
        (0, "failed", "not_billed"),
        (1, "failed", "not_billed"),
        (2, "ok", "metered"),
    ]
    assert len({each["call_id"] for each in attempts}) == 1
    assert len(vendor.journal) == 3


def test_a_caller_that_times_out(client: openai.OpenAI, service: Any, who: str) -> None:
    """A caller that gives up has its call read to the end and billed as the vendor bills it."""
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.2).chat.completions.create(
            model="gpt-4o", messages=MESSAGES, extra_headers={"x-script": '{"delay": 0.6}'}
        )
    (call,) = service.calls(1, f"feature = '{who}'")
    assert (call["status"], call["state"], call["output_tokens"]) == ("ok", "metered", 12)


def test_a_stream_that_is_cancelled(client: openai.OpenAI, service: Any, who: str, vendor: ScriptedUpstream) -> None:
    """A stream that the caller closes after two pieces is drained, because the vendor bills it whole."""
    model = "gpt-4o-words-40"
    script = {"x-script": '{"pause": 0.01}'}
    with client.chat.completions.create(model=model, messages=MESSAGES, stream=True, extra_headers=script) as stream:
        for _, _chunk in zip(range(2), stream, strict=False):
            pass
    (call,) = service.calls(1, f"feature = '{who}'")
    assert (call["status"], call["output_tokens"]) == ("ok", 40)
    assert vendor.journal[-1].complete


def test_headers_say_what_it_cost(client: openai.OpenAI, service: Any, who: str) -> None:
    """The answer names the call and its exact cost, which is what the ledger has."""
    said = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=MESSAGES)
    (call,) = service.calls(1, f"feature = '{who}'")
    assert said.headers["breakeven-call-id"] == str(call["call_id"])
    assert Decimal(said.headers["breakeven-cost-usd"]) == Decimal(service.cost(call) or "-1")
    assert said.headers["breakeven-model"] == "gpt-4o"
