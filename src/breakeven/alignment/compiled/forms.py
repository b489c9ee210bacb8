"""How a printed value becomes the answer: as it stands, or rewritten in the one form that past answers have."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.printed import readings
from breakeven.alignment.compiled.wording import agrees, answer_text

if TYPE_CHECKING:
    from datetime import date

PRINTED = "as printed"
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ORDERS = ("dmy", "mdy", "ymd")
_DATE_PATTERNS = (
    "YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY", "DD-MM-YYYY", "YYYY/MM/DD", "D/M/YYYY", "M/D/YYYY", "D/M/YY", "M/D/YY",
    "DD/MM/YY", "MM/DD/YY", "D Month YYYY", "Month D, YYYY", "DD Mon YYYY", "D Mon YYYY", "Mon D, YYYY", "YYYYMMDD", "DDMMYYYY",
)  # fmt: skip
_PART = re.compile(r"YYYY|YY|Month|Mon|MM|M|DD|D")
DATE_FORMS = (PRINTED, *(f"{order} to {pattern}" for order in _ORDERS for pattern in _DATE_PATTERNS))
AMOUNT_FORMS = (PRINTED, "without currency", "plain number", "number")
CODE_FORMS = (PRINTED, "without spaces", "number")
_NUMBER = re.compile(r"-?\d[\d,.' ]*\d|\d")


def written(kind: str, form: str, text: str) -> object | None:
    """The printed text in this form; None where it has none (a date that the form's reading does not allow)."""
    if form == PRINTED:
        return text.strip()
    if kind == "date":
        order, _, pattern = form.partition(" to ")
        day = readings(text).get(order)
        return None if day is None else _date(day, pattern)
    if kind == "amount":
        return _amount(form, text)
    return _code(form, text)


def forms_for(kind: str) -> tuple[str, ...]:
    """Every form that values of this kind can take, the plainest first."""
    return {"date": DATE_FORMS, "amount": AMOUNT_FORMS, "code": CODE_FORMS}.get(kind, (PRINTED,))


def fitting(kind: str, text: str, answer: object) -> list[str]:
    """The forms that turn the printed text into the answer."""
    if agrees(text, answer) and isinstance(answer, str):
        exact = [form for form in forms_for(kind)[1:] if answer_text(written(kind, form, text)) == answer]
        return [PRINTED, *exact]
    return [form for form in forms_for(kind) if (made := written(kind, form, text)) is not None and _same(made, answer)]


def _same(made: object, answer: object) -> bool:
    """Equal in worth and of one type, so that a number answers a number and a text a text."""
    return isinstance(made, str) == isinstance(answer, str) and agrees(made, answer)


def _date(day: date, pattern: str) -> str:
    month = _MONTHS[day.month - 1]
    parts = {
        "YYYY": f"{day.year:04}", "YY": f"{day.year % 100:02}", "Month": month, "Mon": month[:3],
        "MM": f"{day.month:02}", "M": str(day.month), "DD": f"{day.day:02}", "D": str(day.day),
    }  # fmt: skip
    return _PART.sub(lambda found: parts[found.group()], pattern)


def _amount(form: str, text: str) -> object | None:
    found = _NUMBER.search(text)
    if found is None:
        return None
    sign = "-" if text[: found.start()].endswith("-") else ""
    bare = sign + found.group()
    if form == "without currency":
        return bare
    plain = re.sub(r"[^\d-]", "", bare[:-3]) + "." + bare[-2:]
    return plain if form == "plain number" else _number(plain)


def _code(form: str, text: str) -> object | None:
    tight = re.sub(r"\s+", "", text)
    if form == "without spaces":
        return tight
    return int(tight) if tight.isdecimal() and (tight == "0" or not tight.startswith("0")) else None


def _number(plain: str) -> int | float:
    worth = Decimal(plain)
    return int(worth) if worth == worth.to_integral_value() else float(worth)
