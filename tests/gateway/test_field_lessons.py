"""What other gateways are known to get wrong, tried on a running one: what is billed, what evades a budget, who asks how often."""

from __future__ import annotations

import json
import socket
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import anthropic
import openai
import pytest

from breakeven.testing import ScriptedUpstream

PRICE_IN, PRICE_OUT = Decimal("0.00000015"), Decimal("0.0000006")  # gpt-4o-mini
STRICT_PATHS = {
    "chat": ("/v1/chat/completions", {"model": "gpt-4o-mini", "max_tokens": 5, "messages": []}),
    "a named provider": ("/openai/v1/chat/completions", {"model": "gpt-4o-mini", "max_tokens": 5, "messages": []}),
    "responses": ("/v1/responses", {"model": "gpt-4o-mini", "max_output_tokens": 5, "input": "x"}),
    "completions": ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "max_tokens": 5, "prompt": "x"}),
    "embeddings": ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}),
    "messages": ("/v1/messages", {"model": "claude-sonnet-4-6", "max_tokens": 5, "messages": []}),
    "gemini": ("/v1beta/models/gemini-2.5-flash:generateContent", {"contents": [], "generationConfig": {"maxOutputTokens": 5}}),
    "images": ("/v1/images/generations", {"model": "gpt-image-1", "prompt": "x"}),
    "speech": ("/v1/audio/speech", {"model": "tts-1", "input": "x", "voice": "a"}),
    "an unknown path": ("/v1/novel/endpoint", {"model": "gpt-4o-mini", "novel": True}),
    "batches": ("/v1/batches", {"input_file_id": "file-1", "endpoint": "/v1/chat/completions"}),
    "a doubled slash": ("/v1//chat/completions", {"model": "gpt-4o-mini", "max_tokens": 5, "messages": []}),
    "an encoded letter": ("/v1/chat/%63ompletions", {"model": "gpt-4o-mini", "max_tokens": 5, "messages": []}),
    "dots": ("/v1/models/../chat/completions", {"model": "gpt-4o-mini", "max_tokens": 5, "messages": []}),
    "files, which are free, and on": ("/v1/files/../chat/completions", {"model": "gpt-4o-mini", "max_tokens": 5, "messages": []}),
}
LIMITS = """
gateway: {{drain: {{time: 1m, bytes: 2kb}}}}
budgets:
  spent: {{scope: {{feature: spent}}, limit: $0.0000001, period: month}}
  again: {{scope: {{feature: again}}, limit: $0.0000001, period: month, status: 429}}
  idle-strict: {{scope: {{feature: idle-strict}}, limit: $0.001, period: month}}
  idle-bounded: {{scope: {{feature: idle-bounded}}, limit: $0.001, period: month, mode: bounded, overshoot: $0.01}}
  failing: {{scope: {{feature: failing}}, limit: $0.001, period: month, mode: bounded, overshoot: $0.01}}
  idle-tokens: {{scope: {{feature: idle-tokens}}, limit: 3000 tokens, period: month, mode: bounded, overshoot: 20000 tokens}}
"""


@pytest.fixture(scope="module")
def bound(
    tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, usual_config: str, service_type: Any
) -> Iterator[Any]:
    """A gateway with budgets and a small cap on what is read for callers who have gone."""
    service = service_type(tmp_path_factory.mktemp("bound"), vendor, usual_config + LIMITS)
    yield service
    service.stop()


def post(service: Any, path: str, body: object, **headers: str) -> tuple[int, bytes, bytes]:
    """One request, its path as it is written: status, head and body of the answer."""
    content = json.dumps(body).encode()
    told = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}Content-Length: {len(content)}\r\n\r\n"
    answer = service.raw(head.encode() + content)
    first, _, rest = answer.partition(b"\r\n\r\n")
    return int(first[9:12]), first, rest


def chat(service: Any, feature: str, **more: object) -> tuple[int, bytes, bytes]:
    """One chat completion of a feature."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], **more}
    return post(service, "/v1/chat/completions", body, breakeven_feature=feature)


@pytest.mark.parametrize("tier", ["flex", "priority", "auto"])
def test_the_served_tier_is_billed_not_the_one_asked_for(service: Any, tier: str) -> None:
    """Asked for flex or priority and served by default, a call costs the standard price, in the header and in the ledger."""
    feature = uuid.uuid4().hex
    status, head, body = chat(service, feature, service_tier=tier)
    assert (status, json.loads(body)["service_tier"]) == (200, "default")
    (call,) = service.calls(1, f"feature = '{feature}'")
    standard = (call["input_tokens"] * PRICE_IN + call["output_tokens"] * PRICE_OUT).normalize()
    assert service.cost(call) == str(standard)
    assert f"breakeven-cost-usd: {standard:f}".encode() in head.lower()


@pytest.mark.parametrize("kind", STRICT_PATHS)
def test_no_path_evades_a_spent_budget(kind: str, bound: Any, vendor: ScriptedUpstream) -> None:
    """A feature whose budget is spent reaches the vendor by no path, known, unknown or spelt otherwise."""
    path, body = STRICT_PATHS[kind]
    vendor.journal.clear()
    status, _, said = post(bound, path, body, breakeven_feature="spent")
    assert 400 <= status < 500, said
    assert [each.target for each in vendor.journal] == []


def test_official_sdks_ask_once_at_429_too(bound: Any, vendor: ScriptedUpstream) -> None:
    """A budget that answers 429 says `x-should-retry: false`: one request of each SDK, and none at the vendor."""
    vendor.journal.clear()
    headers = {"breakeven-feature": "again", "breakeven-customer": "sdk-openai"}
    with openai.OpenAI(base_url=f"{bound.url}/v1", api_key="k", default_headers=headers) as client:
        with pytest.raises(openai.RateLimitError) as refused:
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x"}], max_tokens=5)
        assert refused.value.response.headers["x-should-retry"] == "false"
    headers["breakeven-customer"] = "sdk-anthropic"
    with anthropic.Anthropic(base_url=bound.url, api_key="k", default_headers=headers) as claude:
        with pytest.raises(anthropic.RateLimitError) as blocked:
            claude.messages.create(model="claude-sonnet-4-6", messages=[{"role": "user", "content": "x"}], max_tokens=5)
        assert blocked.value.response.headers["x-should-retry"] == "false"
    for customer in ("sdk-openai", "sdk-anthropic"):
        bound.calls(1, f"feature = 'again' AND customer = '{customer}'")
    assert not vendor.journal


def test_a_quantile_frees_idle_teams(bound: Any) -> None:
    """A call that could cost more than the budget is refused by a strict one, by a bounded one only until 30 calls are known."""
    large = 16_000  # at most $0.0096 where the limit is $0.001, and twelve words cost under a hundredth of it
    for feature in ("idle-strict", "idle-bounded", "idle-tokens"):
        assert chat(bound, feature, max_tokens=large)[0] == 402
        assert {chat(bound, feature, max_tokens=1_000)[0] for _ in range(30)} == {200}
    assert chat(bound, "idle-strict", max_tokens=large)[0] == 402
    assert chat(bound, "idle-bounded", max_tokens=large)[0] == 200
    assert chat(bound, "idle-tokens", max_tokens=large)[0] == 200


def test_failures_do_not_make_calls_look_free(bound: Any) -> None:
    """Calls that a vendor refused and did not bill teach a bounded budget nothing: the worst case is still reserved."""
    body = {"model": "gpt-4o-mini", "max_tokens": 100, "messages": []}
    refused = {
        post(bound, "/v1/chat/completions", body, breakeven_feature="failing", x_script='{"status":400}')[0] for _ in range(35)
    }
    assert refused == {400}
    assert chat(bound, "failing", max_tokens=16_000)[0] == 402
    assert chat(bound, "failing", max_tokens=100)[0] == 200


def test_what_is_read_for_callers_who_have_gone_has_a_cap(bound: Any) -> None:
    """Past the cap the answer is given up, the metric says so, and the call's usage is unknown instead of little."""
    feature = uuid.uuid4().hex
    content = json.dumps({"model": "gpt-4o-words-200", "stream": True, "messages": []}).encode()
    head = f'POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nbreakeven-feature: {feature}\r\nx-script: {{"pause": 0.002}}\r\n'
    with socket.create_connection(("127.0.0.1", bound.port), timeout=10) as connection:
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        assert connection.recv(200)
    (call,) = bound.calls(1, f"feature = '{feature}'")
    assert (call["status"], call["state"], bound.cost(call)) == ("cut_off", "usage_missing", None)
    metrics = urllib.request.urlopen(f"{bound.url}/metrics").read().decode()  # noqa: S310 - our own gateway
    assert "breakeven_drain_capped_total 1" in metrics


def test_hundreds_of_calls_in_one_breath_are_all_written(service: Any) -> None:
    """Three hundred and twenty calls, eight at once on each connection, are as many in the ledger, each with an id of its own."""
    feature = uuid.uuid4().hex
    body = b'{"model":"text-embedding-3-small","input":"a"}'
    head = f"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nbreakeven-feature: {feature}\r\nContent-Length: {len(body)}\r\n"
    one, last = (f"{head}{more}\r\n".encode() + body for more in ("", "Connection: close\r\n"))
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: service.raw(one * 7 + last, 20.0), range(40)))
    assert {answer.count(b"HTTP/1.1 200") for answer in answers} == {8}
    calls = service.calls(320, f"feature = '{feature}'", 10.0)
    assert len({call["call_id"] for call in calls}) == 320


def errors(service: Any, dialect: str) -> list[tuple[int, bytes, bytes]]:
    """Refusals of the gateway itself, as the callers of one dialect meet them."""
    path, model = ("/v1/messages", "claude-sonnet-4-6") if dialect == "anthropic" else ("/v1/chat/completions", "gpt-4o-mini")
    body = {"model": model, "max_tokens": 5, "messages": []}
    version = {"anthropic_version": "2023-06-01"} if dialect == "anthropic" else {}
    spent = post(service, path, body, breakeven_feature="spent", **version)
    nobody = post(service, path, {**body, "model": "m" * 513}, **version)
    return [spent, nobody]


def test_errors_have_the_shape_of_openai(bound: Any) -> None:
    """Every refusal has message, type, param and code, and nothing beside `error`."""
    for status, _, body in errors(bound, "openai"):
        said = json.loads(body)
        assert status in (400, 402)
        assert said.keys() == {"error"}
        assert said["error"].keys() >= {"message", "type", "param", "code"}
        assert said["error"]["message"]


def test_errors_have_the_shape_of_anthropic(bound: Any) -> None:
    """Every refusal is of type `error`, has type and message, and the call's id as `request_id`."""
    for status, head, body in errors(bound, "anthropic"):
        said = json.loads(body)
        assert status in (400, 402)
        assert said.keys() == {"type", "error", "request_id"}
        assert said["type"] == "error"
        assert said["error"].keys() >= {"type", "message"}
        assert said["request_id"].encode() in head


BODIES: dict[str, tuple[str, dict[str, Any], str]] = {
    # path, what stands in the body, and the source that the ledger names
    "OpenAI's user": ("/v1/chat/completions", {"user": "u-1"}, "body:user"),
    "OpenAI's safety identifier": ("/v1/responses", {"safety_identifier": "u-1"}, "body:safety_identifier"),
    "OpenAI's metadata": ("/v1/chat/completions", {"metadata": {"user_id": "u-1"}}, "body:metadata.user_id"),
    "Anthropic's metadata": ("/v1/messages", {"metadata": {"user_id": "u-1"}}, "body:metadata.user_id"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_the_body_names_the_user(kind: str, service: Any, vendor: ScriptedUpstream) -> None:
    """A user named in the body is in the ledger with that source, and the body goes on to the vendor as it came."""
    path, named, source = BODIES[kind]
    feature = uuid.uuid4().hex
    model = "claude-sonnet-4-6" if path == "/v1/messages" else "gpt-4o-mini"
    body = {"model": model, "max_tokens": 5, "input": "x", "messages": [], **named}
    assert post(service, path, body, breakeven_feature=feature)[0] == 200
    assert json.loads(vendor.journal[-1].body) == body
    (call,) = service.calls(1, f"feature = '{feature}'")
    assert (call["user_id"], json.loads(call["attribution_sources"])["user_id"]) == ("u-1", source)


@pytest.mark.parametrize("name", ["x-claude-code-session-id", "x-codex-session-id", "x-anything-session-id"])
def test_any_tools_session_is_the_trace(name: str, service: Any, vendor: ScriptedUpstream) -> None:
    """`x-<tool>-session-id` of whichever tool names the trace, and does not reach the vendor."""
    feature = uuid.uuid4().hex
    body = {"model": "gpt-4o-mini", "messages": []}
    assert post(service, "/v1/chat/completions", body, breakeven_feature=feature, **{name: "s-1"})[0] == 200
    assert vendor.journal[-1].header(name) is None
    (call,) = service.calls(1, f"feature = '{feature}'")
    assert call["trace_id"] == "s-1"


def test_strict_sdks_accept_the_cost_in_the_body(own_service: Any, usual_config: str) -> None:
    """With `usage_cost` both official SDKs, validating strictly, take the answer, and show the exact cost."""
    service = own_service(usual_config + "gateway: {{usage_cost: true}}\n")
    question: Any = [{"role": "user", "content": "x"}]
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="k", _strict_response_validation=True) as client:
        completion = client.chat.completions.create(model="gpt-4o-mini", messages=question)
    with anthropic.Anthropic(base_url=service.url, api_key="k", _strict_response_validation=True) as claude:
        message = claude.messages.create(model="claude-sonnet-4-6", messages=question, max_tokens=5)
    told = [Decimal(str(said.usage.cost)) for said in (completion, message)]  # type: ignore[union-attr] # ours, beside theirs
    assert told == [Decimal(service.cost(call) or "-1") for call in service.calls(2)]
