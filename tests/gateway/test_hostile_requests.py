"""Requests that could be read in two ways, that are too large, or that are noise: a clear 4xx, and nothing reaches the vendor."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breakeven.testing import ScriptedUpstream

POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
SMUGGLED = b"GET /v1/models?smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
REFUSED = {
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}" + SMUGGLED, 400),
    "a length and chunks": (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "chunks and a length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "an unknown coding": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "a coding in disguise": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "a length in words": (POST + b"Content-Length: ten\r\n\r\n", 400),
    "a space before the colon": (POST + b"Content-Length : 2\r\n\r\n{}", 400),
    "bare line feeds": (b"POST /v1/chat/completions HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}", 400),
    "a folded header": (POST + b"X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}", 400),
    "a NUL in a header": (POST + b"X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}", 400),
    "no host": (b"GET /v1/models HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "two credentials": (b"GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", 400),
    "a bad chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a websocket": (b"GET /v1/realtime HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 501),
    "too many headers": (POST + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + b"\r\n", 431),
    "a header too long": (POST + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "a target too long": (b"GET /v1/" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a body too large": (POST + b"Content-Length: 999999999\r\n\r\n", 413),
    "upwards": (b"GET /v1/../admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "upwards, encoded": (b"GET /openai/%2e%2e/%2e%2e/admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "upwards, encoded twice": (b"GET /openai/%252e%252e/admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "another host": (b"GET http://evil.test/v1/models HTTP/1.1\r\nHost: evil.test\r\n\r\n", 400),
    "another host by slashes": (b"GET //evil.test/v1/models HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a tunnel": (b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n", 501),
    "nowhere": (b"GET /etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind: str, service: Any, vendor: ScriptedUpstream) -> None:
    """Each is answered once, in JSON that says what is wrong, and what follows it on the connection is not acted upon."""
    content, status = REFUSED[kind]
    received = service.raw(content, 2.0)
    assert received.startswith(b"HTTP/1.1 %d " % status), received[:200]
    assert json.loads(received.split(b"\r\n\r\n", 1)[1])["error"]["message"]
    assert len(re.findall(rb"HTTP/1\.1 \d{3} ", received)) == 1
    assert not [each for each in vendor.journal if "smuggled" in each.target or each.method == "CONNECT"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(min_size=1, max_size=300), prefix=st.sampled_from([b"", b"GET ", POST, POST + b"Content-Length: 3\r\n\r\n"]))
def test_noise_never_breaks_it(noise: bytes, prefix: bytes, service: Any) -> None:
    """Whatever bytes come, the gateway answers the next caller, and never with a 5xx of its own for what it could not read."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as connection:
        connection.sendall(prefix + noise)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert not received.startswith(b"HTTP/1.1 500")
    assert b"200" in service.raw(b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")[:15]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=200))
def test_no_header_can_be_injected(value: str, service: Any, vendor: ScriptedUpstream) -> None:
    """Whatever an attribution header or a model is called, the vendor sees one request without it and the caller one response."""
    vendor.journal.clear()
    encoded = "".join(f"%{byte:02x}" for byte in value.encode())
    body = json.dumps({"model": value + "\r\nx-injected: 1", "messages": []}).encode()
    head = POST + f"breakeven-feature: {encoded}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    received = service.raw(head + body)
    assert received.startswith(b"HTTP/1.1 200")
    assert b"\r\nx-injected" not in received.split(b"\r\n\r\n")[0]
    assert len(vendor.journal) == 1
    assert vendor.journal[0].header("x-injected") is None
    assert vendor.journal[0].header("breakeven-feature") is None
