"""Both stores of accounts behind one synchronous face, and a real redis-server that is started for the tests."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from breakeven.accounts.port import AccountStore, Books, Entry, Grant
from breakeven.accounts.redis import RedisAccounts, RedisBooks
from breakeven.accounts.sqlite import SqliteAccounts

PATIENCE = 10.0


class RedisServer:
    """One redis-server of the test's own, with its append-only file, to be killed and started again."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._folder = folder
        self._durable = durable
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None, "no redis-server: run `make engines`"
        kept = ["--appendonly", "yes" if self._durable else "no", "--save", ""]
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), *kept]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.RedisError:
                    assert time.monotonic() < until, "redis-server does not answer"
                    time.sleep(0.02)
                else:
                    return

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def clear(self) -> None:
        """Forget everything."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A redis-server for all tests of this run."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


class Shop:
    """One store and its books, asked synchronously."""

    def __init__(self, store: AccountStore, books: Books, run: Callable[[], None]) -> None:
        self.store = store
        self.books = books
        self.run = run
        self.generation = ""

    def say(self, worker: str, *entries: Entry) -> Sequence[Grant]:
        """One exchange."""
        answers: list[tuple[Sequence[Grant] | None, str]] = []
        self.store.exchange(worker, "", entries, lambda grants, generation: answers.append((grants, generation)))
        self.run()
        grants, self.generation = answers[0]
        assert grants is not None
        return grants

    def denials(self) -> int:
        """How often anything was denied."""
        answers: list[int | None] = []
        self.store.denials(lambda count, _generation: answers.append(count))
        self.run()
        assert answers[0] is not None
        return answers[0]


class Tasks:
    """Runs what a store for an event loop spawns, until all of it is done."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._waiting: list[Coroutine[Any, Any, None]] = []

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Take work on."""
        self._waiting.append(work)

    def run(self) -> None:
        """Do it."""
        while self._waiting:
            work, self._waiting = self._waiting, []
            for each in work:
                self._runner.run(each)


@pytest.fixture(params=["sqlite", "redis"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """Each store in turn, empty."""
    if request.param == "sqlite":
        store = SqliteAccounts(tmp_path / "accounts.sqlite")
        yield Shop(store, store, lambda: None)
        store.close()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    server.clear()
    with asyncio.Runner() as runner:
        tasks = Tasks(runner)
        accounts, books = RedisAccounts(server.url, "test", tasks.spawn), RedisBooks(server.url, "test")
        yield Shop(accounts, books, tasks.run)
        accounts.close()
        tasks.run()
        books.close()
