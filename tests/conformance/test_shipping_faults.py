"""Shipping to ClickHouse and moving there and back, cut off and killed at requests all along the way, and on full disks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.ledger import open_ledger
from breakeven.ledger.clickhouse.connection import facts_at
from breakeven.ledger.restate import restate
from breakeven.settings.clickhouse import ClickHouseAddress, parse_address
from breakeven.testing import FixedQuotes

Start = Callable[[str], ClickHouseAddress]
SERVER = Path(__file__).with_name("local_clickhouse.py")
PLAIN = FixedQuotes({"m": {"input": "2.50", "output": "10"}})
PRICED = FixedQuotes({"m": {"input": "2.50", "output": "10"}, "mystery": {"input": "1", "output": "1"}}, version="v2")
SUMS = (
    "SELECT state, count(*) AS calls, sum(input_tokens) AS tokens FROM calls GROUP BY state",
    "SELECT state, kind, count(*) AS lines, sum(cost) AS cost FROM cost_lines GROUP BY state, kind",
    "SELECT state, CAST(sum(call_count) AS BIGINT) AS calls FROM rollup_calls GROUP BY state HAVING sum(call_count) <> 0",
    "SELECT state, kind, sum(cost) AS cost, CAST(sum(line_count) AS BIGINT) AS lines FROM rollup_costs GROUP BY state, kind",
)
ENOUGH = 200
"""Requests of one export, at most: a bound for the loops over them."""
STEP = 7
"""Each test begins at a request of its own and goes on in steps of this many."""


class Line(ThreadingHTTPServer):
    """The line to a server, which fails from its n-th request on."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passed)
        self.behind = port
        self.how, self.fatal, self.seen = "whole", 0, 0
        self.victim: int | None = None
        self._lock = threading.Lock()

    def fail(self, how: str, fatal: int) -> None:
        """From the request `fatal` on: `before`, `half`, `after` (done there, never answered) or `kill`."""
        self.how, self.fatal, self.seen, self.victim = how, fatal, 0, None

    def next(self) -> int:
        """How far the next request is from the fatal one: below 0 it passes."""
        with self._lock:
            self.seen += 1
            return self.seen - self.fatal

    def handle_error(self, *_: object) -> None:
        """Be quiet."""


class _Passed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Line

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Be quiet."""

    def do_GET(self) -> None:
        """Pass a request on, or fail."""
        self._pass(b"")

    def do_POST(self) -> None:
        """Pass a request on, or fail."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._pass(body)

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        content = self.rfile.read(size)
        self.rfile.readline()
        return content

    def _pass(self, body: bytes) -> None:
        ahead = self.server.next() if self.server.how != "whole" else -1
        if ahead > 0 or (ahead == 0 and self.server.how == "before"):
            self.close_connection = True
            return
        if ahead == 0 and self.server.how == "half":
            self._half(body)
            return
        answer, content = self._forwarded(body)
        if ahead == 0 and self.server.how in ("after", "kill"):
            if self.server.how == "kill" and self.server.victim is not None:
                os.kill(self.server.victim, signal.SIGKILL)
            self.close_connection = True
            return
        self.send_response(answer)
        for name, value in content[0]:
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content[1])))
        self.end_headers()
        self.wfile.write(content[1])

    def _given(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name.lower() not in ("transfer-encoding", "content-length")}

    def _forwarded(self, body: bytes) -> tuple[int, tuple[list[tuple[str, str]], bytes]]:
        behind = HTTPConnection("127.0.0.1", self.server.behind, timeout=60)
        try:
            behind.request(self.command, self.path, body, self._given())
            answer = behind.getresponse()
            return answer.status, (answer.getheaders(), answer.read())
        finally:
            behind.close()

    def _half(self, body: bytes) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in self._given().items())
        with socket.create_connection(("127.0.0.1", self.server.behind), timeout=60) as behind:
            start = f"{self.command} {self.path} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n"
            behind.sendall(start.encode() + body[: len(body) // 2])
        self.close_connection = True


@pytest.fixture
def line(start_clickhouse: Start) -> Iterator[Line]:
    """A line to the local server that can fail."""
    with Line(start_clickhouse("x").port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _grown(root: Path, number: int) -> None:
    """Two segments more: calls with and without a price, in two months; and a restatement that prices the rest."""
    day = datetime(2026, 9, 30, 23, 59) + timedelta(seconds=number)
    with (
        open_ledger(root, write=True, create=True) as ledger,
        ledger.intake(source="import:test", quotes=PLAIN, recorded_at=datetime(2026, 11, 1)) as intake,
    ):
        intake.stage_rows(
            [
                {"occurred_at": when.isoformat(), "provider": "openai", "model": model, "input": 1000 + number, "feature": "f"}
                for when in (day, day + timedelta(hours=1))
                for model in ("m", "mystery")
            ]
        )
        intake.commit()
    with open_ledger(root, write=True) as ledger:
        restate(ledger, PRICED, datetime(2026, 9, 1), datetime(2026, 11, 20))


def _same(root: Path, address: ClickHouseAddress) -> bool:
    with open_ledger(root) as ledger, facts_at(address) as facts:
        return all(sorted(map(str, ledger.query(sql))) == sorted(map(str, facts.query(sql))) for sql in SUMS)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "how"), [(1, "before"), (2, "half"), (3, "after")])
def test_a_cut_at_any_request_loses_and_doubles_nothing(
    tmp_path: Path, start_clickhouse: Start, line: Line, capsys: pytest.CaptureFixture[str], first: int, how: str
) -> None:
    """Cut off at each seventh request of an export in turn: exit code 4 and a reason; the same again completes the copy exactly."""
    address = start_clickhouse(f"cut_{how}")
    through = parse_address(f"clickhouse://default@127.0.0.1:{line.server_port}/{address.database}")
    root = tmp_path / "ledger"
    for fatal in range(first, ENOUGH, STEP):
        _grown(root, fatal)
        line.fail(how, fatal)
        code = run(["ledger", "export", "--to", str(through), "--ledger", str(root)])
        told = capsys.readouterr().err
        assert run(["ledger", "export", "--to", str(address), "--ledger", str(root)]) == 0, (fatal, capsys.readouterr().err)
        if code == 0:
            break
        assert code == 4, told
        assert "Traceback" not in told
    else:
        pytest.fail("an export has more requests than are tried here")
    assert fatal > 10
    assert _same(root, address)


@pytest.mark.slow
def test_a_kill_at_any_request_loses_and_doubles_nothing(tmp_path: Path, start_clickhouse: Start, line: Line) -> None:
    """`kill -9` after each seventh request of an export: the same again completes the copy exactly."""
    address = start_clickhouse("killed")
    through = f"clickhouse://default@127.0.0.1:{line.server_port}/killed"
    root = tmp_path / "ledger"
    for fatal in range(4, ENOUGH, STEP):
        _grown(root, fatal)
        line.fail("kill", fatal)
        command = [sys.executable, "-m", "breakeven", "ledger", "export", "--to", through, "--ledger", str(root)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
            line.victim = child.pid
        assert run(["ledger", "export", "--to", str(address), "--ledger", str(root)]) == 0, fatal
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL
    assert fatal > 10
    assert _same(root, address)


SMALL = """
import sys
from pathlib import Path
from breakeven.cli.main import run
place, wanted = Path(sys.argv[1]), sys.argv[2:]
code = run(wanted)
print(code, sorted(path.name for path in place.iterdir()))
"""


def _on_a_small_disk(place: Path, size: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, where `place` is a disk of its own that takes `size`."""
    mounted = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, str(place)]
    command += [sys.executable, "-c", SMALL, str(place), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("way", ["export", "import"])
def test_a_move_to_a_full_disk_leaves_nothing(tmp_path: Path, start_clickhouse: Start, way: str) -> None:
    """Where the new place takes no more, that is told (exit code 4) and no half ledger is left; with room it arrives whole."""
    root, place = tmp_path / "ledger", tmp_path / "small"
    _grown(root, 1)
    place.mkdir()
    if way == "import":
        address = str(start_clickhouse("small"))
        assert run(["ledger", "export", "--to", address, "--ledger", str(root)]) == 0
        arguments = ["ledger", "import", "--from", address, "--ledger", str(place / "copy")]
    else:
        arguments = ["ledger", "export", "--to", str(place / "copy"), "--ledger", str(root)]
    for size in ("16k", "64k", "1m"):
        full = _on_a_small_disk(place, size, *arguments)
        assert full.stdout.splitlines()[-1] == "4 []", (size, full.stdout)
        assert "No space left on device" in full.stderr
        assert "Traceback" not in full.stderr
    assert _on_a_small_disk(place, "64m", *arguments).stdout.splitlines()[-1] == "0 ['copy']"


@pytest.mark.slow
def test_a_killed_move_is_done_again(tmp_path: Path) -> None:
    """`kill -9` just before the copy gets its name: there is no copy, and the next move makes it and clears up."""
    root, copy = tmp_path / "ledger", tmp_path / "copy"
    _grown(root, 1)
    dying = "import os, signal, sys; from pathlib import Path; from breakeven.cli.main import run"
    dying += "; Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL); run(sys.argv[1:])"
    arguments = ["ledger", "export", "--to", str(copy), "--ledger", str(root)]
    assert subprocess.run([sys.executable, "-c", dying, *arguments], check=False).returncode == -signal.SIGKILL
    assert not copy.exists()
    assert len(list(tmp_path.glob(".copy.*"))) == 1
    assert run(arguments) == 0
    assert run(["ledger", "verify", "--ledger", str(copy)]) == 0
    assert list(tmp_path.glob(".copy.*")) == []
