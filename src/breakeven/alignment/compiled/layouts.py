"""Layouts: documents that share their standing lines, and where each field's answer stood in them.

A receipt of one shop repeats its head, its column titles and its closing words; what changes is what was bought. A document belongs
to the layout with which it shares most such lines, rare lines counting more. Evidence is then that a candidate stands as the
answers of that layout stood: beside the same words, over the same row, at the same edge.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

ALIKE = 8.0
"""Shared lines must weigh at least this much: natural logarithms of how rare each is, times its share in the layout."""
COMPARED = ("left ", "right ", "above ", "row above ", "row below ", "edge ", "way ", "row ", "size rank", "printed ")
"""Kinds of evidence that tell where an answer stands."""
_ALWAYS = 0.75
_SEVERAL = 3
STANDING = 0.1
"""A line belongs to a layout where it stood in at least this share of its documents."""


@dataclass(slots=True)
class Layout:
    """One layout: its documents, and in how many of them each line stood."""

    documents: int = 0
    lines: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Layouts:
    """All layouts of a task, and in which of them each line occurs."""

    found: list[Layout] = field(default_factory=list)
    by_line: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    times: Counter[str] = field(default_factory=Counter)
    documents: int = 0

    def belongs(self, lines: Iterable[str]) -> int | None:
        """The layout of a document with these lines; None where it is like none."""
        weights: dict[int, float] = defaultdict(float)
        for line in lines:
            rarity = math.log(self.documents / self.times[line]) if self.times[line] else 0.0
            for number in self.by_line.get(line, ()):
                layout = self.found[number]
                weights[number] += rarity * layout.lines[line] / layout.documents
        best = max(weights, key=lambda number: weights[number], default=None)
        return best if best is not None and weights[best] >= ALIKE else None

    def learn(self, lines: tuple[str, ...]) -> int:
        """Take a document into the layout it belongs to, or begin a new one; returns the layout."""
        number = self.belongs(lines)
        if number is None:
            number = len(self.found)
            self.found.append(Layout())
        layout = self.found[number]
        layout.documents += 1
        layout.lines.update(lines)
        for line in lines:
            if number not in self.by_line[line]:
                self.by_line[line].append(number)
        self.times.update(lines)
        self.documents += 1
        return number

    def trim(self) -> None:
        """Forget the lines that stood in few documents of their layout."""
        for number, layout in enumerate(self.found):
            seldom = [line for line, count in layout.lines.items() if count < STANDING * layout.documents]
            for line in seldom:
                del layout.lines[line]
                self.by_line[line].remove(number)
                if not self.by_line[line]:
                    del self.by_line[line]
        self.times = Counter()
        for layout in self.found:
            self.times.update(layout.lines)


def standing(places: Mapping[str, int], own: Collection[str] = ()) -> dict[str, str]:
    """What each place says about a candidate that stands there: that all, or some, of its layout's answers stood so.

    `own`: what this very document has contributed to the counts.
    """
    documents = places.get("", 0) - ("" in own)
    if documents <= 0:
        return {}
    many = min(_SEVERAL, documents)
    found: dict[str, str] = {}
    for item, count in places.items():
        kind = _compared(item)
        share = (count - (item in own)) / documents
        if kind is not None and share > 0:
            found[item] = f"layout, {kind} as in all of {many}" if share >= _ALWAYS else f"layout, {kind} as in some"
    return found


def as_before(stood: Mapping[str, str], evidence: Iterable[str]) -> list[str]:
    """Evidence that a candidate stands as the answers of its layout stood, or nowhere where they did."""
    return [stood[item] for item in evidence if item in stood] or ["layout, nothing as before"]


@lru_cache(maxsize=1 << 15)
def _compared(item: str) -> str | None:
    """The kind of evidence, where it tells about a place."""
    if item.startswith("left word"):
        return None
    return next((kind.strip() for kind in COMPARED if item.startswith(kind)), None)
