"""What has been told: open crossings and alerts on their way, in `alerts.sqlite` in the ledger's directory.

A crossing and its deliveries are written in one transaction, before anything is sent; a delivery is marked as sent after its sink
has taken it. A process that is killed in between sends that alert once more when it is back, with the same id, and loses none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from breakeven.errors import BreakevenError, DataError, Unreachable
from breakeven.governance.alerts import Alert, Crossing, Turn

FILE = "alerts.sqlite"
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 3600.0
GIVEN_UP_AFTER = timedelta(days=3)
"""How long a sink that does not take an alert is tried."""
REMEMBERED = timedelta(days=90)
"""How long a delivery that is over is listed."""
_TABLES = """
CREATE TABLE IF NOT EXISTS crossings (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, opened_at TEXT NOT NULL, ends TEXT, alert BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
    alert_id TEXT NOT NULL, sink TEXT NOT NULL, alert BLOB NOT NULL, state TEXT NOT NULL, queued_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_at TEXT NOT NULL, fault TEXT, ended_at TEXT,
    PRIMARY KEY (alert_id, sink)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schedules (name TEXT PRIMARY KEY, since TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reports (id TEXT PRIMARY KEY, made_at TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON deliveries (state, sink, next_at);
"""


class Delivery(NamedTuple):
    """One alert on its way to one sink. `state`: waiting, sent or given_up; `fault` is why the last attempt failed."""

    alert: Alert
    sink: str
    state: str
    queued_at: datetime
    attempts: int
    next_at: datetime
    fault: str | None
    ended_at: datetime | None


class AlertBook:
    """One connection to the file; each thread has its own. Every method is one transaction."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=5.0, isolation_level=None)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_TABLES)
        except sqlite3.Error as error:
            self._connection.close()
            raise _explained(path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def crossings(self) -> dict[str, Crossing]:
        """The crossings that are open."""
        rows = self._connection.execute("SELECT id, kind, opened_at, ends, alert FROM crossings ORDER BY opened_at, id").fetchall()
        return {
            row[0]: Crossing(row[0], row[1], _instant(row[2]), _known(row[3]), None if row[4] is None else _decoded(row[4]))
            for row in rows
        }

    def record(self, turn: Turn, told: Sequence[tuple[Alert, Sequence[str]]], at: datetime) -> None:
        """Remember what a look has changed, and a delivery for each alert that is told and each of its sinks."""
        with self._all_or_nothing():
            self._connection.executemany("DELETE FROM crossings WHERE id = ?", [(each,) for each in turn.closed])
            for crossing in turn.opened:
                alert = None if crossing.alert is None else msgspec.json.encode(crossing.alert)
                ends = None if crossing.ends is None else _text(crossing.ends)
                self._connection.execute(
                    "INSERT OR IGNORE INTO crossings VALUES (?, ?, ?, ?, ?)",
                    (crossing.id, crossing.kind, _text(crossing.opened_at), ends, alert),
                )
            for sent, sinks in told:
                self._queue(sent, sinks, at)
            self._connection.execute("DELETE FROM deliveries WHERE state <> 'waiting' AND ended_at < ?", (_text(at - REMEMBERED),))

    def _queue(self, alert: Alert, sinks: Sequence[str], at: datetime) -> None:
        rows = [(alert.id, sink, msgspec.json.encode(alert), _text(at), _text(at)) for sink in dict.fromkeys(sinks)]
        self._connection.executemany(
            "INSERT OR IGNORE INTO deliveries (alert_id, sink, alert, state, queued_at, next_at) VALUES (?, ?, ?, 'waiting', ?, ?)",
            rows,
        )

    def scheduled_since(self, name: str, at: datetime) -> datetime:
        """When a schedule was first seen, which is noted where it is new: what was due before that is not made up for."""
        self._connection.execute("INSERT OR IGNORE INTO schedules VALUES (?, ?)", (name, _text(at)))
        row = self._connection.execute("SELECT since FROM schedules WHERE name = ?", (name,)).fetchone()
        return _instant(row[0])

    def reported(self, identity: str) -> bool:
        """Whether this report is made and on its way, or delivered."""
        return self._connection.execute("SELECT 1 FROM reports WHERE id = ?", (identity,)).fetchone() is not None

    def report(self, identity: str, alert: Alert, sinks: Sequence[str], at: datetime) -> bool:
        """Remember a report and queue it for its sinks, both or neither; False where it was remembered before."""
        with self._all_or_nothing():
            if self._connection.execute("INSERT OR IGNORE INTO reports VALUES (?, ?)", (identity, _text(at))).rowcount == 0:
                return False
            self._queue(alert, sinks, at)
        return True

    def due(self, sink: str, at: datetime, most: int = 20) -> list[Delivery]:
        """What a sink should be given now, oldest first."""
        return self._deliveries("state = 'waiting' AND sink = ? AND next_at <= ? ORDER BY queued_at LIMIT ?", sink, _text(at), most)

    def sent(self, delivery: Delivery, at: datetime) -> None:
        """The sink has taken it."""
        self._connection.execute(
            "UPDATE deliveries SET state = 'sent', attempts = attempts + 1, fault = NULL, ended_at = ?"
            " WHERE alert_id = ? AND sink = ?",
            (_text(at), delivery.alert.id, delivery.sink),
        )

    def failed(self, delivery: Delivery, fault: str, at: datetime, after: float | None = None) -> None:
        """The sink has not taken it: try again after a pause that doubles, or give up after three days."""
        pause = max(after or 0.0, min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(delivery.attempts, 20)))
        over = at - delivery.queued_at > GIVEN_UP_AFTER
        self._connection.execute(
            "UPDATE deliveries SET attempts = attempts + 1, fault = ?, next_at = ?, state = ?, ended_at = ?"
            " WHERE alert_id = ? AND sink = ?",
            (fault, _text(at + timedelta(seconds=pause)), "given_up" if over else "waiting", _text(at) if over else None,
             delivery.alert.id, delivery.sink),
        )  # fmt: skip

    def abandon(self, sinks: Sequence[str], at: datetime) -> None:
        """Give up what waits for sinks that are not configured any more; `sinks` are those that are."""
        known = ", ".join("?" * len(sinks))
        self._connection.execute(
            "UPDATE deliveries SET state = 'given_up', fault = 'this sink is no longer configured', ended_at = ?"
            f" WHERE state = 'waiting' AND sink NOT IN ({known})",
            (_text(at), *sinks),
        )

    def next_at(self, sink: str) -> datetime | None:
        """When the next attempt for a sink is due; None where nothing waits."""
        row = self._connection.execute(
            "SELECT min(next_at) FROM deliveries WHERE state = 'waiting' AND sink = ?", (sink,)
        ).fetchone()
        return _known(row[0])

    def deliveries(self) -> list[Delivery]:
        """Everything on its way and what has ended lately, latest first."""
        return self._deliveries("TRUE ORDER BY queued_at DESC, alert_id, sink")

    def _deliveries(self, where: str, *values: object) -> list[Delivery]:
        columns = "alert, sink, state, queued_at, attempts, next_at, fault, ended_at"
        rows = self._connection.execute(f"SELECT {columns} FROM deliveries WHERE {where}", values).fetchall()
        return [
            Delivery(_decoded(row[0]), row[1], row[2], _instant(row[3]), row[4], _instant(row[5]), row[6], _known(row[7]))
            for row in rows
        ]

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _explained(path: Path, error: sqlite3.Error) -> BreakevenError:
    """A book that is in use or unreadable may be tried again; one that is no database must be moved away."""
    if isinstance(error, sqlite3.OperationalError):
        return Unreachable(f"{path.name} cannot be used: {error}", "Check the disk and the permissions of the ledger's directory.")
    return DataError(
        f"{path.name} is damaged: {error}", f"Move {path} away: what is crossed now is told once more, and remembered anew."
    )


def _decoded(content: bytes) -> Alert:
    return msgspec.json.decode(content, type=Alert)


def _text(at: datetime) -> str:
    """Instants as text that sorts as they do."""
    return at.isoformat(timespec="microseconds")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _known(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
