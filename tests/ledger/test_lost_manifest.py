"""A lost manifest is damage to be repaired from a backup: nothing else may be lost because of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from breakeven.ledger import ImportResult, open_ledger
from breakeven.ledger.verify import verify

Call = Callable[..., dict[str, object]]
Importing = Callable[..., ImportResult]


def test_opening_deletes_nothing_of_a_segment_that_was_committed(importing: Importing, call: Call, root: Path) -> None:
    """Whichever manifest is lost, opening for writing leaves its Parquet files where they are, and verify names the manifest."""
    for lost in (1, 2):
        importing([call(minute) for minute in range(lost * 20, lost * 20 + 20)])
    importing([call(100)])
    files = sorted(root.rglob("*.parquet"))
    for lost in (1, 3):
        manifest = root / "manifest" / f"{lost:08d}.json"
        kept = manifest.read_bytes()
        manifest.unlink()
        open_ledger(root, write=True).close()
        assert sorted(root.rglob("*.parquet")) == files
        assert any(manifest.name in problem.where for problem in verify(root).problems)
        manifest.write_bytes(kept)
    assert verify(root).holds


def test_a_number_is_never_given_twice(
    importing: Importing, call: Call, root: Path, total: Callable[[], tuple[int, Decimal]]
) -> None:
    """After the last manifest is lost, what is imported next gets a number of its own and counts."""
    importing([call(minute) for minute in range(20)])
    importing([call(minute) for minute in range(20, 40)])
    (root / "manifest" / "00000002.json").unlink()
    result = importing([call(minute) for minute in range(50, 60)])
    assert result.segments == (3,)
    assert total() == (50, Decimal("0.175"))


def test_files_outlive_manifest_and_database(importing: Importing, call: Call, root: Path) -> None:
    """Where the last manifest and the database are lost, the segment's files stay, verify names it, its number stays taken."""
    importing([call(minute) for minute in range(20)])
    importing([call(minute) for minute in range(20, 40)])
    files = sorted(root.rglob("*.parquet"))
    (root / "manifest" / "00000002.json").unlink()
    (root / "ledger.duckdb").unlink()
    open_ledger(root, write=True).close()
    assert sorted(root.rglob("*.parquet")) == files
    assert [problem.where for problem in verify(root).problems] == ["manifest/00000002.json"]
    assert importing([call(100)]).segments == (3,)
