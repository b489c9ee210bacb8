"""Fixtures that every test may use."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import settings

from breakeven.cli.main import run

REPOSITORY = Path(__file__).resolve().parents[1]

settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session", autouse=True)
def _nobodys_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test meets the ledger of whoever runs it: what names none looks in an empty directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data-home")))
        yield


def _shared() -> Path:
    """Where the real traces, bodies and logs lie: beside the repository, or where BREAKEVEN_SHARED says."""
    return Path(os.environ.get("BREAKEVEN_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory of real inputs; the test is skipped where they are not, except under CI, where nothing skips."""
    data = _shared() / "data"
    if not data.is_dir():
        message = f"the real inputs are not here ({data}); set BREAKEVEN_SHARED to the directory that holds data/"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return data


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def demo_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger made by `breakeven demo --keep`, built once for all test processes; to be copied, never opened."""
    base = tmp_path_factory.getbasetemp()
    together = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    original = together / "demo-ledger"
    with (together / "demo-ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not original.is_dir():
            draft = together / "demo-draft"
            assert run(["demo", "--no-live", "--ledger", str(draft), "--keep"]) == 0
            draft.rename(original)
    return original


@pytest.fixture(scope="session")
def demo(demo_original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company's ledger, a copy for this test process."""
    return Path(shutil.copytree(demo_original, tmp_path_factory.mktemp("demo") / "ledger"))


PATIENCE = 30.0
SOURCE = REPOSITORY / "src"


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
def serve_at(tmp_path: Path) -> Iterator[Started]:
    """Services over ledgers that are there already."""
    running: list[subprocess.Popen[bytes]] = []
    log = tmp_path / "serve-at.log"

    def start(ledger: Path, config: Path | None) -> Site:
        process, found = _serve(ledger, config, log)
        running.append(process)
        return found

    yield start
    for process in running:
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
