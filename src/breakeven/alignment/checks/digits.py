"""Numbers that carry their own check digit: card numbers, IBAN, EAN, ISBN, VAT numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from breakeven.alignment.checks.options import Options
from breakeven.alignment.checks.port import Kind
from breakeven.alignment.checks.stated import NOTHING, each_at, value_of
from breakeven.alignment.task import Reply, Task

Sort = Literal["luhn", "iban", "ean", "isbn", "vat"]
_SPACES = re.compile(r"[\s.\-/]")
_DOUBLED_TOO_LARGE, _TEN, _ELEVEN = 9, 10, 11
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 "
    "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 "
    "LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 "
    "ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
IBAN_LENGTHS: Mapping[str, int] = {one[:2]: int(one[2:]) for one in _LENGTHS.split()}
"""How long an IBAN is, by country."""


def luhn(text: str) -> bool:
    """ISO/IEC 7812: from the right every second digit doubled, its digits added; the sum is a multiple of ten."""
    if not text.isascii() or not text.isdecimal() or len(text) < len("10"):
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(text))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - _DOUBLED_TOO_LARGE if doubled > _DOUBLED_TOO_LARGE else doubled
    return total % _TEN == 0


def iban(text: str) -> bool:
    """ISO 13616: length by country; rotated by four, letters as 10 to 35, the remainder by 97 is 1 (ISO 7064)."""
    text = text.upper()
    if not text.isascii() or not text.isalnum() or IBAN_LENGTHS.get(text[:2]) != len(text) or not text[2:4].isdecimal():
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def ean(text: str) -> bool:
    """GS1: weights 3 and 1 from the right before the check digit; EAN-8, UPC-A, EAN-13 and GTIN-14."""
    if not text.isascii() or not text.isdecimal() or len(text) not in {8, 12, 13, 14}:
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text))) % _TEN == 0


def isbn(text: str) -> bool:
    """ISBN-10 (weights 10 to 1, remainder by 11 is 0, X counts 10) or ISBN-13 (an EAN that begins with 978 or 979)."""
    text = text.upper()
    if len(text) == len("9780000000000"):
        return text.startswith(("978", "979")) and ean(text)
    if not re.fullmatch(r"[0-9]{9}[0-9X]", text):
        return False
    return sum((_TEN if sign == "X" else int(sign)) * (_TEN - place) for place, sign in enumerate(text)) % _ELEVEN == 0


def vat(text: str) -> bool:
    """A VAT number of the European Union by its country's check digits: AT, BE, DE, DK, FI, FR, IT, LU, NL, PL and PT.

    Of other countries nothing is known here, so their numbers do not pass.
    """
    text = text.upper()
    rule = VAT_RULES.get(text[:2])
    return rule is not None and text.isascii() and rule(text[2:])


def _weighted(text: str, weights: str) -> int:
    return sum(int(digit) * int(weight, 36) for digit, weight in zip(text, weights, strict=False))


def _shape(pattern: str, rule: Callable[[str], bool]) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None and rule(text)


def _german(text: str) -> bool:
    product = _TEN
    for digit in map(int, text[:8]):
        product = 2 * ((digit + product) % _TEN or _TEN) % _ELEVEN
    return (_ELEVEN - product) % _TEN == int(text[8])


def _austrian(text: str) -> bool:
    digits = [int(digit) for digit in text[1:]]
    total = sum(sum(divmod(digit * 2, _TEN)) if place % 2 else digit for place, digit in enumerate(digits[:7]))
    return (_TEN - (total + 4) % _TEN) % _TEN == digits[7]


def _dutch(text: str) -> bool:
    number = "".join(str(int(sign, 36)) for sign in "NL" + text)
    return int(number) % 97 == 1 or _weighted(text[:8], "98765432") % _ELEVEN == int(text[8])


def _portuguese(text: str) -> bool:
    rest = _ELEVEN - _weighted(text[:8], "98765432") % _ELEVEN
    return (0 if rest >= _TEN else rest) == int(text[8])


def _finnish(text: str) -> bool:
    rest = _ELEVEN - _weighted(text[:7], "79a5842") % _ELEVEN
    return rest % _ELEVEN == int(text[7])


VAT_RULES: Mapping[str, Callable[[str], bool]] = {
    "AT": _shape(r"U[0-9]{8}", _austrian),
    "BE": _shape(r"[01][0-9]{9}", lambda text: 97 - int(text[:8]) % 97 == int(text[8:])),
    "DE": _shape(r"[1-9][0-9]{8}", _german),
    "DK": _shape(r"[0-9]{8}", lambda text: _weighted(text, "27654321") % _ELEVEN == 0),
    "FI": _shape(r"[0-9]{8}", _finnish),
    "FR": _shape(r"[0-9]{11}", lambda text: (12 + 3 * (int(text[2:]) % 97)) % 97 == int(text[:2])),
    "IT": _shape(r"[0-9]{11}", luhn),
    "LU": _shape(r"[0-9]{8}", lambda text: int(text[:6]) % 89 == int(text[6:])),
    "NL": _shape(r"[0-9]{9}B[0-9]{2}", _dutch),
    "PL": _shape(r"[0-9]{10}", lambda text: _weighted(text[:9], "657234567") % _ELEVEN == int(text[9])),
    "PT": _shape(r"[0-9]{9}", _portuguese),
}
SORTS: Mapping[Sort, Callable[[str], bool]] = {"luhn": luhn, "iban": iban, "ean": ean, "isbn": isbn, "vat": vat}


@dataclass(frozen=True, slots=True)
class DigitsCheck:
    """What `field` names carries right check digits; spaces, points and dashes do not count."""

    field: str
    sort: Sort
    optional: bool = False
    kind: str = "digits"

    def fault(self, task: Task, reply: Reply) -> str | None:
        """The first number whose check digits are wrong."""
        del task
        for where, value in each_at(value_of(reply), self.field):
            if self.optional and (value is NOTHING or value in (None, "")):
                continue
            if value is NOTHING or not isinstance(value, str | int) or isinstance(value, bool):
                return f"{where} is not there, or is no number"
            text = _SPACES.sub("", str(value)[:100])
            if not SORTS[self.sort](text):
                return f"{where} is no valid {self.sort.upper()}: {str(value)[:40]!r}"
        return None


def _make(options: object) -> DigitsCheck:
    given = Options(options, "digits", ("field", "sort", "optional"))
    return DigitsCheck(given.text("field"), given.word("sort", tuple(SORTS)), given.flag("optional", default=False))


KIND = Kind("digits", _make)
