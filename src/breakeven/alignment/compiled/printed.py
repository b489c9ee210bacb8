"""What is printed in a document and has a meaning of its own: dates, amounts of money, codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    "|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_TH = r"(?:\s?(?:s\s?t|n\s?d|r\s?d|t\s?h)\b)?"
"""The ending of an ordinal, which converted texts part from its number or in two: "26t h day of May"."""
_DATE = re.compile(
    rf"""(?<![\w.,])(?:
      (?P<iso>(?:19|20)\d\d\s?[-/.]\s?\d{{1,2}}\s?[-/.]\s?\d{{1,2}})(?!\d)
    | (?P<numeric>\d{{1,2}}\s?([-/.])\s?\d{{1,2}}\s?\3\s?(?:(?:19|20)\d\d|\d\d))(?!\d)
    | (?P<daymonth>\d{{1,2}}{_TH}(?:\s+day)?(?:\s+of)?[\s\-/.,]*(?:{_NAMED})\b\.?[\s\-/,.]*(?:(?:19|20)\d\d|\d\d)(?!\d))
    | (?P<monthday>(?:{_NAMED})\b\.?\s*\d{{1,2}}{_TH}\s*[,.]?\s*(?:(?:19|20)\d\d)(?!\d))
    | (?P<packed>(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])|(?:[0-2]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d)(?!\d)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_AMOUNT = re.compile(
    r"(?<![\w.,])(?P<prefix>(?:[A-Z]{1,3}\$?|[$€£¥])\s?)?-?\d{1,3}(?:(?:[,.' ]\d{3})+|\d*)[.,]\s?\d\d(?![\d])(?P<suffix>\s?[€£%])?"
)
_CODE = re.compile(r"(?<![\w#])#?\s?[A-Za-z]{0,6}[-_/]?\d[\w\-/_]*")
_DIGITS = re.compile(r"\d+")
_YEAR_DIGITS, _CENTURY, _PIVOT = 4, 100, 70


@dataclass(frozen=True, slots=True)
class Span:
    """Something printed: where in its text it stands, as it is printed, and what it is worth."""

    start: int
    end: int
    text: str
    worth: str


def dates(text: str) -> list[Span]:
    """Every date in one text; its worth is its digits in the order printed."""
    return [Span(m.start(), m.end(), m.group(), _numbers(m.group())) for m in _DATE.finditer(text)] if _any_digit(text) else []


def amounts(text: str) -> list[Span]:
    """Every amount with two decimals; its worth is its hundredths. A percentage is no amount."""
    if not _any_digit(text):
        return []
    found = [m for m in _AMOUNT.finditer(text) if m.group("suffix") is None or "%" not in m.group("suffix")]
    return [Span(m.start(), m.end(), m.group().strip(), str(_hundredths(m.group()))) for m in found]


def codes(text: str) -> list[Span]:
    """Every run of characters with a digit in it: numbers of invoices, orders, accounts."""
    return [Span(m.start(), m.end(), m.group(), m.group().casefold()) for m in _CODE.finditer(text)] if _any_digit(text) else []


def _any_digit(text: str) -> bool:
    return _DIGITS.search(text) is not None


def _hundredths(text: str) -> int:
    digits = int("".join(_DIGITS.findall(text)))
    return -digits if "-" in text else digits


def _numbers(text: str) -> str:
    return " ".join(number.lstrip("0") for number in _DIGITS.findall(_months_as_numbers(text)))


def _months_as_numbers(text: str) -> str:
    return re.sub(
        rf"\b(?:{_NAMED})\b|(?<=\d)(?:{_NAMED})",
        lambda m: f" {_MONTHS.index(m.group()[:3].casefold()) + 1} ",
        text,
        flags=re.IGNORECASE,
    )


def readings(text: str) -> dict[str, date]:
    """Every day a printed date can mean, by the order in which day, month and year are read (dmy, mdy, ymd)."""
    named = re.search(_NAMED, text, re.IGNORECASE)
    numbers = _DIGITS.findall(text)
    if named:
        month = str(_MONTHS.index(named.group()[:3].casefold()) + 1)
        return _days({"dmy": (numbers[-1], month, numbers[0])} if len(numbers) > 1 else {})
    if len(numbers) == 1:
        packed = numbers[0]
        return _days({"ymd": (packed[:4], packed[4:6], packed[6:]), "dmy": (packed[4:], packed[2:4], packed[:2])})
    first, second, third = numbers[:3]
    if len(first) == _YEAR_DIGITS:
        return _days({"ymd": (first, second, third)})
    return _days({"dmy": (third, second, first), "mdy": (third, first, second)})


def _days(parts: dict[str, tuple[str, str, str]]) -> dict[str, date]:
    """Those readings that are days of the calendar."""
    found: dict[str, date] = {}
    for order, (year, month, day) in parts.items():
        whole = int(year) if len(year) == _YEAR_DIGITS else int(year) + (2000 if int(year) < _PIVOT else 1900)
        try:
            found[order] = date(whole, int(month), int(day))
        except ValueError:
            continue
    return found
