"""The running service pushes to an OpenTelemetry receiver: nothing is left out, nothing counts twice, whatever breaks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from breakeven.cli.main import run
from breakeven.errors import ConfigError
from breakeven.exchange.sinks.port import NotSent
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.service.bookkeeper_spec import BookkeeperSpec
from breakeven.service.telemetry import push, read_mark
from breakeven.settings.telemetry import SIGNALS, TelemetrySettings
from breakeven.testing import WebhookReceiver

Add = Callable[..., Path]
CALLS = "SELECT call_id FROM calls WHERE feature = 'told'"
COST = "SELECT coalesce(sum(cost), 0) FROM cost_lines WHERE feature = 'told'"


def _told(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"feature": "told", "user_id": "ann", "identity": f"t{first + n}"} for n in range(count)]


def _spans(receiver: WebhookReceiver) -> list[tuple[str, str]]:
    """Trace and span id of everything that arrived, in order."""
    return [
        (span["traceId"], span["spanId"])
        for posted in receiver.received
        if posted.path == "/v1/traces"
        for span in json.loads(posted.body)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]


def _points(receiver: WebhookReceiver, name: str) -> dict[int, list[dict[str, Any]]]:
    """The points of a metric by their instant; a series says at one instant always the same."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for posted in receiver.received:
        if posted.path != "/v1/metrics":
            continue
        Parse(posted.body, ExportMetricsServiceRequest())
        for metric in json.loads(posted.body)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
            if metric["name"] == name:
                told = metric.get("sum") or metric["histogram"]
                assert told["aggregationTemporality"] == 2
                for point in told["dataPoints"]:
                    key = (int(point["timeUnixNano"]), json.dumps(point["attributes"]))
                    assert found.setdefault(key, point) == point
    return {at: [point for (when, _), point in found.items() if when == at] for at, _ in found}


def _until(held: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 90
    while not held():
        assert time.monotonic() < until, what
        time.sleep(0.05)


@contextmanager
def _service(root: Path, config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The bookkeeper as `breakeven serve` starts it."""
    spec = msgspec.json.encode(BookkeeperSpec(str(root), str(config))).decode()
    with subprocess.Popen([sys.executable, "-m", "breakeven.service.bookkeeper", spec]) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_a_receiver_may_fail_and_stall_and_the_service_be_killed(tmp_path: Path, add_calls: Add) -> None:
    """A receiver that refuses, stalls and comes back, `kill -9` while it stalls: a span for every call, all cost once."""
    root, config = tmp_path / "ledger", tmp_path / "breakeven.yaml"
    add_calls(root, [{"feature": "before"}])
    layout = Layout(root)
    with WebhookReceiver((503, {}), (429, {"retry-after": "0"}), (200, {})) as receiver:
        config.write_text(f"telemetry: {{endpoint: 'http://127.0.0.1:{receiver.port}', every: 100ms}}\n")
        with _service(root, config) as process:
            _until(lambda: all(read_mark(layout, each) for each in SIGNALS), "it did not begin")
            add_calls(root, _told(2_300))  # three requests of spans; the books are free all the while
            _until(lambda: len(set(_spans(receiver))) >= 1_000, "nothing arrived")
            receiver.holding.clear()
            add_calls(root, _told(10, 10_000))
            receiver.arrived.clear()
            _until(receiver.arrived.is_set, "it did not try")
            process.send_signal(signal.SIGKILL)
            process.wait()
            receiver.holding.set()
        add_calls(root, _told(10, 20_000))
        with _service(root, config) as process:
            _until(lambda: all((mark := read_mark(layout, each)) and mark.segment == 4 for each in SIGNALS), "it did not catch up")
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        with open_ledger(root) as ledger:
            calls, ((cost,),) = ledger.query(CALLS), ledger.query(COST)
    sent = _spans(receiver)
    assert len({span for _, span in sent}) == len(set(sent)) == len(calls) == 2_320
    costs = _points(receiver, "breakeven.cost")
    latest = max(costs)
    assert sum(Decimal(str(point["asDouble"])) for point in costs[latest]) == cost
    assert len({point["startTimeUnixNano"] for points in costs.values() for point in points}) == 1
    assert sum(int(point["count"]) for point in _points(receiver, "gen_ai.client.token.usage")[latest]) == len(calls) * 2
    assert "ann" not in b"".join(posted.body for posted in receiver.received).decode()


def test_what_was_not_taken_is_sent_again_from_there(tmp_path: Path, add_calls: Add) -> None:
    """Away, then refusing within a segment: each try begins where the last one was stopped, and none sends what was taken."""
    root = tmp_path / "ledger"
    add_calls(root, [{"feature": "before"}])
    layout = Layout(root)
    away = TelemetrySettings("http://127.0.0.1:9")
    push(layout, away, "spans", {}, lambda: False)  # nothing to send: it begins here
    add_calls(root, _told(2_300))
    with pytest.raises(NotSent):
        push(layout, away, "spans", {}, lambda: False)
    with WebhookReceiver((200, {}), (500, {}), (200, {})) as receiver:
        here = TelemetrySettings(f"http://127.0.0.1:{receiver.port}", {"api-key": "KEY"}, users=True)
        with pytest.raises(ConfigError, match="KEY"):
            push(layout, here, "spans", {}, lambda: False)
        with pytest.raises(NotSent):
            push(layout, here, "spans", {"KEY": "open sesame"}, lambda: False)
        for _ in range(2):
            push(layout, here, "spans", {"KEY": "open sesame"}, lambda: False)
    assert [len(json.loads(posted.body)["resourceSpans"][0]["scopeSpans"][0]["spans"]) for posted in receiver.received] == [
        1_000, 1_000, 1_000, 300,
    ]  # fmt: skip
    assert receiver.received[1].body == receiver.received[2].body  # the one that was refused
    assert len(set(_spans(receiver))) == 2_300
    assert {posted.headers["api-key"] for posted in receiver.received} == {"open sesame"}
    assert b"ann" in receiver.received[0].body


def test_it_goes_nowhere_else(tmp_path: Path, add_calls: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect is refused, and the address that the environment names for other tools is not asked."""
    root = add_calls(tmp_path / "ledger", [{"feature": "before"}])
    with WebhookReceiver() as foreign, WebhookReceiver((307, {"location": foreign.url})) as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{foreign.port}")
        here = TelemetrySettings(f"http://127.0.0.1:{receiver.port}")
        push(Layout(root), here, "spans", {}, lambda: False)
        add_calls(root, _told(1))
        with pytest.raises(NotSent, match="redirect"):
            push(Layout(root), here, "spans", {}, lambda: False)
    assert (len(receiver.received), foreign.received) == (1, [])


def test_doctor_looks_at_the_receiver(tmp_path: Path, add_calls: Add, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it answers that is said, with what waits; a variable that is not set and a receiver that refuses are faults."""
    root = add_calls(tmp_path / "ledger", [{"feature": "before"}])
    config = tmp_path / "breakeven.yaml"

    def found() -> dict[str, tuple[str, str]]:
        capsys.readouterr()
        run(["doctor", "--json", "--ledger", str(root), "--config", str(config)])
        rows = json.loads(capsys.readouterr().out)["findings"]
        return {row["part"]: (row["state"], row["what"]) for row in rows if row["part"].startswith("telemetry")}

    with WebhookReceiver((200, {}), (401, {})) as receiver:
        config.write_text(f"telemetry: {{endpoint: 'http://127.0.0.1:{receiver.port}'}}\n")
        states = found()
        assert states["telemetry spans"][0] == "fine"
        assert states["telemetry metrics"][0] == "fault"
        assert [json.loads(posted.body) for posted in receiver.received] == [{"resourceSpans": []}, {"resourceMetrics": []}]
        config.write_text(
            f"telemetry: {{endpoint: 'http://127.0.0.1:{receiver.port}', headers: {{api-key: NOT_SET}}, send: [spans]}}\n"
        )
        assert {part: (state, "NOT_SET" in what) for part, (state, what) in found().items()} == {"telemetry spans": ("fault", True)}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{}", "endpoint"),
        ("{endpoint: 'https://user:secret@host'}", "endpoint is no address"),
        ("{endpoint: 'ftp://host'}", "endpoint is no address"),
        ("{endpoint: 'https://host', send: [logs]}", "'logs' cannot be sent"),
        ("{endpoint: 'https://host', headers: {api-key: 'sk-secret value'}}", "names no variable"),
        ("{endpoint: 'https://host', user: true}", "user"),
    ],
)
def test_a_faulty_section_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], section: str, said: str) -> None:
    """Each fault with file and line, without repeating what may be a secret."""
    config = tmp_path / "breakeven.yaml"
    config.write_text(f"telemetry: {section}\n")
    assert run(["doctor", "--config", str(config), "--ledger", str(tmp_path / "ledger")]) != 0
    told = "".join(capsys.readouterr())
    assert said in told
    assert "breakeven.yaml:1" in told
    assert "secret" not in told
