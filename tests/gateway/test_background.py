"""Responses that a vendor makes in the background: metered once, when the vendor has said what they used."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from breakeven.ledger import open_ledger
from breakeven.testing import ScriptedUpstream

USAGE = {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 10,
         "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 1010}  # fmt: skip
COST = "0.0026"
"""Of 1,000 tokens in and 10 out at gpt-4o's list prices, $2.50 and $10 a million."""


class Vendor(ThreadingHTTPServer):
    """One that says `told` to each look in turn, and its last word for ever; what it was asked is kept."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.told: list[tuple[int, dict[str, Any] | None]] = []
        self.asked: list[tuple[str, str, str | None]] = []
        self.begun: dict[str, Any] = {}
        self.streams = False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.server.streams:
            self._say(200, self.server.begun)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        event = {"type": "response.created", "sequence_number": 0, "response": self.server.begun}
        self.wfile.write(f"event: response.created\ndata: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_WR)  # before the response has ended, as a broken connection would be

    def do_GET(self) -> None:
        told = self.server.told
        status, said = told.pop(0) if len(told) > 1 else told[0]
        self._say(status, said)

    def _say(self, status: int, said: dict[str, Any] | None) -> None:
        self.server.asked.append((self.command, self.path, self.headers.get("authorization")))
        if said is None:
            self.close_connection = True
            self.connection.close()
            return
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the class that is overridden
        """Say nothing."""


@pytest.fixture
def background() -> Iterator[Vendor]:
    """A vendor of background responses."""
    vendor = Vendor()
    thread = threading.Thread(target=vendor.serve_forever, daemon=True)
    thread.start()
    yield vendor
    vendor.shutdown()
    vendor.server_close()


def _response(status: str, usage: dict[str, Any] | None = None, name: str = "resp_1") -> dict[str, Any]:
    return {"id": name, "object": "response", "status": status, "background": True, "model": "gpt-4o", "output": [], "usage": usage}


def _config(vendor: Vendor) -> str:
    return (
        f'providers:\n  openai: {{{{base_url: "{vendor.url}/v1", api_key_env: VENDOR_KEY, retries: {{{{backoff: 10ms}}}}}}}}\n'
        "budgets:\n  jobs: {{scope: {{feature: jobs}}, limit: $10, period: month}}\n"
    )


def _begin(service: Any, feature: str = "jobs") -> httpx.Response:
    body = {"model": "gpt-4o", "input": "x", "background": True}
    return httpx.post(f"{service.url}/v1/responses", json=body, headers={"breakeven-feature": feature}, timeout=30)


def _reason(service: Any, call: dict[str, Any]) -> str:
    with open_ledger(service.ledger) as ledger:
        asked = {"call": str(call["call_id"])}
        ((reason,),) = ledger.query("SELECT reason FROM cost_lines WHERE call_id = $call::UUID", asked)
    return str(reason)


def test_it_is_metered_when_the_vendor_says_what_it_used(own_service: Callable[..., Any], background: Vendor) -> None:
    """Through waits, an early 404, a lost connection and a failing vendor: one call, whose cost its budget bears."""
    background.begun = _response("queued")
    told: list[tuple[int, dict[str, Any] | None]] = [(404, {}), (200, _response("in_progress")), (200, None), (503, {})]
    background.told = [*told, (200, _response("completed", USAGE))]
    service = own_service(_config(background))
    answer = _begin(service)
    assert (answer.status_code, answer.json()) == (200, background.begun)
    (call,) = service.calls(1, "feature = 'jobs'", 30)
    assert (call["state"], call["input_tokens"], call["output_tokens"], service.cost(call)) == ("metered", 1000, 10, COST)
    assert str(call["call_id"]) == answer.headers["breakeven-call-id"]
    looks = [each for each in background.asked if each[0] == "GET"]
    assert len(looks) == 5
    assert set(looks) == {("GET", "/v1/responses/resp_1", "Bearer sk-the-vendors-secret")}
    left = float(_begin(service).headers["breakeven-budget-remaining-usd"])
    assert left == 10 - float(COST)
    service.calls(2, "feature = 'jobs'", 30)
    time.sleep(1.5)
    assert len([each for each in background.asked if each[0] == "GET"]) == 6


def test_a_stream_that_breaks_off(own_service: Callable[..., Any], background: Vendor) -> None:
    """A background response that is streamed goes on without its stream: what the stream did not say is asked for."""
    background.begun, background.streams = _response("in_progress"), True
    background.told = [(200, _response("in_progress")), (200, _response("completed", USAGE))]
    service = own_service(_config(background))
    body = {"model": "gpt-4o", "input": "x", "background": True, "stream": True}
    with httpx.stream("POST", f"{service.url}/v1/responses", json=body, headers={"breakeven-feature": "jobs"}) as answer:
        assert b"resp_1" in answer.read()
    (call,) = service.calls(1, "feature = 'jobs'", 30)
    assert (call["state"], service.cost(call)) == ("metered", COST)


def test_looking_at_it_bills_nothing(service: Any, vendor: ScriptedUpstream) -> None:
    """A caller who fetches the response again and again finds its usage each time; the ledger has it once."""
    del vendor
    feature = uuid.uuid4().hex
    begun = _begin(service, feature).json()
    assert (begun["status"], begun["usage"]) == ("queued", None)
    for _ in range(3):
        looked = httpx.get(f"{service.url}/v1/responses/{begun['id']}", headers={"breakeven-feature": feature})
        assert looked.json()["usage"]["total_tokens"] > 0
    calls = service.calls(4, f"feature = '{feature}'")
    assert sorted(call["state"] for call in calls) == ["metered", "not_billed", "not_billed", "not_billed"]
    (begun_call,) = [call for call in calls if call["state"] == "metered"]
    assert service.cost(begun_call) not in (None, "0")
    assert {service.cost(call) for call in calls if call is not begun_call} == {"0"}
    ended = httpx.post(f"{service.url}/v1/responses/{begun['id']}/cancel", headers={"breakeven-feature": feature})
    assert ended.status_code == 200
    assert {call["state"] for call in service.calls(5, f"feature = '{feature}'")} == {"metered", "not_billed"}


@pytest.mark.parametrize(
    ("begun", "told", "reason"),
    [
        (_response("queued", name="../../files/x?y"), (404, {}), "answered 404"),
        (_response("queued"), (200, _response("cancelled")), "says nothing of what it used"),
        ({**_response("queued"), "id": None}, (200, {}), "nobody could be asked"),
    ],
    ids=["unknown to the vendor", "cancelled", "without an id"],
)
def test_what_is_never_told_stays_unknown(
    own_service: Callable[..., Any], background: Vendor, begun: dict[str, Any], told: tuple[int, dict[str, Any]], reason: str
) -> None:
    """A response that is gone, cancelled or has no name is a call of unknown cost, and says why; its name leads nowhere else."""
    background.begun, background.told = begun, [told]
    service = own_service(_config(background))
    assert _begin(service).status_code == 200
    (call,) = service.calls(1, "feature = 'jobs'", 30)
    assert (call["state"], service.cost(call)) == ("usage_missing", None)
    assert reason in _reason(service, call)
    assert {path for method, path, _ in background.asked if method == "GET"} <= {
        "/v1/responses/resp_1", "/v1/responses/..%2F..%2Ffiles%2Fx%3Fy",
    }  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_gateway_that_ends_before_it_is_told(own_service: Callable[..., Any], background: Vendor, number: int) -> None:
    """What a stopped or killed worker waited for is a visible gap, once."""
    background.begun, background.told = _response("queued"), [(200, _response("in_progress"))]
    service = own_service(_config(background))
    assert _begin(service).status_code == 200
    if number == signal.SIGKILL:
        (worker,) = service.children("gateway.worker")
        os.kill(worker, number)
        background.begun = _response("completed", USAGE)
        assert _begin(service, "others").status_code == 200
        service.calls(1, "feature = 'others'", 30)
    service.stop()
    (call,) = service.calls(1, "feature = 'jobs'", 30)
    assert (call["state"], service.cost(call)) == ("usage_missing", None)
    if number == signal.SIGTERM:
        assert "stopped before the background response resp_1" in _reason(service, call)
