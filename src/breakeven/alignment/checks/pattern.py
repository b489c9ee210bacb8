"""The answer, or a field of it, matches a regular expression (or does not), in time linear in its length.

The expressions are those of Rust's `regex`: no look-around and no back-references, so that no answer can make them slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from breakeven.alignment.checks.options import Options
from breakeven.alignment.checks.port import Kind
from breakeven.alignment.checks.schema import compiled_schema
from breakeven.alignment.checks.stated import NOTHING, each_at, value_of
from breakeven.alignment.task import Reply, Task

_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class PatternCheck:
    """Every text at `field` (the whole answer where that is empty) matches `matches` and does not match `not_`."""

    field: str
    matches: tuple[str, Any] | None
    not_: tuple[str, Any] | None
    kind: str = "pattern"

    def fault(self, task: Task, reply: Reply) -> str | None:
        """The first text that does not look as it must."""
        del task
        for where, value in each_at(value_of(reply), self.field) if self.field else [("the answer", reply.text)]:
            if value is NOTHING or isinstance(value, dict | list):
                return f"{where} is not there, or is no text"
            text = "" if value is None else str(value)
            if self.matches is not None and not self.matches[1].is_valid(text):
                return f"{where} does not match {self.matches[0]}"
            if self.not_ is not None and self.not_[1].is_valid(text):
                return f"{where} matches {self.not_[0]}"
        return None


def _make(options: object) -> PatternCheck:
    given = Options(options, "pattern", ("matches", "not", "field"), main="matches")
    if "matches" not in given and "not" not in given:
        raise given.fault("matches", "it asks for nothing", 'Write `matches: "^[A-Z]{2}"` or `not: "I cannot"`.')
    return PatternCheck(given.text("field", "") if "field" in given else "", _compiled(given, "matches"), _compiled(given, "not"))


def _compiled(options: Options, name: str) -> tuple[str, Any] | None:
    if name not in options:
        return None
    pattern = options.text(name)
    if len(pattern) > _LONGEST:
        raise options.fault(name, f"{name} has {len(pattern)} characters", f"Write at most {_LONGEST}.")
    try:
        return pattern, compiled_schema({"type": "string", "pattern": pattern})
    except (jsonschema_rs.ValidationError, ValueError):
        remedy = "Look-around and back-references are not supported; brackets must be closed."
        raise options.fault(name, f"{name} is no regular expression of linear time: {pattern[:60]}", remedy) from None


KIND = Kind("pattern", _make)
