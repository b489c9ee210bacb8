"""Answers that stand in a table which the user declares: a question in one form, a key in it, one value for the key."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.errors import DataError, Unreachable
from breakeven.handlers.forms import formed, unreadable

_KEY = "{key}"
_LONGEST = 2_000


class Lookup:
    """The value beside the key that the question names.

    `table` is a CSV file with a head line (`key` and `value` name its columns; without them the first two) or a JSON object of keys
    and values. `question` is the form of the prompt with `{key}` in it; without it the whole prompt is the key. Case and spacing do
    not count. A key that stands twice with different values is declined.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options
        question = options.get("question", _KEY)
        if question.count(_KEY) != 1:
            raise DataError(f"question is {question!r}", "Write the form of the question with {key} once, such as: Code of {key}?")
        before, after = (re.escape(_folded(part)) for part in question.split(_KEY))
        gap = [
            r"\s*" if not part or question.split(_KEY)[side] == question.split(_KEY)[side].strip() else " "
            for side, part in enumerate((before, after))
        ]
        self._question = re.compile(f"{before}{gap[0]}(.+?){gap[1]}{after}")
        self._values = _read(Path(options["table"]), options.get("key"), options.get("value"))

    def __call__(self, task: Task) -> Reply | Declined:
        """The answer to one task, or why it is declined."""
        why = unreadable(task, self._options)
        if why is not None:
            return Declined(why)
        found = self._question.fullmatch(_folded(task.prompt)) if len(task.prompt) <= _LONGEST else None
        if found is None:
            return Declined("the prompt has not the form of the question")
        values = self._values.get(found[1], ())
        if len(values) != 1:
            return Declined("the key is not in the table" if not values else "the key stands in the table with different values")
        value = values[0]
        return formed(task, value if isinstance(value, str) else msgspec.json.encode(value).decode(), value)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _read(file: Path, key: str | None, value: str | None) -> dict[str, tuple[object, ...]]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Unreachable(f"{file} cannot be read: {error.strerror}", "Name an existing table.") from None
    pairs = _json(file, content) if file.suffix == ".json" else _csv(file, content, key, value)
    found: dict[str, tuple[object, ...]] = {}
    for name, one in pairs:
        known = found.get(_folded(name), ())
        if one not in known:
            found[_folded(name)] = (*known, one)
    return found


def _json(file: Path, content: bytes) -> list[tuple[str, object]]:
    try:
        return list(msgspec.json.decode(content, type=dict[str, object]).items())
    except msgspec.MsgspecError as error:
        raise DataError(f"{file} is no JSON object of keys and values: {error}", 'Write {"key": "value", ...}.') from None


def _csv(file: Path, content: bytes, key: str | None, value: str | None) -> list[tuple[str, object]]:
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is no CSV in UTF-8: {error}", "Save the table as CSV in UTF-8.") from None
    head = rows[0] if rows else []
    wanted = (key or (head[0] if head else ""), value or (head[1] if len(head) > 1 else ""))
    for name in wanted:
        if name not in head:
            raise DataError(f"{file}:1 has no column {name!r}", f"Its columns are: {', '.join(head) or 'none'}.")
    places = [head.index(name) for name in wanted]
    for number, row in enumerate(rows[1:], 2):
        if row and len(row) != len(head):
            raise DataError(f"{file}, row {number} has {len(row)} cells instead of {len(head)}", "Correct the row.")
    return [(row[places[0]], row[places[1]]) for row in rows[1:] if row]
