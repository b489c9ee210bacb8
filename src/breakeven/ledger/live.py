"""The bookkeeper commits live segments, rows and offset in one transaction, and seals them when they are closed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from breakeven.ledger.committing import UNFIT, commit_piece, dropping, read_piece
from breakeven.ledger.damaged import set_aside
from breakeven.ledger.gaps import add_gaps
from breakeven.ledger.layout import Layout
from breakeven.ledger.masking import mask
from breakeven.ledger.port import ImportResult
from breakeven.ledger.schema import FACTS
from breakeven.ledger.seals import live_source, seal
from breakeven.ledger.segments import close_abandoned, open_segment, segment_size, segments
from breakeven.ledger.store import Ledger, explained_faults

PIECE_BYTES = 32 * 1024 * 1024
"""A segment that grew by more is committed in several transactions, so that a backlog of any size takes no more memory."""


class Progress:
    """What has been committed, remembered between two looks, so that a look at segments that have not grown costs nothing."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}

    def has_grown(self, path: Path) -> bool:
        """Whether a segment is longer than when it was last committed."""
        try:
            return path.stat().st_size > self._sizes.get(path.stem, 0)
        except FileNotFoundError:  # closed since it was listed: it is among the closed ones at the next look
            return False

    def note(self, path: Path, size: int) -> None:
        """Remember that a segment is committed up to a byte."""
        self._sizes[path.stem] = size

    def forget_all_but(self, present: list[Path]) -> None:
        """Drop what is remembered of segments that are gone."""
        kept = {path.stem for path in present}
        self._sizes = {stem: size for stem, size in self._sizes.items() if stem in kept}


def pending(layout: Layout, progress: Progress) -> bool:
    """Whether there is anything to commit or to seal."""
    closed = next(layout.closed_segments.glob("*.ndjson"), None)
    return closed is not None or any(progress.has_grown(path) for path in layout.open_segments.glob("*.ndjson"))


def commit_segments(ledger: Ledger, progress: Progress | None = None) -> ImportResult:
    """Commit what was appended to any segment since the last time. Rows and offset go together, so nothing counts twice.

    A line that is not what a writer writes is set aside in `rejects/`, with its segment and place, and holds up no other.
    Raises Unreachable where the disk fails: what was committed before stays, the rest waits in its segment.
    """
    progress = progress or Progress()
    added: dict[str, int] = dict.fromkeys(FACTS, 0)
    present = segments(ledger.layout)
    with explained_faults(ledger.layout.root):
        for path in present:
            if progress.has_grown(path) and not _is_sealed(ledger, path.stem):
                for fact, count in _commit_segment(ledger, path, progress).items():
                    added[fact] += count
    progress.forget_all_but(present)
    return ImportResult(calls_added=added.pop("calls"), lines_added=added.pop("cost_lines"), facts_added=added)


def seal_closed(ledger: Ledger) -> tuple[int, ...]:
    """Seal every closed segment to Parquet; returns the numbers of the sealed segments. The NDJSON is removed after the seal.

    Segments that a dead writer left open are closed first; what it began and did not finish becomes a call of unknown cost. Facts
    whose NDJSON is gone are sealed from the database, which is all there is of them.
    """
    ledger.require_writer()
    numbers: list[int] = []
    with explained_faults(ledger.layout.root):
        close_abandoned(ledger.layout)
        commit_segments(ledger)
        for path in sorted(ledger.layout.closed_segments.glob("*.ndjson")):
            if not _is_sealed(ledger, path.stem):
                _commit_segment(ledger, path, Progress())  # its writer may have appended and closed it since
                add_gaps(ledger, path)
                numbers += _seal_segment(ledger, path.stem)
            path.unlink()
        for stem in _orphans(ledger):
            numbers += _seal_segment(ledger, stem)
    return tuple(numbers)


def _orphans(ledger: Ledger) -> list[str]:
    """Segments of which the database has facts that are not sealed, and whose NDJSON is gone."""
    waiting = " UNION ".join(f"SELECT live_segment FROM live.{table}" for table in FACTS)
    committed = ledger.query(f"SELECT segment FROM live.offsets UNION {waiting} ORDER BY 1")
    return [stem for (stem,) in committed if segment_size(ledger.layout, stem) is None]


def _commit_segment(ledger: Ledger, path: Path, progress: Progress) -> dict[str, int]:
    found = ledger.query("SELECT committed FROM live.offsets WHERE segment = $segment", {"segment": path.stem})
    end = found[0][0] if found else 0
    added = dict.fromkeys(FACTS, 0)
    stream = open_segment(ledger.layout, path.stem)
    if stream is None:
        return added
    with stream, dropping(ledger.connection, "live_piece"):
        while lines := _whole_lines(stream, end):
            for fact, count in _commit_lines(ledger, path.stem, end, lines).items():
                added[fact] += count
            end += len(lines)
            progress.note(path, end)
    progress.note(path, end)
    return added


def _whole_lines(stream: BinaryIO, start: int) -> bytes:
    """The whole lines from a byte on, about `PIECE_BYTES` of them; nothing where none has been completed there."""
    stream.seek(start)
    content = stream.read(PIECE_BYTES)
    end = content.rfind(b"\n") + 1
    while not end and (more := stream.read(PIECE_BYTES)):
        content += more
        end = content.rfind(b"\n") + 1
    return content[:end]


def _commit_lines(ledger: Ledger, segment: str, start: int, lines: bytes) -> dict[str, int]:
    piece = ledger.layout.spill / f"{segment}.{start}.ndjson"
    piece.write_bytes(lines)
    try:
        if not _fits(ledger, piece):
            set_aside(ledger.layout, piece, f"{segment}-{start}", lambda part: _fits(ledger, part))
            read_piece(ledger.connection, piece)
        mask(ledger.connection, ledger.layout, "live_piece")
        return commit_piece(ledger.connection, segment, start + len(lines))
    finally:
        piece.unlink(missing_ok=True)


def _fits(ledger: Ledger, piece: Path) -> bool:
    try:
        read_piece(ledger.connection, piece)
    except UNFIT:
        return False
    return True


def _is_sealed(ledger: Ledger, segment: str) -> bool:
    """Whether a process died after the seal and before it removed the NDJSON."""
    source = {"source": live_source(segment)}
    return bool(ledger.query("SELECT 1 FROM sealed.segments WHERE kind = 'live' AND source = $source", source))


def _seal_segment(ledger: Ledger, segment: str) -> list[int]:
    named = {"segment": segment}
    relations = {fact: f"sealing_{fact}" for fact in FACTS}
    with dropping(ledger.connection, *relations.values()):
        for fact, name in relations.items():
            ledger.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS"
                f" SELECT * EXCLUDE (live_segment) FROM live.{fact} WHERE live_segment = $segment",
                named,
            )
        for name in relations.values():
            mask(ledger.connection, ledger.layout, name)
        filled = {fact: name for fact, name in relations.items() if ledger.query(f"SELECT 1 FROM {name} LIMIT 1")}
        if not filled:
            ledger.connection.execute("DELETE FROM live.offsets WHERE segment = $segment", named)
            return []
        manifest = seal(
            ledger.connection,
            ledger.layout,
            filled,
            segment=ledger.next_segment(),
            kind="live",
            source=live_source(segment),
            recorded_at=datetime.now(UTC).replace(tzinfo=None),
            live_segment=segment,
        )
    ledger.load(manifest)
    return [manifest.segment]
