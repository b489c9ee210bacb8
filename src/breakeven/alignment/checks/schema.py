"""The answer follows a JSON schema: the one declared with the check, or the one that the request itself declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

import jsonschema_rs
import msgspec

from breakeven.alignment.checks.port import CheckFault, Kind
from breakeven.alignment.checks.stated import NOTHING, value_of
from breakeven.alignment.task import Reply, Task

_REQUEST = "request"
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """The answer is JSON that follows `validator`; where that is None, what the request declares."""

    validator: Any = None
    kind: str = "schema"

    def fault(self, task: Task, reply: Reply) -> str | None:
        """Where the answer departs from the schema."""
        validator = self.validator
        if validator is None:
            if task.schema is None:
                return None
            try:
                validator = _of_request(msgspec.json.encode(task.schema))
            except (jsonschema_rs.ValidationError, msgspec.MsgspecError, ValueError) as error:
                return f"the request's schema cannot be used: {str(error)[:_SHOWN]}"
        value = value_of(reply)
        if value is NOTHING:
            return "the answer is not JSON"
        return departure(validator, value)


def departure(validator: Any, value: object) -> str | None:  # noqa: ANN401 - the library's validators have no common type
    """The first place where a value departs from a schema; None where it does not."""
    try:
        error = next(iter(validator.iter_errors(value)), None)
    except ValueError as fault:  # a value that JSON cannot state
        return str(fault)[:_SHOWN]
    if error is None:
        return None
    place = ".".join(map(str, error.instance_path))
    return f"{place}: {error.message[:_SHOWN]}" if place else str(error.message[:_SHOWN])


def compiled_schema(schema: Any) -> Any:  # noqa: ANN401 - the library's validators have no common type
    """A validator that fetches nothing and matches patterns in linear time. Raises jsonschema_rs.ValidationError."""
    return jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_refuse)


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"a schema may not refer to another document ({uri})")


@lru_cache(maxsize=256)
def _of_request(schema: bytes) -> Any:  # noqa: ANN401
    return compiled_schema(msgspec.json.decode(schema))


def _make(options: object) -> SchemaCheck:
    if options is None or options == _REQUEST:
        return SchemaCheck()
    if not isinstance(options, Mapping):
        raise CheckFault("schema is no JSON schema", "Write the schema below it, or `schema: request` for the request's own.")
    try:
        return SchemaCheck(compiled_schema(_numbers(options)))
    except (jsonschema_rs.ValidationError, ValueError) as error:
        what = getattr(error, "message", str(error))
        raise CheckFault(f"schema is no JSON schema: {what[:_SHOWN]}", "Correct it; patterns have no look-around.") from None


def _numbers(value: object) -> object:
    """Mappings and lists as the library takes them; exact fractions stay exact."""
    if isinstance(value, Mapping):
        return {str(name): _numbers(one) for name, one in value.items()}
    return [_numbers(one) for one in value] if isinstance(value, list | tuple) else value


KIND = Kind("schema", _make)
