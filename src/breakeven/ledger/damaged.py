"""Lines of a live segment that nobody can read: they are set aside where a person finds them, and hold up no other line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from breakeven.errors import Problem
from breakeven.ledger.layout import Layout, write_durably

MOST_TRIES = 1000
"""So many parts of a piece are tried to find its damaged lines; what is not proven sound by then is set aside with them."""

_PREFIX = "segment-"


def set_aside(layout: Layout, piece: Path, place: str, fits: Callable[[Path], bool]) -> int:
    """Move the lines out of `piece` that cannot be facts, to `rejects/`; returns how many. `place` names segment and offset.

    The rejects are durable before the piece is cut, and named by their place, so a process that dies here may do it again.
    """
    lines = [line for line in piece.read_bytes().split(b"\n") if line.strip()]
    sound = [line for line in lines if _is_json(line)]
    damaged = [line for line in lines if not _is_json(line)]
    kept: list[bytes] = []
    parts, tries = [sound], 0
    while parts:
        part = parts.pop()
        tries += 1
        piece.write_bytes(_joined(part))
        if tries <= MOST_TRIES and fits(piece):
            kept += part
        elif len(part) == 1 or tries > MOST_TRIES:
            damaged += part
        else:
            middle = len(part) // 2
            parts += [part[middle:], part[:middle]]
    write_durably(layout.rejects / f"{_PREFIX}{place}.ndjson", _joined(damaged))
    piece.write_bytes(_joined(kept))
    return len(damaged)


def rejected_lines(layout: Layout) -> list[Problem]:
    """What was set aside and waits for a person: one problem for each file."""
    found: list[Problem] = []
    for path in sorted(layout.rejects.glob(f"{_PREFIX}*.ndjson")):
        count = path.read_bytes().count(b"\n")
        found.append(
            Problem(
                f"rejects/{path.name}",
                f"{count} lines of a live segment could not be read and are not in the ledger",
                "Mend the lines and move the file to segments/closed, or delete it to do without them.",
            )
        )
    return found


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=dict)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
