"""Rebuild: the DuckDB file made anew from the sealed files, to the same sums."""

from __future__ import annotations

import shutil
from collections.abc import Set as AbstractSet
from pathlib import Path

import duckdb

from breakeven.errors import BreakevenError, LedgerDamaged, Problem
from breakeven.ledger import engine, rewriting
from breakeven.ledger.layout import Layout, sync_directory
from breakeven.ledger.live import commit_segments
from breakeven.ledger.lock import WriterLock
from breakeven.ledger.seals import finish_sealing, manifests
from breakeven.ledger.store import Ledger, explained_faults, locate, patiently
from breakeven.ledger.verify import VerifyReport, database_problems, live_problems, verify_sealed


def rebuild(path: Path) -> VerifyReport:
    """Write a new database beside the old one, verify it, and only then let it take the old one's place.

    Raises LedgerDamaged, naming each file, where the sealed files themselves are damaged, or where the old database has live facts
    that no file has: then it stays as it was. Raises Unreachable where there is no ledger, and LedgerLocked while another process
    writes to it; a bookkeeper makes room.
    """
    layout = locate(path)
    lock = WriterLock(layout.lock)
    with explained_faults(layout.root):
        patiently(layout, lock.acquire)
        try:
            return _rebuilt(layout)
        finally:
            shutil.rmtree(layout.spill, ignore_errors=True)
            lock.release()


def _rebuilt(layout: Layout) -> VerifyReport:
    layout.create()
    if rewriting.interrupted(layout):
        rewriting.carry_on(layout)
    loaded, only_here = _known(layout)
    finish_sealing(layout, loaded)
    report = verify_sealed(layout, loaded)
    if not report.holds:
        raise LedgerDamaged(
            f"the ledger {layout.root} cannot be rebuilt: its sealed files are damaged",
            "Restore the files named from a backup; the database was left as it was.",
            report.problems,
        )
    if only_here:
        raise LedgerDamaged(
            f"the ledger {layout.root} cannot be rebuilt: its database has live facts that no file has",
            "Seal them first: breakeven ledger seal. The database was left as it was.",
            only_here,
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


def _known(layout: Layout) -> tuple[AbstractSet[int], tuple[Problem, ...]]:
    """The segments that the old database knows, and the live facts that only it has; nothing where it cannot be read."""
    if not layout.database.is_file():
        return frozenset(), ()
    try:
        with Ledger(layout, engine.connect(layout.database, read_only=True, spill=layout.spill), None) as old:
            return old.loaded_segments(), tuple(live_problems(old))
    except (BreakevenError, duckdb.Error):  # it cannot be read, which is why one rebuilds
        return frozenset(), ()


def _log_of(database: Path) -> Path:
    """DuckDB's write-ahead log of a database file."""
    return database.with_name(database.name + ".wal")
