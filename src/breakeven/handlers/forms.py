"""Whether a handler that reads only text may look at a task, and how its answer is put into the form that the task asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from breakeven.alignment.checks.schema import compiled_schema, departure
from breakeven.alignment.task import Declined, Reply, Task

JSON = msgspec.json.Encoder(decimal_format="number")


def unreadable(task: Task, options: Mapping[str, str], *, system: str = "none") -> str | None:
    """Why a handler of ours declines a task before reading it; None where it may read. `system` is what holds unless told."""
    if task.tools:
        return "the request offers tools"
    if task.media:
        return "the request carries what is not text"
    if task.earlier:
        return "the request continues a conversation"
    if task.system and options.get("system", system) != "any":
        return "the request has system text, and `system: any` is not declared"
    return None


def formed(task: Task, text: str, value: object) -> Reply | Declined:
    """The answer as the task wants it: text, or JSON by its schema: the value itself, or an object of one field that holds it."""
    if task.schema is None:
        return Reply(text, value)
    try:
        validator = compiled_schema(dict(task.schema))
    except Exception as error:  # noqa: BLE001 - a schema is whatever a caller sent
        return Declined(f"the request's schema cannot be used: {str(error)[:120]}")
    for candidate in _candidates(task.schema, text, value):
        if departure(validator, candidate) is None:
            return Reply(JSON.encode(candidate).decode(), candidate)
    return Declined("the answer does not fit the request's schema")


def _candidates(schema: Mapping[str, Any], text: str, value: object) -> list[object]:
    found: list[object] = [value]
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and len(properties) == 1:
        name = next(iter(properties))
        found += [{name: value}, {name: text}]
    return found
