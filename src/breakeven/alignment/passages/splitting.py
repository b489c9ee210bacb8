"""A long text in passages: some sentences each, cut where a sentence ends, that together are the text.

Where a piece of evidence stands is found in the text with all spacing alike; it may have been shortened, which `<omitted>` or an
ellipsis in it says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WORDS = 45
"""A passage is closed at the first end of a sentence after so many words, at the latest after twice as many."""
COVERED = 0.8
"""A piece of evidence was sent where at least this share of its characters was."""
_WORD = re.compile(r"\S+")
_END = re.compile(r"[.;:!?][\"')\]\u201d\u2019]*\Z")
_SHORTENED = re.compile(r"<omitted>|\u2026|\.\.\.")
_SPACES = re.compile(r"\s+")
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters of the text from `start` to `end` (not included)."""

    start: int
    end: int
    text: str


def passages_of(text: str) -> list[Passage]:
    """The passages of a text, in order; together they are all of it."""
    found: list[Passage] = []
    start = words = 0
    for word in _WORD.finditer(text):
        words += 1
        if words >= 2 * WORDS or (words >= WORDS and _END.search(word[0])):
            found.append(Passage(start, word.end(), text[start : word.end()]))
            start, words = word.end(), 0
    if text[start:].strip():
        found.append(Passage(start, len(text), text[start:]))
    return found


def places_of(evidence: str, text: str) -> list[tuple[int, int]]:
    """Where the parts of a piece of evidence stand in the text, first to last character; empty where one is not found."""
    found: list[tuple[int, int]] = []
    for part in _SHORTENED.split(evidence):
        words = _SPACES.split(part.strip())
        if len("".join(words)) < _SHORTEST:
            continue
        place = re.search(r"\s+".join(map(re.escape, words)), text)
        if place is None:
            return []
        found.append(place.span())
    return found


def holds(passage: Passage, places: Sequence[tuple[int, int]]) -> bool:
    """Whether a passage holds a part of the evidence."""
    return any(start < passage.end and passage.start < end for start, end in places)


def is_covered(places: Sequence[tuple[int, int]], sent: Sequence[Passage]) -> bool:
    """Whether enough of the evidence was among the passages that were sent."""
    whole = sum(end - start for start, end in places)
    covered = sum(max(0, min(end, one.end) - max(start, one.start)) for start, end in places for one in sent)
    return covered >= COVERED * whole
