"""The value that an answer states, and its fields: by path, as exact numbers, as dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

import msgspec

from breakeven.alignment.task import Reply

LONGEST = 1_000_000
"""Characters of an answer that are read at all."""
_LONGEST_FIGURE = 100
_SPACE = r"[\s'\u2019\u00a0\u202f]"
_AMOUNT = re.compile(
    r"[-+−(]?\s*(?:[^\W\d_]{1,3}\s*|[$€£¥₹])?\s*[-+−]?\s*"
    r"(\d(?:[\d.,]|" + _SPACE + r")*)"
    r"(?:[^\W\d_]{1,3}|[$€£¥₹%])?\.?\)?"
)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_PARTS = re.compile(r"(\d{1,2})[./\- ](\d{1,2})[./\- ](\d{4}|\d{2})")
_NAMED = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?[ .\-/,]+([A-Za-z]{3,9})|([A-Za-z]{3,9})[ .\-/]+(\d{1,2})(?:st|nd|rd|th)?)"
    r"[ .,\-/]*(\d{4}|\d{2})"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CENTURY, _TURN, _GROUP, _MONTHS_OF_YEAR = 100, 70, 3, 12
NOTHING: object = object()
"""What is not there, unlike None, which JSON can state."""


def value_of(reply: Reply) -> object:
    """The value that an answer states: as read already, else its text as JSON (which may stand in a code fence); else NOTHING."""
    if reply.value is not None:
        return reply.value
    if len(reply.text) > LONGEST:
        return NOTHING
    try:
        found: object = _DECODER.decode(unfenced(reply.text))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return NOTHING
    return found


def unfenced(text: str) -> str:
    """What stands in a code fence, where the whole text is one; else the text."""
    inner = text.strip()
    if not inner.startswith(_FENCE) or not inner.endswith(_FENCE):
        return text
    first, _, rest = inner[: -len(_FENCE)].partition("\n")
    return rest if first[len(_FENCE) :].strip().isalpha() or first.strip() == _FENCE else text


_FENCE = "```"
_DECODER: msgspec.json.Decoder[object] = msgspec.json.Decoder(float_hook=Decimal)


def at(value: object, path: str) -> object:
    """The value at a dotted path (`seller.name`, `lines.0.amount`); NOTHING where there is none."""
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part, NOTHING)
        elif isinstance(value, list | tuple) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return NOTHING
    return value


def each_at(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Every value at a path in which `[]` stands for all items of a list: `lines[].amount`. A missing one is NOTHING."""
    head, opened, rest = path.partition("[]")
    found = at(value, head) if head else value
    if not opened:
        yield path, found
        return
    if not isinstance(found, list | tuple):
        yield head, NOTHING
        return
    for number, item in enumerate(found):
        if not rest:
            yield f"{head}[{number}]", item
        else:
            for inner, one in each_at(item, rest.removeprefix(".")):
                yield f"{head}[{number}].{inner}", one


def number_of(value: object) -> Decimal | None:
    """A number or an amount as printed (`1,234.50`, `1.234,50 €`, `(12.00)`, `RM 8.95`), exactly; None where it is none."""
    if isinstance(value, str):
        return _printed(value.strip()) if len(value) <= _LONGEST_FIGURE else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return found if found.is_finite() else None


def _printed(text: str) -> Decimal | None:
    matched = _AMOUNT.fullmatch(text)
    digits = None if matched is None else _digits(re.sub(_SPACE, "", matched[1]))
    if digits is None or text.startswith("(") != text.endswith(")"):
        return None
    return -Decimal(digits) if text[0] in "(-−" or "-" in text or "−" in text else Decimal(digits)


def _digits(text: str) -> str | None:
    """Digits with a point for the fraction; None where grouping and fraction contradict each other."""
    text = text.rstrip(".,")
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return text
    mark, other = text[last], "," if text[last] == "." else "."
    whole, fraction = text[:last], text[last + 1 :]
    if mark in whole or (other not in whole and len(fraction) == _GROUP and mark == ","):
        return _grouped(text, mark) if other not in whole or mark not in whole else None
    grouped = _grouped(whole, other) if other in whole else whole
    return None if grouped is None else f"{grouped}.{fraction}"


def _grouped(text: str, mark: str) -> str | None:
    first, *groups = text.split(mark)
    return first + "".join(groups) if 0 < len(first) <= _GROUP and all(len(one) == _GROUP for one in groups) else None


def date_of(value: object, *, day_first: bool = True) -> date | None:
    """A date as printed (`2024-05-03`, `03/05/2024`, `3 May 2024`, `May 3, 2024`); None where it is none, or no real day.

    Of `03/05/2024` the first is the day unless `day_first` is false; where only one reading is a real day, that one holds.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_FIGURE:
        return None
    text = value.strip()
    if (found := _ISO.fullmatch(text)) is not None:
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if (found := _PARTS.fullmatch(text)) is not None:
        first, second, year = int(found[1]), int(found[2]), _year(found[3])
        day, month = (first, second) if day_first else (second, first)
        return _day(year, month, day) or _day(year, day, month)
    if (found := _NAMED.fullmatch(text)) is not None:
        word = (found[2] or found[3]).casefold()
        month = next((number for number, name in enumerate(_MONTHS, 1) if word.startswith(name)), 0)
        return _day(_year(found[5]), month, int(found[1] or found[4]))
    return None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > len("24") else year + (2000 if year < _TURN else 1900)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
