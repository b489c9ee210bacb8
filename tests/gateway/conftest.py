"""A real `breakeven serve` before the scripted vendor, as an application sees it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from breakeven.ledger import open_ledger
from breakeven.testing import ScriptedUpstream

PATIENCE = 20.0
SOURCE = Path(__file__).parents[2] / "src"
CONFIG = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{backoff: 10ms, max_backoff: 1s}}}}
  anthropic: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{backoff: 10ms, max_backoff: 1s}}}}
  google: {{base_url: "{vendor}", api_key_env: VENDOR_KEY}}
  bedrock: {{base_url: "{vendor}", region: eu-west-1, credential: bearer, api_key_env: VENDOR_KEY}}
  backup: {{vendor: openai, base_url: "{vendor}/backup/v1", api_key_env: VENDOR_KEY}}
routes:
  - {{model: "guarded-*", to: [openai, {{provider: backup, model: gpt-4o-mini}}]}}
"""


class Service:
    """One running gateway."""

    def __init__(
        self, folder: Path, vendor: ScriptedUpstream, config: str = CONFIG, *arguments: str, modules: Path | None = None
    ) -> None:
        self.ledger = folder / "ledger"
        self.config = folder / "breakeven.yaml"
        self.vendor = vendor
        self.log = folder / "serve.log"
        self.config.write_text(config.format(vendor=vendor.url))
        self._arguments = arguments
        self._path = os.pathsep.join(str(each) for each in (modules, SOURCE) if each is not None)
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        """Start it and wait until it serves."""
        environment = {**os.environ, "PYTHONPATH": self._path, "VENDOR_KEY": "sk-the-vendors-secret"}
        command = [sys.executable, "-W", "error", "-m", "breakeven", "serve", "--ledger", str(self.ledger)]
        command += ["--config", str(self.config), "--gateway-port", "0", "--web-port", "0", *self._arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        told = self.ledger / "run" / "serve.json"
        self._until(lambda: told.is_file() and json.loads(told.read_bytes())["pid"] == self.process.pid)
        self._until(lambda: "listens at" in self.log.read_text().rsplit("Stop with Ctrl-C", maxsplit=2)[-2:][0])
        self.url: str = json.loads(told.read_bytes())["gateway"]

    def _until(self, holds: Callable[[], bool]) -> None:
        wait_until(lambda: holds() or self._ended(), PATIENCE)

    def _ended(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended: {self.log.read_text()}")
        return False

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rsplit(":", maxsplit=1)[-1])

    def stop(self) -> str:
        """Stop it in order; returns what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(PATIENCE) == 0, self.log.read_text()
        return self.log.read_text()

    def children(self, module: str) -> list[int]:
        """The process ids of its workers or its bookkeeper."""
        found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._is_child(entry, module)]
        return sorted(found)

    def _is_child(self, entry: Path, module: str) -> bool:
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            return parent == self.process.pid and module.encode() in (entry / "cmdline").read_bytes()
        except OSError:
            return False

    def calls(self, count: int, where: str = "TRUE", patience: float = 5.0) -> list[dict[str, Any]]:
        """The attempts in the ledger that match, once there are `count` of them."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            nonlocal found
            with open_ledger(self.ledger) as ledger:
                columns, rows = ledger.table(f"SELECT * FROM calls WHERE {where} ORDER BY occurred_at, attempt")
            found = [dict(zip(columns, row, strict=True)) for row in rows]
            return len(found) >= count

        wait_until(enough, patience)
        assert len(found) == count, found
        return found

    def cost(self, call: dict[str, Any]) -> str | None:
        """The exact cost of one attempt; None where it is not known."""
        with open_ledger(self.ledger) as ledger:
            asked = {"call": str(call["call_id"]), "attempt": call["attempt"]}
            lines = ledger.query("SELECT cost FROM cost_lines WHERE call_id = $call::UUID AND attempt = $attempt", asked)
        return None if any(cost is None for (cost,) in lines) else str(sum(cost for (cost,) in lines).normalize())

    def raw(self, content: bytes, seconds: float = 5.0) -> bytes:
        """What comes back for these bytes on a connection of their own, until it is closed or silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(content)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes, resets or falls silent."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except OSError:
        pass
    return received


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Look again and again until something holds, or the time is over."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return
        time.sleep(0.02)


@pytest.fixture(scope="session")
def usual_config() -> str:
    """What gateways are configured with unless a test says otherwise; `{vendor}` is the scripted vendor's address."""
    return CONFIG


@pytest.fixture(scope="session")
def service_type() -> type[Service]:
    """For modules that start a gateway of their own."""
    return Service


@pytest.fixture(scope="session")
def vendor() -> Iterator[ScriptedUpstream]:
    """The scripted vendor."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream) -> Iterator[Service]:
    """One gateway for all tests that only look at their own calls."""
    service = Service(tmp_path_factory.mktemp("gateway"), vendor)
    yield service
    service.stop()


@pytest.fixture
def service(shared_service: Service, vendor: ScriptedUpstream) -> Service:
    """The shared gateway, with an empty journal at the vendor."""
    vendor.journal.clear()
    return shared_service


@pytest.fixture
def own_service(tmp_path: Path, vendor: ScriptedUpstream) -> Iterator[Callable[..., Service]]:
    """Gateways of the test's own, to be killed and misconfigured."""
    started: list[Service] = []

    def start(config: str = CONFIG, *arguments: str, modules: Path | None = None) -> Service:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Service(folder, vendor, config, *arguments, modules=modules))
        return started[-1]

    vendor.journal.clear()
    yield start
    for service in started:
        service.stop()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server of these tests' own."""
    program = shutil.which("redis-server")
    assert program is not None, "no redis-server: run `make engines`"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path_factory.mktemp("redis")), "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    until = time.monotonic() + PATIENCE
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
                break
            except redis.RedisError:
                assert time.monotonic() < until, "redis-server does not answer"
                time.sleep(0.02)
    yield url
    server.kill()
    server.wait()
