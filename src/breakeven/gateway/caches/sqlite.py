"""Kept answers of one host: an SQLite file in the ledger's directory, which all its workers share.

Looking up takes some tens of microseconds, so it is done in place. The file is no record: what it loses is asked again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from breakeven.gateway.caches.port import Claimed, Entry, Found, decode, encode

FILE = "cache.sqlite"
BUSY_SECONDS = 0.02
"""A worker waits no longer for another one: the call goes on without the cache."""
OVERHEAD_BYTES = 128
_MOST_AT_ONCE = 64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    space TEXT NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, expires REAL NOT NULL, used REAL NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (space, key)
);
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (space, used);
CREATE TABLE IF NOT EXISTS claims (
    space TEXT NOT NULL, key BLOB NOT NULL, owner BLOB NOT NULL, expires REAL NOT NULL, PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spaces (space TEXT PRIMARY KEY, total INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
    INSERT INTO spaces VALUES (new.space, new.size) ON CONFLICT (space) DO UPDATE SET total = total + excluded.total;
END;
CREATE TRIGGER IF NOT EXISTS entry_gone AFTER DELETE ON entries BEGIN
    UPDATE spaces SET total = total - old.size WHERE space = old.space;
END;
"""
_CLAIM = """
INSERT INTO claims VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (space, key) DO UPDATE SET owner = excluded.owner, expires = excluded.expires WHERE owner = ?3 OR expires <= ?5
"""
_RELEASE = "DELETE FROM claims WHERE space = ? AND key = ? AND owner = ?"
_OLDEST = "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE space = ? ORDER BY used LIMIT ?)"


class SqliteCache:
    """The port `CacheStore` on one file; `wall` can be given for tests."""

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall = wall
        self._connection: sqlite3.Connection | None = None
        self._used: dict[tuple[str, bytes], float] = {}

    def find(self, space: str, key: bytes, then: Found) -> None:
        """Look up in place."""
        then(self._found(space, key))

    def _found(self, space: str, key: bytes) -> Entry | None:
        try:
            asked = "SELECT value, expires FROM entries WHERE space = ? AND key = ?"
            row = self._open().execute(asked, (space, key)).fetchone()
            now = self._wall()
            if row is None or row[1] <= now:
                return None
            self._used[space, key] = now
            return decode(row[0])
        except (sqlite3.Error, OSError, msgspec.MsgspecError):
            self._forget()
            return None

    def claim(self, space: str, key: bytes, owner: bytes, seconds: float, then: Claimed) -> None:
        """In place; the entry is looked for afterwards, as it may have been kept, and its claim ended, just before."""
        now = self._wall()
        try:
            connection = self._open()
            connection.execute(_CLAIM, (space, key, owner, now + seconds, now))
            row = connection.execute("SELECT owner FROM claims WHERE space = ? AND key = ?", (space, key)).fetchone()
            holder = owner if row is None else bytes(row[0])
        except (sqlite3.Error, OSError):
            self._forget()
            holder = owner
        then(self._found(space, key) or holder)

    def release(self, space: str, key: bytes, owner: bytes) -> None:
        """In place; claims that lapsed, because their worker died, go too."""
        try:
            self._open().execute(f"{_RELEASE} OR expires <= ?", (space, key, owner, self._wall()))
        except (sqlite3.Error, OSError):
            self._forget()

    def keep(self, space: str, key: bytes, entry: Entry, ttl: float, size: int, owner: bytes = b"") -> None:
        """One transaction; what is too large for its space is not kept."""
        value = encode(entry)
        weight = len(value) + OVERHEAD_BYTES
        if weight > size:
            self.release(space, key, owner)
            return
        now = self._wall()
        try:
            connection = self._open()
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("DELETE FROM entries WHERE space = ? AND key = ?", (space, key))
                connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", (space, key, weight, now + ttl, now, value))
                self._shrink(connection, space, size)
                connection.execute(_RELEASE, (space, key, owner))
        except (sqlite3.Error, OSError):
            self._forget()

    def _shrink(self, connection: sqlite3.Connection, space: str, size: int) -> None:
        total = "SELECT total FROM spaces WHERE space = ?"
        if connection.execute(total, (space,)).fetchone()[0] <= size:
            return
        self._write_uses(connection)
        connection.execute("DELETE FROM entries WHERE space = ? AND expires <= ?", (space, self._wall()))
        count = 1
        while connection.execute(total, (space,)).fetchone()[0] > size:
            if connection.execute(_OLDEST, (space, count)).rowcount <= 0:
                return
            count = min(2 * count, _MOST_AT_ONCE)

    def tick(self) -> None:
        """Note what was used since the last time."""
        if self._used:
            try:
                connection = self._open()
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    self._write_uses(connection)
            except (sqlite3.Error, OSError):
                self._forget()

    def _write_uses(self, connection: sqlite3.Connection) -> None:
        uses, self._used = self._used, {}
        rows = [(at, space, key) for (space, key), at in uses.items()]
        connection.executemany("UPDATE entries SET used = max(used, ?) WHERE space = ? AND key = ?", rows)

    def close(self) -> None:
        """Close the file."""
        self.tick()
        self._forget()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.executescript(_SCHEMA)
            self._connection = connection
        return self._connection

    def _forget(self) -> None:
        """After a fault the file is opened anew: it may have been removed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
