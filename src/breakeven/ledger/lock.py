"""One writer per ledger: an advisory lock that the operating system releases when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path
from typing import IO

from breakeven.errors import LedgerLocked


class WriterLock:
    """Held while a process writes. The file says who, for the message that others get."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock, or raise LedgerLocked naming the process that holds it."""
        stream = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = describe(self._path)
            stream.close()
            raise LedgerLocked(
                f"the ledger {self._path.parent} is being written by {holder}",
                "Wait until that command ends, or stop it; what it has acknowledged is kept.",
            ) from error
        stream.seek(0)
        stream.truncate()
        json.dump(
            {"pid": os.getpid(), "command": " ".join(Path(part).name if "/" in part else part for part in sys.argv[:3])}, stream
        )
        stream.flush()
        self._stream = stream

    def try_acquire(self) -> bool:
        """Take the lock if it is free."""
        try:
            self.acquire()
        except LedgerLocked:
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._stream is not None:
            self._stream.truncate(0)
            self._stream.close()
            self._stream = None


def describe(path: Path) -> str:
    """Who holds the lock, as far as the file tells."""
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} ({holder['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def alive(pid: int) -> bool:
    """Whether a process of this machine has that number, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
