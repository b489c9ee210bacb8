"""NDJSON segments: where live facts become durable first, one JSON object a line, `{"fact": "calls", ...}`.

Each writer appends to a segment of its own and holds a lock on it, which the system releases when the writer dies; then anybody may
close the segment. `append` writes at once, so a killed process loses nothing. `fdatasync` runs for the group: `append` and
`sync_if_due`, which the writer's owner calls at least every `SYNC_SECONDS`, sync what is that old or `SYNC_ROWS` long, so a power
cut loses at most that. A torn last line (a crash while writing) is cut at recovery.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from breakeven.ledger.layout import Layout, sync_directory

SYNC_SECONDS = 0.05
SYNC_ROWS = 1000


class SegmentWriter:
    """Appends facts to one open segment. Not shared between threads."""

    def __init__(self, layout: Layout, clock: Callable[[], float] = time.monotonic) -> None:
        self._layout = layout
        self.path = layout.open_segments / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.ndjson"
        draft = self.path.with_suffix(".draft")
        self._descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        draft.rename(self.path)  # only now, locked, so that nobody takes it for abandoned
        sync_directory(layout.open_segments)
        self._encoder = msgspec.json.Encoder(decimal_format="string")
        self._clock = clock
        self._unsynced = 0
        self._synced_at = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def append(self, fact: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows of one fact with one system call, and sync the group when it is due.

        Raises OSError where not all of them fit on the disk. Some may have been written whole: append all of them again, ids tell
        them apart.
        """
        self.write(b"".join(self._encoder.encode({"fact": fact, **row}) + b"\n" for row in rows), len(rows))
        self.sync_if_due()

    def write(self, lines: bytes, count: int) -> None:
        """Write `count` whole lines, encoded already, without a sync: the gateway syncs beside its loop. Errors as `append`."""
        written = os.write(self._descriptor, lines)
        if written < len(lines):
            # Only the torn line goes, so that the next is not glued to it: whole ones may have been committed by now.
            torn = written - (lines.rfind(b"\n", 0, written) + 1)
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - torn)
            self._unsynced += lines.count(b"\n", 0, written)
            raise OSError(errno.ENOSPC, "no space left for all lines", str(self.path))
        self._unsynced += count

    def sync_if_due(self) -> None:
        """Sync the group where it is long or old enough; its owner's timer calls this when nothing is appended."""
        if self._unsynced >= SYNC_ROWS or self._clock() - self._synced_at >= SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Force what was appended to the disk; after this it is durable."""
        if self._unsynced:
            os.fdatasync(self._descriptor)
            self._unsynced = 0
        self._synced_at = self._clock()

    def close(self) -> None:
        """Sync, and hand the segment over to be sealed."""
        if self._descriptor < 0:
            return
        self.sync()
        close_segment(self._layout, self.path)
        os.close(self._descriptor)
        self._descriptor = -1


def close_abandoned(layout: Layout) -> int:
    """Close every open segment whose writer is gone, killed or crashed; returns how many those were."""
    return sum(_close_if_abandoned(layout, path) for path in sorted(layout.open_segments.glob("*.ndjson")))


def _close_if_abandoned(layout: Layout, path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            close_segment(layout, path)
    except (BlockingIOError, FileNotFoundError):  # its writer lives, or has just closed it
        return False
    return True


def segments(layout: Layout) -> list[Path]:
    """Every segment that is not sealed yet, in the order in which they were begun.

    The open ones are listed first, so that one that is closed meanwhile is there once or twice, and never not at all.
    """
    listed = (*layout.open_segments.glob("*.ndjson"), *layout.closed_segments.glob("*.ndjson"))
    return sorted(listed, key=lambda path: path.name)


def open_segment(layout: Layout, stem: str) -> BinaryIO | None:
    """The segment's NDJSON, wherever it lies; None where it is gone. Its writer may move it at any moment."""
    for directory in (layout.open_segments, layout.closed_segments):
        with suppress(FileNotFoundError):
            return (directory / f"{stem}.ndjson").open("rb")
    return None


def segment_size(layout: Layout, stem: str) -> int | None:
    """How many bytes a segment has that is not sealed yet; None where it is gone."""
    stream = open_segment(layout, stem)
    if stream is None:
        return None
    with stream:
        return os.fstat(stream.fileno()).st_size


def close_segment(layout: Layout, path: Path) -> None:
    """Move an open segment that nobody writes to any more to the closed ones, its torn last line cut."""
    cut_torn_tail(path)
    path.replace(layout.closed_segments / path.name)
    sync_directory(layout.closed_segments)
    sync_directory(layout.open_segments)


def cut_torn_tail(path: Path) -> int:
    """Remove an incomplete last line; returns how many bytes that were."""
    whole = whole_lines(path)
    torn = path.stat().st_size - whole
    if torn:
        with path.open("r+b") as stream:
            stream.truncate(whole)
            os.fsync(stream.fileno())
    return torn


def whole_lines(path: Path, block: int = 1 << 16) -> int:
    """How many bytes of the file end with a complete line."""
    with path.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - block)
            stream.seek(start)
            newline = stream.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0
