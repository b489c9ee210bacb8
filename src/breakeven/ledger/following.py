"""Following live facts as writers append them, straight from the open segments: nothing waits for the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from breakeven.ledger.layout import Layout
from breakeven.ledger.segments import segments

LOOK_SECONDS = 0.1


class Follower:
    """Remembers how far each segment was read."""

    def __init__(self, layout: Layout, *, from_start: bool = False) -> None:
        self._layout = layout
        self._read: dict[str, int] = {}
        if not from_start:
            self._read = {path.stem: path.stat().st_size for path in self._segments()}

    def look(self) -> list[dict[str, Any]]:
        """The attempts that have ended since the last look, oldest first."""
        found: list[dict[str, Any]] = []
        for path in self._segments():
            try:
                with path.open("rb") as stream:
                    stream.seek(self._read.get(path.stem, 0))
                    content = stream.read()
            except FileNotFoundError:  # closed or sealed between listing and opening
                continue
            whole = content.rfind(b"\n") + 1
            self._read[path.stem] = self._read.get(path.stem, 0) + whole
            found += [fact for line in content[:whole].splitlines() if (fact := _attempt(line)) is not None]
        return sorted(found, key=lambda fact: str(fact.get("recorded_at", "")))

    def _segments(self) -> list[Path]:
        return segments(self._layout)


def follow(follower: Follower, idle: Callable[[], bool] = lambda: False) -> Iterator[dict[str, Any]]:
    """Attempts as they end, until `idle`, which is asked when there is nothing new, says that it is enough."""
    while True:
        found = follower.look()
        yield from found
        if not found:
            if idle():
                return
            time.sleep(LOOK_SECONDS)


def _attempt(line: bytes) -> dict[str, Any] | None:
    if b'"attempts"' not in line[:40]:
        return None
    try:
        fact: dict[str, Any] = msgspec.json.decode(line)
    except msgspec.MsgspecError:
        return None
    return fact
