"""The ledger: one directory, opened for reading by many or for writing by one."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import duckdb

from breakeven.economics.cost_class import CostClassRule
from breakeven.errors import DataError, LedgerDamaged, LedgerLocked, Unreachable
from breakeven.ledger import engine, handoff, rewriting
from breakeven.ledger.layout import Layout, write_durably
from breakeven.ledger.lock import WriterLock
from breakeven.ledger.port import Quotes
from breakeven.ledger.schema import FACTS, FORMAT_VERSION
from breakeven.ledger.seals import Manifest, damage, finish_sealing, live_source, read_manifest, segment_numbers, unused_number
from breakeven.ledger.segments import close_abandoned, segments
from breakeven.ledger.states import refresh_states

if TYPE_CHECKING:
    from breakeven.governance.privacy import Pseudonyms
    from breakeven.ledger.intake import Intake

Opened = TypeVar("Opened")


class Ledger:
    """Facts of AI usage and value. Opened by `open_ledger`; a context manager."""

    def __init__(self, layout: Layout, connection: duckdb.DuckDBPyConnection, lock: WriterLock | None) -> None:
        self.layout = layout
        self.connection = connection
        self.pseudonyms: Pseudonyms | None = None
        """Who is disguised in what is taken in; set by whoever opens the ledger for an import."""
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def writable(self) -> bool:
        """Whether this process holds the writer's lock."""
        return self._lock is not None

    def close(self) -> None:
        """Close the database and give the lock back."""
        self.connection.close()
        if self._lock is not None:
            shutil.rmtree(self.layout.spill, ignore_errors=True)
            self._lock.release()

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of one SELECT; `$name` in the SQL takes `parameters["name"]`."""
        with engine.explained(self.layout.database):
            return self.connection.execute(sql, dict(parameters or {})).fetchall()

    def table(self, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The column names and all rows of one SELECT."""
        with engine.explained(self.layout.database):
            cursor = self.connection.execute(sql, dict(parameters or {}))
            return [column[0] for column in cursor.description or ()], cursor.fetchall()

    def intake(
        self, *, source: str, quotes: Quotes, cost_class: Sequence[CostClassRule] = (), recorded_at: datetime | None = None
    ) -> Intake:
        """Begin to add facts; see `Intake`."""
        from breakeven.ledger.intake import Intake  # noqa: PLC0415 - Intake needs Ledger; readers never need Intake

        self.require_writer()
        return Intake(self, source, quotes, cost_class, recorded_at or datetime.now(UTC).replace(tzinfo=None))

    def require_writer(self) -> None:
        """Raise DataError where the ledger was opened for reading."""
        if not self.writable:
            raise DataError(f"the ledger {self.layout.root} is open for reading only", "Open it with write=True.")

    def loaded_segments(self) -> set[int]:
        """The numbers of the sealed segments whose rows are in the database."""
        return {row[0] for row in self.query("SELECT segment FROM sealed.segments")}

    def next_segment(self) -> int:
        """The number of the next sealed segment; never one that was given before, even where its manifest is lost."""
        return unused_number(self.layout, self.loaded_segments())

    def load(self, manifest: Manifest, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        """Bring one sealed segment into the database, rows and note in one transaction; one that is there already adds nothing."""
        used = connection or self.connection
        with transaction(used):
            found = used.execute("SELECT 1 FROM sealed.segments WHERE segment = $segment", {"segment": manifest.segment}).fetchall()
            if not found:
                _insert(used, self.layout, manifest)

    def catch_up(self) -> None:
        """Load every committed segment that the database does not hold yet (a process died in between)."""
        for number in sorted(segment_numbers(self.layout) - self.loaded_segments()):
            manifest = read_manifest(self.layout.manifest(number))
            problems = tuple(problem for file in manifest.files if (problem := damage(self.layout, file)))
            if problems:
                raise LedgerDamaged(f"segment {number} of the ledger {self.layout.root} cannot be loaded", problems=problems)
            self.load(manifest)


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # the connection may be unusable already; the first error is the one to report
            connection.execute("ROLLBACK")
        raise


@contextmanager
def explained_faults(root: Path) -> Iterator[None]:
    """Turn faults of the disk while writing into Unreachable with a remedy; what was committed before stays."""
    try:
        yield
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
        first = str(error).strip().splitlines()[0]
        if "corrupt" in first.lower():
            raise LedgerDamaged(f"the database of {root} is damaged: {first}", "Run: breakeven ledger rebuild") from error
        raise Unreachable(
            f"writing to the ledger {root} failed: {first}",
            "Free space or fix permissions and run the same command again: what was committed is kept and is not added twice.",
        ) from error


def open_ledger(path: Path, *, write: bool = False, create: bool = False) -> Ledger:
    """Open the ledger in the directory `path`.

    For writing (`write=True`) exactly one process at a time; `create=True` makes a new one where nothing is. Opening brings the
    database up to what is committed in the sealed files, and to what live segments hold where no bookkeeper does that; also for
    readers when nobody writes. Raises Unreachable (missing, unreadable), LedgerLocked (a bookkeeper makes room first, see
    `handoff.py`), LedgerDamaged, DataError (not a ledger, or of a newer version).
    """
    layout = locate(path, create=write and create)
    opened = _open_to_write if write else _open_to_read
    return patiently(layout, lambda: opened(layout))


def patiently(layout: Layout, attempt: Callable[[], Opened]) -> Opened:
    """Do what needs the database, again and again for a while where a bookkeeper has it, who is asked to make room."""
    until = time.monotonic() + handoff.PATIENCE_SECONDS
    while True:
        try:
            return attempt()
        except LedgerLocked:
            if time.monotonic() > until or not handoff.is_kept(layout):
                raise
            handoff.ask(layout)
            time.sleep(handoff.RETRY_SECONDS)


def open_as_bookkeeper(path: Path) -> Ledger:
    """Open the ledger for writing at once, or raise LedgerLocked at once: the bookkeeper asks nobody to make room for it."""
    return _open_to_write(locate(path))


def locate(path: Path, *, create: bool = False) -> Layout:
    """The ledger at `path`, without opening its database; raises as `open_ledger` does where there is none that we know."""
    layout = Layout(path.expanduser().resolve())
    if not layout.identity.is_file():
        _create(layout, allowed=create)
    _check_version(layout)
    return layout


def _open_to_write(layout: Layout) -> Ledger:
    lock = WriterLock(layout.lock)
    with explained_faults(layout.root):
        layout.create()
        lock.acquire()
        try:
            shutil.rmtree(layout.spill, ignore_errors=True)
            layout.spill.mkdir()
            if rewriting.interrupted(layout):
                rewriting.carry_on(layout)
            ledger = Ledger(layout, engine.connect(layout.database, read_only=False, spill=layout.spill), lock)
        except BaseException:
            lock.release()
            raise
        try:
            engine.create_tables(ledger.connection)
            finish_sealing(layout, ledger.loaded_segments())
            engine.attach_scratch(ledger.connection, layout.spill)
            ledger.catch_up()
        except BaseException:
            ledger.close()
            raise
    return ledger


def _open_to_read(layout: Layout) -> Ledger:
    current = _opened_if_current(layout)
    if current is not None:
        return Ledger(layout, current, None)
    try:
        with _open_to_write(layout) as ledger:
            _commit_what_waits(ledger)
    except LedgerLocked:
        if not layout.database.is_file():
            raise  # it is being made anew
        # whoever writes brings it up to date; DuckDB says below whether it can be read meanwhile
    except Unreachable:
        if not layout.database.is_file():
            raise
    return Ledger(layout, engine.connect(layout.database, read_only=True, spill=layout.spill), None)


def _opened_if_current(layout: Layout) -> duckdb.DuckDBPyConnection | None:
    """The database, open to be read, where it holds all that is committed; else None, and nothing stays open."""
    if not layout.database.is_file() or rewriting.interrupted(layout):
        return None
    connection = engine.connect(layout.database, read_only=True, spill=layout.spill)
    try:
        if _is_current(layout, connection):
            return connection
    except duckdb.CatalogException:
        pass
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _is_current(layout: Layout, connection: duckdb.DuckDBPyConnection) -> bool:
    loaded = {row[0]: row[1] for row in connection.execute("SELECT segment, source FROM sealed.segments").fetchall()}
    committed = dict(connection.execute("SELECT segment, committed FROM live.offsets").fetchall())
    if engine.is_older(connection):
        return False
    return segment_numbers(layout) <= loaded.keys() and not _any_waits(layout, committed, frozenset(loaded.values()))


def _any_waits(layout: Layout, committed: Mapping[str, int], sealed: AbstractSet[str]) -> bool:
    """Whether live segments hold what the database does not, and no bookkeeper will commit it within the second."""
    if handoff.is_kept(layout):
        return False
    for path in segments(layout):
        with suppress(FileNotFoundError):
            if path.stat().st_size > committed.get(path.stem, 0) and live_source(path.stem) not in sealed:
                return True
    return False


def _commit_what_waits(ledger: Ledger) -> None:
    """A bookkeeper that died has left facts in live segments: a report must have them all the same."""
    from breakeven.ledger.live import commit_segments  # noqa: PLC0415 - live needs Ledger; it is seldom needed here

    if not handoff.is_kept(ledger.layout):
        close_abandoned(ledger.layout)
        commit_segments(ledger)


_BEFORE_A_LEDGER = frozenset({"breakeven.yaml", "keys.json", "keys.lock"})
"""What may stand in a directory before it becomes a ledger: its configuration, and keys that were made before the first call."""


def _create(layout: Layout, *, allowed: bool) -> None:
    root = layout.root
    if root.is_file():
        raise DataError(f"{root} is a file, not a ledger directory", "Give a directory with --ledger.")
    if not allowed:
        raise Unreachable(
            f"there is no ledger at {root}",
            "Bring something in first (breakeven import ...), see the sample company (breakeven demo), or name one with --ledger.",
        )
    if root.is_dir() and any(entry.name not in _BEFORE_A_LEDGER for entry in root.iterdir()):
        raise DataError(f"{root} is neither empty nor a ledger", "Give an empty or new directory with --ledger.")
    with explained_faults(root):
        layout.create()
        identity = {
            "format": FORMAT_VERSION,
            "id": str(uuid.uuid4()),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_durably(layout.identity, json.dumps(identity, indent=1).encode() + b"\n")


def _check_version(layout: Layout) -> None:
    try:
        version = json.loads(layout.identity.read_text(encoding="utf-8"))["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LedgerDamaged(
            f"{layout.identity} is damaged: {error}", "Restore it from a backup, or write it anew with the same format."
        ) from error
    if version > FORMAT_VERSION:
        raise DataError(
            f"the ledger {layout.root} has format {version}; this version of Breakeven knows formats up to {FORMAT_VERSION}",
            "Upgrade Breakeven.",
        )


def _held(connection: duckdb.DuckDBPyConnection, source: str, columns: Mapping[str, str]) -> str:
    """The columns of a fact that its files have: those that were sealed before a column was added lack it."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return ", ".join(name for name, *_ in described if name in columns)


def _insert(connection: duckdb.DuckDBPyConnection, layout: Layout, manifest: Manifest) -> None:
    for table, columns in FACTS.items():
        paths = [str(layout.root / file.path) for file in manifest.files if file.table == table]
        if not paths:
            continue
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        source = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
        connection.execute(f"INSERT INTO sealed.{table} BY NAME SELECT {_held(connection, source, columns)} FROM {source}")
        if table == "cost_lines":
            connection.execute(f"INSERT INTO sealed.rollup_costs BY NAME {engine.rollup_costs_select(source)}")
            if manifest.kind == "restatement":
                refresh_states(connection, source)
        if table == "calls":
            connection.execute(f"INSERT INTO sealed.rollup_calls BY NAME {engine.rollup_calls_select(source)}")
    if manifest.live_segment is not None:
        for table in FACTS:
            connection.execute(f"DELETE FROM live.{table} WHERE live_segment = $segment", {"segment": manifest.live_segment})
        connection.execute("DELETE FROM live.offsets WHERE segment = $segment", {"segment": manifest.live_segment})
    connection.execute(
        "INSERT INTO sealed.segments VALUES ($segment, $source, $recorded_at, $kind)",
        {
            "segment": manifest.segment,
            "source": manifest.source,
            "recorded_at": datetime.fromisoformat(manifest.recorded_at),
            "kind": manifest.kind,
        },
    )
