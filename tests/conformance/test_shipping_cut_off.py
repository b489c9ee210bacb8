"""Shipping through a proxy that breaks every request once, wherever it breaks it: in the end the copy is exactly the ledger."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pytest

from breakeven.cli.main import run
from breakeven.errors import Unreachable
from breakeven.ledger import open_ledger
from breakeven.ledger.clickhouse.connection import connected, facts_at
from breakeven.ledger.clickhouse.shipping import Shipper
from breakeven.ledger.layout import Layout
from breakeven.ledger.restate import restate
from breakeven.settings.clickhouse import ClickHouseAddress
from breakeven.testing import FixedQuotes

Cut = Literal["before", "middle", "after", "answer lost", "half an answer", "bad gateway"]
CUTS: tuple[Cut, ...] = Cut.__args__  # type: ignore[attr-defined] # the words of the literal
Start = Callable[[str], ClickHouseAddress]
PRICES = FixedQuotes({"m": {"input": "2.50", "output": "10"}})
DEARER = FixedQuotes({"m": {"input": "5", "output": "10"}, "mystery": {"input": "1", "output": "1"}}, version="v2")
MOST_TRIES = 150
QUERIES = (
    "SELECT call_id, attempt, state, input_tokens FROM calls",
    "SELECT call_id, attempt, line, cost, state, adjustment_of FROM cost_lines",
    "SELECT day, state, CAST(sum(call_count) AS BIGINT) AS calls FROM rollup_calls GROUP BY day, state HAVING sum(call_count) <> 0",
    "SELECT day, state, kind, sum(cost) AS cost, CAST(sum(line_count) AS BIGINT) AS n FROM rollup_costs GROUP BY day, state, kind",
)


class CuttingProxy:
    """Listens at `port` and passes on to the server at `upstream`.

    before: nothing of a request arrives · middle: half of its body does · after: all of it, and then the connection is gone while
    the server works · answer lost: the server has answered · half an answer: that comes through half · bad gateway: the server has
    answered, and the proxy says 502 in words of its own.
    """

    def __init__(self, upstream: int, cut: Cut) -> None:
        self.upstream, self.cut = upstream, cut
        self.broken: set[tuple[str, bytes]] = set()
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
                """Be quiet."""

            def do_GET(self) -> None:
                proxy._pass(self, b"", whole=True)

            def do_POST(self) -> None:
                proxy._handle(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, asked: BaseHTTPRequestHandler) -> None:
        body = _body(asked)
        key = (re.sub(r"&?(query_id|session_id)=[^&]*", "", asked.path), body)
        with self._lock:
            first = key not in self.broken
            self.broken.add(key)
        self._pass(asked, body, whole=not first)

    def _pass(self, asked: BaseHTTPRequestHandler, body: bytes, *, whole: bool) -> None:
        cut = None if whole else self.cut
        if cut == "before":
            _hang_up(asked)
            return
        with socket.create_connection(("127.0.0.1", self.upstream)) as server:
            head = [f"{asked.command} {asked.path} HTTP/1.1", f"Content-Length: {len(body)}", "Connection: close"]
            known = ("content-length", "transfer-encoding", "connection")
            head += [f"{name}: {value}" for name, value in asked.headers.items() if name.lower() not in known]
            sent = body[: len(body) // 2] if cut == "middle" else body
            server.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + sent)
            if cut == "middle":
                server.shutdown(socket.SHUT_WR)
                server.recv(1)  # the server has seen that half is missing
                _hang_up(asked)
                return
            if cut == "after":
                _hang_up(asked)  # the server still works on it
            answer = http.client.HTTPResponse(server, method=asked.command)
            answer.begin()
            content = answer.read()
        if cut in ("after", "answer lost"):
            _hang_up(asked)
            return
        if cut == "bad gateway":
            asked.send_response(502)
            content = b"<html>Bad Gateway</html>"
            asked.send_header("Content-Length", str(len(content)))
            asked.end_headers()
            asked.wfile.write(content)
            return
        asked.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "server", "date"):
                asked.send_header(name, value)
        asked.send_header("Content-Length", str(len(content)))
        asked.end_headers()
        if cut == "half an answer":
            asked.wfile.write(content[: len(content) // 2])
            _hang_up(asked)
            return
        asked.wfile.write(content)


def _body(asked: BaseHTTPRequestHandler) -> bytes:
    if asked.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
    parts: list[bytes] = []
    while size := int(asked.rfile.readline().split(b";")[0], 16):
        parts.append(asked.rfile.read(size))
        asked.rfile.readline()
    asked.rfile.readline()
    return b"".join(parts)


def _hang_up(asked: BaseHTTPRequestHandler) -> None:
    asked.close_connection = True
    with suppress(OSError):  # it has gone already
        asked.connection.shutdown(socket.SHUT_RDWR)


def _grown(root: Path) -> None:
    """Three segments: calls with and without a price in two months, some more, and a restatement that changes prices and states."""
    for days in (("2026-09-30T23:59:59", "2026-10-01T00:00:00"), ("2026-10-02T10:00:00",)):
        with (
            open_ledger(root, write=True, create=True) as ledger,
            ledger.intake(source="import:test", quotes=PRICES, recorded_at=datetime(2026, 11, 1)) as intake,
        ):
            intake.stage_rows(
                [
                    {"occurred_at": day, "provider": "openai", "model": model, "input": 1000, "output": 100, "feature": "f"}
                    for day in days
                    for model in ("m", "mystery")
                ]
            )
            intake.commit()
    with open_ledger(root, write=True) as ledger:
        restate(ledger, DEARER, datetime(2026, 9, 1), datetime(2026, 11, 20))


def _tried(root: Path, address: ClickHouseAddress) -> bool:
    """One try as the bookkeeper makes it, with a connection of its own; whether it came to an end."""
    try:
        shipper = Shipper(connected(address, create=True), str(address))
    except Unreachable:
        return False
    try:
        shipper.ship(Layout(root))
    except Unreachable:
        return False
    finally:
        shipper.close()
    return True


@pytest.mark.parametrize("cut", CUTS)
def test_every_request_may_break_once(tmp_path: Path, start_clickhouse: Start, cut: Cut) -> None:
    """Whatever a cut does, it is told as *unreachable* and as nothing else, and trying again ends with the same facts and sums."""
    direct = start_clickhouse(f"cut_{cut.replace(' ', '_')}")
    root = tmp_path / "ledger"
    _grown(root)
    shipper = Shipper(connected(direct, create=True), str(direct))
    shipper.ship(Layout(root), 0)  # the tables: that they may be cut off too is shown below
    shipper.close()
    with CuttingProxy(direct.port, cut) as proxy:
        through = replace(direct, port=proxy.port)
        tries = 1
        while not _tried(root, through):
            tries += 1
            assert tries < MOST_TRIES
        assert len(proxy.broken) > 20  # connecting, looking and every insert, correction and commit
    assert _tried(root, direct)  # nothing is left to ship, nothing is there twice
    with open_ledger(root) as ledger, facts_at(direct) as facts:
        for sql in QUERIES:
            assert sorted(map(repr, facts.query(sql))) == sorted(map(repr, ledger.query(sql))), sql


@pytest.mark.slow
@pytest.mark.parametrize("cut", ["middle", "answer lost", "bad gateway"])
def test_the_command_says_so_and_may_be_repeated(
    tmp_path: Path, start_clickhouse: Start, capsys: pytest.CaptureFixture[str], cut: Cut
) -> None:
    """`ledger export` through such a proxy ends with exit code 4 and a message until it gets through, and then compares equal."""
    direct = start_clickhouse(f"told_{cut.replace(' ', '_')}")
    root = tmp_path / "ledger"
    _grown(root)
    with CuttingProxy(direct.port, cut) as proxy:
        command = ["ledger", "export", "--to", str(replace(direct, port=proxy.port)), "--ledger", str(root), "--json"]
        codes = {4}
        while 0 not in codes:
            capsys.readouterr()
            codes.add(run(command))
            assert codes <= {0, 4}, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)["equal"] is True
