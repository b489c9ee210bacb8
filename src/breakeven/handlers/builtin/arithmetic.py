"""Arithmetic, units and dates, asked in plain sentences that are recognised from the first to the last character."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.handlers.builtin.expressions import NotRead, number, worth, written
from breakeven.handlers.builtin.units import UNITS
from breakeven.handlers.forms import formed, unreadable

_LONGEST = 400
_NUMBER = r"[-−]?\d[\d,]*(?:\.\d+)?"
_UNIT = r"[A-Za-z°µ²³/ ]{1,30}?"
_DAY = r"(\d{4}-\d{2}-\d{2}|\d{1,2} [A-Za-z]{3,9} \d{4}|[A-Za-z]{3,9} \d{1,2}, \d{4})"
_ROUND = r"(?:[,.;]? \(?(?:rounded |round |correct )?(?:it )?to (\d{1,2}) decimal(?: places?| digits?|s)?\)?)?"
_ONLY = (
    r"(?:[.?]? (?:Please )?(?:give|answer with|return|reply with|respond with|output) (?:only |just )?"
    r"the (?:number|result|answer|value|date)(?: only)?)?"
)
_END = _ROUND + r"[.?!]?" + _ONLY + r"[.?!]?"
_LEAD = r"(?:Please )?(?:What is|What's|How much is|Calculate|Compute|Evaluate|Work out)"


def arithmetic(options: Mapping[str, str]) -> Callable[[Task], Reply | Declined]:
    """The handler with these options."""

    def answers(task: Task) -> Reply | Declined:
        why = unreadable(task, options)
        if why is not None:
            return Declined(why)
        prompt = task.prompt.strip()
        if len(prompt) > _LONGEST or "\n" in prompt:
            return Declined("it is no short question")
        for pattern, read in _QUESTIONS:
            found = pattern.fullmatch(prompt)
            if found is not None:
                try:
                    text, value = read(found)
                except (NotRead, OverflowError, ValueError):
                    continue
                return formed(task, text, value)
        return Declined("it is no question of arithmetic, units or dates that is understood to the last word")

    return answers


def _expression(found: re.Match[str]) -> tuple[str, object]:
    text = written(worth(found["expression"]), _places(found))
    return text, _value(text)


def _share(found: re.Match[str]) -> tuple[str, object]:
    text = written(number(found["percent"]) / 100 * number(found["of"]), _places(found))
    return text, _value(text)


def _converted(found: re.Match[str]) -> tuple[str, object]:
    amount = Fraction(1) if found["amount"] in {None, "a", "an"} else number(found["amount"])
    left, right = UNITS.get(_unit(found["from"])), UNITS.get(_unit(found["to"]))
    if left is None or right is None or left.dimension != right.dimension:
        raise NotRead
    value = (amount * left.scale + left.offset - right.offset) / right.scale
    text = written(value, _places(found))
    return text, _value(text)


def _unit(text: str) -> str:
    """A unit by its symbol as it is written (`mB` is not `MB`), else by its name in small letters."""
    text = " ".join(text.split())
    return text if text in UNITS else text.casefold()


def _weekday(found: re.Match[str]) -> tuple[str, object]:
    name = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[_day(found[1]).weekday()]
    return name, name


def _between(found: re.Match[str]) -> tuple[str, object]:
    days = (_day(found[2]) - _day(found[1])).days
    if days < 0:
        raise NotRead  # between a later and an earlier day: the sign is not clear
    return str(days), days


def _shifted(found: re.Match[str]) -> tuple[str, object]:
    count = int(found["count"].replace(",", ""))
    days = count * 7 if found["what"].casefold().startswith("week") else count
    start = _day(found[4])
    day = start + timedelta(days=days if found["way"].casefold() in {"after", "from"} else -days)
    return day.isoformat(), day.isoformat()


_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def _day(text: str) -> date:
    """A day that can be read in one way only. Raises NotRead or ValueError."""
    if text[:4].isdecimal():
        return date.fromisoformat(text)
    parts = text.replace(",", "").split()
    day, month, year = parts if parts[0].isdecimal() else (parts[1], parts[0], parts[2])
    names = [place for place, name in enumerate(_MONTHS, 1) if month.casefold() in {name, name[:3]}]
    if not names:
        raise NotRead
    return date(int(year), names[0], int(day))


def _places(found: re.Match[str]) -> int | None:
    text = found["places"]
    if text is not None and int(text) > 12:  # noqa: PLR2004 - more is no question of daily life
        raise NotRead
    return None if text is None else int(text)


def _value(text: str) -> object:
    return int(text) if "." not in text else float(text)


def _question(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("to (\\d{1,2}) decimal", "to (?P<places>\\d{1,2}) decimal"), re.IGNORECASE)


_QUESTIONS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[str, object]]], ...] = (
    (_question(rf"{_LEAD}:? (?P<expression>[-\d.,+*/^()×÷−·x ]+?)(?: ?= ?\??)?{_END}"), _expression),
    (_question(rf"(?P<expression>[-\d.,+*/^()×÷−·x ]+?) ?= ?\??{_END}"), _expression),
    (_question(rf"{_LEAD}:? (?P<percent>{_NUMBER}) ?(?:%|percent) of (?P<of>{_NUMBER}){_END}"), _share),
    (_question(rf"(?:Please )?Convert (?P<amount>{_NUMBER}) ?(?P<from>{_UNIT}) (?:to|into|in) (?P<to>{_UNIT}){_END}"), _converted),
    (_question(rf"{_LEAD} (?P<amount>{_NUMBER}) ?(?P<from>{_UNIT}) in (?P<to>{_UNIT}){_END}"), _converted),
    (
        _question(rf"How many (?P<to>{_UNIT}) (?:are|is)(?: there)? in (?P<amount>{_NUMBER}|an?(?= ))? ?(?P<from>{_UNIT}){_END}"),
        _converted,
    ),
    (_question(rf"(?:What|Which) (?:day of the week|weekday) (?:is|was|will be) {_DAY}{_END}"), _weekday),
    (_question(rf"How many days (?:are there |are |is )?(?:between|from) {_DAY} (?:and|to|until) {_DAY}{_END}"), _between),
    (
        _question(
            rf"(?:What|Which) (?:date|day) (?:is|was|will be|comes) (?P<count>\d[\d,]{{0,6}}) (?P<what>days?|weeks?) "
            rf"(?P<way>after|before|from) {_DAY}{_END}"
        ),
        _shifted,
    ),
)
"""The questions that are understood, each from its first to its last character."""
