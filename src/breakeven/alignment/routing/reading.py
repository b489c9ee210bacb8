"""What a route sees of a request: its words and pairs of words, a few figures of its form, and the words of its workflow tag.

Reading is the dear part of a decision, so it is bounded: of a long text the beginning and the end are read, where tasks say what
they want. Everything here is the standard library's, because the gateway reads with it.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

HEAD_CHARACTERS, TAIL_CHARACTERS = 700, 250
"""How much of the beginning and the end of a text is read; what lies between counts only by its length."""
SUMMARY = (
    "characters",
    "words",
    "numbers",
    "share of numbers",
    "letters per word",
    "questions",
    "lines",
    "symbols",
    "different words",
    "sentences",
    "choices",
    "code",
    "negation",
)
"""The figures of a text's form, in the order in which `form` gives them."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_DIGITS = str.maketrans("123456789", "000000000")
_PARTS = re.compile(r"[\W_]+")
_SYMBOLS, _CODE = "=+-*/^$%", ("def ", "return", "==", "();", "{", "}", "```", "[i", "=>")
_CHOICES = ("\nA", "\nB", "\nC", "\nD", "\nE", "\n1", "\n2", "\n3", "\n- ", "\n* ")
_NEGATIONS = frozenset(("not", "except", "never", "without", "neither"))


def clipped(text: str) -> str:
    """What of a text is read: all of it, or the beginning and the end."""
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]} {text[-TAIL_CHARACTERS:]}"


def tokens(text: str) -> list[str]:
    """The words and marks of a text in their order, in small letters, every digit as `0`: numbers count by their length."""
    return _TOKEN.findall(text.lower().translate(_DIGITS))


def words(found: list[str]) -> set[str]:
    """The different words, pairs of neighbouring words, and how the text begins (after `^`)."""
    terms = set(found)
    terms.update(map(" ".join, pairwise(found)))
    terms.update(("^ " + " ".join(found[:1]), "^ " + " ".join(found[:2]), "^ " + " ".join(found[:3])))
    return terms


def tag_words(tag: str) -> tuple[str, ...]:
    """A tag's own name and the words it is made of, so that tags with a word in common lend each other evidence."""
    parts = {part for part in _PARTS.split(tag.lower()) if part}
    return (f"={tag}", *sorted(parts))


def form(text: str, read: str, found: list[str]) -> list[float]:
    """The figures of a text's form, in the order of `SUMMARY`: of the whole `text` its length, of what was `read` the rest."""
    count = len(found) or 1
    numbers = sum(map(str.isdigit, found))
    different = set(found)
    return [
        math.log1p(len(text)),
        math.log1p(len(found)),
        math.log1p(numbers),
        numbers / count,
        sum(map(len, found)) / count,
        float(read.count("?")),
        math.log1p(read.count("\n")),
        sum(map(read.count, _SYMBOLS)) / count,
        len(different) / count,
        math.log1p(read.count(". ")),
        math.log1p(sum(map(read.count, _CHOICES))),
        math.log1p(sum(map(read.count, _CODE))),
        float(not _NEGATIONS.isdisjoint(different)),
    ]
