"""Loading in the background: one core brings a sealed segment into the database while the other makes the next segment."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

from breakeven.ledger.seals import Manifest

if TYPE_CHECKING:
    from breakeven.ledger.store import Ledger


class BackgroundLoader:
    """Loads segments one at a time, in order, on a connection of its own. Leaving waits for the last; its fault is raised then.

    A segment is durable before it is handed over, so a fault here loses nothing: the next opening of the ledger loads it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._connection = ledger.connection.cursor()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loader")
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._worker.shutdown(wait=True)
        self._connection.close()
        if error is None:
            self._wait()

    def load(self, manifest: Manifest) -> None:
        """Hand over one sealed segment; waits until the one before is in."""
        self._wait()
        self._pending = self._worker.submit(self._ledger.load, manifest, self._connection)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None
