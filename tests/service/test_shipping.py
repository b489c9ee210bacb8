"""Segments from many hosts in one ledger: each once, whatever is killed, cut off or full on the way."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from breakeven.cli.main import run
from breakeven.errors import LedgerDamaged, Unreachable
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.ledger.segments import SegmentWriter
from breakeven.ledger.verify import verify
from breakeven.service.bookkeeper import Bookkeeper
from breakeven.service.collecting import Collector
from breakeven.service.objectstore import ObjectStore
from breakeven.service.shipping import Shipper
from breakeven.settings.shipping import ShippingSettings

BUCKET = "company"
CALLS = 30


class Store:
    """A local S3 that can go away and come back, with what it held."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(port=0, verbose=False)
        self._server.start()
        self.port: int = self._server.get_host_and_port()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.put(f"/{BUCKET}", "PUT")

    def put(self, path: str, method: str) -> None:
        """A request past our own code."""
        import urllib.request  # noqa: PLC0415 - the one place

        request = urllib.request.Request(f"{self.url}{path}", method=method)  # noqa: S310 - our own server
        urllib.request.urlopen(request, timeout=10).read()  # noqa: S310 - as above

    def away(self) -> None:
        """Cut off."""
        self._server.stop()

    def back(self) -> None:
        """There again, at the same address."""
        self._server = ThreadedMotoServer(port=self.port, verbose=False)
        self._server.start()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The object store, empty."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    found = Store()
    yield found
    found.put("/moto-api/reset", "POST")
    found.away()


def _settings(store: Store, role: str) -> ShippingSettings:
    return ShippingSettings("ship" if role == "ship" else "collect", BUCKET, "prod", endpoint=store.url)


def _ledger(root: Path) -> Layout:
    open_ledger(root, write=True, create=True).close()
    return Layout(root)


def _metered(layout: Layout, host: int, segment: int = 0, calls: int = CALLS) -> None:
    """One closed segment of a host, as its gateway writes it: each call costs a dollar and a tenth."""
    with SegmentWriter(layout) as writer:
        for number in range(calls):
            call = f"019a0000-{host:04d}-7000-8{segment:03d}-{number:012d}"
            shared = {"call_id": call, "attempt": 0, "occurred_at": "2026-10-02T00:00:00", "recorded_at": "2026-10-02T00:00:00",
                      "provider": "openai", "model": "m"}  # fmt: skip
            writer.append("calls", [shared | {"call_count": 1, "status": "ok", "state": "metered"}])
            line = {"line": 0, "part": 0, "kind": "list", "quantity": 11, "unit_price": "0.1", "cost": "1.1", "state": "metered"}
            writer.append("cost_lines", [shared | line])


def _shipper(layout: Layout, store: Store) -> Shipper:
    settings = _settings(store, "ship")
    return Shipper(layout, settings, ObjectStore(settings))


def _collect(root: Path, store: Store, wall: Callable[[], float] = time.time) -> int:
    """As `breakeven ledger collect` does."""
    from breakeven.ledger.live import seal_closed  # noqa: PLC0415 - beside its only use

    settings = _settings(store, "collect")
    with open_ledger(root, write=True, create=True) as ledger:
        collector = Collector(ledger.layout, settings, ObjectStore(settings), wall)
        count = collector.round()
        seal_closed(ledger)
        collector.finish()
    return count


def _held(root: Path) -> tuple[int, Decimal | None]:
    assert verify(root).problems == ()
    with open_ledger(root) as ledger:
        found: tuple[int, Decimal | None] = ledger.query("SELECT (SELECT count(*) FROM calls), (SELECT sum(cost) FROM cost_lines)")[
            0
        ]
    return found


def _objects(store: Store) -> list[str]:
    return list(ObjectStore(_settings(store, "ship")).names("prod/segments/"))


def test_two_hosts_ship_and_one_ledger_has_it_all_once(tmp_path: Path, store: Store) -> None:
    """By command: two hosts' segments are in the collecting ledger to the last digit, and nowhere else; again adds nothing."""
    for host in (1, 2):
        layout = _ledger(tmp_path / f"host{host}")
        _metered(layout, host)
        _metered(layout, host, segment=1)
        (layout.root / "breakeven.yaml").write_text(
            f"shipping: {{role: ship, bucket: {BUCKET}, prefix: prod, endpoint: '{store.url}'}}\n"
        )
        assert run(["ledger", "ship", "--ledger", str(layout.root)]) == 0
        assert list(layout.closed_segments.iterdir()) == []
        assert run(["ledger", "seal", "--ledger", str(layout.root)]) == 2, "nothing is sealed where it is shipped"
    assert len(_objects(store)) == 4
    config = tmp_path / "collect.yaml"
    config.write_text(f"shipping: {{role: collect, bucket: {BUCKET}, prefix: prod, endpoint: '{store.url}'}}\n")
    for _ in range(2):
        assert run(["ledger", "collect", "--ledger", str(tmp_path / "all"), "--config", str(config)]) == 0
        assert _held(tmp_path / "all") == (4 * CALLS, Decimal("1.1") * 4 * CALLS)
    assert _objects(store) == []


def test_while_the_store_is_away_segments_wait(tmp_path: Path, store: Store) -> None:
    """Cut off, shipping and collecting fail with exit code 4 and lose nothing; when the store is back everything arrives once."""
    layout = _ledger(tmp_path / "host")
    _metered(layout, 1)
    store.away()
    with pytest.raises(Unreachable):
        _shipper(layout, store).round()
    assert len(list(layout.closed_segments.iterdir())) == 1
    store.back()
    assert _shipper(layout, store).round() == 1
    store.away()
    with pytest.raises(Unreachable):
        _collect(tmp_path / "all", store)
    store.back()
    assert _collect(tmp_path / "all", store) == 1
    assert _held(tmp_path / "all") == (CALLS, Decimal("1.1") * CALLS)


def test_a_segment_shipped_again_counts_once(tmp_path: Path, store: Store) -> None:
    """A host that died between handing over and removing ships again, before or after the collection: one copy counts."""
    layout = _ledger(tmp_path / "host")
    _metered(layout, 1)
    (path,) = layout.closed_segments.iterdir()
    content = path.read_bytes()
    for _ in range(2):
        _shipper(layout, store).round()
        path.write_bytes(content)
    _shipper(layout, store).round()
    assert len(_objects(store)) == 1
    _collect(tmp_path / "all", store)
    path.write_bytes(content)
    _shipper(layout, store).round()
    _collect(tmp_path / "all", store)
    assert _held(tmp_path / "all") == (CALLS, Decimal("1.1") * CALLS)
    assert _objects(store) == []


def test_a_name_with_another_content_is_refused(tmp_path: Path, store: Store) -> None:
    """Two different segments of one name are never taken for the same: the second stays on its host, and that is told."""
    layout = _ledger(tmp_path / "host")
    _metered(layout, 1)
    (path,) = layout.closed_segments.iterdir()
    content = path.read_bytes()
    _shipper(layout, store).round()
    path.write_bytes(content + content)
    with pytest.raises(LedgerDamaged):
        _shipper(layout, store).round()
    assert path.exists()


def test_two_ledgers_share_the_segments_without_doubles(tmp_path: Path, store: Store) -> None:
    """A collector that is too slow loses its lease to another and lets go: each segment is in exactly one ledger."""
    layout = _ledger(tmp_path / "host")
    for segment in range(6):
        _metered(layout, 1, segment)
    _shipper(layout, store).round()
    settings = _settings(store, "collect")
    slow_store = ObjectStore(settings)
    slow = Collector(_ledger(tmp_path / "slow"), settings, slow_store)
    fetched = slow_store.get

    def interrupted(key: str) -> object:
        found = fetched(key)
        if "/segments/" in key:  # while the slow one has its lease and the bytes, time passes and the other one takes everything
            _collect(tmp_path / "fast", store, lambda: time.time() + 3600)
        return found

    slow_store.get = interrupted  # type: ignore[method-assign,assignment] # the moment that matters
    assert slow.round() == 0
    assert _collect(tmp_path / "slow", store) == 0
    assert _held(tmp_path / "fast") == (6 * CALLS, Decimal("1.1") * 6 * CALLS)
    assert _held(tmp_path / "slow") == (0, None)


CHILD = """
import os, signal, sys
from pathlib import Path
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.ledger.live import seal_closed
from breakeven.service import collecting, shipping
from breakeven.service.objectstore import ObjectStore
from breakeven.settings.shipping import ShippingSettings

root, role, url, owner, name, when = Path(sys.argv[1]), *sys.argv[2:7]
settings = ShippingSettings(role, "company", "prod", endpoint=url)
store = ObjectStore(settings)
target = {"store": store, "collecting": collecting, "shipping": shipping}[owner]
real = getattr(target, name)
def dying(*given, **named):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(target, name, dying)
if role == "ship":
    shipping.Shipper(Layout(root), settings, store).round()
else:
    with open_ledger(root, write=True, create=True) as ledger:
        collector = collecting.Collector(ledger.layout, settings, store)
        collector.round()
        seal_closed(ledger)
        collector.finish()
"""
STEPS = [
    ("ship", "store", "put_new", "before"),
    ("ship", "store", "put_new", "after"),
    ("ship", "shipping", "sync_directory", "before"),
    ("collect", "store", "put_new", "after"),
    ("collect", "store", "get", "after"),
    ("collect", "store", "put_over", "after"),
    ("collect", "collecting", "sync_directory", "after"),
    ("collect", "store", "remove", "before"),
    ("collect", "store", "remove", "after"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("role", "owner", "name", "when"), STEPS)
def test_a_kill_at_any_step_loses_and_doubles_nothing(
    tmp_path: Path, store: Store, role: str, owner: str, name: str, when: str
) -> None:
    """After kill -9 of the shipper or the collector, the same again completes the ledger exactly."""
    layout = _ledger(tmp_path / "host")
    _metered(layout, 1)
    _metered(layout, 1, segment=1)
    root = layout.root if role == "ship" else tmp_path / "all"
    if role == "collect":
        _shipper(layout, store).round()
    command = [sys.executable, "-c", CHILD, str(root), role, store.url, owner, name, when]
    assert subprocess.run(command, check=False).returncode == -9
    _shipper(layout, store).round()
    _collect(tmp_path / "all", store)
    _collect(tmp_path / "all", store)
    assert _held(tmp_path / "all") == (2 * CALLS, Decimal("1.1") * 2 * CALLS)
    assert _objects(store) == []


def test_a_full_disk_leaves_the_segment_in_the_store(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the collector's disk takes no more it says so, leaves no half file, and takes the segment when there is room."""
    layout = _ledger(tmp_path / "host")
    _metered(layout, 1)
    _shipper(layout, store).round()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    settings, there = _settings(store, "collect"), _ledger(tmp_path / "all")
    with monkeypatch.context() as patch:
        patch.setattr("breakeven.service.collecting.os.fsync", full)
        with pytest.raises(Unreachable, match="No space left"):
            Collector(there, settings, ObjectStore(settings)).round()
    assert list(there.closed_segments.iterdir()) == []
    assert _collect(there.root, store) == 1
    assert _held(there.root) == (CALLS, Decimal("1.1") * CALLS)


def test_bookkeepers_ship_and_collect_by_themselves(tmp_path: Path, store: Store) -> None:
    """Two bookkeepers, one of a gateway's host, one that collects: what is metered on the one is sealed by the other."""
    host, there = _ledger(tmp_path / "host"), _ledger(tmp_path / "all")
    keepers = []
    for layout, role in ((host, "ship"), (there, "collect")):
        config = layout.root / "breakeven.yaml"
        config.write_text(f"shipping: {{role: {role}, bucket: {BUCKET}, prefix: prod, endpoint: '{store.url}', every: 100ms}}\n")
        keepers.append(Bookkeeper(layout.root, config))
        assert keepers[-1].take_office()
    _metered(host, 1)
    until = time.monotonic() + 20
    while not list(there.manifests.glob("0*.json")) and time.monotonic() < until:
        for keeper in keepers:
            keeper.look(time.monotonic())
        time.sleep(0.05)
    for keeper in keepers:
        keeper.close()
    assert _held(there.root) == (CALLS, Decimal("1.1") * CALLS)
    assert _held(host.root) == (0, None)
    assert json.loads((host.root / "ledger.json").read_text())["format"] == 1
