"""What a route sees of a request: its words and pairs of words, a few figures of its form, and the words of its workflow tag.

Reading is the dear part of a decision, so it is bounded: of a long text the beginning and the end are read, where tasks say what
they want. Everything here is the standard library's, because the gateway reads with it.
"""

from __future__ import annotations

import math
import re

HEAD_CHARACTERS, TAIL_CHARACTERS = 1400, 400
"""How much of the beginning and the end of a text is read; what lies between counts only by its length."""
SUMMARY = (
    "characters",
    "words",
    "numbers",
    "share of numbers",
    "letters per word",
    "questions",
    "lines",
    "largest number",
    "symbols",
    "capitals",
    "different words",
    "sentences",
    "choices",
    "code",
    "negation",
)
"""The figures of a text's form, in the order in which `form` gives them."""
_TOKEN = re.compile(r"[^\W\d_]+|#+|[^\w\s]")
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"\d{1,9}")
_PARTS = re.compile(r"[\W_]+")
_SHAPES = {1: " # ", 2: " ## ", 3: " ### "}
_LONG_NUMBER = " #### "
_CHOICE = re.compile(r"^\s*\(?[A-Ea-e1-5][.):]\s", re.MULTILINE)
_CODE = re.compile(r"^(?:def |class |import |from \w+ import|#include|function |const |let |var |public |SELECT )|```|[;{}]\s*$|=>|==|\w\(\)", re.M)
_NEGATION = re.compile(r"\b(?:not|except|never|without|neither)\b")


def clipped(text: str) -> str:
    """What of a text is read: all of it, or the beginning and the end."""
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]} {text[-TAIL_CHARACTERS:]}"


def _shape(found: re.Match[str]) -> str:
    return _SHAPES.get(found.end() - found.start(), _LONG_NUMBER)


def tokens(text: str) -> list[str]:
    """The words and marks of a text in their order, in small letters; a number stands as its length: `#` to `####`."""
    return _TOKEN.findall(_DIGITS.sub(_shape, text.lower()))


def words(found: list[str]) -> set[str]:
    """The different words and pairs of neighbouring words among these tokens."""
    terms = set(found)
    terms.update(map(" ".join, zip(found, found[1:], strict=False)))
    return terms


def tag_words(tag: str) -> tuple[str, ...]:
    """A tag's own name and the words it is made of, so that tags with a word in common lend each other evidence."""
    parts = {part for part in _PARTS.split(tag.lower()) if part}
    return (f"={tag}", *sorted(parts))


def form(text: str, read: str, found: list[str]) -> list[float]:
    """The figures of a text's form, in the order of `SUMMARY`: of the whole `text` its length, of what was `read` the rest."""
    count = len(found) or 1
    numbers = _NUMBER.findall(read)
    letters = sum(map(len, found)) / count
    size = len(read) or 1
    return [
        math.log1p(len(text)),
        math.log1p(len(found)),
        math.log1p(len(numbers)),
        len(numbers) / count,
        letters,
        float(read.count("?")),
        math.log1p(read.count("\n")),
        math.log1p(max(map(int, numbers), default=0)),
        sum(map(found.count, "=+-*/^$%\\(")) / count,
        sum(map(str.isupper, read[:400])) / min(size, 400),
        len(set(found)) / count,
        math.log1p(read.count(". ") + read.count(";")),
        math.log1p(len(_CHOICE.findall(read))),
        math.log1p(len(_CODE.findall(read))),
        float(bool(_NEGATION.search(read.lower()))),
    ]
