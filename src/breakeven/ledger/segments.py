"""NDJSON segments: where live facts become durable first, one JSON object a line, `{"fact": "calls", ...}`.

Each writer appends to a segment of its own. `append` writes at once, so a killed process loses nothing; `fdatasync` runs for the
group, at the latest after `SYNC_SECONDS` or `SYNC_ROWS`, so a power cut loses at most that. A torn last line (a crash while
writing) is cut at recovery.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from breakeven.ledger.layout import Layout, sync_directory

SYNC_SECONDS = 0.05
SYNC_ROWS = 1000


class SegmentWriter:
    """Appends facts to one open segment. Not shared between threads."""

    def __init__(self, layout: Layout, clock: Callable[[], float] = time.monotonic) -> None:
        self._layout = layout
        self.path = layout.open_segments / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.ndjson"
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
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
        """Write rows of one fact with one system call, and sync the group when it is due."""
        content = b"".join(self._encoder.encode({"fact": fact, **row}) + b"\n" for row in rows)
        written = os.write(self._descriptor, content)
        if written < len(content):  # a nearly full disk writes a part; the next line must not be glued to it
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise OSError(28, "no space left for a whole line", str(self.path))
        self._unsynced += len(rows)
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
        os.close(self._descriptor)
        self._descriptor = -1
        close_segment(self._layout, self.path)


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
