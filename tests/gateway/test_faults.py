"""Vendors that fail, callers that vanish, disks that fill: the caller gets a clear answer, the ledger what is known."""

from __future__ import annotations

import http.client
import json
import resource
import socket
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from breakeven.gateway.facts import Intent
from breakeven.gateway.metrics import Metrics
from breakeven.gateway.recorder import Recorder
from breakeven.testing import ScriptedUpstream

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
QUICK = """
providers:
  openai:
    base_url: "{vendor}/v1"
    api_key_env: VENDOR_KEY
    timeouts: {{connect: 1s, first_byte: 500ms, between_chunks: 500ms, total: 3s}}
    retries: {{attempts: 1, backoff: 10ms}}
    circuit: {{failures: 1000, window: 30s, open: 1s}}
"""


def ask(
    service: Any, feature: str, script: Mapping[str, object] | None = None, **more: object
) -> tuple[int, dict[str, str], bytes]:
    """One chat call; its status, headers and body, as far as it came."""
    content = json.dumps(BODY | more).encode()
    headers = {"content-type": "application/json", "breakeven-feature": feature, "x-script": json.dumps(script or {})}
    request = urllib.request.Request(f"{service.url}/v1/chat/completions", content, headers)  # noqa: S310 - our own gateway
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def read_to_end(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, shared_service: Any) -> Any:
    """A gateway with short time-outs and no retries."""
    service = type(shared_service)(tmp_path_factory.mktemp("impatient"), vendor, QUICK)
    yield service
    service.stop()


FAULTS: dict[str, tuple[dict[str, object], bool, int, str, str]] = {
    # script, stream, status of the answer, status and state in the ledger
    "stalls before its head": ({"delay": 5}, False, 504, "failed", "usage_missing"),
    "stalls in its body": ({"stall_after": 20}, False, 504, "cut_off", "usage_missing"),
    "resets before its head": ({"reset_after": 0}, False, 502, "failed", "usage_missing"),
    "resets in its head": ({"reset_after": 30}, False, 502, "failed", "usage_missing"),
    "resets in its body": ({"reset_after": 250}, False, 502, "cut_off", "usage_missing"),
    "closes before its head": ({"close_after": 0}, False, 502, "failed", "usage_missing"),
    "closes in its body": ({"close_after": 250}, False, 502, "cut_off", "usage_missing"),
    "promises more than it sends": ({"length": 50, "framing": "length"}, False, 504, "cut_off", "metered"),
    "answers with noise": ({"garbage": "head"}, False, 502, "failed", "usage_missing"),
    "says gzip and is not": ({"encoding": "broken"}, False, 200, "ok", "usage_missing"),
    "sends a broken chunk after its answer": ({"garbage": "chunk", "framing": "chunked"}, False, 502, "cut_off", "metered"),
    "sends an event that is not JSON": ({"garbage": "sse"}, True, 200, "ok", "metered"),
    "sends ten megabytes": ({"size": 10_000_000}, False, 200, "ok", "metered"),
    "ends with the connection": ({"framing": "close"}, False, 200, "ok", "metered"),
    "is slow, but not too slow": ({"cut": 40, "pause": 0.02}, False, 200, "ok", "metered"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_vendor_that(kind: str, impatient: Any) -> None:
    """The caller gets the answer or one clear error, never a hang; the ledger says what is known and what is not."""
    script, stream, status, ended, state = FAULTS[kind]
    feature = uuid.uuid4().hex
    began = time.monotonic()
    got, _, body = ask(impatient, feature, script, **({"stream": True} if stream else {}))
    assert time.monotonic() - began < 5
    assert got == status, body[:300]
    if status >= 500:
        assert json.loads(body)["error"]["message"]
    (call,) = impatient.calls(1, f"feature = '{feature}'")
    assert (call["status"], call["state"]) == (ended, state)
    assert (impatient.cost(call) is None) == (state == "usage_missing")


def test_a_stream_that_breaks_off_is_seen_to_break_off(impatient: Any) -> None:
    """A stream cut by the vendor reaches the caller as a cut one, not as a whole one, and its usage is unknown."""
    feature = uuid.uuid4().hex
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(impatient, feature, {"reset_after": 900}, stream=True)
    (call,) = impatient.calls(1, f"feature = '{feature}'")
    assert (call["status"], call["state"]) == ("cut_off", "usage_missing")


def test_no_vendor_there(own_service: Callable[..., Any]) -> None:
    """Where nobody listens the caller gets 502 at once, and the call costs nothing."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
    service = own_service(QUICK.replace("{vendor}", f"http://127.0.0.1:{closed}"))
    status, _, body = ask(service, "nobody-there")
    assert (status, json.loads(body)["error"]["code"]) == (502, "connect")
    (call,) = service.calls(1, "feature = 'nobody-there'")
    assert (call["status"], call["state"], service.cost(call)) == ("failed", "not_billed", "0")


def test_fallback(service: Any, vendor: ScriptedUpstream) -> None:
    """A route's next provider answers when the first one cannot, and each attempt is priced at its own model."""
    feature = uuid.uuid4().hex
    script = {"status": 500, "path": "/v1/"}
    status, headers, body = ask(service, feature, script, model="guarded-gpt", user=feature)
    assert status == 200, body
    attempts = service.calls(4, f"feature = '{feature}'")
    assert [(each["status"], each["model"]) for each in attempts[-2:]] == [("failed", "guarded-gpt"), ("ok", "gpt-4o-mini")]
    assert vendor.journal[-1].target == "/backup/v1/chat/completions"
    assert json.loads(vendor.journal[-1].body)["model"] == "gpt-4o-mini"
    assert headers["breakeven-cost-usd"] == service.cost(attempts[-1])


def test_retry_after_is_obeyed(service: Any) -> None:
    """A vendor that asks for a pause gets it; one that asks for too long has its answer passed on with the header."""
    feature = uuid.uuid4().hex
    began = time.monotonic()
    assert ask(service, feature, {"status": 429, "retry_after": 0.3, "times": 1}, user=feature)[0] == 200
    assert time.monotonic() - began >= 0.3
    status, headers, _ = ask(service, feature, {"status": 429, "retry_after": 600}, user=feature)
    assert (status, headers["Retry-After"]) == (429, "600")


def test_circuit_and_queue(own_service: Callable[..., Any]) -> None:
    """After failures in a row the vendor is left alone and callers are told for how long; a full queue is told at once."""
    service = own_service(
        """
providers:
  openai:
    base_url: "{vendor}/v1"
    api_key_env: VENDOR_KEY
    retries: {{attempts: 1}}
    circuit: {{failures: 3, window: 30s, open: 1s}}
    concurrency: {{limit: 1, queue: 1, queue_timeout: 300ms}}
"""
    )
    for _ in range(3):
        assert ask(service, "failing", {"status": 500})[0] == 500
    status, headers, body = ask(service, "failing")
    assert (status, json.loads(body)["error"]["code"], headers["retry-after"]) == (503, "circuit_open", "1")
    time.sleep(1.1)
    assert ask(service, "again")[0] == 200

    def begin() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", service.port), timeout=10)
        content = json.dumps(BODY).encode()
        head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx-script: {"delay": 1}\r\n'
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        return connection

    connections = [begin() for _ in range(3)]
    answers = [read_to_end(connection) for connection in connections]
    assert sorted(answer[9:12] for answer in answers) == [b"200", b"503", b"503"]
    assert {code for answer in answers for code in (b"queue_full", b"queue_timeout") if code in answer} == {
        b"queue_full",
        b"queue_timeout",
    }


def test_a_caller_that_vanishes_at_every_chunk(service: Any, vendor: ScriptedUpstream) -> None:
    """Wherever a caller disconnects, the call is in the ledger once, with all that the vendor billed; unsent it is not billed."""
    feature = uuid.uuid4().hex
    content = json.dumps(BODY | {"stream": True, "model": "gpt-4o-words-20"}).encode()
    head = f'POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nbreakeven-feature: {feature}\r\nx-script: {{"pause": 0.005}}\r\n'
    for pieces in range(12):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
            connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
            for _ in range(pieces):
                connection.recv(200)
    calls = service.calls(12, f"feature = '{feature}'")
    sent = [(call["state"], call["output_tokens"]) for call in calls if call["state"] != "not_billed"]
    assert sent == [("metered", 20)] * len(vendor.journal)
    assert len(sent) >= 11  # only the one that says nothing further may be gone before it is sent
    assert not any(each.disconnected for each in vendor.journal)


def test_a_full_disk_stops_no_call(own_service: Callable[..., Any]) -> None:
    """While nothing can be written calls flow and the gap is a metric; when there is room again, what was held is written."""
    service = own_service(QUICK)
    assert ask(service, "before")[0] == 200
    (worker,) = service.children("gateway.worker")
    limits = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, limits[1]))
    assert [ask(service, "during")[0] for _ in range(5)] == [200] * 5
    metrics = urllib.request.urlopen(f"{service.url}/metrics").read().decode()  # noqa: S310 - our own gateway
    assert "breakeven_records_held 10" in metrics
    assert "breakeven_record_errors_total" in metrics
    resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
    assert len(service.calls(6)) == 6
    assert [call["state"] for call in service.calls(5, "feature = 'during'")] == ["metered"] * 5


def test_nothing_leaks(impatient: Any) -> None:
    """After many failures of every kind the worker has no more open files than before, and nothing is under way."""
    (worker,) = impatient.children("gateway.worker")

    def open_files() -> int:
        return len(list(Path(f"/proc/{worker}/fd").iterdir()))

    scripts = ({"reset_after": 0}, {"reset_after": 250}, {"close_after": 30}, {"garbage": "head"}, {"status": 500}, {"length": -5})
    for script in scripts:
        ask(impatient, "leaks", script)
    before = open_files()
    for _ in range(8):
        for script in scripts:
            ask(impatient, "leaks", script)
    assert open_files() <= before + 2
    metrics = urllib.request.urlopen(f"{impatient.url}/metrics").read().decode()  # noqa: S310 - our own gateway
    assert "breakeven_in_flight 0" in metrics


def test_unmetered_paths(service: Any) -> None:
    """A path whose usage is not known is passed through, attributed, and marked so instead of looking free."""
    feature = uuid.uuid4().hex
    content = b'{"model":"gpt-4o","novel":true}'
    request = urllib.request.Request(  # noqa: S310 - our own gateway
        f"{service.url}/v1/novel/endpoint", content, {"breakeven-feature": feature, "content-type": "application/json"}
    )
    assert urllib.request.urlopen(request).status == 200  # noqa: S310
    (call,) = service.calls(1, f"feature = '{feature}'")
    assert (call["status"], call["state"], service.cost(call)) == ("ok", "usage_missing", None)


class _Disk:
    """A segment on a disk that is full until it is not."""

    def __init__(self) -> None:
        self.full = True
        self.written: list[bytes] = []

    def write(self, lines: bytes, count: int) -> None:
        """Append, or fail as a full disk does."""
        del count
        if self.full:
            raise OSError(28, "No space left on device")
        self.written += lines.splitlines()

    def sync(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


def test_what_is_held_for_a_full_disk_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is not exhausted instead: past the bound facts are counted as dropped, and what was held is written in its order."""
    monkeypatch.setattr("breakeven.gateway.recorder.MOST_HELD_BYTES", 5_000)
    metrics, disk = Metrics(), _Disk()
    recorder = Recorder(lambda: disk, metrics, lambda _: None, lambda _: None)
    for number in range(200):
        intent = Intent(f"call-{number}", 1, "2026-11-01 00:00:00", "openai", "openai_chat", "gpt-4o")
        recorder.intend(intent, lambda: None)
        recorder.flush()
    assert recorder.failing
    dropped = next(value for name, _, value in json.loads(metrics.snapshot()) if name == "records_dropped")
    assert 0 < dropped < 200
    disk.full = False
    recorder.tick()
    recorder.close()
    assert [json.loads(line)["call_id"] for line in disk.written] == [f"call-{number}" for number in range(200 - dropped)]
