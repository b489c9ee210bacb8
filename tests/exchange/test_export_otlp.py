"""Calls as OpenTelemetry spans, taken by a receiver on this machine and read by OpenTelemetry's own schema."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from breakeven.testing import WebhookReceiver

CALLS = """occurred_at,provider,model,input_tokens,output_tokens,cache_read_tokens,feature,user,status,latency_ms,id
2026-10-01T09:00:00Z,openai,gpt-5,1000,200,300,"a ""quoted"" \\ feature",ann,ok,1500,1
2026-10-01T10:00:00Z,nobody,priceless,5,5,,support,ann,ok,,2
2026-10-01T11:00:00Z,nobody,broken,,,,support,ann,failed,,3
"""


def _sent(desk: Any, *options: str) -> dict[str, dict[str, Any]]:
    """The attributes of each span by response model, as the receiver got them."""
    with WebhookReceiver() as receiver:
        code, _, told = desk.run("export", "otlp", "--period", "all", "--endpoint", f"http://127.0.0.1:{receiver.port}", *options)
        assert code == 0, told
        posted = receiver.received[0]
    assert posted.path == "/v1/traces"
    body = json.loads(posted.body)
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for span in spans:  # JSON has ids in hexadecimal where the protobuf mapping of Python wants base64
        assert (len(span.pop("traceId")), len(span.pop("spanId"))) == (32, 16)
    Parse(json.dumps(body), ExportTraceServiceRequest())
    found = [{one["key"]: next(iter(one["value"].values())) for one in span["attributes"]} | {"span": span} for span in spans]
    return {one["gen_ai.response.model"]: one for one in found}


def test_spans_say_what_the_ledger_says(desk: Any) -> None:
    """Old and new names, inclusive token counts, the exact cost, start and end; names with quotes survive; users stay at home."""
    assert desk.bring("calls", desk.file("calls.csv", CALLS)).code == 0
    found = _sent(desk)
    known = next(one for model, one in found.items() if model.startswith("gpt-5"))
    total = desk.rows("SELECT input_tokens + coalesce(cache_read_tokens, 0) FROM calls WHERE provider = 'openai'")[0][0]
    assert known["gen_ai.usage.input_tokens"] == known["gen_ai.usage.prompt_tokens"] == str(total)
    assert known["gen_ai.provider.name"] == known["gen_ai.system"] == "openai"
    whole = desk.rows("SELECT sum(cost) FROM cost_lines WHERE provider = 'openai'")[0][0]
    assert known["breakeven.cost_usd"] == str(whole)
    assert known["gen_ai.usage.cost"] == float(whole)
    assert known["breakeven.feature"] == 'a "quoted" \\ feature'
    span = known["span"]
    assert int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) == 1_500_000_000
    assert "user.id" not in known
    assert _sent(desk, "--users")[known["gen_ai.response.model"]]["user.id"] == "ann"


def test_an_unknown_cost_is_no_attribute(desk: Any) -> None:
    """A call without a price has no cost attribute, and a failed one says so in its status."""
    assert desk.bring("calls", desk.file("calls.csv", CALLS)).code == 0
    found = _sent(desk)
    assert not {"gen_ai.usage.cost", "breakeven.cost_usd"} & found["priceless"].keys()
    assert found["priceless"]["breakeven.state"] == "unpriced"
    assert (found["broken"]["span"]["status"], found["broken"]["error.type"]) == ({"code": 2}, "failed")


def test_a_receiver_that_is_not_there_is_explained(desk: Any) -> None:
    """Exit code 4 where nobody listens, 2 where the address is none."""
    assert desk.bring("calls", desk.file("calls.csv", CALLS)).code == 0
    code, _, told = desk.run("export", "otlp", "--period", "all", "--endpoint", "http://127.0.0.1:9")
    assert (code, "0 spans were sent" in told) == (4, True)
    assert desk.run("export", "otlp", "--period", "all", "--endpoint", "localhost")[0] == 2


def _metrics(desk: Any) -> dict[str, dict[str, Any]]:
    """What the receiver got, by the name of the metric; each request is one by OpenTelemetry's own schema."""
    found: dict[str, dict[str, Any]] = {}
    with WebhookReceiver() as receiver:
        address = f"http://127.0.0.1:{receiver.port}"
        code, _, told = desk.run("export", "otlp", "--metrics", "--period", "all", "--endpoint", address)
        assert code == 0, told
        posts = list(receiver.received)
    for posted in posts:
        assert posted.path == "/v1/metrics"
        body = json.loads(posted.body)
        Parse(posted.body, ExportMetricsServiceRequest())
        (metric,) = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        found[metric["name"]] = metric
    return found


def _known(point: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one["value"]["stringValue"] for one in point["attributes"]}


def test_metrics_say_what_the_ledger_says(desk: Any) -> None:
    """Tokens and durations in the buckets of the conventions, cost and calls as sums by the hour; what is unknown is no point."""
    assert desk.bring("calls", desk.file("calls.csv", CALLS)).code == 0
    found = _metrics(desk)
    tokens = found["gen_ai.client.token.usage"]
    assert tokens["unit"] == "{token}"
    points = [point for point in tokens["histogram"]["dataPoints"] if _known(point)["gen_ai.provider.name"] == "openai"]
    inside, outside = sorted(points, key=lambda point: _known(point)["gen_ai.token.type"])
    whole = desk.rows("SELECT input_tokens + coalesce(cache_read_tokens, 0) FROM calls WHERE provider = 'openai'")[0][0]
    assert (inside["sum"], inside["count"], outside["sum"]) == (whole, "1", 200)
    for point in points:
        bounds, counts = point["explicitBounds"], [int(count) for count in point["bucketCounts"]]
        assert (len(counts), sum(counts)) == (len(bounds) + 1, 1)
        at = counts.index(1)
        assert (bounds[at - 1] if at else 0) < point["sum"] <= bounds[at]
    (took,) = found["gen_ai.client.operation.duration"]["histogram"]["dataPoints"]
    assert (took["sum"], took["min"], took["max"]) == (1.5, 1.5, 1.5)
    assert int(took["timeUnixNano"]) - int(took["startTimeUnixNano"]) == 3_600 * 10**9
    (cost,) = found["breakeven.cost"]["sum"]["dataPoints"]
    assert cost["asDouble"] == float(desk.rows("SELECT sum(cost) FROM cost_lines")[0][0])
    calls = found["breakeven.calls"]["sum"]
    assert (calls["isMonotonic"], sum(int(point["asInt"]) for point in calls["dataPoints"])) == (True, 3)
    assert [_known(point).get("error.type") for point in calls["dataPoints"]].count("failed") == 1


def test_a_receiver_that_is_away_is_told(desk: Any) -> None:
    """Nothing listens: the message says how far it came, with exit code 4."""
    assert desk.bring("calls", desk.file("calls.csv", CALLS)).code == 0
    code, _, told = desk.run("export", "otlp", "--metrics", "--period", "all", "--endpoint", "http://127.0.0.1:9")
    assert code == 4
    assert "0 points were sent" in told


def test_every_convention_is_written_in_old_and_new_names(desk: Any) -> None:
    """A call with cache, reasoning, a session and a served tier has each attribute of the conventions, the older spellings too."""
    answer = {
        "id": "resp_1", "object": "response", "created_at": 1790000000, "status": "completed", "model": "gpt-5-2025-08-07",
        "service_tier": "flex", "output": [],
        "usage": {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100},
                  "output_tokens": 100, "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 1100},
    }  # fmt: skip
    record = {"provider": "openai", "model": "gpt-5", "trace_id": "session-1", "response": answer}
    assert desk.bring("responses", desk.file("a.json", json.dumps(record))).code == 0
    said = _sent(desk)["gpt-5-2025-08-07"]
    assert {name: said.get(name) for name in said if name.startswith(("gen_ai.", "openai.")) and "cost" not in name} == {
        "gen_ai.provider.name": "openai",
        "gen_ai.system": "openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5-2025-08-07",
        "gen_ai.conversation.id": "session-1",
        "gen_ai.usage.input_tokens": "1000",
        "gen_ai.usage.prompt_tokens": "1000",
        "gen_ai.usage.output_tokens": "100",
        "gen_ai.usage.completion_tokens": "100",
        "gen_ai.usage.cache_read.input_tokens": "600",
        "gen_ai.usage.cache_write.input_tokens": "100",
        "gen_ai.usage.cache_creation.input_tokens": "100",
        "gen_ai.usage.reasoning.output_tokens": "40",
        "openai.response.service_tier": "flex",
    }
