"""JSON and tables in another form: formatted, minified, JSON to CSV or Markdown and back. Nothing of the data is changed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from breakeven.alignment.checks.stated import unfenced
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.handlers.forms import unreadable

_LONGEST = 200_000
_THIS = r"(?:this|the following|the) "
_ORDER = re.compile(
    r"(?:Please )?(?:"
    rf"(?P<pretty>(?:Format|Pretty-print|Pretty print|Indent) {_THIS}JSON(?: with (?P<indent>[1-8]) spaces)?)"
    rf"|(?P<minify>(?:Minify|Compact) {_THIS}JSON)"
    rf"|(?:Convert|Turn|Transform) {_THIS}(?P<from>JSON|CSV)(?: data| array)? (?:to|into) (?:a )?(?P<to>JSON|CSV|Markdown table)"
    r"(?P<kept> (?:with|keeping|and keep) all values as strings)?"
    r")[.:]?(?: (?:Return|Output|Reply with|Answer with) only the (?:JSON|CSV|table|result)[.:]?)?\s*\n(?P<data>.*)",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN_CELL = re.compile(r"[^|\n\r]*")
_LIKE_A_VALUE = re.compile(r"\s*(?:[-+]?[\d.,]+(?:[eE][-+]?\d+)?%?|true|false|null|none|)\s*", re.IGNORECASE)


class _Unsure(Exception):
    """Why it is declined."""


def reshape(options: Mapping[str, str]) -> Callable[[Task], Reply | Declined]:
    """The handler with these options."""

    def answers(task: Task) -> Reply | Declined:
        why = unreadable(task, options)
        if why is None and task.schema is not None:
            why = "the request declares a schema for its answer"
        if why is not None:
            return Declined(why)
        found = _ORDER.fullmatch(task.prompt.strip()) if len(task.prompt) <= _LONGEST else None
        if found is None:
            return Declined("it is no request to reshape data that is understood to the last word")
        try:
            return _reshaped(found, unfenced(found["data"]).strip())
        except _Unsure as unsure:
            return Declined(str(unsure))

    return answers


def _reshaped(found: re.Match[str], data: str) -> Reply:
    if found["pretty"] or found["minify"]:
        _parsed(data)
        indent = -1 if found["minify"] else int(found["indent"] or 2)
        return Reply(msgspec.json.format(data, indent=indent))
    source, target = found["from"].casefold(), found["to"].casefold()
    if source == target:
        raise _Unsure("it is in that form already")
    head, rows = _of_json(data) if source == "json" else _of_csv(data)
    if target == "json":
        return _json(head, rows, kept=found["kept"] is not None)
    if found["kept"]:
        raise _Unsure("it asks for strings where there are only texts")
    return Reply(_csv(head, rows) if target == "csv" else _markdown(head, rows))


def _json(head: list[str], rows: list[list[str]], *, kept: bool) -> Reply:
    if not kept and any(_LIKE_A_VALUE.fullmatch(cell) for row in rows for cell in row):
        raise _Unsure("some cells could be numbers or texts; say “with all values as strings”")
    value = [dict(zip(head, row, strict=True)) for row in rows]
    return Reply(json.dumps(value, indent=2, ensure_ascii=False), value)


def _of_json(data: str) -> tuple[list[str], list[list[str]]]:
    value = _parsed(data)
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) and row for row in value):
        raise _Unsure("the JSON is no list of objects")
    head = list(value[0])
    if any(list(row) != head for row in value):
        raise _Unsure("the objects have not all the same fields in the same order")
    return head, [[_cell(row[name]) for name in head] for row in value]


def _cell(value: object) -> str:
    if isinstance(value, _Digits):
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    raise _Unsure("a field is null or holds another object or list")


def _of_csv(data: str) -> tuple[list[str], list[list[str]]]:
    try:
        rows = list(csv.reader(io.StringIO(data), strict=True))
    except csv.Error as error:
        raise _Unsure(f"the CSV is not well formed: {error}") from None
    if len(rows) <= 1 or len(rows[0]) <= 1 or len(set(rows[0])) != len(rows[0]) or "" in rows[0]:
        raise _Unsure("the CSV has no head line of different names, or no rows, or one column")
    if any(len(row) != len(rows[0]) for row in rows):
        raise _Unsure("not all rows of the CSV have as many cells as its head line")
    return rows[0], rows[1:]


def _csv(head: list[str], rows: list[list[str]]) -> str:
    if any("\r" in cell or "\0" in cell for row in [head, *rows] for cell in row):
        raise _Unsure("a cell holds a control character")
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows([head, *rows])
    return target.getvalue().rstrip("\n")


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    if not all(_PLAIN_CELL.fullmatch(cell) for row in [head, *rows] for cell in row):
        raise _Unsure("a cell holds a bar or a line break")
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


class _Digits(str):
    """A number as it was written."""

    __slots__ = ()


def _parsed(data: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON with its numbers as written. Raises _Unsure, also where a name stands twice in one object."""
    try:
        return json.loads(data, object_pairs_hook=_once, parse_int=_Digits, parse_float=_Digits, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _Unsure(f"the data is no JSON: {error}") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unsure("a name stands twice in one object")
    return found


def _constant(name: str) -> object:
    raise _Unsure(f"{name} is no JSON")
