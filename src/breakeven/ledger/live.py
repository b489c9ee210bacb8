"""The bookkeeper commits live segments, rows and offset in one transaction, and seals them when they are closed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from breakeven.ledger.gaps import add_gaps, set_aside
from breakeven.ledger.layout import Layout
from breakeven.ledger.port import ImportResult
from breakeven.ledger.schema import CALLS, COST_LINES, FACTS, IDENTITY, LINE_NAMES, TIME_COLUMN
from breakeven.ledger.seals import seal
from breakeven.ledger.segments import close_abandoned, whole_lines
from breakeven.ledger.store import Ledger, explained_faults, transaction

ATTEMPTS = "attempts"
"""The fact that gateways write: a call with its cost lines inside."""

DUPLICATE_WINDOW_DAYS = 3
"""How far before the earliest fact of a batch the ledger is searched for the same id; what a writer repeats, it repeats soon."""


class Progress:
    """What has been committed, remembered between two looks, so that a look at segments that have not grown costs nothing."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}

    def has_grown(self, path: Path) -> bool:
        """Whether a segment is longer than when it was last committed."""
        try:
            return path.stat().st_size > self.sizes.get(path.stem, 0)
        except FileNotFoundError:
            return False


def pending(layout: Layout, progress: Progress) -> bool:
    """Whether there is anything to commit or to seal."""
    closed = next(layout.closed_segments.glob("*.ndjson"), None)
    return closed is not None or any(progress.has_grown(path) for path in layout.open_segments.glob("*.ndjson"))


def commit_segments(ledger: Ledger, progress: Progress | None = None) -> ImportResult:
    """Commit what was appended to any segment since the last time. Rows and offset go together, so nothing counts twice.

    A line that is not what a writer writes is set aside in `rejects/`, with its segment and place, and loses no other.
    """
    progress = progress or Progress()
    added: dict[str, int] = dict.fromkeys(FACTS, 0)
    layout = ledger.layout
    for path in sorted((*layout.open_segments.glob("*.ndjson"), *layout.closed_segments.glob("*.ndjson"))):
        if progress.has_grown(path) and not _is_sealed(ledger, path):
            for fact, count in _commit_segment(ledger, path, progress).items():
                added[fact] += count
    return ImportResult(calls_added=added.pop("calls"), lines_added=added.pop("cost_lines"), facts_added=added)


def seal_closed(ledger: Ledger) -> tuple[int, ...]:
    """Seal every closed segment to Parquet; returns the numbers of the sealed segments. The NDJSON is removed after the seal.

    Segments that a dead writer left open are closed first; what it began and did not finish becomes a call of unknown cost.
    """
    ledger.require_writer()
    segments: list[int] = []
    with explained_faults(ledger.layout.root):
        close_abandoned(ledger.layout)
        commit_segments(ledger)
        for path in sorted(ledger.layout.closed_segments.glob("*.ndjson")):
            if not _is_sealed(ledger, path):
                _commit_segment(ledger, path, Progress())  # its writer may have appended and closed it since
                add_gaps(ledger, path)
                segments += _seal_segment(ledger, path)
            path.unlink()
    return tuple(segments)


def _commit_segment(ledger: Ledger, path: Path, progress: Progress) -> dict[str, int]:
    found = ledger.query("SELECT committed FROM live.offsets WHERE segment = $segment", {"segment": path.stem})
    try:
        start, end = (found[0][0] if found else 0), whole_lines(path)
    except FileNotFoundError:  # its writer has just closed it: the next look finds it among the closed ones
        return {}
    progress.sizes[path.stem] = end
    if end <= start:
        return {}
    piece = ledger.layout.spill / f"{path.stem}.{start}.ndjson"
    moved = ledger.layout.closed_segments / path.name
    with (path if path.exists() else moved).open("rb") as source, piece.open("wb") as target:
        source.seek(start)
        shutil.copyfileobj(_Limited(source, end - start), target)
    try:
        return _commit_piece(ledger, piece, path.stem, end)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        set_aside(ledger.layout, piece, path.stem, start)
        return _commit_piece(ledger, piece, path.stem, end)
    finally:
        piece.unlink()


def _commit_piece(ledger: Ledger, piece: Path, segment: str, end: int) -> dict[str, int]:
    with transaction(ledger.connection):
        counts = dict.fromkeys(FACTS, 0)
        if piece.stat().st_size:
            for fact in _facts_in(ledger, piece):
                for name, count in (_insert_attempts if fact == ATTEMPTS else _insert)(ledger, fact, piece, segment).items():
                    counts[name] += count
        ledger.connection.execute("DELETE FROM live.offsets WHERE segment = $segment", {"segment": segment})
        ledger.connection.execute("INSERT INTO live.offsets VALUES ($segment, $end)", {"segment": segment, "end": end})
    return counts


def _facts_in(ledger: Ledger, piece: Path) -> list[str]:
    found = ledger.query(f"SELECT DISTINCT fact FROM {_ndjson(piece, {})}")
    return sorted(fact for (fact,) in found if fact in FACTS or fact == ATTEMPTS)


def _ndjson(piece: Path, columns: Mapping[str, str]) -> str:
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in {"fact": "VARCHAR", **columns}.items())
    target = str(piece).replace("'", "''")
    return f"read_ndjson('{target}', columns={{{declared}}})"


def _insert(ledger: Ledger, fact: str, piece: Path, segment: str) -> dict[str, int]:
    columns, keys = FACTS[fact], IDENTITY[fact]
    selected, identity = ", ".join(columns), ", ".join(keys)
    ledger.connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE live_batch AS
        SELECT {selected} FROM {_ndjson(piece, columns)} WHERE fact = '{fact}'
        QUALIFY row_number() OVER (PARTITION BY {identity}) = 1""")
    _drop_known(ledger, fact)
    ledger.connection.execute(
        f"INSERT INTO live.{fact} (live_segment, {selected}) SELECT $segment, {selected} FROM live_batch", {"segment": segment}
    )
    return {fact: int(ledger.query("SELECT count(*) FROM live_batch")[0][0])}


def _drop_known(ledger: Ledger, fact: str) -> None:
    identity, time = ", ".join(IDENTITY[fact]), TIME_COLUMN[fact]
    earliest = f"(SELECT min({time}) FROM live_batch) - INTERVAL {DUPLICATE_WINDOW_DAYS} DAY"
    recent = f"SELECT ({identity}) FROM {fact} WHERE {time} >= {earliest}"
    ledger.connection.execute(f"DELETE FROM live_batch WHERE ({identity}) IN ({recent})")


def _insert_attempts(ledger: Ledger, fact: str, piece: Path, segment: str) -> dict[str, int]:
    """Take attempts apart into calls and their cost lines."""
    lines = "STRUCT(" + ", ".join(f"{short} {COST_LINES.get(name, 'INTEGER')}" for name, short in LINE_NAMES.items()) + ")[]"
    source = _ndjson(piece, {**CALLS, "cost_class": "VARCHAR", "lines": lines})
    ledger.connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE live_batch AS
        SELECT * EXCLUDE (fact) REPLACE (coalesce(call_count, 1) AS call_count) FROM {source} WHERE fact = '{fact}'
        QUALIFY row_number() OVER (PARTITION BY call_id, attempt) = 1""")
    _drop_known(ledger, "calls")
    calls = ", ".join(CALLS)
    ledger.connection.execute(
        f"INSERT INTO live.calls (live_segment, {calls}) SELECT $segment, {calls} FROM live_batch", {"segment": segment}
    )
    selected = ", ".join(f"{_line_column(name)} AS {name}" for name in COST_LINES)
    ledger.connection.execute(
        f"INSERT INTO live.cost_lines (live_segment, {', '.join(COST_LINES)}) SELECT $segment, {selected}"
        " FROM (SELECT * EXCLUDE (lines), unnest(lines) AS each FROM live_batch) AS batch",
        {"segment": segment},
    )
    counted = ledger.query("SELECT count(*), coalesce(sum(len(lines)), 0) FROM live_batch")[0]
    return {"calls": int(counted[0]), "cost_lines": int(counted[1])}


def _line_column(name: str) -> str:
    """Where a column of a cost line stands in an attempt: inside the line, or beside it."""
    if name == "line":
        return f"each.{LINE_NAMES['number']}"
    if name == "adjustment_of":
        return "NULL"
    if name not in LINE_NAMES:
        return f"batch.{name}"
    default = {"part": "0", "kind": "'list'", "state": "'metered'"}.get(name)
    inside = f"each.{LINE_NAMES[name]}"
    return f"coalesce({inside}, {default})" if default else inside


def _is_sealed(ledger: Ledger, path: Path) -> bool:
    """Whether a process died after the seal and before it removed the NDJSON."""
    sources = {"source": f"segment:{path.stem}"}
    return bool(ledger.query("SELECT 1 FROM sealed.segments WHERE kind = 'live' AND source = $source", sources))


def _seal_segment(ledger: Ledger, path: Path) -> list[int]:
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
        source=f"segment:{path.stem}",
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
