"""How a bookkeeper, which has the database open all day, lets others in: whoever waits says so, and it closes for a moment.

DuckDB lets one process write or many read. The bookkeeper holds `bookkeeper.lock` while it lives; a command that finds the database
in use and a bookkeeper alive touches `handoff` and tries again for `PATIENCE_SECONDS`.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from breakeven.ledger.layout import Layout

PATIENCE_SECONDS = 5.0
RETRY_SECONDS = 0.02
QUIET_SECONDS = 0.5
"""How long the bookkeeper stays away after it was asked: long enough for a command to open what it waits for."""


class Presence:
    """Held by the bookkeeper of a ledger as long as it lives."""

    def __init__(self, layout: Layout) -> None:
        self._path = layout.root / "bookkeeper.lock"
        self._stream: IO[bytes] | None = None

    def take(self) -> bool:
        """Be the bookkeeper of this ledger; False where there is one already."""
        stream = self._path.open("ab")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            return False
        self._stream = stream
        return True

    def release(self) -> None:
        """Be it no longer."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def is_kept(layout: Layout) -> bool:
    """Whether a bookkeeper lives."""
    path = layout.root / "bookkeeper.lock"
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def ask(layout: Layout) -> None:
    """Ask the bookkeeper to let go of the database."""
    _flag(layout).touch()


def asked(layout: Layout) -> bool:
    """Whether somebody has asked since the last time; asking is over then."""
    try:
        _flag(layout).unlink()
    except OSError:
        return False
    return True


def _flag(layout: Layout) -> Path:
    return layout.root / "handoff"
