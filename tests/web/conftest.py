"""The web API and the dashboard of a real `breakeven serve`, over a ledger of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

PATIENCE = 30.0
SOURCE = Path(__file__).parents[2] / "src"


class Site(NamedTuple):
    """One running service: its web address, its gateway's, its ledger and its configuration."""

    url: str
    gateway: str
    ledger: Path
    config: Path | None

    def client(self, **headers: str) -> httpx.Client:
        """Somebody who asks."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0, trust_env=False)


Started = Callable[[Path, Path | None], Site]


def _serve(ledger: Path, config: Path | None, log: Path) -> tuple[subprocess.Popen[bytes], Site]:
    command = [sys.executable, "-W", "error", "-m", "breakeven", "serve", "--gateway-port", "0", "--web-port", "0"]
    command += ["--ledger", str(ledger), *(["--config", str(config)] if config else [])]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": str(SOURCE)})
    told = ledger / "run" / "serve.json"
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if told.is_file() and (serving := json.loads(told.read_bytes()))["pid"] == process.pid:
            site = Site(serving["web"], serving["gateway"], ledger, config)
            if _answers(site):
                return process, site
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(f"serve did not come up: {log.read_text()}")


def _answers(site: Site) -> bool:
    try:
        with site.client() as client:
            return client.get("/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="session")
def site(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The sample company, served; for tests that change nothing."""
    log = tmp_path_factory.mktemp("web") / "serve.log"
    process, found = _serve(demo, None, log)
    yield found
    _stop(process, log)


def _services(folder: Path) -> Iterator[Callable[[str], Site]]:
    running: list[tuple[subprocess.Popen[bytes], Path]] = []

    def start(config: str) -> Site:
        place = folder / f"site-{len(running)}"
        place.mkdir()
        (place / "breakeven.yaml").write_text(config)
        process, found = _serve(place / "ledger", place / "breakeven.yaml", place / "serve.log")
        running.append((process, place / "serve.log"))
        return found

    yield start
    for process, log in running:
        _stop(process, log)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Site]]:
    """Services over new, empty ledgers, each with the configuration given."""
    yield from _services(tmp_path)


@pytest.fixture(scope="module")
def serve_for_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """The same, kept for all tests of a module."""
    yield from _services(tmp_path_factory.mktemp("sites"))


@pytest.fixture(scope="session")
def answer(site: Site) -> Callable[..., Any]:
    """What the API of the sample company says."""

    def ask(path: str, **query: str) -> Any:
        with site.client() as client:
            found = client.get(f"/api/v1/{path}", params=query)
        assert found.status_code == 200, found.text
        return found.json()

    return ask
