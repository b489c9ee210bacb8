"""APIs whose address names the model and says whether the answer is a stream: Google's, Amazon's, Azure's deployments."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import botocore.session
import httpx
import pytest
from botocore.config import Config

from breakeven.cli.main import run
from breakeven.ledger import captures
from breakeven.ledger.layout import Layout
from breakeven.providers.spoken import answer_of
from breakeven.testing import ScriptedUpstream

CONFIG = """
providers:
  google: {{base_url: "{vendor}", api_key_env: VENDOR_KEY}}
  azure: {{base_url: "{vendor}", api_key_env: VENDOR_KEY}}
  bedrock: {{base_url: "{vendor}", region: eu-west-1, credential: bearer, api_key_env: VENDOR_KEY}}
features:
  told: {{owner: ana, retention: 7d, capture: {{share: 1}}}}
  kept: {{owner: ana, ladder: {{rungs: [cache, asked], cache: {{per: feature}}}}}}
"""
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-sonnet-4-20250514-v1:0"


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any) -> Iterator[Any]:
    """A gateway with a feature that caches."""
    service = service_type(tmp_path_factory.mktemp("native"), vendor, CONFIG)
    yield service
    service.stop()


@pytest.fixture
def amazon(native: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Amazon's SDK, pointed at the gateway, and the feature that its calls are for."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    feature = uuid.uuid4().hex
    config = Config(retries={"total_max_attempts": 1})
    client = botocore.session.get_session().create_client(
        "bedrock-runtime", region_name="eu-west-1", endpoint_url=native.url, config=config
    )

    def attributed(request: Any, **_: Any) -> None:
        request.headers["breakeven-feature"] = feature

    client.meta.events.register("before-send.bedrock-runtime", attributed)
    return client, feature


def test_a_converse_stream_is_metered(native: Any, amazon: Any) -> None:
    """Amazon's SDK gets every event of the stream, and the ledger what its last one says was used."""
    client, feature = amazon
    said = client.converse_stream(modelId=HAIKU, messages=[{"role": "user", "content": [{"text": "hello"}]}])
    events = list(said["stream"])
    assert next(iter(events[0])) == "messageStart"
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert text.startswith("this answer is invented")
    usage = events[-1]["metadata"]["usage"]
    (call,) = native.calls(1, f"feature = '{feature}'")
    assert (call["state"], call["model"], call["input_tokens"], call["output_tokens"]) == (
        "metered", HAIKU, usage["inputTokens"], usage["outputTokens"],
    )  # fmt: skip
    assert native.cost(call) not in (None, "0")


def test_a_stream_of_an_invoked_model_is_metered(native: Any, amazon: Any) -> None:
    """The model's own events come in Amazon's frames; what they say was used is in the ledger."""
    client, feature = amazon
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    said = client.invoke_model_with_response_stream(modelId=SONNET, body=json.dumps(body))
    events = [json.loads(event["chunk"]["bytes"]) for event in said["body"]]
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]
    (call,) = native.calls(1, f"feature = '{feature}'")
    assert (call["state"], call["model"], call["output_tokens"]) == ("metered", SONNET, 12)
    assert call["input_tokens"] == events[0]["message"]["usage"]["input_tokens"]
    assert native.cost(call) not in (None, "0")


@pytest.mark.parametrize(
    "script", [{"garbage": "frame"}, {"close_after": 900}, {"reset_after": 900}], ids=["damaged", "cut", "reset"]
)
def test_a_broken_binary_stream_is_of_unknown_cost(native: Any, script: dict[str, Any]) -> None:
    """What arrived goes on to the caller; without its last event the usage is unknown, not zero."""
    feature = uuid.uuid4().hex
    headers = {"breakeven-feature": feature, "x-script": json.dumps(script)}
    with suppress(httpx.HTTPError):
        httpx.post(f"{native.url}/model/{HAIKU}/converse-stream", json={"messages": []}, headers=headers)
    (call,) = native.calls(1, f"feature = '{feature}'")
    assert (call["state"], native.cost(call)) == ("usage_missing", None)


def test_bodies_are_kept_and_an_audit_says_what_it_cannot_ask(native: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Streams of these APIs are kept as the answers that they make; an audit of them says why it cannot ask them again."""
    headers = {"breakeven-feature": "told", "breakeven-workflow": "letters"}
    body = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
    httpx.post(f"{native.url}/model/{HAIKU}/converse-stream", json=body, headers=headers)
    asked = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    httpx.post(f"{native.url}/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", json=asked, headers=headers)
    native.calls(2, "feature = 'told'")
    until = time.monotonic() + 15
    while len(kept := list(captures.read(Layout(native.ledger), "told"))) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert [str(answer_of(one.response)).startswith("this answer is invented") for one in kept] == [True, True]
    where = ["--ledger", str(native.ledger), "--config", str(native.config), "--feature", "told"]
    assert run(["audit", "run", "letters", "--to", "small", "--model", "gpt-4o-mini", "--replays", "2", *where]) == 3
    assert "(converse, gemini) cannot be asked again" in capsys.readouterr().err


BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "google, another model": (
        "/v1beta/models/gemini-2.5-pro:generateContent", "/v1beta/models/gemini-2.5-flash:generateContent", {"contents": []},
    ),
    "google, as a stream": (
        "/v1beta/models/gemini-2.5-pro:generateContent", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
        {"contents": []},
    ),
    "azure, another deployment": (
        "/openai/deployments/gpt-4o/chat/completions", "/openai/deployments/gpt-4o-mini/chat/completions", {"messages": []},
    ),
    "amazon, another model": (f"/model/{HAIKU}/converse", f"/model/{SONNET}/converse", {"messages": []}),
    "amazon, as a stream": (f"/model/{HAIKU}/converse", f"/model/{HAIKU}/converse-stream", {"messages": []}),
    "an invoked model, as a stream": (
        f"/model/{HAIKU}/invoke", f"/model/{HAIKU}/invoke-with-response-stream", {"max_tokens": 9, "messages": []},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BODIES)
def test_the_cache_tells_models_and_forms_apart(kind: str, native: Any) -> None:
    """The same body to another model's address, or for a stream, is another request: never answered with the first one's answer."""
    first, other, body = BODIES[kind]
    body = {**body, "novel": uuid.uuid4().hex}
    answers = [httpx.post(native.url + path, json=body, headers={"breakeven-feature": "kept"}) for path in (first, other, first)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[1].headers.get("breakeven-rung") != "cache"
    assert answers[2].headers["breakeven-rung"] == "cache"
    assert answers[2].content == answers[0].content


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1beta/models/gemini-2.5-pro:generateContent", {"generationConfig": {"temperature": 1.5}}),
        ("/v1beta/models/gemini-2.5-pro:generateContent", {"generationConfig": {"candidateCount": 2}}),
        ("/v1beta/models/gemini-2.5-pro:generateContent", {"cachedContent": "cachedContents/1"}),
        ("/v1beta/models/gemini-2.5-pro:generateContent", {"contents": [{"parts": [{"fileData": {"fileUri": "gs://b/o"}}]}]}),
        ("/v1beta/models/gemini-2.5-pro:generateContent", {"tools": [{"functionDeclarations": [{"name": "pay"}]}]}),
        (f"/model/{HAIKU}/converse", {"inferenceConfig": {"temperature": 1.5}}),
        (f"/model/{HAIKU}/converse", {"toolConfig": {"tools": [{"toolSpec": {"name": "pay"}}]}}),
    ],
)
def test_what_is_never_kept_in_their_words(native: Any, path: str, more: dict[str, Any]) -> None:
    """Sampling above the limit, several answers, content elsewhere and tools are told by these APIs in their own members."""
    body = {"novel": uuid.uuid4().hex, **more}
    rungs = [httpx.post(native.url + path, json=body, headers={"breakeven-feature": "kept"}).headers for _ in range(2)]
    assert [headers["breakeven-rung"] for headers in rungs] == ["asked", "asked"]
