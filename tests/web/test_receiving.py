"""Calls that others report to the web port: kept before they are acknowledged, authorised, priced as the gateway prices them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from breakeven.cli.main import run
from breakeven.errors import LedgerLocked
from breakeven.ledger import open_ledger
from breakeven.testing import ScriptedUpstream

CALL = {
    "id": "c-1", "at": "2026-11-01T10:00:00Z", "provider": "openai", "model": "gpt-4o", "feature": "support", "customer": "acme",
    "usage": {"input": 1000, "output": 10}, "tags": {"plan": "pro"},
}  # fmt: skip
CALLBACK = {
    "id": "chatcmpl-9", "startTime": 1793527200.0, "endTime": 1793527201.0, "status": "success", "model": "gpt-4o",
    "custom_llm_provider": "openai", "prompt_tokens": 100, "completion_tokens": 20, "request_tags": ["feature:chat"],
}  # fmt: skip
INSTRUMENTED = """
import sys
import anthropic, httpx, openai
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

vendor, web = sys.argv[1:]
sent = 0

class Exporter(SpanExporter):
    def export(self, spans):
        global sent
        export = ExportTraceServiceRequest()
        for span in spans:
            held = export.resource_spans.add()
            for key, value in span.resource.attributes.items():
                held.resource.attributes.add(key=key).value.string_value = str(value)
            scope = held.scope_spans.add()
            scope.scope.name = span.instrumentation_scope.name
            made = scope.spans.add(name=span.name)
            made.trace_id, made.span_id = span.context.trace_id.to_bytes(16, "big"), span.context.span_id.to_bytes(8, "big")
            made.start_time_unix_nano, made.end_time_unix_nano = span.start_time, span.end_time
            made.status.code = span.status.status_code.value
            for key, value in span.attributes.items():
                if isinstance(value, bool | int | float | str):
                    kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(value)]
                    setattr(made.attributes.add(key=key).value, kind, value)
        answer = httpx.post(f"{web}/v1/traces", content=export.SerializeToString(), trust_env=False,
                            headers={"content-type": "application/x-protobuf"})
        assert answer.status_code == 200, answer.text
        return SpanExportResult.SUCCESS

provider = TracerProvider(resource=Resource({"service.name": "traced"}))
provider.add_span_processor(SimpleSpanProcessor(Exporter()))
OpenAIInstrumentor().instrument(tracer_provider=provider)
AnthropicInstrumentor().instrument(tracer_provider=provider)
messages = [{"role": "user", "content": "Say something."}]
one = openai.OpenAI(base_url=f"{vendor}/v1", api_key="sk", max_retries=0)
one.chat.completions.create(model="gpt-4o", messages=messages)
list(one.chat.completions.create(model="gpt-4o", messages=messages, stream=True, stream_options={"include_usage": True}))
one.embeddings.create(model="text-embedding-3-small", input="Say something.")
two = anthropic.Anthropic(base_url=vendor, api_key="sk", max_retries=0)
two.messages.create(model="claude-sonnet-4-6", max_tokens=64, messages=messages)
with two.messages.stream(model="claude-sonnet-4-6", max_tokens=64, messages=messages) as stream:
    stream.get_final_message()
"""


@pytest.fixture(scope="module")
def vendor() -> Iterator[ScriptedUpstream]:
    """The scripted vendor."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def open_site(vendor: ScriptedUpstream, serve_for_module: Callable[[str], Any]) -> Any:
    """A service without roles, whose gateway asks the scripted vendor."""
    os.environ["RECEIVED_KEY"] = "sk-the-vendors"
    return serve_for_module(f"""
providers:
  openai: {{base_url: "{vendor.url}/v1", api_key_env: RECEIVED_KEY}}
  anthropic: {{base_url: "{vendor.url}/v1", api_key_env: RECEIVED_KEY}}
""")


def rows(ledger: Path, sql: str, count: int, seconds: float = 10.0) -> list[tuple[Any, ...]]:
    """What the ledger says, once it has so many rows."""
    until = time.monotonic() + seconds
    found: list[tuple[Any, ...]] = []
    while len(found) < count and time.monotonic() < until:
        with suppress(LedgerLocked), open_ledger(ledger) as opened:  # a bookkeeper that is just starting makes no room yet
            found = opened.query(sql)
        time.sleep(0.05)
    return found


def test_a_batch_of_calls(open_site: Any) -> None:
    """Good calls are taken, priced and attributed; a wrong one is named with its index and loses no other; again adds nothing."""
    wrong = {**CALL, "id": "c-2", "usage": {"inptu": 1}}
    unknown = {**CALL, "id": "c-3", "usage": None, "status": "failed"}
    body = {
        "model": "gpt-4o",
        "usage": {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 40}},
    }
    answered = {**CALL, "id": "c-4", "usage": None, "response": body}
    with open_site.client() as client:
        for _ in range(2):
            answer = client.post("/api/v1/calls", json={"calls": [CALL, wrong, unknown, answered]})
            assert (answer.status_code, answer.json()["accepted"]) == (200, 3), answer.text
            (told,) = answer.json()["rejected"]
            assert (told["index"], told["what"]) == (1, "there is no usage class 'inptu'")
    found = rows(
        open_site.ledger,
        "SELECT source_ref, calls.state, calls.feature, calls.customer, sum(cost)::VARCHAR::DOUBLE"
        " FROM calls JOIN cost_lines USING (call_id)"
        " WHERE calls.source = 'api:calls' GROUP BY ALL ORDER BY 1",
        3,
    )
    assert found == [
        ("c-1", "metered", "support", "acme", 0.0026), ("c-3", "usage_missing", "support", "acme", None),
        ("c-4", "metered", "support", "acme", 0.00025),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400), (b'{"calls": 1}', {}, 400), (b"[" + b"{}," * 10_000 + b"{}]", {}, 400),
        (gzip.compress(b"[]", mtime=0)[:-6], {"content-encoding": "gzip"}, 400), (b"[]", {"content-encoding": "br"}, 415),
        (b"[]", {"origin": "https://elsewhere.example"}, 403), (b"[]", {"host": "elsewhere.example"}, 403),
        (b"[]", {"breakeven-key": "bek-nonsense"}, 401), (gzip.compress(b"[]", mtime=0), {"content-encoding": "gzip"}, 200),
    ],
)  # fmt: skip
def test_what_is_no_batch_or_from_nobody(open_site: Any, body: bytes, headers: dict[str, str], status: int) -> None:
    """Damaged, foreign and oversized batches are refused with a message; an empty one is none of these."""
    with open_site.client(**{"content-type": "application/json", **headers}) as client:
        answer = client.post("/api/v1/calls", content=body)
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["error"]["message"]


def test_callbacks_of_litellm(open_site: Any) -> None:
    """An array, one record and JSON lines are the same call, which the import of its spend log does not add again."""
    as_lines = json.dumps(CALLBACK) + "\n" + json.dumps({**CALLBACK, "id": "chatcmpl-10"})
    with open_site.client() as client:
        for body in (json.dumps([CALLBACK]), json.dumps(CALLBACK), as_lines):
            assert client.post("/api/v1/litellm", content=body).status_code == 200
    found = rows(open_site.ledger, "SELECT source_ref, feature FROM calls WHERE source = 'api:litellm' ORDER BY 1", 2)
    assert found == [("chatcmpl-10", "chat"), ("chatcmpl-9", "chat")]


def test_a_trace_in_json_and_one_that_is_none(open_site: Any) -> None:
    """JSON is answered in JSON; what is no export is refused."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.response.model": "gpt-4o"}
    made = {
        "traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1", "name": "chat", "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000001000000000",
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
        + [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "1000"}}],
    }  # fmt: skip
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [made]}]}]}).encode()
    with open_site.client(**{"content-type": "application/json"}) as client:
        answer = client.post("/v1/traces", content=gzip.compress(body), headers={"content-encoding": "gzip"})
        assert (answer.status_code, answer.json()) == (200, {})
        assert client.post("/v1/traces", content=b'{"resourceSpans": 1}').status_code == 400
        assert client.post("/v1/traces", content=b"\xff\xff", headers={"content-type": "application/x-protobuf"}).status_code == 400
    mine = f"SELECT model, input_tokens FROM calls WHERE source = 'api:otlp' AND trace_id LIKE '%{'0' * 20}1'"
    assert rows(open_site.ledger, mine, 1) == [("gpt-4o", 1000)]


def test_instrumented_sdks_cost_what_the_gateway_meters(open_site: Any, vendor: ScriptedUpstream) -> None:
    """The official SDKs under the real instrumentation send what costs, call by call, the same as the gateway's own metering.

    But for one: OpenLLMetry adds the output that an Anthropic stream announces at its start (here one token) to the sum at its end.
    """
    command = [sys.executable, "-c", INSTRUMENTED, vendor.url, open_site.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    messages: Any = [{"role": "user", "content": "Say something."}]
    named = {"breakeven-feature": "through-the-gateway"}
    with openai.OpenAI(base_url=f"{open_site.gateway}/v1", api_key="sk", max_retries=0, default_headers=named) as one:
        one.chat.completions.create(model="gpt-4o", messages=messages)
        list(one.chat.completions.create(model="gpt-4o", messages=messages, stream=True))
        one.embeddings.create(model="text-embedding-3-small", input="Say something.")
    with anthropic.Anthropic(base_url=open_site.gateway, api_key="sk", max_retries=0, default_headers=named) as two:
        two.messages.create(model="claude-sonnet-4-6", max_tokens=64, messages=messages)
        with two.messages.stream(model="claude-sonnet-4-6", max_tokens=64, messages=messages) as stream:
            stream.get_final_message()
    question = (
        "SELECT calls.provider, calls.model, calls.state, sum(quantity), sum(cost) FROM calls JOIN cost_lines USING (call_id)"
        " WHERE calls.feature = '{}' GROUP BY calls.provider, calls.model, calls.state, call_id ORDER BY ALL"
    )
    traced = rows(open_site.ledger, question.format("traced"), 5)
    metered = rows(open_site.ledger, question.format("through-the-gateway"), 5)
    assert len(traced) == len(metered) == 5
    stream_more = [(one[3] - other[3], one[4] - other[4]) for one, other in zip(traced, metered, strict=True) if one != other]
    assert stream_more == [(1, Decimal("0.000015"))]
    assert {state for _, _, state, _, _ in traced} == {"metered"}


def test_keys_and_roles_decide(serve: Callable[[str], Any], capsys: pytest.CaptureFixture[str]) -> None:
    """A key's locked dimensions win and its features bound it; where keys are needed, nobody reports without one."""
    site = serve("gateway: {keys: required}\naccess: {people: {vera: {role: viewer}, eve: {role: engineer}}}\n")
    capsys.readouterr()
    assert run(["keys", "create", "app", "--customer", "locked", "--allow-feature", "support", "--ledger", str(site.ledger)]) == 0
    secret = next(word for word in capsys.readouterr().out.split() if word.startswith("bek-"))
    with site.client() as client:
        assert client.post("/api/v1/calls", json=[CALL]).status_code == 401
        answer = client.post(
            "/api/v1/calls", json={"calls": [CALL, {**CALL, "feature": "other"}]}, headers={"breakeven-key": secret}
        )
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
    assert answer.json()["rejected"][0]["what"] == "the key app is not for feature other"
    assert rows(site.ledger, "SELECT feature, customer FROM calls", 1) == [("support", "locked")]


def test_what_is_acknowledged_survives_a_kill(serve: Callable[[str], Any]) -> None:
    """When the bookkeeper is killed right after an answer, everything that it acknowledged is in the ledger, once."""
    site = serve("")
    acknowledged = 0
    with site.client() as client:
        for number in range(20):
            batch = [{**CALL, "id": f"k-{number}-{each}"} for each in range(5)]
            acknowledged += client.post("/api/v1/calls", json={"calls": batch}).json()["accepted"]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_bookkeeper(entry, site.ledger):
            os.kill(int(entry.name), signal.SIGKILL)
    assert len(rows(site.ledger, "SELECT call_id FROM calls", acknowledged, 20.0)) == acknowledged == 100


def _is_bookkeeper(entry: Path, ledger: Path) -> bool:
    try:
        command = (entry / "cmdline").read_bytes()
    except OSError:
        return False
    return b"breakeven.service.bookkeeper" in command and str(ledger).encode() in command


def test_a_partial_success_is_told_in_protobuf() -> None:
    """The answer to protobuf is an empty success, or says how many spans were not taken and why."""
    from breakeven.web.receiving import NotTaken, answer_of  # noqa: PLC0415 - the claim is about this function alone

    assert answer_of([], as_json=False) == b""
    told = ExportTraceServiceResponse.FromString(answer_of([NotTaken(0, "the key is not for it", "Use another.")], as_json=False))
    assert (told.partial_success.rejected_spans, "not for it" in told.partial_success.error_message) == (1, True)
    assert httpx.Response(200, content=answer_of([], as_json=True)).json() == {}
