"""How texts are compared: what counts as the same wording, and what counts as the same answer."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_CUT = 2048


@lru_cache(maxsize=_CUT * 8)
def folded(text: str) -> str:
    """The text without case, spacing and punctuation: two answers with equal folded texts agree."""
    return _NOT_ALPHANUMERIC.sub("", text.casefold())


@lru_cache(maxsize=_CUT * 8)
def words(text: str) -> tuple[str, ...]:
    """The words of a text: letters only, so that numbers that change from document to document leave no trace."""
    return tuple(_NOT_LETTERS.sub(" ", text.casefold()).split())


def answer_text(value: object) -> str:
    """One answer as text: nothing is the empty text, numbers are written plainly."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def agrees(ours: object, theirs: object) -> bool:
    """Whether two answers say the same, whatever their case, spacing and punctuation; numbers by their worth."""
    left, right = answer_text(ours), answer_text(theirs)
    if _is_number(ours) or _is_number(theirs):
        return _worth(left) == _worth(right)
    return folded(left) == folded(right)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _worth(text: str) -> Decimal | str:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return folded(text)
