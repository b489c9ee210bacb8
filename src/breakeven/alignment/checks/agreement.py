"""Agreement of two answers on the value they state: two cheap rungs that agree are trusted, else the stronger one is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from breakeven.alignment.checks.options import Options
from breakeven.alignment.checks.stated import LONGEST, NOTHING, at, number_of, unfenced, value_of
from breakeven.alignment.compiled.wording import folded
from breakeven.alignment.task import Reply

Value = Literal["text", "number", "choice", "literal", "json"]
VALUES: tuple[Value, ...] = ("text", "number", "choice", "literal", "json")
LETTERS = ("A", "B", "C", "D", "E")
_AROUND_MARKS = re.compile(r"[ \t\n]*([,:\[\](){}])[ \t\n]*")
_TAIL = 20_000
"""Characters at an answer's end in which the value is looked for."""
_NUMBER = re.compile(r"[-−]?\s?[$€£]?\d[\d,]*(?:\.\d+)?")
_STATED = re.compile(r"(?:answer|result)\b([^\n]{1,200})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AgreementCheck:
    """Two answers agree where the values extracted from them are equal.

    `rung` names the rung whose answer is compared. `value` says what is extracted: the number stated last, one of `choices`, the
    JSON value (only `fields` of it, where some are named), a literal as programs write it (case and marks count, the spacing around
    marks and the kind of quotes do not), or the whole text with case, spacing and punctuation normalised.
    """

    rung: str
    value: Value = "text"
    choices: tuple[str, ...] = LETTERS
    fields: tuple[str, ...] = ()
    kind: str = "agreement"

    def differ(self, first: Reply, second: Reply) -> str | None:
        """Why the two do not agree; None where they do. An answer that states no such value agrees with none."""
        if self.value == "json":
            return self._json(first, second)
        ours, theirs = self.stated(first), self.stated(second)
        if ours is None or theirs is None:
            return f"{'the answer' if ours is None else self.rung} states no {self.value}"
        return None if ours == theirs else f"the answer states {str(ours)[:60]}, {self.rung} {str(theirs)[:60]}"

    def stated(self, reply: Reply) -> object:
        """The value that an answer states, in one spelling; None where it states none."""
        if self.value == "number":
            return stated_number(reply)
        if self.value == "choice":
            return stated_choice(reply, self.choices)
        if self.value == "literal":
            return stated_literal(reply)
        return folded(reply.text[:LONGEST]) or None

    def _json(self, first: Reply, second: Reply) -> str | None:
        ours, theirs = value_of(first), value_of(second)
        if ours is NOTHING or theirs is NOTHING:
            return f"{'the answer' if ours is NOTHING else self.rung} is not JSON"
        for field in self.fields or ("",):
            left, right = (at(ours, field), at(theirs, field)) if field else (ours, theirs)
            if left is NOTHING or right is NOTHING:
                return f"{'the answer' if left is NOTHING else self.rung} has no {field}"
            if not same(left, right):
                return f"{field or 'the answer'} differs: {str(left)[:40]!r}, {self.rung} {str(right)[:40]!r}"
        return None


def comparable(check: AgreementCheck, reply: Reply) -> object:
    """What `check` compares of an answer, as a value that can be compared for equality; None where it states none."""
    if check.value != "json":
        return check.stated(reply)
    value = value_of(reply)
    return None if value is NOTHING else _frozen(value)


def _frozen(value: object) -> object:
    if isinstance(value, Mapping):
        return tuple(sorted((str(name), _frozen(one)) for name, one in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_frozen(one) for one in value)
    number = None if isinstance(value, bool) else number_of(value)
    return number if number is not None else folded(value) if isinstance(value, str) else value


def stated_number(reply: Reply) -> object:
    """The number that an answer states: what it says after “answer” last, else its last number; None where there is none."""
    if reply.value is not None and not isinstance(reply.value, str):
        return number_of(reply.value)
    text = reply.text[-_TAIL:]
    tail = [found for found in _STATED.findall(text) if _NUMBER.search(found)]
    found = _NUMBER.findall(tail[-1])[:1] if tail else _NUMBER.findall(text)[-1:]
    return number_of(re.sub(r"[\s,$€£]", "", found[0])) if found else None


def stated_choice(reply: Reply, choices: Sequence[str]) -> str | None:
    """Which of the choices an answer states: itself, after “answer”, or the only one named; None where that is not clear."""
    text = reply.text[-_TAIL:].strip()
    by_fold = {folded(choice): choice for choice in choices}
    if folded(text) in by_fold:
        return by_fold[folded(text)]
    for part in (*reversed(_STATED.findall(text)), text):
        named = {choice for choice in choices if re.search(rf"(?<!\w){re.escape(choice)}(?!\w)", part)}
        if len(named) == 1:
            return named.pop()
    return None


def stated_literal(reply: Reply) -> str | None:
    """The literal that an answer is, in one spelling; None where it is empty."""
    text = _AROUND_MARKS.sub(r"\1", unfenced(reply.text[:_TAIL]).strip()).replace('"', "'")
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" and "'" not in text[1:-1] else text
    return bare or None


def same(ours: object, theirs: object) -> bool:
    """Whether two JSON values say the same: texts whatever case, spacing and punctuation, numbers by worth, lists in order."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return ours.keys() == theirs.keys() and all(same(one, theirs[name]) for name, one in ours.items())
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(same(one, other) for one, other in zip(ours, theirs, strict=True))
    if isinstance(ours, bool) or isinstance(theirs, bool) or ours is None or theirs is None:
        return ours is theirs
    left, right = number_of(ours), number_of(theirs)
    if left is not None or right is not None:
        return left == right
    if isinstance(ours, str) and isinstance(theirs, str):
        return folded(ours) == folded(theirs) and (folded(ours) != "" or ours.strip() == theirs.strip())
    return False


def agreement(options: object) -> AgreementCheck:
    """The check that these options make. Raises CheckFault."""
    given = Options(options, "agreement", ("with", "value", "choices", "fields"), main="with")
    value = given.word("value", VALUES, "json" if "fields" in given else "choice" if "choices" in given else "text")
    if "fields" in given and value != "json":
        raise given.fault("fields", "fields belong to `value: json`", "Leave one of the two out.")
    if "choices" in given and value != "choice":
        raise given.fault("choices", "choices belong to `value: choice`", "Leave one of the two out.")
    return AgreementCheck(given.text("with"), value, given.texts("choices") or LETTERS, given.texts("fields"))
