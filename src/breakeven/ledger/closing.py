"""Closed periods: what was signed off, and where a later correction of them is booked.

A closed period's cost lines are never added to by a restatement or a reconciliation: those book their lines at the start of the
first open period after it, so that the statement stays true and the correction is seen. One file per period in `closes/`; its
digest stands in the decisions log, whose records are chained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from breakeven.errors import LedgerDamaged
from breakeven.ledger.layout import Layout, write_durably

FOLDER = "closes"
CORRECTION = "correction of a closed period"
"""How the reason of a line ends that is booked after the period it concerns, because that was closed; before it the month."""


class Close(msgspec.Struct, frozen=True):
    """One signed-off period. `previous` is the digest of the statement that was signed off before; `statement` is the report."""

    period: str
    start: str
    end: str
    closed_at: str
    by: str
    role: str
    why: str | None
    previous: str
    statement: dict[str, Any]

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From when (included) to when (excluded) it is closed."""
        return datetime.fromisoformat(self.start), datetime.fromisoformat(self.end)


def encoded(close: Close) -> bytes:
    """The statement as its file has it."""
    return msgspec.json.format(msgspec.json.encode(close), indent=1) + b"\n"


def digest(close: Close) -> str:
    """The SHA-256 of the statement's file."""
    return hashlib.sha256(encoded(close)).hexdigest()


def closes(layout: Layout) -> list[Close]:
    """Every closed period, the earliest first. Raises LedgerDamaged where a statement cannot be read."""
    found = []
    for path in sorted((layout.root / FOLDER).glob("*.json")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Close))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise LedgerDamaged(f"{path} is damaged: {error}", "Restore this file from a backup.") from error
    return sorted(found, key=lambda close: close.start)


def write_close(layout: Layout, close: Close, readable: str) -> None:
    """Put the statement on the disk, for machines and for people; from then on the period is closed."""
    folder = layout.root / FOLDER
    folder.mkdir(exist_ok=True)
    write_durably(folder / f"{close.period}.md", readable.encode())
    write_durably(folder / f"{close.period}.json", encoded(close))


def closed_spans(layout: Layout) -> list[tuple[datetime, datetime]]:
    """The spans of time that are closed, neighbours joined."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in (close.span for close in closes(layout)):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def booked_at(instant: str, spans: Sequence[tuple[datetime, datetime]]) -> str:
    """SQL for when a correction of something at `instant` (SQL) is booked: then, or where that is closed, once a period is open."""
    branches = " ".join(
        f"WHEN {instant} >= TIMESTAMP '{start.isoformat(' ')}' AND {instant} < TIMESTAMP '{end.isoformat(' ')}'"
        f" THEN TIMESTAMP '{end.isoformat(' ')}'"
        for start, end in spans
    )
    return f"CASE {branches} ELSE {instant} END" if branches else instant


def correction_mark(instant: str, spans: Sequence[tuple[datetime, datetime]]) -> str:
    """SQL for what is added to the reason of a line at `instant` (SQL): `; of 2026-10, correction of ...` where booked later."""
    booked = booked_at(instant, spans)
    return f"CASE WHEN {instant} = {booked} THEN '' ELSE '; of ' || strftime({instant}, '%Y-%m') || ', {CORRECTION}' END"


def kept_mark(reason: str, otherwise: str) -> str:
    """SQL for the mark of a line that takes back another one: whatever month that one corrected, this one does."""
    return f"coalesce(nullif(regexp_extract({reason}, '; (of [0-9]{{4}}-[0-9]{{2}}, )?{CORRECTION}$'), ''), {otherwise})"
