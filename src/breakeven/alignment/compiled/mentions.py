"""Answers that running text mentions: past answers wherever they stand, and names that follow telling words.

"... shall be governed by the laws of the State of Nevada": Nevada is found as a past answer, or, where no past contract was
governed by it, as a name in capitals after a word that names were seen to follow in the examples (a cue, such as "governed"). The
words around each mention tell whether it is meant; as they are the same for past answers and new names, a new name is believed
where past ones stood.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.wording import answer_text, folded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from breakeven.alignment.compiled.documents import Document
    from breakeven.alignment.compiled.known import KnownAnswers
    from breakeven.alignment.compiled.proposals import Proposals

BEFORE, AFTER = 25, 7
"""So many words before and after a mention are looked at."""
REACH = 12
"""A name follows its cue by at most so many words."""
LONGEST_NAME = 4
RARE = 500
"""A cue is at most every so many-th word of the text, or stands in it three times."""
_MANY = 4
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN = frozenset((" ", ", ", "'", "\N{RIGHT SINGLE QUOTATION MARK}", "-"))
"""What may stand between the words of one name."""


@dataclass(frozen=True, slots=True)
class Prose:
    """A document as running text: its words as written and folded, and where each stands."""

    text: str
    words: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    """First and last place of each word in the text."""

    def written(self, first: int, last: int) -> str:
        """The text from one word to another."""
        return self.text[self.places[first][0] : self.places[last][1]]

    def names_at(self, first: int) -> list[int]:
        """The last words of every name that begins with this word; a name is words with capitals one after another."""
        found: list[int] = []
        for last in range(first, min(first + LONGEST_NAME, len(self.words))):
            if last > first and self.text[self.places[last - 1][1] : self.places[last][0]] not in _BETWEEN:
                break
            if not self.text[self.places[last][0]].isupper():
                break
            found.append(last)
        return found


def prose(document: Document) -> Prose:
    """The document as running text."""
    text = " ".join(cell.text for cell in document.cells)
    return Prose(text, tuple(map(str.casefold, _WORD.findall(text))), tuple(one.span() for one in _WORD.finditer(text)))


def propose_mentioned(known: KnownAnswers, cues: Collection[str], text: Prose, into: Proposals, without: str | None = None) -> None:
    """Add the past answers that the text mentions and the names after its cues, with the words around each mention."""
    times: Counter[str] = Counter()
    for first, answer in _mentions(known, cues, text, without):
        times[folded(answer_text(answer))] += 1
        into.at(answer).extend(around(text.words[max(0, first - BEFORE) : first], text.words[first + 1 : first + 1 + AFTER]))
    for key, count in times.items():
        into[key].add(
            f"mentioned {min(_MANY, count)} times", "an answer before" if known.times_seen(key, without) else "a new name"
        )


def _mentions(known: KnownAnswers, cues: Collection[str], text: Prose, without: str | None) -> Iterator[tuple[int, object]]:
    """Every mention: its first word, and the answer it would be."""
    reached = -1
    for first, word in enumerate(text.words):
        for spoken, key in known.by_words.get(word, ()):
            if text.words[first : first + len(spoken)] == spoken and known.times_seen(key, without):
                yield first, known.answers[key]
                break
        if first <= reached:
            for last in text.names_at(first):
                yield first, text.written(first, last)
        if word in cues:
            reached = first + REACH


def around(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """The words before a mention, alone and in pairs, and the words after it."""
    yield f"mentioned after {' '.join(before[-2:])}"
    yield f"mentioned after {' '.join(before[-4:])}"
    for word in before:
        yield f"mentioned near {word}"
    for one, two in pairwise(before):
        yield f"mentioned near {one} {two}"
    for word in after:
        yield f"mentioned before {word}"


def cues_of(text: Prose, answer: str) -> set[str]:
    """The rare words that stand shortly before this answer where it is written as a name."""
    spoken = tuple(word.casefold() for word in _WORD.findall(answer))
    found: set[str] = set()
    if not 0 < len(spoken) <= LONGEST_NAME:
        return found
    for first, word in enumerate(text.words):
        last = first + len(spoken) - 1
        if word == spoken[0] and text.words[first : last + 1] == spoken and last in text.names_at(first):
            found.update(text.words[max(0, first - REACH) : first])
    counts = Counter(word for word in text.words if word in found)
    return {word for word, count in counts.items() if count <= max(3, len(text.words) // RARE)}
