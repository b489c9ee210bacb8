"""Sealing: facts become month-partitioned Parquet files and one manifest, whose existence is the commit.

Files are drafts until their manifest is durable and get their names only then. So a `.parquet` file below `sealed/` was committed,
whatever has happened to its manifest since, and is never deleted; a draft without a manifest never was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import msgspec

from breakeven.errors import LedgerDamaged, Problem
from breakeven.ledger.layout import Layout, sync_directory, sync_file, write_durably
from breakeven.ledger.schema import FACTS, TIME_COLUMN

SUMS: Mapping[str, tuple[str, ...]] = {
    "calls": ("call_count", "input_tokens", "output_tokens"),
    "cost_lines": ("cost", "quantity"),
    "outcomes": ("quantity", "value"),
    "revenue": ("amount",),
    "customers": (),
    "replays": ("cost",),
    "reconciliations": ("metered", "adjusted"),
    "invoice_lines": ("amount",),
}
ROW_GROUP = 122_880
CLUSTERED = 1.5
"""Row groups whose spans sum to at most this times the whole span count as ordered by time."""
UNDATED = "undated"
_NAMED = "*/month=*/{}.parquet"
_DIGITS = 8
RESTORE = "Restore this file from a backup; without it what it held is lost."


class SealedFile(msgspec.Struct, frozen=True):
    """One Parquet file: what it holds, exactly. `sums` are strings of exact digits; None where all values are unknown."""

    table: str
    path: str
    rows: int
    bytes: int
    sha256: str
    earliest: str | None
    latest: str | None
    sums: dict[str, str | None]


class Manifest(msgspec.Struct, frozen=True):
    """One sealed segment. `kind`: import, live, restatement or reconciliation; `live_segment`: the NDJSON segment that it seals."""

    segment: int
    kind: str
    source: str
    recorded_at: str
    files: tuple[SealedFile, ...]
    live_segment: str | None = None


def seal(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    relations: Mapping[str, str],
    *,
    segment: int,
    kind: str,
    source: str,
    recorded_at: datetime,
    live_segment: str | None = None,
) -> Manifest:
    """Write the rows of each relation (fact name -> table or view with that fact's columns) and commit them with a manifest.

    When this returns, the facts are durable. When it fails or the process dies before the manifest, nothing is committed and the
    drafts are leftovers; after it, `finish_sealing` gives the files their names when the ledger is opened next.
    """
    files: list[SealedFile] = []
    layout.drafts.mkdir(parents=True, exist_ok=True)
    for table, relation in relations.items():
        for month in _months(connection, relation, TIME_COLUMN[table]):
            path = layout.sealed / table / f"month={month or UNDATED}" / f"{segment:08d}.parquet"
            files.append(_write(connection, layout, table, relation, month, path))
    sync_directory(layout.drafts)
    manifest = Manifest(segment, kind, source, recorded_at.isoformat(), tuple(files), live_segment)
    write_durably(layout.manifest(segment), msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    _name_files(layout, manifest)
    return manifest


def live_source(segment: str) -> str:
    """The source of the sealed segment that is made of a live one."""
    return f"segment:{segment}"


def manifests(layout: Layout) -> list[Manifest]:
    """Every committed segment, in order of commitment. Raises LedgerDamaged where a manifest cannot be read."""
    return [read_manifest(path) for path in sorted(layout.manifests.glob("[0-9]*.json"))]


def read_manifest(path: Path) -> Manifest:
    """One manifest, checked for its shape."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LedgerDamaged(
            f"{path.name} in manifest/ is damaged: {error}",
            "Restore this file from a backup; `breakeven ledger verify` lists everything else that is damaged.",
        ) from error


def segment_numbers(layout: Layout) -> set[int]:
    """The numbers of the segments that have a manifest."""
    return {int(path.stem) for path in layout.manifests.glob("[0-9]*.json")}


def lost_segments(layout: Layout, loaded: AbstractSet[int]) -> list[int]:
    """Segments that were committed, as their successors, the database or their files show, and have no manifest any more."""
    present = segment_numbers(layout)
    named = {int(path.stem) for path in layout.sealed.glob(_NAMED.format("[0-9]*"))}
    return sorted(set(range(1, max(present | loaded | named, default=0) + 1)) - present)


def unused_number(layout: Layout, loaded: AbstractSet[int]) -> int:
    """The number of the next segment: one that no manifest, no row of the database and no sealed file ever had."""
    number = max(segment_numbers(layout) | loaded, default=0) + 1
    while any(layout.sealed.glob(_NAMED.format(f"{number:08d}"))):
        number += 1
    return number


def finish_sealing(layout: Layout, loaded: AbstractSet[int]) -> None:
    """After a process died while sealing: name the files of a committed segment, and delete drafts that were never committed."""
    for draft in sorted(layout.drafts.glob("[0-9]*.draft")):
        segment = int(draft.name[:_DIGITS])
        if layout.manifest(segment).is_file():
            _name_files(layout, read_manifest(layout.manifest(segment)))
        elif segment not in loaded:
            draft.unlink()


def damage(layout: Layout, file: SealedFile) -> Problem | None:
    """What is wrong with the bytes of a sealed file, if anything."""
    path = layout.root / file.path
    try:
        size = path.stat().st_size
        if size == file.bytes and sha256_of(path) == file.sha256:
            return None
        cut = f"it has {size} bytes, the manifest says {file.bytes}"
        what = "its SHA-256 is not the one in the manifest" if size == file.bytes else cut
    except FileNotFoundError:
        what = "the file is missing"
    except OSError as error:
        what = f"it cannot be read: {error.strerror}"
    return Problem(file.path, what, RESTORE)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def measured(
    connection: duckdb.DuckDBPyConnection, table: str, relation: str
) -> tuple[int, str | None, str | None, dict[str, str | None]]:
    """Rows, earliest and latest time and exact sums of a relation that holds facts of `table`."""
    time = TIME_COLUMN[table]
    sums = ", ".join(f"sum({name})" for name in SUMS[table])
    (row,) = connection.execute(
        f"SELECT count(*), min({time}), max({time}) {',' if sums else ''} {sums} FROM {relation}"
    ).fetchall()
    rows, earliest, latest, *totals = row
    return rows, _text(earliest), _text(latest), {name: _text(total) for name, total in zip(SUMS[table], totals, strict=True)}


def _write(
    connection: duckdb.DuckDBPyConnection, layout: Layout, table: str, relation: str, month: str | None, path: Path
) -> SealedFile:
    draft = _draft(layout, path)
    time = TIME_COLUMN[table]
    span = (
        f"{time} >= TIMESTAMP '{month}-01' AND {time} < TIMESTAMP '{month}-01' + INTERVAL 1 MONTH" if month else f"{time} IS NULL"
    )
    selected = f"SELECT {', '.join(FACTS[table])} FROM {relation} WHERE {span}{_order(connection, relation, time)}"
    target = str(draft).replace("'", "''")
    connection.execute(f"COPY ({selected}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})")
    sync_file(draft)
    rows, earliest, latest, sums = measured(connection, table, f"(SELECT * FROM {relation} WHERE {span})")
    return SealedFile(
        table=table,
        path=path.relative_to(layout.root).as_posix(),
        rows=rows,
        bytes=draft.stat().st_size,
        sha256=sha256_of(draft),
        earliest=earliest,
        latest=latest,
        sums=sums,
    )


def _draft(layout: Layout, path: Path) -> Path:
    """Where the content of a sealed file lies before it has its name."""
    return layout.drafts / f"{path.stem}.{path.parts[-3]}.{path.parts[-2]}.draft"


def _name_files(layout: Layout, manifest: Manifest) -> None:
    directories = set()
    for path in (layout.root / file.path for file in manifest.files):
        draft = _draft(layout, path)
        if draft.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(path)
            directories |= {path.parent, path.parent.parent, layout.sealed}
    for directory in directories:
        sync_directory(directory)


def _order(connection: duckdb.DuckDBPyConnection, relation: str, time: str) -> str:
    """Row groups must cover short spans of time. Many rows that came in order already do, and sorting those again is dear."""
    (row,) = connection.execute(f"""
        SELECT count(*) > 1 AND sum(latest - earliest) <= {CLUSTERED} * (max(latest) - min(earliest))
        FROM (
            SELECT epoch_us(min({time})) AS earliest, epoch_us(max({time})) AS latest FROM {relation} GROUP BY rowid // {ROW_GROUP}
        )""").fetchall()
    return "" if row[0] else f" ORDER BY {time}"


def _months(connection: duckdb.DuckDBPyConnection, relation: str, time: str) -> Iterator[str | None]:
    rows: Sequence[tuple[date | None]] = connection.execute(
        f"SELECT DISTINCT date_trunc('month', {time})::DATE AS month FROM {relation} ORDER BY month"
    ).fetchall()
    for (month,) in rows:
        yield None if month is None else f"{month:%Y-%m}"


def _text(value: datetime | Decimal | int | None) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else format(value, "f")
