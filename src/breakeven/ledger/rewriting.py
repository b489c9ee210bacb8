"""Rewriting sealed segments: for privacy alone, whole or not at all, and never a sum.

The new files are written beside the ledger, in `rewrite/`, as a small ledger of their own. `rewrite/commit.json` is the commit:
before it the rewrite is a leftover that the next writer removes; after it the next writer completes it, however often a process
dies in between. What was written anew must have the exact sums of what it takes the place of, or nothing happens. The database is
made anew from the files, so that what went is nowhere in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import msgspec

from breakeven.errors import LedgerDamaged
from breakeven.ledger.layout import Layout, sync_directory, write_durably
from breakeven.ledger.schema import FACTS
from breakeven.ledger.seals import SUMS, Manifest, read_manifest, seal

FOLDER = "rewrite"
_COMMIT = "commit.json"
_RETIRED = "retired"

Sums = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a rewrite did: segments, rows by fact before and after, and the exact sums, which are the same before and after."""

    segments: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    sums: Sums


def shadow_of(layout: Layout) -> Layout:
    """Where new files lie until they are committed."""
    return Layout(layout.root / FOLDER)


def begin(layout: Layout) -> Layout:
    """An empty place for new files."""
    shadow = shadow_of(layout)
    shutil.rmtree(shadow.root, ignore_errors=True)
    shadow.manifests.mkdir(parents=True)
    shadow.spill.mkdir()
    return shadow


def write_anew(
    connection: duckdb.DuckDBPyConnection, layout: Layout, old: Manifest, relations: Mapping[str, str]
) -> tuple[Manifest, Manifest]:
    """One segment anew, beside the old one: of each fact all rows of its relation. Returns the old and the new manifest."""
    new = seal(
        connection,
        shadow_of(layout),
        relations,
        segment=old.segment,
        kind=old.kind,
        source=old.source,
        recorded_at=datetime.fromisoformat(old.recorded_at),
        live_segment=old.live_segment,
    )
    return old, new


def commit(layout: Layout, pairs: Iterable[tuple[Manifest, Manifest]]) -> Rewritten:
    """Prove that no sum has changed, then commit and carry out. Raises LedgerDamaged, with nothing done, where one has."""
    found = list(pairs)
    old, new = [each for each, _ in found], [each for _, each in found]
    before, after = totals(old), totals(new)
    different = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if different:
        shutil.rmtree(shadow_of(layout).root, ignore_errors=True)
        raise LedgerDamaged(
            f"rewriting would change the sums of {', '.join(different)}", "Nothing was changed. Run: breakeven ledger verify"
        )
    write_durably(shadow_of(layout).root / _COMMIT, msgspec.json.encode([each.segment for each in new]))
    carry_on(layout)
    return Rewritten(len(found), _rows(old), _rows(new), before)


def remake_database(layout: Layout) -> None:
    """Let the next writer make the database anew from the files; the writer's lock is held, and no fact is in it alone."""
    begin(layout)
    commit(layout, ())


def interrupted(layout: Layout) -> bool:
    """Whether a rewrite has been begun and not been completed."""
    return shadow_of(layout).root.is_dir()


def carry_on(layout: Layout) -> None:
    """Complete a rewrite that is committed, and remove one that is not; the writer's lock is held, the database closed."""
    shadow = shadow_of(layout)
    if not (shadow.root / _COMMIT).is_file():
        shutil.rmtree(shadow.root, ignore_errors=True)
        return
    for path in sorted(shadow.manifests.glob("[0-9]*.json")):
        _replace(layout, shadow, read_manifest(path), path)
    _move_retired(layout, shadow)
    for name in (layout.database.name, f"{layout.database.name}.wal"):
        (layout.root / name).unlink(missing_ok=True)
    sync_directory(layout.root)
    for path in shadow.root.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    (shadow.root / _COMMIT).unlink()
    shadow.root.rmdir()
    sync_directory(layout.root)


def retired_draft(layout: Layout) -> Path:
    """Where the ids of calls that become sums are written before the commit."""
    folder = shadow_of(layout).root / _RETIRED
    folder.mkdir(exist_ok=True)
    return folder / f"{len(retired(layout)) + 1:08d}.parquet"


def retired(layout: Layout) -> list[Path]:
    """Files with the ids of calls that have become sums: an export that is imported again must not bring them back."""
    return sorted((layout.root / _RETIRED).glob("*.parquet"))


def totals(manifests: Iterable[Manifest]) -> dict[str, Decimal]:
    """The exact sums over segments, by `fact.column`."""
    found = {f"{table}.{name}": Decimal(0) for table, names in SUMS.items() for name in names}
    for file in (file for manifest in manifests for file in manifest.files):
        for name, text in file.sums.items():
            found[f"{file.table}.{name}"] += Decimal(text or 0)
    return found


def _rows(manifests: Iterable[Manifest]) -> dict[str, int]:
    found = dict.fromkeys(FACTS, 0)
    for file in (file for manifest in manifests for file in manifest.files):
        found[file.table] += file.rows
    return found


def _replace(layout: Layout, shadow: Layout, new: Manifest, path: Path) -> None:
    """The new files of one segment take their places; what the old ones had besides goes; the manifest comes last."""
    touched = {layout.manifests}
    for file in new.files:
        draft, target = shadow.root / file.path, layout.root / file.path
        if draft.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
            touched.add(target.parent)
    named = {layout.root / file.path for file in new.files}
    for left in set(layout.sealed.glob(f"*/month=*/{new.segment:08d}.parquet")) - named:
        left.unlink()
        touched.add(left.parent)
    for directory in touched:
        sync_directory(directory)
    path.replace(layout.manifest(new.segment))
    sync_directory(layout.manifests)


def _move_retired(layout: Layout, shadow: Layout) -> None:
    drafts = sorted((shadow.root / _RETIRED).glob("*.parquet"))
    if drafts:
        folder = layout.root / _RETIRED
        folder.mkdir(exist_ok=True)
        for draft in drafts:
            draft.replace(folder / draft.name)
        sync_directory(folder)
