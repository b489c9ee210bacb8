"""Arithmetic as people type it, worked out exactly; whatever could be read in two ways is no expression here.

sum      = product { (+ | −) product }          product = power { (× | ÷ | * | / | x) power }
power    = unit [ (^ | **) whole number ]       unit    = number | ( sum ) | − number, only first or in brackets
"""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST = 200
_TOKEN = re.compile(r"\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,.])|\d+(?:\.\d+)?(?![\d,.])|\*\*|[-+*/^()×÷−·x])")
_SIGNS = {"×": "*", "·": "*", "x": "*", "÷": "/", "−": "-", "**": "^"}
_LIKE_A_DATE_OR_PHONE = re.compile(r"\d{1,4}([-/])\d{1,2}\1\d{1,4}|\d{3}-\d{4}|\d{3}-\d{3}-\d{4}")
_OPEN = "("
_LARGEST_POWER, _LARGEST_BITS = 64, 512


class NotRead(Exception):
    """No expression, or not one with one meaning."""


def worth(text: str) -> Fraction:
    """The exact value of an expression with at least one operation. Raises NotRead."""
    text = text.strip()
    if len(text) > LONGEST or _LIKE_A_DATE_OR_PHONE.fullmatch(text):
        raise NotRead
    tokens = _tokens(text)
    reader = _Reader(tokens)
    value = reader.sum(first=True)
    if reader.place != len(tokens) or len(tokens) < len("a+b"):
        raise NotRead
    return value


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise NotRead
        found.append(_SIGNS.get(token[1], token[1]))
        place = token.end()
    return found


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self.place = 0

    def _next(self) -> str:
        return self._tokens[self.place] if self.place < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next()
        self.place += 1
        return token

    def sum(self, *, first: bool) -> Fraction:
        negative = first and self._next() == "-"
        if negative:
            self._take()
        value = self.product(negative=negative)
        while self._next() in {"+", "-"}:
            sign = self._take()
            more = self.product(negative=False)
            value = _bounded(value + more if sign == "+" else value - more)
        return value

    def product(self, *, negative: bool) -> Fraction:
        value = self.power(negative=negative)
        divided = False
        while self._next() in {"*", "/"}:
            sign = self._take()
            if divided and sign == "*":
                raise NotRead  # 6/2*3: people disagree
            divided = sign == "/" or divided
            more = self.power(negative=False)
            if sign == "/" and more == 0:
                raise NotRead
            value = _bounded(value * more if sign == "*" else value / more)
        return value

    def power(self, *, negative: bool) -> Fraction:
        value = self.unit()
        if self._next() == "^":
            self._take()
            exponent = self.unit()
            if negative or self._next() == "^" or exponent.denominator != 1 or not 0 <= exponent <= _LARGEST_POWER:
                raise NotRead  # −2^2 and 2^3^2: people disagree
            value = _bounded(value) ** int(exponent)
        return _bounded(-value if negative else value)

    def unit(self) -> Fraction:
        token = self._take()
        if token == _OPEN:
            value = self.sum(first=True)
            if self._take() != ")":
                raise NotRead
            return value
        digits = token.replace(",", "")
        if not digits or not digits[0].isdecimal() or (len(digits) > 1 and digits[0] == "0" and digits[1] != "."):
            raise NotRead
        return Fraction(digits)


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > _LARGEST_BITS or value.denominator.bit_length() > _LARGEST_BITS:
        raise NotRead
    return value


def number(text: str) -> Fraction:
    """One number as people type it, with a sign. Raises NotRead."""
    found = re.fullmatch(r"([-−]?)\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)", text.strip())
    if found is None or len(text) > LONGEST:
        raise NotRead
    digits = found[2].replace(",", "")
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        raise NotRead
    return -Fraction(digits) if found[1] else Fraction(digits)


def written(value: Fraction, places: int | None = None) -> str:
    """A value in digits: exactly, where that takes at most twelve decimal places; rounded half up where `places` are asked for.

    Raises NotRead for a value that cannot be written so.
    """
    if places is None:
        places = next((count for count in range(13) if (value * 10**count).denominator == 1), None)
        if places is None:
            raise NotRead
    scaled = abs(value) * 10**places
    whole = int(scaled + Fraction(1, 2))
    digits = str(whole).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if value < 0 and whole else text
