"""What gateways on several hosts share: virtual keys in Redis, and in the end one exact ledger."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis

from breakeven.cli.main import run
from breakeven.errors import Unreachable
from breakeven.gateway.keysharing import changing_shared
from breakeven.gateway.keystore import load_keys
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.service.keycopies import REST_SECONDS, KeyCopies
from breakeven.settings import AccountsSettings

ROOT = Path(__file__).parents[2]


class Redis:
    """A redis-server of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None, "no redis-server: run `make engines`"
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--appendonly", "yes"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        with redis.Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                except redis.RedisError:
                    assert time.monotonic() < until, "redis-server does not answer"
                    time.sleep(0.02)
                else:
                    return

    def stop(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Redis]:
    """Redis, empty."""
    found = Redis(tmp_path)
    yield found
    found.stop()


def _home(folder: Path, name: str, server: Redis) -> Path:
    root = folder / name
    open_ledger(root, write=True, create=True).close()
    (root / "breakeven.yaml").write_text(f'gateway: {{shared_keys: {{redis: "{server.url}"}}}}\n')
    return root


def _command(*words: str) -> tuple[int, str]:
    out = StringIO()
    with redirect_stdout(out):
        code = run(words)
    return code, out.getvalue()


def _names(root: Path) -> list[tuple[str, bool]]:
    return [(key.name, key.revoked_at is not None) for key in load_keys(root)]


def test_a_key_made_on_one_host_works_on_the_other(tmp_path: Path, shared: Redis) -> None:
    """Made here, known there within a look; revoked there, ended here: both hosts' files are the same."""
    one, two = (_home(tmp_path, name, shared) for name in ("one", "two"))
    assert _command("keys", "create", "app", "--ledger", str(one))[0] == 0
    KeyCopies(Layout(two), two / "breakeven.yaml").look(0.0)
    assert _names(two) == [("app", False)]
    assert _command("keys", "revoke", "app", "--ledger", str(two))[0] == 0
    KeyCopies(Layout(one), one / "breakeven.yaml").look(0.0)
    assert _names(one) == [("app", True)]


def test_while_redis_is_away_the_last_copy_holds(tmp_path: Path, shared: Redis) -> None:
    """Known keys stay, no key can be made (exit code 4), and when Redis is back everything is as it was."""
    root = _home(tmp_path, "one", shared)
    assert _command("keys", "create", "app", "--ledger", str(root))[0] == 0
    copies = KeyCopies(Layout(root), root / "breakeven.yaml")
    shared.stop()
    copies.look(0.0)
    assert _names(root) == [("app", False)]
    assert _command("keys", "create", "other", "--ledger", str(root))[0] == 4
    assert _names(root) == [("app", False)]
    shared.start()
    copies.look(REST_SECONDS + 1)
    assert _command("keys", "create", "other", "--ledger", str(root))[0] == 0
    assert _names(root) == [("app", False), ("other", False)]


def test_two_changes_at_once_do_not_undo_each_other(tmp_path: Path, shared: Redis) -> None:
    """Whoever comes second is told so and has changed nothing; the first one's key is on both hosts."""
    one, two = (_home(tmp_path, name, shared) for name in ("one", "two"))
    where = AccountsSettings(url=shared.url)

    def second() -> None:
        with changing_shared(where, two, {}):
            assert _command("keys", "create", "first", "--ledger", str(one))[0] == 0
            (two / "keys.json").write_text('{"keys": [], "format": 1}')

    with pytest.raises(Unreachable, match="somebody else"):
        second()
    assert _names(one) == _names(two) == [("first", False)]


@pytest.mark.slow
def test_three_hosts_one_of_them_cut_off_end_with_an_exact_ledger() -> None:
    """Every call that a client was answered is in the collecting ledger once, with its cost; the shared limit was kept."""
    command = [sys.executable, "-m", "bench.soak", "--seconds", "4", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (found["exact"], found["within"], found["twice"], found["left_behind"], found["problems"]) == (True, True, 0, [], []), (
        found
    )
    assert min(found["answered_by_host"]) > 0
    assert Decimal(found["cost"]) <= Decimal(found["limit"])
