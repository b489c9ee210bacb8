"""The decisions log of a ledger: `decisions.ndjson`, appended to under a lock and synced before anything is told to be done."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from breakeven.errors import Problem, Unreachable
from breakeven.governance.decisions import GENESIS, Decision, chained, changes, digest_of, line_of
from breakeven.ledger.layout import Layout, write_durably

FILE = "decisions.ndjson"
GOVERNED = "governed.json"
"""What was in force when the log was last compared with the configuration."""


def append(layout: Layout, *decisions: Decision) -> None:
    """Add decisions to the end of the chain; they are on the disk when this returns. Raises Unreachable where they cannot be."""
    path = layout.root / FILE
    try:
        with path.open("a+b") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            previous = _end(log.fileno(), path)
            for decision in decisions:
                line = line_of(msgspec.structs.replace(decision, previous=previous))
                log.write(line)
                previous = digest_of(line)
            log.flush()
            os.fsync(log.fileno())
    except OSError as error:
        raise Unreachable(
            f"{path} cannot be written: {error.strerror}", "Make room and check permissions; nothing was decided."
        ) from error


def read(layout: Layout) -> tuple[list[Decision], list[Problem]]:
    """All decisions in their order, and what is wrong with the log."""
    decisions: list[Decision] = []
    problems: list[Problem] = []
    for _, decision, problem in chained(_lines(layout.root / FILE)):
        if decision is not None:
            decisions.append(decision)
        if problem is not None:
            problems.append(problem)
    return decisions, problems


def note_changes(layout: Layout, governed: dict[str, Any], template: Decision) -> int:
    """Append one decision for everything governed that differs from what was in force before; returns how many those were.

    The first time everything is noted as it stands. A crash in between repeats a note, and never leaves one out.
    """
    path = layout.root / GOVERNED
    try:
        before = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (FileNotFoundError, msgspec.MsgspecError):
        before = {}
    now = msgspec.json.decode(msgspec.json.encode(governed), type=dict[str, Any])
    found = [
        msgspec.structs.replace(template, action="configure", subject=subject, before=old, after=new)
        for subject, old, new in changes(before, now)
    ]
    if found:
        append(layout, *found)
        write_durably(path, msgspec.json.format(msgspec.json.encode(now, order="sorted"), indent=1))
    return len(found)


def _end(descriptor: int, path: Path) -> str:
    """The digest of the last whole line. A torn one, of a writer that was killed, gets its end, so that it stays and is told."""
    lines = _lines(path)
    if not lines:
        return GENESIS
    if not lines[-1].endswith(b"\n"):
        os.write(descriptor, b"\n")
    return digest_of(lines[-1])


def _lines(path: Path) -> Sequence[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return ()
