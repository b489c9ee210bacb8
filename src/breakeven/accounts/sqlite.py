"""Accounts of one host: an SQLite file in the ledger's directory, shared by all its processes.

A transaction takes tens of microseconds, so it is done in place; no worker waits for another longer than that. The file is a
working state: what it knows can be had again from the ledger and the workers, and a power cut may cost it its last moments.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from breakeven.accounts.port import OPENING_AGE_SECONDS, Answer, Balance, Entry
from breakeven.accounts.state import AccountState, exchanged
from breakeven.errors import Unreachable

FILE = "accounts.sqlite"
KEPT_DAYS = 40
BUSY_SECONDS = 2.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (key TEXT PRIMARY KEY, state TEXT NOT NULL, expires REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS opened (identity TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS workers (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS denials (count INTEGER NOT NULL);
INSERT INTO denials SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM denials);
CREATE TABLE IF NOT EXISTS generation (name TEXT NOT NULL, begun REAL NOT NULL);
"""
_KEEP = """INSERT INTO accounts (key, state, expires) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET state = excluded.state"""
_decode = msgspec.json.Decoder(AccountState).decode
_encode = msgspec.json.encode


class SqliteAccounts:
    """The port `AccountStore` on one file. `wall` and `clock` can be given for tests; the clock is the host's monotonic one."""

    opening_age = OPENING_AGE_SECONDS

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._wall = wall
        self._known: set[str] = set()
        self._connection: sqlite3.Connection | None = None
        self._file = 0
        self._generation = ""

    def exchange(self, worker: str, generation: str, entries: Sequence[Entry], answer: Answer) -> None:
        """Take and lend in one transaction, and answer at once."""
        try:
            connection = self._begun()
        except (sqlite3.Error, OSError):
            self._forget()
            answer(None, "")
            return
        if generation not in ("", self._generation):
            connection.execute("ROLLBACK")
            answer(None, self._generation)
            return
        try:
            now = self._clock()
            opened = self._opened(connection, {entry.key.partition("\x1f")[0] for entry in entries if not entry.ready})
            keys = {entry.key for entry in entries}
            states = dict.fromkeys(keys, b"")
            marks = ",".join("?" * len(keys))
            states |= dict(connection.execute(f"SELECT key, state FROM accounts WHERE key IN ({marks})", tuple(keys)))
            grants = []
            for entry in entries:
                kept = states[entry.key]
                state = _decode(kept) if kept else AccountState()
                identity = entry.key.partition("\x1f")[0]
                grants.append(exchanged(state, entry, now, opened=identity in opened))
                states[entry.key] = _encode(state)
            connection.executemany(
                _KEEP,
                [(entry.key, states[entry.key], entry.expires) for entry in entries],
            )
            if any(entry.need and not grant.granted for entry, grant in zip(entries, grants, strict=True)):
                connection.execute("UPDATE denials SET count = count + 1")
            if worker not in self._known:
                connection.execute("INSERT OR IGNORE INTO workers VALUES (?)", (worker,))
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError, msgspec.MsgspecError):
            self._forget()
            answer(None, "")
            return
        self._known.add(worker)
        answer(grants, self._generation)

    def denials(self, answer: Callable[[int | None, str], None]) -> None:
        """How often anything was denied, and which store this is."""
        try:
            (count,) = self._open().execute("SELECT count FROM denials").fetchone()
        except (sqlite3.Error, OSError):
            self._forget()
            answer(None, "")
            return
        answer(int(count), self._generation)

    def workers(self) -> frozenset[str]:
        """Every worker that has ever exchanged anything with this file."""
        return frozenset(name for (name,) in self._read("SELECT name FROM workers"))

    def set_outside(self, ledger: str, identity: str, amounts: Mapping[str, Mapping[int, int]], *, opened: bool = True) -> None:
        """Replace what a ledger knows of a budget's accounts, and open them."""
        try:
            connection = self._begun()
            prefix = f"{identity}\x1f"
            found = connection.execute("SELECT key, state FROM accounts WHERE key >= ? AND key < ?", (prefix, f"{identity}\x20"))
            states = {key: _decode(state) for key, state in found}
            for key in set(states) | set(amounts):
                state = states.get(key) or AccountState()
                state.outside.pop(ledger, None)
                if amounts.get(key):
                    state.outside[ledger] = dict(amounts[key])
                connection.execute(
                    "INSERT INTO accounts (key, state) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state",
                    (key, _encode(state)),
                )
            if opened:
                connection.execute("INSERT OR IGNORE INTO opened VALUES (?)", (identity,))
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            self._forget()
            raise Unreachable(
                f"the accounts {self._path} cannot be written: {error}",
                "Make room on the disk, or delete the file: what it knows is built again from the ledger.",
            ) from error

    def balances(self, identity: str) -> Sequence[Balance]:
        """How the accounts of a budget stand."""
        rows = self._read("SELECT key, state FROM accounts WHERE key >= ? AND key < ?", (f"{identity}\x1f", f"{identity}\x20"))
        return [balance_of(key, _decode(state)) for key, state in rows]

    def generation(self) -> tuple[str, float]:
        """Which file this is, and how old."""
        rows = self._read("SELECT name, begun FROM generation")
        return (str(rows[0][0]), max(0.0, self._wall() - float(rows[0][1]))) if rows else ("", 0.0)

    def opened(self) -> frozenset[str]:
        """The budgets whose accounts are open."""
        return frozenset(identity for (identity,) in self._read("SELECT identity FROM opened"))

    def prune(self) -> int:
        """Drop accounts whose window ended more than `KEPT_DAYS` ago."""
        connection = self._open()
        try:
            before = self._wall() - KEPT_DAYS * 86_400
            return connection.execute("DELETE FROM accounts WHERE expires IS NOT NULL AND expires < ?", (before,)).rowcount
        except sqlite3.Error:
            self._forget()
            return 0

    def close(self) -> None:
        """Close the file."""
        self._forget()

    def _read(self, sql: str, given: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        if not self._path.exists():
            return []
        try:
            return self._open().execute(sql, given).fetchall()
        except sqlite3.Error as error:
            self._forget()
            raise Unreachable(
                f"the accounts {self._path} cannot be read: {error}",
                "Delete the file: what it knows is built again from the ledger.",
            ) from error

    def _opened(self, connection: sqlite3.Connection, identities: set[str]) -> set[str]:
        if not identities:
            return set()
        marks = ",".join("?" * len(identities))
        return {
            found for (found,) in connection.execute(f"SELECT identity FROM opened WHERE identity IN ({marks})", tuple(identities))
        }

    def _begun(self) -> sqlite3.Connection:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _open(self) -> sqlite3.Connection:
        """The connection; a file that was removed or replaced is noticed, because writing to it would help nobody."""
        if self._connection is not None:
            try:
                if self._path.stat().st_ino == self._file:
                    return self._connection
            except FileNotFoundError:
                pass
            self._forget()
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
            begun = "INSERT INTO generation SELECT lower(hex(randomblob(8))), ? WHERE NOT EXISTS (SELECT 1 FROM generation)"
            connection.execute(begun, (self._wall(),))
            (self._generation,) = connection.execute("SELECT name FROM generation").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection
        self._file = self._path.stat().st_ino
        return connection

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        self._known.clear()
        if connection is not None:
            connection.close()


def balance_of(key: str, state: AccountState) -> Balance:
    """A state as reports see it."""
    outside: dict[int, int] = {}
    for amounts in state.outside.values():
        for number, amount in amounts.items():
            outside[number] = outside.get(number, 0) + amount
    leases = {name: lease.held for name, lease in state.leases.items() if lease.held}
    return Balance(key, dict(state.slices), outside, leases)
