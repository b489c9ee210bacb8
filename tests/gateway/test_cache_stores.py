"""Both stores of kept answers keep the same promises: one suite."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.gateway.caches import CacheStore, Entry, SqliteCache
from breakeven.gateway.caches.redis import RedisCache

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

    def settle(self) -> None:
        """Until all that was begun is done."""
        while self.tasks:
            self.loop.run_until_complete(asyncio.wait(set(self.tasks)))

    def find(self, name: str, space: str = "a") -> Entry | None:
        """The entry of this name."""
        found: list[Entry | None] = []
        self.store.find(space, name.encode().ljust(32, b"."), found.append)
        self.settle()
        (entry,) = found
        self.at += 1
        return entry

    def keep(
        self, name: str, body: bytes = b"x", space: str = "a", ttl: float = 3600, size: int = LIMIT, owner: bytes = b""
    ) -> Entry:
        """Keep an entry under this name."""
        entry = Entry(b"application/json", body, "gpt-4o", "frontier", "openai", (("input", 7), ("output", 2)))
        self.store.keep(space, name.encode().ljust(32, b"."), entry, ttl, size, owner)
        self.settle()
        self.at += 1
        return entry

    def close(self) -> None:
        """Let go."""
        self.store.close()
        self.settle()
        self.loop.close()


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


def _claimed(shelf: Shelf, name: str, owner: bytes, seconds: float = 3) -> Entry | bytes:
    found: list[Entry | bytes] = []
    shelf.store.claim("a", name.encode().ljust(32, b"."), owner, seconds, found.append)
    shelf.settle()
    (told,) = found
    return told


def test_a_claim_is_one_owners_until_it_is_let_go(shelf: Shelf) -> None:
    """The second claimant is told who claimed first; the owner may renew; what it lets go is the next one's, and nobody else's."""
    assert _claimed(shelf, "one", b"me") == b"me"
    assert _claimed(shelf, "one", b"you") == b"me"
    assert _claimed(shelf, "one", b"me") == b"me"
    assert _claimed(shelf, "two", b"you") == b"you"
    shelf.store.release("a", b"one".ljust(32, b"."), b"you")
    shelf.settle()
    assert _claimed(shelf, "one", b"you") == b"me"
    shelf.store.release("a", b"one".ljust(32, b"."), b"me")
    shelf.settle()
    assert _claimed(shelf, "one", b"you") == b"you"


def test_a_claim_ends_with_the_answer(shelf: Shelf) -> None:
    """Who claims what has been kept meanwhile gets it; an answer too large to be kept ends the claim as well."""
    assert _claimed(shelf, "one", b"me") == b"me"
    kept = shelf.keep("one", owner=b"me")
    assert _claimed(shelf, "one", b"you") == kept
    assert _claimed(shelf, "two", b"me") == b"me"
    shelf.keep("two", b"x" * 500, size=100, owner=b"me")
    assert _claimed(shelf, "two", b"you") == b"you"


def test_a_claim_of_the_dead_lapses(shelf: Shelf) -> None:
    """A claim that is not renewed is another's after its time."""
    assert _claimed(shelf, "one", b"me", 0.2) == b"me"
    shelf.at += 0.3
    time.sleep(0.3)
    assert _claimed(shelf, "one", b"you") == b"you"


def test_a_store_at_fault_grants_every_claim(tmp_path: Path) -> None:
    """Where nothing can be written the same is asked twice rather than not at all."""
    broken = SqliteCache(tmp_path / "nowhere" / "cache.sqlite")
    found: list[Entry | bytes] = []
    for owner in (b"me", b"you"):
        broken.claim("a", b"key", owner, 3, found.append)
    broken.release("a", b"key", b"me")
    assert found == [b"me", b"you"]
