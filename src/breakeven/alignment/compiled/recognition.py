"""Whether an input belongs to the task at all: what is strange is declined before any rule is asked.

Three marks, each taken up only where nearly all examples bear it when judged by the others: the constant words of the task's
prompt, the share of words that occurred in other examples, and for short inputs the shape of the whole text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.rearranged import whole_text
from breakeven.alignment.compiled.spans import shape

if TYPE_CHECKING:
    from breakeven.alignment.compiled.documents import Document

BORNE = 0.98
"""A mark is taken up where at least this share of the examples bears it."""
FEWEST = 20
"""With fewer examples no mark is known."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a task: words every input must have, the least share of known words, and whether the shape must be known."""

    constant: tuple[str, ...] = ()
    least_known: float = 0.0
    shapes: bool = False


@dataclass(slots=True)
class Recogniser:
    """The words and shapes of all examples, and the marks they bear."""

    words: Counter[str] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    examples: int = 0
    marks: Marks = field(default_factory=Marks)

    def learn(self, document: Document) -> None:
        """Count one example."""
        self.words.update(distinct_words(document))
        self.shapes[shape_of(document)] += 1
        self.examples += 1

    def choose(self, tried: Sequence[Document]) -> None:
        """Take up the marks that nearly all of these examples bear, each judged by the others."""
        if len(tried) < FEWEST:
            self.marks = Marks()
            return
        shares = sorted(self._known(distinct_words(document), 1) for document in tried)
        repeated = sum(self.shapes[shape_of(document)] > 1 for document in tried)
        self.marks = Marks(
            tuple(word for word, count in self.words.items() if count == self.examples),
            shares[int((1 - BORNE) * len(shares))],
            repeated >= BORNE * len(tried) and "" not in self.shapes,
        )

    def strange(self, document: Document) -> str:
        """Why this input does not belong to the task; empty where it does."""
        found = distinct_words(document)
        missing = [word for word in self.marks.constant if word not in found]
        if missing:
            return f"the word “{missing[0]}” is missing, which all examples have"
        if self._known(found, 0) < self.marks.least_known:
            return "too many of its words were in no example"
        if self.marks.shapes and shape_of(document) not in self.shapes:
            return "no example was written like it"
        return ""

    def _known(self, found: Sequence[str], own: int) -> float:
        """The share of words that occurred in other examples; all of none."""
        return sum(self.words[word] > own for word in found) / len(found) if found else 1.0


def distinct_words(document: Document) -> tuple[str, ...]:
    """Every word of a document once."""
    return tuple(dict.fromkeys(chain.from_iterable(document.words)))


def shape_of(document: Document) -> str:
    """The shape of a short input; empty for a long one."""
    return shape(whole_text(document))
