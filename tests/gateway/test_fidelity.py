"""What was not changed arrives byte for byte, in both directions."""

from __future__ import annotations

import gzip
import json
import socket
import urllib.request
import uuid
from typing import Any

import httptools
import pytest

from breakeven.testing import ScriptedUpstream

OURS = (b"breakeven-call-id", b"breakeven-cost-usd", b"breakeven-model")


class Received:
    """One response, taken apart by llhttp."""

    def __init__(self, content: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)
        self._parser.feed_data(content)
        self.status = self._parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """The response is whole."""
        self.complete = True

    def theirs(self) -> list[tuple[bytes, bytes]]:
        """The headers without ours and without those about one connection."""
        dropped = (*OURS, b"transfer-encoding", b"content-length", b"connection")
        return [(name, value) for name, value in self.headers if name.lower() not in dropped]


def request(path: str, body: bytes, *headers: tuple[str, str], method: str = "POST") -> bytes:
    """A request as an application sends it, closed after its answer."""
    lines = [f"{method} {path} HTTP/1.1", "Host: example.test", *(f"{name}: {value}" for name, value in headers)]
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def direct(vendor: ScriptedUpstream, content: bytes) -> Received:
    """The vendor's own answer to these bytes."""
    with socket.create_connection(("127.0.0.1", vendor.port), timeout=5) as connection:
        connection.sendall(content)
        received = b""
        while True:
            received += connection.recv(65536)
            found = Received(received)
            if found.complete:
                return found


CHAT = json.dumps(
    {"model": "gpt-4o", "messages": [{"role": "user", "content": "é ✓ \u2028"}], "novel": {"b": 1, "a": [1e400]}}
).encode()
STREAM = b'{ "stream" :true,"model":"gpt-4o-words-5","messages":[{"role":"user","content":"hello \\u00e9"}] }'
MESSAGES = b'{"model":"claude-sonnet-4-6","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hello"}]}'
RESPONSES = b'{"model":"gpt-4o","input":"hello","stream":true}'
KINDS = {
    "chat": ("/v1/chat/completions", CHAT),
    "stream": ("/v1/chat/completions", STREAM),
    "messages": ("/v1/messages", MESSAGES),
    "responses": ("/v1/responses", RESPONSES),
    "embeddings": ("/v1/embeddings", b'{"model":"text-embedding-3-small","input":"hello"}'),
    "gemini": ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", b'{"contents":[{"parts":[{"text":"hello"}]}]}'),
    "converse": ("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream", b'{"messages":[]}'),
    "invoke": (
        "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke-with-response-stream",
        b'{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}',
    ),
    "unknown path": ("/v1/threads/abc/runs?x=%20y&z=1;2", b"\x00\xff not json"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_the_vendors_own(kind: str, service: Any, vendor: ScriptedUpstream) -> None:
    """Body and headers of the answer are those of a direct call, headers in their order; ours stand at the end."""
    path, body = KINDS[kind]
    headers = (("Content-Type", "application/json"), ("Accept-Encoding", "identity"))
    through = Received(service.raw(request(path, body, *headers)))
    own = direct(vendor, request(path, body, *headers))
    assert through.complete
    assert (through.status, through.body) == (own.status, own.body)
    assert through.theirs() == own.theirs()
    ours = [name for name, _ in through.headers if name in OURS]
    assert ours[0] == b"breakeven-call-id"
    assert [name for name, _ in through.headers][-len(ours) - 1 :] == [*ours, b"connection"]


@pytest.mark.parametrize("kind", ["chat", "stream", "messages", "unknown path"])
def test_requests_arrive_as_they_were_sent(kind: str, service: Any, vendor: ScriptedUpstream) -> None:
    """Body, target and headers arrive in their order and spelling, without attribution and what is about one connection."""
    path, body = KINDS[kind]
    kept = [("X-Zeta", "1"), ("content-TYPE", "application/json"), ("x-alpha", "  inner  space  ".strip()), ("X-Zeta", "2")]
    gone = [
        ("breakeven-feature", "search"), ("Helicone-User-Id", "u"), ("baggage", "a=b"), ("x-claude-code-session-id", "s"),
        ("cf-aig-metadata", "{}"), ("Helicone-Property-Plan", "p"), ("x-litellm-tags", "a"), ("x-portkey-metadata", "{}"),
        ("x-bf-customer-id", "c"), ("Helicone-Auth", "Bearer s"), ("x-portkey-api-key", "s"),
        ("breakeven-invented", "x"), ("Authorization", "Bearer mine"),
    ]  # fmt: skip
    mixed = [pair for both in zip(kept, gone, strict=False) for pair in both] + gone[len(kept) :]
    service.raw(request(path, body, *mixed))
    (arrived,) = vendor.journal
    assert arrived.target == path
    if kind == "stream":
        assert arrived.body == STREAM.replace(b"{ ", b'{"stream_options":{"include_usage":true}, ', 1)
    else:
        assert arrived.body == body
    names = [name.lower() for name, _ in arrived.headers]
    assert not set(names) & ({name.lower().encode() for name, _ in gone} - {b"authorization", b"x-api-key"})
    theirs = [
        (name.decode(), value.decode()) for name, value in arrived.headers if name.lower() in {k.lower().encode() for k, _ in kept}
    ]
    assert theirs == kept
    assert arrived.header("host") == f"127.0.0.1:{vendor.port}"
    assert "sk-the-vendors-secret" in (arrived.header("authorization") or arrived.header("x-api-key") or "")


@pytest.mark.parametrize("kind", ["stream", "messages", "responses", "converse", "invoke"])
def test_streams_cut_at_every_byte(kind: str, service: Any, vendor: ScriptedUpstream) -> None:
    """However a stream is cut on its way, the caller gets the bytes of a direct call and the usage is read all the same."""
    path, body = KINDS[kind]
    feature = uuid.uuid4().hex
    whole = direct(vendor, request(path, body)).body
    sizes = [1, 2, 3, 5, 7, 11, 13, 64, 1000, len(whole) - 1, len(whole)]
    for size in sizes:
        headers = (("x-script", json.dumps({"cut": size})), ("breakeven-feature", feature))
        assert Received(service.raw(request(path, body, *headers))).body == whole
    calls = service.calls(len(sizes), f"feature = '{feature}'")
    assert {(call["state"], call["output_tokens"]) for call in calls} == {("metered", 5 if kind == "stream" else 12)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["stream", "messages"])
def test_streams_split_at_every_byte(kind: str, service: Any, vendor: ScriptedUpstream) -> None:
    """A stream in two pieces, split at each of its bytes in turn, reaches the caller whole and is metered each time."""
    path, body = KINDS[kind]
    feature = uuid.uuid4().hex
    whole = direct(vendor, request(path, body)).body
    for split in range(1, len(whole)):
        headers = (("x-script", json.dumps({"split": split})), ("breakeven-feature", feature))
        assert Received(service.raw(request(path, body, *headers))).body == whole, split
    calls = service.calls(len(whole) - 1, f"feature = '{feature}'", 10.0)
    assert {call["state"] for call in calls} == {"metered"}


def test_the_callers_own_wish_for_usage_stays(service: Any, vendor: ScriptedUpstream) -> None:
    """A caller that asks for the usage gets it, and its request is not touched."""
    body = b'{"stream_options":{ "include_usage": true },"stream":true,"model":"gpt-4o","messages":[]}'
    through = Received(service.raw(request("/v1/chat/completions", body)))
    assert vendor.journal[0].body == body
    assert b'"usage":{' in through.body
    assert b'"usage":null' in through.body


def test_compressed_answers_stay_compressed(service: Any, vendor: ScriptedUpstream) -> None:
    """A gzip answer goes on as it is and is metered; codings that cannot be read are not asked for."""
    feature = uuid.uuid4().hex
    headers = (("Accept-Encoding", "br, gzip;q=0.9, zstd"), ("x-script", '{"encoding":"gzip"}'), ("breakeven-feature", feature))
    through = Received(service.raw(request("/v1/chat/completions", CHAT, *headers)))
    assert gzip.decompress(through.body) == direct(vendor, request("/v1/chat/completions", CHAT)).body
    assert vendor.journal[0].header("accept-encoding") == "gzip;q=0.9"
    assert service.calls(1, f"feature = '{feature}'")[0]["state"] == "metered"


def test_connections_are_kept_and_pipelining_works(service: Any) -> None:
    """Several requests sent at once on one connection are answered in their order."""
    one = (
        b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 45\r\n\r\n"
        + b'{"model":"text-embedding-3-small","input":"a"}'[:45]
    )
    listed = b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = service.raw(one + listed + one + last)
    assert received.count(b"HTTP/1.1 200") == 4
    order = [received.find(mark) for mark in (b'"list","data":[{"object":"embedding"', b'"owned_by":"invented"', b"live\n")]
    assert order == sorted(order)


def test_head_requests_and_old_clients(service: Any) -> None:
    """HEAD has no body; a client of HTTP/1.0 gets an unchunked stream that ends with the connection."""
    head = service.raw(b"HEAD /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert head.endswith(b"\r\n\r\n")
    old = service.raw(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(STREAM) + STREAM)
    assert b"chunked" not in old.lower()
    assert old.endswith(b"data: [DONE]\n\n")


def test_the_cost_in_the_body(own_service: Any, vendor: ScriptedUpstream, usual_config: str) -> None:
    """Where it is switched on, `usage.cost` is the exact cost, and every other byte of the body stays."""
    service = own_service(usual_config + "gateway: {{usage_cost: true}}\n")
    content = request("/v1/chat/completions", CHAT)
    through, own = Received(service.raw(content)), direct(vendor, content)
    (call,) = service.calls(1)
    cost = f',"cost":{service.cost(call)}'.encode()
    assert cost in through.body
    assert through.body.replace(cost, b"") == own.body


def test_web_pages_spend_nothing(service: Any, vendor: ScriptedUpstream) -> None:
    """A page of another site in the user's browser cannot use a gateway that needs no keys."""
    for header in (("Origin", "https://evil.test"), ("Sec-Fetch-Site", "cross-site")):
        assert Received(service.raw(request("/v1/chat/completions", CHAT, header))).status == 403
    assert not vendor.journal


def test_other_machines_need_keys(own_service: Any, usual_config: str) -> None:
    """Listening for other machines, the gateway asks everybody for a virtual key unless told otherwise."""
    service = own_service(usual_config, "--gateway-host", "0.0.0.0")  # noqa: S104 - that is the point
    assert Received(service.raw(request("/v1/chat/completions", CHAT))).status == 401


def test_the_addresses_told_can_be_opened(own_service: Any, usual_config: str) -> None:
    """Listening on every address, `serve` names one that a client of this machine can use, the dashboard's too."""
    service = own_service(usual_config, "--gateway-host", "0.0.0.0")  # noqa: S104 - that is the point
    said = service.log.read_text()
    assert f"OPENAI_BASE_URL=http://127.0.0.1:{service.port}/v1" in said
    dashboard = next(word for word in said.split() if word.startswith("http") and word.endswith(".")).rstrip(".")
    with urllib.request.urlopen(dashboard, timeout=10) as page:  # noqa: S310 - the address is our own
        assert page.status == 200
