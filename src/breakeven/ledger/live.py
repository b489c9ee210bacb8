"""The bookkeeper commits live segments, rows and offset in one transaction, and seals them when they are closed."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from breakeven.ledger.port import ImportResult
from breakeven.ledger.schema import FACTS, IDENTITY, TIME_COLUMN
from breakeven.ledger.seals import seal
from breakeven.ledger.segments import whole_lines
from breakeven.ledger.store import Ledger, explained_faults, transaction

DUPLICATE_WINDOW_DAYS = 3
"""How far before the earliest fact of a batch the ledger is searched for the same id; what a writer repeats, it repeats soon."""


def commit_segments(ledger: Ledger) -> ImportResult:
    """Commit what was appended to any segment since the last time. Rows and offset go together, so nothing counts twice."""
    added: dict[str, int] = dict.fromkeys(FACTS, 0)
    layout = ledger.layout
    sealed = {row[0] for row in ledger.query("SELECT source FROM sealed.segments WHERE kind = 'live'")}
    for path in sorted((*layout.open_segments.glob("*.ndjson"), *layout.closed_segments.glob("*.ndjson"))):
        if f"segment:{path.stem}" not in sealed:
            for fact, count in _commit_segment(ledger, path).items():
                added[fact] += count
    return ImportResult(calls_added=added.pop("calls"), lines_added=added.pop("cost_lines"), facts_added=added)


def seal_closed(ledger: Ledger) -> tuple[int, ...]:
    """Seal every closed segment to Parquet; returns the numbers of the sealed segments. The NDJSON is removed after the seal."""
    ledger.require_writer()
    commit_segments(ledger)
    segments: list[int] = []
    with explained_faults(ledger.layout.root):
        for path in sorted(ledger.layout.closed_segments.glob("*.ndjson")):
            segments += _seal_segment(ledger, path)
            path.unlink()
    return tuple(segments)


def _commit_segment(ledger: Ledger, path: Path) -> dict[str, int]:
    found = ledger.query("SELECT committed FROM live.offsets WHERE segment = $segment", {"segment": path.stem})
    start, end = (found[0][0] if found else 0), whole_lines(path)
    if end <= start:
        return {}
    piece = ledger.layout.spill / f"{path.stem}.{start}.ndjson"
    with path.open("rb") as source, piece.open("wb") as target:
        source.seek(start)
        shutil.copyfileobj(_Limited(source, end - start), target)
    with transaction(ledger.connection):
        counts = {fact: _insert(ledger, fact, piece, path.stem) for fact in FACTS}
        ledger.connection.execute("DELETE FROM live.offsets WHERE segment = $segment", {"segment": path.stem})
        ledger.connection.execute("INSERT INTO live.offsets VALUES ($segment, $end)", {"segment": path.stem, "end": end})
    piece.unlink()
    return counts


def _insert(ledger: Ledger, fact: str, piece: Path, segment: str) -> int:
    columns, keys, time = FACTS[fact], IDENTITY[fact], TIME_COLUMN[fact]
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in {"fact": "VARCHAR", **columns}.items())
    target = str(piece).replace("'", "''")
    selected, identity = ", ".join(columns), ", ".join(keys)
    ledger.connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE live_batch AS
        SELECT {selected} FROM read_ndjson('{target}', columns={{{declared}}}) WHERE fact = '{fact}'
        QUALIFY row_number() OVER (PARTITION BY {identity}) = 1""")
    earliest = f"(SELECT min({time}) FROM live_batch) - INTERVAL {DUPLICATE_WINDOW_DAYS} DAY"
    recent = f"SELECT ({identity}) FROM {fact} WHERE {time} >= {earliest}"
    ledger.connection.execute(f"DELETE FROM live_batch WHERE ({identity}) IN ({recent})")
    ledger.connection.execute(
        f"INSERT INTO live.{fact} (live_segment, {selected}) SELECT $segment, {selected} FROM live_batch", {"segment": segment}
    )
    return int(ledger.query("SELECT count(*) FROM live_batch")[0][0])


def _seal_segment(ledger: Ledger, path: Path) -> list[int]:
    source = f"segment:{path.stem}"
    if ledger.query("SELECT 1 FROM sealed.segments WHERE source = $source", {"source": source}):
        return []
    relations = {}
    for fact in FACTS:
        name = f"sealing_{fact}"
        ledger.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS"
            f" SELECT * EXCLUDE (live_segment) FROM live.{fact} WHERE live_segment = $segment",
            {"segment": path.stem},
        )
        if ledger.query(f"SELECT 1 FROM {name} LIMIT 1"):
            relations[fact] = name
    if not relations:
        return []
    number = ledger.next_segment()
    now = datetime.now(UTC).replace(tzinfo=None)
    manifest = seal(
        ledger.connection,
        ledger.layout,
        relations,
        segment=number,
        kind="live",
        source=source,
        recorded_at=now,
        live_segment=path.stem,
    )
    ledger.load(manifest)
    return [number]


class _Limited:
    """The next `size` bytes of a stream."""

    def __init__(self, stream: object, size: int) -> None:
        self._read = stream.read  # type: ignore[attr-defined] # any binary stream
        self._left = size

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes of what is left."""
        wanted = self._left if size < 0 else min(size, self._left)
        content: bytes = self._read(wanted)
        self._left -= len(content)
        return content
