"""Routes that were learned from a ledger's own replays: `routes/` in its directory, one file a feature and cheaper rung.

Half of the tasks taught the route. Of the other half the file keeps the points that the route gave each task, so that an audit can
judge it without the texts, which may be gone by then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from breakeven.errors import DataError
from breakeven.ledger.layout import Layout, write_durably

FOLDER = "routes"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One learned route: `tested` is what its cheaper rung was, `points` are those of the held-out tasks.

    Tasks with at most `threshold` points would go to the cheaper rung; None: it has found none that might. `route` is its file.
    """

    feature: str
    rung: str
    tested: str
    learned_at: str
    learned_from: int
    threshold: float | None
    points: Mapping[str, float]
    route: msgspec.Raw


def held_out(task: str) -> bool:
    """Whether a task judges routes instead of teaching them: one half of all, the same for ever."""
    return hashlib.blake2b(f"judges:{task}".encode(), digest_size=1).digest()[0] % 2 == 1


def read(layout: Layout) -> list[Candidate]:
    """Every learned route. Raises DataError where a file is damaged."""
    found = []
    for path in sorted((layout.root / FOLDER).glob("*.json")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Candidate))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise DataError(f"{path} is damaged: {error}", "Remove it, and learn it again: breakeven audit route.") from error
    return found


def write(layout: Layout, candidate: Candidate) -> None:
    """All of the new file or all of the old one; another route of the same feature and rung is replaced."""
    folder = layout.root / FOLDER
    folder.mkdir(exist_ok=True, mode=0o700)  # it holds words of prompts
    name = hashlib.blake2b(f"{candidate.feature}\0{candidate.rung}".encode(), digest_size=8).hexdigest()
    write_durably(folder / f"{name}.json", msgspec.json.encode(candidate) + b"\n")
