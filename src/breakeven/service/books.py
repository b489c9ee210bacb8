"""The one database connection of the bookkeeper's process, shared: it commits, and the web API reads beside it.

DuckDB lets one process write or many read, so whoever answers questions while calls are recorded must live in the writer's
process. Each reader gets a cursor of its own. Letting go of the database waits for readers and keeps new ones out meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from breakeven.errors import LedgerLocked
from breakeven.ledger.store import Ledger, open_as_bookkeeper

_NO_FACTS = frozenset({"lock", "spill", "run", "captures", "telemetry", "alerts.sqlite", "alerts.sqlite-wal", "alerts.sqlite-shm"})
"""What lies in a ledger's directory and no report reads."""
PATIENCE_SECONDS = 5.0
"""How long a reader waits for a database that another command has, and letting go for readers under way."""
_LOOK_SECONDS = 0.05


class Books:
    """A ledger's database, open or not, and who reads in it. Safe to be used by many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._ledger: Ledger | None = None
        self._readers = 0
        self._leaving = False
        self._quiet_until = 0.0
        self._used_at = 0.0
        self._left: object = None
        """What the directory looked like when the database was let go of."""
        self.version = 0
        """Grows with every commit, and whenever others may have written: what was read before may be out of date then."""

    @property
    def open(self) -> bool:
        """Whether this process has the database."""
        return self._ledger is not None

    def idle_for(self, now: float) -> float:
        """Seconds since the database was last used."""
        return 0.0 if self._readers else now - self._used_at

    def to_write(self, now: float) -> Ledger:
        """The ledger, open for writing; for the one thread that commits. Raises LedgerLocked where another process has it."""
        with self._changed:
            self._used_at = now
            return self._opened()

    def committed(self) -> None:
        """Something new is in it."""
        self.version += 1

    @contextmanager
    def reading(self) -> Iterator[Ledger]:
        """The ledger as a reader sees it. Raises LedgerLocked where another command has it for longer than a reader waits."""
        reader = self._enter()
        try:
            yield reader
        finally:
            reader.close()
            with self._changed:
                self._readers -= 1
                self._used_at = time.monotonic()
                self._changed.notify_all()

    def let_go(self, quiet_seconds: float = 0.0) -> None:
        """Close the database and leave it alone for a while. Readers end first; one that takes too long is interrupted."""
        with self._changed:
            ledger, self._ledger = self._ledger, None
            self._quiet_until = time.monotonic() + quiet_seconds
            if ledger is None:
                return
            self._leaving = True
            try:
                if not self._changed.wait_for(lambda: not self._readers, PATIENCE_SECONDS):
                    ledger.connection.interrupt()
                    self._changed.wait_for(lambda: not self._readers, PATIENCE_SECONDS)
                ledger.close()
                self._left = _looks(self._path)
            finally:
                self._leaving = False
                self._changed.notify_all()

    def _enter(self) -> Ledger:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            with self._changed:
                if not self._leaving and time.monotonic() >= self._quiet_until:
                    try:
                        ledger = self._opened()
                    except LedgerLocked:
                        if time.monotonic() > until:
                            raise
                    else:
                        self._readers += 1
                        return Ledger(ledger.layout, ledger.connection.cursor(), None)
            time.sleep(_LOOK_SECONDS)

    def _opened(self) -> Ledger:
        if self._ledger is None:
            found = _looks(self._path)
            self._ledger = open_as_bookkeeper(self._path)
            if found != self._left:  # else nobody has written since, and what was read before still holds
                self.version += 1
        return self._ledger


def _looks(path: Path) -> object:
    """Names, times and sizes of the database and of what lies beside it; whoever writes changes one of them."""
    found = [each for each in path.expanduser().iterdir() if each.name not in _NO_FACTS] if path.is_dir() else []
    return frozenset((each.name, stat.st_mtime_ns, stat.st_size) for each in found if (stat := _stat(each)) is not None)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
