"""The worker's hand on the ledger: intents and facts go to its own segment, and a disk that fails never stops a call.

Facts of one turn of the event loop are written together, and only then is done what depends on them: a request is forwarded after
its intent, an answer completed after its facts. What cannot be written waits in memory, up to a bound, and is written as soon as
the disk takes it again; what exceeds the bound is dropped and counted. Both counts are metrics, so a gap is seen while it lasts.
Syncs run beside the loop, in one thread.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Protocol

from breakeven.gateway.facts import AttemptRow, Intent, encoded
from breakeven.gateway.faults import report_fault
from breakeven.gateway.metrics import Metrics

ROTATE_BYTES = 32 * 1024 * 1024
ROTATE_SECONDS = 300.0
Schedule = Callable[[Callable[[], None]], object]
"""Runs a function in the next turn of the event loop; one may be called in the loop only, the other from any thread."""

MOST_HELD_BYTES = 64 * 1024 * 1024


class Writer(Protocol):
    """What `ledger.segments.SegmentWriter` offers."""

    def write(self, lines: bytes, count: int) -> None:
        """Append whole lines. Raises OSError where they do not fit."""

    def sync(self) -> None:
        """Make them durable."""

    def close(self) -> None:
        """Hand the segment over."""


class Recorder:
    """Writes intents and facts of one worker."""

    def __init__(self, open_writer: Callable[[], Writer], metrics: Metrics, soon: Schedule, from_thread: Schedule) -> None:
        self._open_writer = open_writer
        self._soon = soon
        self._lines: list[bytes] = []
        self._thens: list[Callable[[], None]] = []
        self._waiting: list[Callable[[bool], None]] = []
        self._from_thread = from_thread
        self._metrics = metrics
        self._writer: Writer | None = None
        self._opened_at = 0.0
        self._size = 0
        self._dirty = False
        self._open_intents: dict[tuple[str, int], bytes] = {}
        self._held: deque[tuple[bytes, int]] = deque()
        self._held_bytes = 0
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="sync")
        self._syncing: Future[None] | None = None

    def intend(self, intent: Intent, then: Callable[[], None]) -> None:
        """Say that an attempt is about to be made, then make it: when `then` runs, the intent is in the file."""
        line = encoded(intent)
        self._open_intents[intent.call_id, intent.attempt] = line
        self._later(line, then)

    def settle(self, row: AttemptRow, then: Callable[[], None] | None) -> None:
        """Say how an attempt ended and what it cost, then tell the caller."""
        self._open_intents.pop((row.call_id, row.attempt), None)
        self._later(encoded(row), then)

    def keep(self, lines: bytes, count: int, then: Callable[[bool], None]) -> None:
        """Write facts that a caller wants acknowledged: `then` runs when they are on the disk, or says that they are not."""
        if self._held:
            then(False)  # noqa: FBT003 - the answer to the question whether
            return
        try:
            self._append(lines, count)
        except OSError:
            self._metrics.add("record_errors")
            then(False)  # noqa: FBT003 - as above
            return
        self._waiting.append(then)

    def _later(self, line: bytes, then: Callable[[], None] | None) -> None:
        if not self._lines:
            self._soon(self.flush)
        self._lines.append(line)
        if then is not None:
            self._thens.append(then)

    def flush(self) -> None:
        """Write what this turn of the loop has brought, with one system call, and do what waited for it."""
        lines, thens = self._lines, self._thens
        if lines:
            self._lines, self._thens = [], []
            self._write(b"".join(lines), len(lines))
        for then in thens:
            try:
                then()
            except Exception:  # noqa: BLE001 - one call's fault must not keep the others waiting
                report_fault(self._metrics)

    def tick(self) -> None:
        """For the worker's timer, every 50 ms or sooner: write what is held, sync, begin a new segment when the old one is full."""
        if self._held:
            self._retry()
        if self._dirty and (self._syncing is None or self._syncing.done()):
            self._dirty = False
            writer = self._writer
            if writer is not None:
                waiting, self._waiting = self._waiting, []
                self._syncing = self._syncer.submit(self._sync, writer, waiting)
        age = time.monotonic() - self._opened_at
        if self._writer is not None and (self._size >= ROTATE_BYTES or (self._size and age >= ROTATE_SECONDS)):
            self._rotate()

    def rotate_soon(self) -> None:
        """Begin a new segment at the next tick, so that the old one can be sealed: somebody wants facts out of it."""
        self._opened_at = float("-inf")

    def close(self) -> None:
        """Write and sync everything, and hand the segment over."""
        self.flush()
        if self._held:
            self._retry()
        self._syncer.shutdown(wait=True)
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    @property
    def failing(self) -> bool:
        """Whether facts wait for the disk."""
        return bool(self._held)

    def _write(self, lines: bytes, count: int) -> None:
        if self._held:  # order is kept: an intent is never written after its settlement
            self._hold(lines, count)
            return
        try:
            self._append(lines, count)
        except OSError:
            self._metrics.add("record_errors")
            self._hold(lines, count)

    def _append(self, lines: bytes, count: int) -> None:
        if self._writer is None:
            self._writer = self._open_writer()
            self._opened_at = time.monotonic()
            self._size = 0
        self._writer.write(lines, count)
        self._size += len(lines)
        self._dirty = True

    def _hold(self, lines: bytes, count: int) -> None:
        if self._held_bytes + len(lines) > MOST_HELD_BYTES:
            self._metrics.add("records_dropped", count)
            return
        self._held.append((lines, count))
        self._held_bytes += len(lines)
        self._metrics.set("records_held", len(self._held))

    def _retry(self) -> None:
        try:
            while self._held:
                lines, count = self._held[0]
                self._append(lines, count)
                self._held.popleft()
                self._held_bytes -= len(lines)
        except OSError:
            self._metrics.add("record_errors")
        self._metrics.set("records_held", len(self._held))

    def _rotate(self) -> None:
        """A new segment, which begins with the intents that are still open; the old one says that they went there."""
        old, self._writer = self._writer, None
        try:
            self._append(b"".join(self._open_intents.values()), len(self._open_intents))
            if old is not None:
                old.write(b'{"fact":"handover"}\n', 1)
        except OSError:
            self._metrics.add("record_errors")
            if self._writer is None:
                self._writer = old
                return
        if old is not None:
            self._syncer.submit(self._close, old)

    def _sync(self, writer: Writer, waiting: list[Callable[[bool], None]]) -> None:
        try:
            writer.sync()
            synced = True
        except OSError:
            self._metrics.add("record_errors")
            synced = False
        for then in waiting:
            self._from_thread(partial(then, synced))

    def _close(self, writer: Writer) -> None:
        try:
            writer.close()
        except OSError:
            self._metrics.add("record_errors")
