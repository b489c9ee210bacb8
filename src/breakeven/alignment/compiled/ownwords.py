"""What running text says about a date: that this very text was made on it, or that it belongs to something else.

"THIS AGREEMENT is made as of May 1, 2016" against "that certain Purchase Agreement dated July 23, 2009": the words between the
start of the sentence and the date tell which of the two it is. They are read the same way in every text, so that a few examples
show what they are worth; single words would need many.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BEFORE = 240
_SENTENCE = re.compile(r"[.;:]\s+(?=[A-Z(])|\bWHEREAS\b")
_OWN = re.compile(r"\b(?:this|these|hereby|hereof|hereto)\b", re.IGNORECASE)
_OTHER = re.compile(r"\b(?:that|certain|those|previous\w*|prior|original|amend\w*|such|its|pursuant|under|each)\b", re.IGNORECASE)
_SAID = re.compile(
    r"\b(made|entered|dated?|executed|signed|effective|as\s+of|until|through|before|ending|expir\w*|terminat\w*|commenc\w*|begin\w*"
    r"|between|since|from|on\s+or\s+after|no\s+later\s+than|source|filed|received)\b",
    re.IGNORECASE,
)
_OPENING = (250, 1000, 3000, 10_000)


def said_of(text: str, start: int) -> str:
    """How a text speaks of the date that stands at this place: by which word, and of this text or another."""
    sentence = _SENTENCE.split(text[max(0, start - BEFORE) : start])[-1]
    said = [" ".join(found.split()).casefold() for found in _SAID.findall(sentence)]
    own = max((found.end() for found in _OWN.finditer(sentence)), default=-1)
    other = max((found.end() for found in _OTHER.finditer(sentence)), default=-1)
    whose = "nothing named" if own < 0 and other < 0 else "this text" if own > other else "something else"
    return f"{said[-1] if said else 'no word'}, of {whose}"


def own_words(text: str, starts: Sequence[int], worths: Sequence[str]) -> list[list[str]]:
    """The evidence of each date of a text, in their order."""
    said = [said_of(text, start) for start in starts]
    first: dict[str, int] = {}
    for number, one in enumerate(said):
        first.setdefault(_whose(one), number)
    times = Counter(worth for worth, one in zip(worths, said, strict=True) if _whose(one) == "this text")
    found: list[list[str]] = []
    for number, (start, worth, one) in enumerate(zip(starts, worths, said, strict=True)):
        evidence = [f"said: {one}", f"said of {_whose(one)}", f"opening {sum(start > end for end in _OPENING)}"]
        if first[_whose(one)] == number:
            evidence.append(f"the first said of {_whose(one)}")
            evidence.append(f"the first & said: {one}")
        if len(times) == 1 and worth in times:
            evidence.append("the only date said of this text")
        found.append(evidence)
    return found


def _whose(said: str) -> str:
    return said.partition(", of ")[2]
