"""Rebuild: the DuckDB file made anew from the sealed files, to the same sums."""

from __future__ import annotations

from pathlib import Path

from breakeven.errors import LedgerDamaged
from breakeven.ledger import engine
from breakeven.ledger.layout import Layout
from breakeven.ledger.live import commit_segments
from breakeven.ledger.lock import WriterLock
from breakeven.ledger.seals import manifests
from breakeven.ledger.store import Ledger, explained_faults
from breakeven.ledger.verify import VerifyReport, verify


def rebuild(path: Path) -> VerifyReport:
    """Write a new database beside the old one, verify it, and only then take the old one's place.

    Raises LedgerDamaged where the sealed files themselves are damaged; the old database stays as it was.
    """
    layout = Layout(path.expanduser().resolve())
    lock = WriterLock(layout.lock)
    lock.acquire()
    try:
        with explained_faults(layout.root):
            _replace_database(layout)
    finally:
        lock.release()
    report = verify(path)
    if not report.holds:
        raise LedgerDamaged(
            f"the ledger {layout.root} was rebuilt from damaged files", "Restore the files named from a backup.", report.problems
        )
    return report


def _replace_database(layout: Layout) -> None:
    layout.create()
    draft = layout.root / "rebuilt.duckdb"
    for leftover in (draft, draft.with_name(draft.name + ".wal")):
        leftover.unlink(missing_ok=True)
    with Ledger(layout, engine.connect(draft, read_only=False, spill=layout.spill), None) as fresh:
        engine.create_tables(fresh.connection)
        for manifest in manifests(layout):
            missing = [file.path for file in manifest.files if not (layout.root / file.path).is_file()]
            if missing:
                raise LedgerDamaged(
                    f"sealed files are missing: {', '.join(missing)}", "Restore them from a backup, then rebuild again."
                )
            fresh.load(manifest)
        commit_segments(fresh)
        fresh.connection.execute("CHECKPOINT")
    layout.database.with_name(layout.database.name + ".wal").unlink(missing_ok=True)
    draft.replace(layout.database)
