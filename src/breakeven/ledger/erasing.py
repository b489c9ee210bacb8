"""Erasure of one user from everything a ledger's directory holds; what they cost stays, to the last digit.

The order makes every step repeatable: first it is remembered whom to forget (so that nothing new comes in under the name), then
bodies and set-aside rows, whose calls must be known, and the sealed record last.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from breakeven.ledger import captures, masking, open_ledger, rewriting
from breakeven.ledger.forgetting import alone, erase
from breakeven.ledger.layout import Layout, write_durably
from breakeven.ledger.live import seal_closed
from breakeven.ledger.rewriting import Rewritten
from breakeven.ledger.seals import manifests
from breakeven.ledger.segments import segments
from breakeven.ledger.store import locate

ROTATION_SECONDS = 5.0
"""Gateways look once a second whether somebody was erased, and begin a new segment then."""
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the ledger knows of a user: ids of calls, features, and rows by fact."""

    calls: frozenset[str]
    features: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did. `before` and `after` are the exact sums of all sealed facts, which must be equal."""

    digest: str
    calls: int
    rows: int
    features: tuple[str, ...]
    exchanges: int
    rejects: int
    rewritten: Rewritten | None
    before: dict[str, Decimal]
    after: dict[str, Decimal]
    waiting: int
    """Segments that a gateway still writes to; what is in them of the user loses the name when they are sealed."""


def footprint(path: Path, names: Sequence[str]) -> Footprint:
    """Where these names of one user stand."""
    given = {"names": list(names)}
    of = "WHERE user_id IN (SELECT unnest($names))"
    with open_ledger(path) as ledger:
        calls = ledger.query(f"SELECT call_id::VARCHAR FROM calls {of}", given)
        features = ledger.query(f"SELECT DISTINCT coalesce(feature, '') FROM calls {of} ORDER BY 1", given)
        rows = [ledger.query(f"SELECT count(*) FROM {table} {of}", given)[0][0] for table in masking.IDENTIFYING]
    return Footprint(frozenset(call for (call,) in calls), tuple(name for (name,) in features), sum(rows))


def erase_user(path: Path, names: Sequence[str], found: Footprint, at: datetime) -> Erased:
    """Forget a user who is known by these names. Raises as `open_ledger` does, and LedgerDamaged where a sum would change."""
    layout = locate(path)
    open_before = {segment.stem for segment in segments(layout)}
    digest = masking.remember(layout, names, at)
    exchanges = captures.purge_calls(layout, found.calls)
    rejects = _clean_rejects(layout, names)
    _await_rotation(layout, open_before)
    with open_ledger(path, write=True) as ledger:
        seal_closed(ledger)
    with alone(layout):
        before = rewriting.totals(manifests(layout))
        rewritten = erase(layout, names)
        if rewritten is None:  # the name was in live rows alone, whose places in the database may still hold it
            rewriting.remake_database(layout)
        after = rewriting.totals(manifests(layout))
    open_ledger(path, write=True).close()  # the database is made anew from the files
    waiting = len(open_before & {segment.stem for segment in segments(layout)})
    return Erased(digest, len(found.calls), found.rows, found.features, exchanges, rejects, rewritten, before, after, waiting)


def _await_rotation(layout: Layout, before: set[str]) -> None:
    """Wait until gateways have closed what they had open, if any is running."""
    until = time.monotonic() + ROTATION_SECONDS
    while time.monotonic() < until:
        still_open = {path.stem for path in layout.open_segments.glob("*.ndjson")}
        if not before & still_open or not _is_written(layout):
            return
        time.sleep(_LOOK_SECONDS)


def _is_written(layout: Layout) -> bool:
    """Whether any writer of an open segment lives; the others are closed by whoever seals."""
    from breakeven.ledger.segments import close_abandoned  # noqa: PLC0415 - beside its only use

    close_abandoned(layout)
    return any(layout.open_segments.glob("*.ndjson"))


def _clean_rejects(layout: Layout, names: Sequence[str]) -> int:
    """Take the lines of these names out of rows that were set aside; a Parquet file that holds one goes as a whole."""
    found = re.compile(b"|".join(rb"(?<![\w.@-])" + re.escape(name.encode()) + rb"(?![\w@-])" for name in names))
    count = 0
    for path in sorted(layout.rejects.iterdir()) if layout.rejects.is_dir() else ():
        content = path.read_bytes()
        if not found.search(content):
            continue
        if path.suffix == ".parquet":
            path.unlink()
            count += 1
            continue
        lines = content.splitlines(keepends=True)
        staying = [line for line in lines if not found.search(line)]
        count += len(lines) - len(staying)
        write_durably(path, b"".join(staying))
    return count
