"""Rebuild: the DuckDB file made anew from the sealed files, to the same sums."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path

import duckdb

from breakeven.errors import BreakevenError, LedgerDamaged
from breakeven.ledger import engine
from breakeven.ledger.layout import Layout, sync_directory
from breakeven.ledger.live import commit_segments
from breakeven.ledger.lock import WriterLock
from breakeven.ledger.seals import manifests
from breakeven.ledger.store import Ledger, explained_faults, locate
from breakeven.ledger.verify import VerifyReport, database_problems, verify_sealed


def rebuild(path: Path) -> VerifyReport:
    """Write a new database beside the old one, verify it, and only then let it take the old one's place.

    Raises LedgerDamaged, naming each file, where the sealed files themselves are damaged: then the old database stays as it was.
    Raises Unreachable where there is no ledger, and LedgerLocked while another process has it open.
    """
    layout = locate(path)
    with explained_faults(layout.root), _locked(layout):
        report = verify_sealed(layout, _loaded(layout))
        if not report.holds:
            raise LedgerDamaged(
                f"the ledger {layout.root} cannot be rebuilt: its sealed files are damaged",
                "Restore the files named from a backup; the database was left as it was.",
                report.problems,
            )
        draft = layout.root / "rebuilt.duckdb"
        try:
            _write(layout, draft, report)
            _log_of(layout.database).unlink(missing_ok=True)
            draft.replace(layout.database)
            sync_directory(layout.root)
        finally:
            draft.unlink(missing_ok=True)
            _log_of(draft).unlink(missing_ok=True)
    return report


def _write(layout: Layout, draft: Path, report: VerifyReport) -> None:
    layout.create()
    draft.unlink(missing_ok=True)
    _log_of(draft).unlink(missing_ok=True)
    with Ledger(layout, engine.connect(draft, read_only=False, spill=layout.spill), None) as fresh:
        engine.create_tables(fresh.connection)
        for manifest in manifests(layout):
            fresh.load(manifest)
        commit_segments(fresh)
        fresh.connection.execute("CHECKPOINT")
        problems = tuple(database_problems(fresh, report))
    if problems:
        raise LedgerDamaged(
            f"the database rebuilt for {layout.root} does not hold", "Check the disk; the old database stays.", problems
        )


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    lock = WriterLock(layout.lock)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _loaded(layout: Layout) -> AbstractSet[int]:
    """The segments that the old database knows; none where it cannot be read, which is why one rebuilds."""
    if not layout.database.is_file():
        return frozenset()
    try:
        with Ledger(layout, engine.connect(layout.database, read_only=True, spill=layout.spill), None) as old:
            return old.loaded_segments()
    except (BreakevenError, duckdb.Error):
        return frozenset()


def _log_of(database: Path) -> Path:
    """DuckDB's write-ahead log of a database file."""
    return database.with_name(database.name + ".wal")
