"""Evidence for an answer that is a whole printed line, or several lines joined."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.wording import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from breakeven.alignment.compiled.documents import Document
    from breakeven.alignment.compiled.proposals import Proposals

JOINED = {"two rows joined": 2, "three rows joined": 3, "four rows joined": 4, "five rows joined": 5}
WAYS = ("whole row", "without the bracket at its end", "up to the first bracket", "after the colon", *JOINED)
_LAST_BRACKET = re.compile(r"\s*\([^()]*\)\s*$")
_FIRST_BRACKET = re.compile(r"\s*\(.*$")
_DIGIT = re.compile(r"\d")
_MANY, _SEVERAL = 8, 6
DEEPEST_ROWS = 200


def taken(rows: Sequence[str], start: int, way: str) -> str | None:
    """The text that this way takes from the row at `start`; None where it takes nothing of its own."""
    if way in JOINED:
        part = rows[start : start + JOINED[way]]
        return " ".join(part) if len(part) == JOINED[way] else None
    row = rows[start]
    if way == "whole row":
        return row
    if way == "after the colon":
        _, colon, rest = row.partition(":")
        return rest.strip() or None if colon else None
    cut = (_LAST_BRACKET if way == "without the bracket at its end" else _FIRST_BRACKET).sub("", row)
    return cut if cut and cut != row else None


def _sizes(document: Document, depth: int) -> list[str]:
    """How tall the print of each row is among the first rows: names are often printed large."""
    heights = [max(cell.bottom - cell.top for cell in row) for row in document.rows[: depth + 4]]
    ordered = sorted(heights)
    middle = ordered[len(ordered) // 2] if ordered else 1.0
    return [f"print size {min(5, int(4 * height / (middle or 1.0)))}" for height in heights]


def row_texts(document: Document) -> list[str]:
    """Each row of the document as one text."""
    return [" ".join(cell.text for cell in row) for row in document.rows[:DEEPEST_ROWS]]


def propose_lines(document: Document, ways: Sequence[str], depth: int, into: Proposals) -> None:
    """Add what each way takes from each of the first `depth` rows, with its evidence."""
    rows = row_texts(document)
    sizes = _sizes(document, depth)
    after = [_after(row) for row in [*rows[: depth + max(JOINED.values())], ""]]
    for start in range(min(depth, len(rows))):
        row = f"row {min(start, _MANY)}"
        around = [*_before(rows[start - 1] if start else ""), sizes[start]]
        for way in ways:
            text = taken(rows, start, way)
            if text:
                following = after[min(start + JOINED.get(way, 1), len(after) - 1)]
                into.at(text).extend([f"way {way}", row, f"way {way} & {row}", *_looks(text), *around, *following])


@lru_cache(maxsize=1 << 14)
def _looks(text: str) -> tuple[str, ...]:
    """What the text itself looks like."""
    own, digits = words(text), len(_DIGIT.findall(text))
    found = [f"words {min(_SEVERAL, len(own))}", *(f"has {word}" for word in own)]
    if own:
        found += [f"begins {own[0]}", f"ends {own[-1]}", f"ends {' '.join(own[-2:])}"]
    found.append("mostly digits" if digits * 2 > len(text) else "some digits" if digits else "no digits")
    found.append("bracket" if "(" in text else "no bracket")
    if text[-1] in ",.;:-":
        found.append(f"ends with {text[-1]}")
    return tuple(found)


def _before(text: str) -> list[str]:
    """The row before."""
    digits = "row before has digits" if _DIGIT.search(text) else "row before has none"
    return [digits, *(f"row before {word}" for word in words(text)[:4])]


def _after(text: str) -> list[str]:
    """The row that follows what is taken."""
    found = ["row after has digits" if _DIGIT.search(text) else "row after has none"]
    if text.startswith("("):
        found.append("row after is a bracket")
    own = words(text)[:_SEVERAL]
    if own:
        found.append(f"row after begins {own[0]}")
    return found + [f"row after {word}" for word in own]
