"""What the processes of one `breakeven serve` tell each other through files in `<ledger>/run/`.

serve.json         who supervises: process id, addresses, when it started
worker-<n>.json    what each worker has loaded, or why it could not
metrics-<n>.json   each worker's counters
Files are written whole and renamed, so that a reader never sees half of one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from breakeven.ledger.lock import alive

Told = TypeVar("Told", bound=msgspec.Struct)


class Serving(msgspec.Struct, frozen=True):
    """The supervisor and its addresses."""

    pid: int
    gateway: str
    web: str
    started_at: str
    workers: int


class Loaded(msgspec.Struct, frozen=True):
    """Which configuration a worker runs: the number of the reload, and what was wrong with it if it kept the one before."""

    pid: int
    generation: int
    fault: str = ""
    remedy: str = ""


class RunDirectory:
    """The files of one running service."""

    def __init__(self, ledger: Path) -> None:
        self.path = ledger / "run"

    def create(self) -> None:
        """Make it, without what an earlier run left."""
        self.path.mkdir(parents=True, exist_ok=True)
        for old in (*self.path.glob("worker-*.json"), *self.path.glob("metrics-*.json")):
            old.unlink(missing_ok=True)

    def serving(self) -> Serving | None:
        """Who serves this ledger now; None where nobody does."""
        found = _read(self.path / "serve.json", Serving)
        return found if found is not None and alive(found.pid) else None

    def announce(self, serving: Serving) -> None:
        """Say who serves."""
        self._write("serve.json", msgspec.json.encode(serving))

    def withdraw(self) -> None:
        """Nobody serves any more."""
        (self.path / "serve.json").unlink(missing_ok=True)

    def report(self, worker: int, loaded: Loaded) -> None:
        """A worker says what it has loaded."""
        self._write(f"worker-{worker}.json", msgspec.json.encode(loaded))

    def loaded(self, worker: int) -> Loaded | None:
        """What a worker said last."""
        return _read(self.path / f"worker-{worker}.json", Loaded)

    def write_metrics(self, worker: int, content: bytes) -> None:
        """A worker's counters."""
        self._write(f"metrics-{worker}.json", content)

    def metrics_of_others(self, worker: int) -> list[Path]:
        """The counters of the other workers."""
        return [path for path in sorted(self.path.glob("metrics-*.json")) if path.name != f"metrics-{worker}.json"]

    def _write(self, name: str, content: bytes) -> None:
        draft = self.path / f".{name}.{os.getpid()}"
        draft.write_bytes(content)
        draft.replace(self.path / name)


def _read(path: Path, kind: type[Told]) -> Told | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
