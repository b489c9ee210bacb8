"""The sample company in both engines: DuckDB in its directory, ClickHouse behind a local server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.ledger.clickhouse.connection import facts_at
from breakeven.ledger.clickhouse.facts import ClickHouseFacts
from breakeven.settings.clickhouse import ClickHouseAddress, parse_address

SERVER = Path(__file__).with_name("local_clickhouse.py")
Start = Callable[[str], ClickHouseAddress]


@pytest.fixture(scope="session")
def start_clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Gives a database of its own on one local server."""
    folder = tmp_path_factory.mktemp("clickhouse")
    port = folder / "port"
    with subprocess.Popen([sys.executable, str(SERVER), str(folder / "store"), str(port)]) as server:
        until = time.monotonic() + 60
        while not port.is_file():
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        try:
            yield lambda database: parse_address(f"clickhouse://default@127.0.0.1:{port.read_text()}/{database}")
        finally:
            server.kill()


@pytest.fixture(scope="session")
def sample(demo: Path, start_clickhouse: Start) -> tuple[Path, ClickHouseAddress]:
    """The sample company's ledger, exported to ClickHouse by the command that users have."""
    address = start_clickhouse("sample")
    assert run(["ledger", "export", "--to", str(address), "--ledger", str(demo)]) == 0
    return demo, address


@pytest.fixture(scope="session")
def sample_facts(sample: tuple[Path, ClickHouseAddress]) -> Iterator[ClickHouseFacts]:
    """The sample company as ClickHouse answers."""
    with facts_at(sample[1]) as facts:
        yield facts
