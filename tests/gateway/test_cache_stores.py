"""Both stores of kept answers keep the same promises: one suite."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.gateway.caches import CacheStore, Entry, SqliteCache
from breakeven.gateway.caches.redis import RedisCache

PATIENCE = 10.0
LIMIT = 1 << 20


class Shelf:
    """One store, asked synchronously, with a clock that can be set."""

    def __init__(self, kind: str, folder: Path, url: str) -> None:
        self.at = 1_800_000_000.0
        self.loop = asyncio.new_event_loop()
        self.tasks: set[asyncio.Task[None]] = set()
        self.store: CacheStore = (
            SqliteCache(folder / "cache.sqlite", lambda: self.at)
            if kind == "sqlite"
            else RedisCache(url, f"t{time.monotonic_ns()}", self._spawn, lambda: self.at)
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _settle(self) -> None:
        while self.tasks:
            self.loop.run_until_complete(asyncio.wait(set(self.tasks)))

    def find(self, name: str, space: str = "a") -> Entry | None:
        """The entry of this name."""
        found: list[Entry | None] = []
        self.store.find(space, name.encode().ljust(32, b"."), found.append)
        self._settle()
        (entry,) = found
        self.at += 1
        return entry

    def keep(self, name: str, body: bytes = b"x", space: str = "a", ttl: float = 3600, size: int = LIMIT) -> Entry:
        """Keep an entry under this name."""
        entry = Entry(b"application/json", body, "gpt-4o", "frontier", "openai", (("input", 7), ("output", 2)))
        self.store.keep(space, name.encode().ljust(32, b"."), entry, ttl, size)
        self._settle()
        self.at += 1
        return entry

    def close(self) -> None:
        """Let go."""
        self.store.close()
        self._settle()
        self.loop.close()


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server of this module's own."""
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


@pytest.fixture(params=["sqlite", "redis"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Shelf]:
    """A store of each kind."""
    made = Shelf(request.param, tmp_path, redis_url)
    yield made
    made.close()


def test_what_is_kept_is_found(shelf: Shelf) -> None:
    """Every byte and figure comes back; another key or space knows nothing of it; the latest counts."""
    body = bytes(range(256))
    kept = shelf.keep("one", body)
    assert shelf.find("one") == kept
    assert shelf.find("two") is None
    assert shelf.find("one", space="b") is None
    later = shelf.keep("one", b"later")
    assert shelf.find("one") == later


def test_an_entry_ends(shelf: Shelf) -> None:
    """After its time to live an entry is gone."""
    shelf.keep("one", ttl=0.2)
    shelf.at += 0.3
    time.sleep(0.3)
    assert shelf.find("one") is None


def test_the_least_recently_used_go_first(shelf: Shelf) -> None:
    """A full space makes room by what was used longest ago; what does not fit at all is not kept and pushes nothing out."""
    for name in ("one", "two", "three"):
        shelf.keep(name, b"x" * 1000, size=4000)
    assert shelf.find("one") is not None
    shelf.store.tick()
    shelf.keep("four", b"x" * 1000, size=4000)
    assert shelf.find("one") is not None
    assert shelf.find("four") is not None
    assert shelf.find("two") is None
    shelf.keep("huge", b"x" * 5000, size=4000)
    assert shelf.find("huge") is None
    assert shelf.find("four") is not None


def test_spaces_do_not_push_each_other_out(shelf: Shelf) -> None:
    """The size of one feature's space is its own."""
    kept = shelf.keep("one", b"x" * 1000, space="b")
    for number in range(10):
        shelf.keep(f"{number}", b"x" * 1000, size=2500)
    assert shelf.find("one", space="b") == kept


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_a_space_never_exceeds_its_size(tmp_path_factory: pytest.TempPathFactory, redis_url: str, kind: str) -> None:
    """Whatever is kept and in which order: the entries that are found fit into the space, and the last one is among them."""

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 900)), min_size=1, max_size=30))
    def law(entries: list[tuple[int, int]]) -> None:
        shelf = Shelf(kind, tmp_path_factory.mktemp("law"), redis_url)
        for name, length in entries:
            shelf.keep(str(name), b"x" * length, size=3000)
        found = [entry for name in {str(name) for name, _ in entries} if (entry := shelf.find(name)) is not None]
        assert sum(len(entry.body) for entry in found) <= 3000
        assert shelf.find(str(entries[-1][0])) is not None
        shelf.close()

    law()


def test_a_store_that_is_away_is_a_miss(tmp_path: Path) -> None:
    """No Redis, or a folder that cannot be written: nothing is found, nothing is raised, and nobody waits long."""
    for kind, folder in (("redis", tmp_path), ("sqlite", tmp_path / "missing")):
        shelf = Shelf(kind, folder, "redis://127.0.0.1:1/0")
        began = time.monotonic()
        shelf.keep("one")
        assert shelf.find("one") is None
        assert time.monotonic() - began < 1
        shelf.close()
