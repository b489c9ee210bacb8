"""What is remembered of each handler's record, shared by all workers of a host: one SQLite file in the ledger's run directory.

A record belongs to a handler as it is: name and fingerprint of what it does. A changed file begins a new record, because the old
one says nothing about it. Counts are added in one transaction, so that no worker's check is lost or counted twice.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import msgspec

from breakeven import __version__
from breakeven.alignment.standing import Standing, Terms, observed
from breakeven.errors import Unreachable
from breakeven.handlers.loading import GROUP
from breakeven.settings.handlers import HandlerSettings

FILE = "handlers.sqlite"
_FRESH_SECONDS = 1.0
_SCHEMA = """
create table if not exists standing (
    name text not null, fingerprint text not null, checks integer not null, agreements integer not null, blocks text not null,
    withdrawn text, withdrawn_at real, began_at real not null, primary key (name, fingerprint)
) without rowid
"""
_BLOCKS = msgspec.json.Decoder(tuple[tuple[int, int], ...])


@dataclass(frozen=True, slots=True)
class Record:
    """The standing of a handler as it is now, and since when it is recorded."""

    standing: Standing
    began_at: float | None = None
    withdrawn_at: float | None = None


class Standings:
    """The records of the handlers of one ledger; one object per process, in one thread."""

    def __init__(self, ledger: Path) -> None:
        self._path = ledger / "run" / FILE
        self._connection: sqlite3.Connection | None = None
        self._read: dict[tuple[str, str], tuple[float, Record]] = {}

    def close(self) -> None:
        """Let the file go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def record(self, name: str, fingerprint: str) -> Record:
        """How a handler stands; what another worker added is seen within a second."""
        key, now = (name, fingerprint), time.monotonic()
        known = self._read.get(key)
        if known is not None and now - known[0] < _FRESH_SECONDS:
            return known[1]
        found = self._load(key) if self._path.is_file() else Record(Standing())
        self._read[key] = (now, found)
        return found

    def standing(self, name: str, fingerprint: str) -> Standing:
        """How a handler stands."""
        return self.record(name, fingerprint).standing

    def checked(self, name: str, fingerprint: str, terms: Terms, agreed: Sequence[bool]) -> Standing:
        """Add checks and whether they agreed; the standing after them, withdrawn where they call for it. Raises Unreachable."""
        key, now = (name, fingerprint), time.time()
        with self._changing() as connection:
            before = self._load(key)
            after = observed(before.standing, terms, agreed)
            withdrawn_at = before.withdrawn_at or now if after.withdrawn is not None else None
            record = Record(after, before.began_at or now, withdrawn_at)
            blocks = msgspec.json.encode(after.blocks).decode()
            row = (*key, after.checks, after.agreements, blocks, after.withdrawn, record.withdrawn_at, record.began_at)
            connection.execute("insert or replace into standing values (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._read[key] = (time.monotonic(), record)
        return after

    def reinstate(self, name: str, fingerprint: str) -> str | None:
        """Begin a new record, so that a withdrawn handler may answer again; why it was withdrawn, or None where it was not."""
        with self._changing() as connection:
            why = self._load((name, fingerprint)).standing.withdrawn
            if why is not None:
                connection.execute("delete from standing where name = ? and fingerprint = ?", (name, fingerprint))
        self._read.pop((name, fingerprint), None)
        return why

    def _load(self, key: tuple[str, str]) -> Record:
        statement = (
            "select checks, agreements, blocks, withdrawn, began_at, withdrawn_at from standing where name = ? and fingerprint = ?"
        )
        try:
            row = self._opened().execute(statement, key).fetchone()
        except sqlite3.Error as error:
            raise self._fault(error) from None
        if row is None:
            return Record(Standing())
        return Record(Standing(row[0], row[1], _BLOCKS.decode(row[2]), row[3]), row[4], row[5])

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._opened()
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Unreachable(f"{self._path.parent} cannot be made: {error.strerror}", "Check its permissions.") from None
            connection = sqlite3.connect(self._path, timeout=5.0, isolation_level=None)
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.execute(_SCHEMA)
            self._connection = connection
        return self._connection

    def _fault(self, error: sqlite3.Error) -> Unreachable:
        return Unreachable(
            f"{self._path} cannot be used: {error}", "Check disk space and permissions; removing it loses the records."
        )


def fingerprint(handler: HandlerSettings) -> str:
    """What a handler does, as a short hash: its file, or its version, with its options. A missing file has one of its own."""
    told = [handler.kind, *(f"{name}={value}" for name, value in sorted(handler.options.items()))]
    hashed = hashlib.sha256("\n".join(told).encode())
    if handler.kind in {"function", "compiled"}:
        file = handler.source.rpartition(":")[0] if handler.kind == "function" else handler.source
        hashed.update(handler.source.rpartition(":")[2].encode() if handler.kind == "function" else b"")
        _add_file(hashed, file)
    else:
        hashed.update(f"{handler.source} {_version(handler)}".encode())
    if "table" in handler.options:
        _add_file(hashed, handler.options["table"])
    return hashed.hexdigest()[:16]


def _add_file(hashed: hashlib._Hash, file: str) -> None:
    try:
        hashed.update(Path(file).read_bytes())
    except OSError:
        hashed.update(b"\0missing")


def _version(handler: HandlerSettings) -> str:
    """Of a built-in handler the version of this package, of an entry point that of the package that brings it."""
    if handler.kind == "builtin":
        return __version__
    point = next(iter(metadata.entry_points(group=GROUP, name=handler.source)), None)
    return "" if point is None or point.dist is None else f"{point.dist.name} {point.dist.version}"


def fingerprints(handlers: Mapping[str, HandlerSettings]) -> dict[str, str]:
    """Of every handler."""
    return {name: fingerprint(one) for name, one in handlers.items()}
