"""The query language of the call list: `feature:support cost>0.50 status:ok -model:gpt-4o tag.plan:pro`.

Words are conditions that all hold. `field:value` (or `=`) compares text, `*` stands for anything, `field:none` is what is not
known, a leading `-` negates. Numbers take `>`, `>=`, `<`, `<=`, `=`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from breakeven.errors import UsageError
from breakeven.ledger.schema import DIMENSIONS
from breakeven.reports.question import UNKNOWN_WORDS

TEXT: dict[str, str] = {
    "feature": "feature", "team": "team", "customer": "customer", "user": "user_id", "workflow": "workflow",
    "environment": "environment", "model": "model", "provider": "provider", "rung": "rung", "status": "status", "state": "state",
    "trace": "trace_id", "api": "api", "source": "source", "call": "CAST(call_id AS VARCHAR)",
}  # fmt: skip
NUMBERS: dict[str, str] = {
    "cost": "cost", "tokens": "tokens", "input": "input_tokens", "output": "output_tokens", "latency": "latency_ms",
    "http": "http_status",
}  # fmt: skip
_WORD = re.compile(r"(?P<negated>-?)(?P<name>[a-z]+(?:\.[^:=<>]+)?)(?P<sign>>=|<=|[:=<>])(?P<value>.*)\Z", re.DOTALL)
_HELP = f"Use words like feature:support, cost>0.50, -status:ok, tag.plan:pro. Fields: {', '.join((*TEXT, *NUMBERS))}, tag.NAME."


@dataclass(slots=True)
class Conditions:
    """SQL conditions on the attempt, and on figures computed from it, with their parameters.

    `on_dimensions` are those on the attempt that its cost lines fulfil too, because they carry the same dimensions.
    """

    on_calls: list[str] = field(default_factory=list)
    on_dimensions: list[str] = field(default_factory=list)
    on_figures: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)

    def bind(self, value: str) -> str:
        """A new parameter's name for `value`."""
        name = f"word_{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


def conditions(query: str) -> Conditions:
    """The conditions of a query; an empty query has none. Raises UsageError naming the word that is not understood."""
    try:
        words = shlex.split(query)
    except ValueError:
        raise UsageError(f"the query {query!r} has an open quote", "Close the quote.") from None
    found = Conditions()
    for word in words:
        match = _WORD.match(word)
        if match is None:
            raise UsageError(f"the word {word!r} of the query is not understood", _HELP)
        _add(found, word, match)
    return found


def _add(found: Conditions, word: str, match: re.Match[str]) -> None:
    name, sign, value = match["name"], match["sign"], match["value"]
    negation = "NOT " if match["negated"] else ""
    if name.startswith("tag."):
        column = f"json_extract_string(tags, {found.bind(_json_path(name[4:]))})"
        found.on_calls.append(negation + _text(found, column, sign, value, word))
    elif name in TEXT:
        condition = negation + _text(found, TEXT[name], sign, value, word)
        found.on_calls.append(condition)
        if TEXT[name] in DIMENSIONS:
            found.on_dimensions.append(condition)
    elif name in NUMBERS:
        target = found.on_figures if name in ("cost", "tokens") else found.on_calls
        target.append(f"{negation}{_number(found, NUMBERS[name], sign, value, word)}")
    else:
        raise UsageError(f"the query names an unknown field {name!r}", _HELP)


def _json_path(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def _text(found: Conditions, column: str, sign: str, value: str, word: str) -> str:
    if sign not in (":", "="):
        raise UsageError(f"{word!r} compares text by {sign}", "Text fields take `:`; numbers take `>` and `<`.")
    if value.lower() in UNKNOWN_WORDS:
        return f"({column} IS NULL)"
    if "*" in value:
        pattern = value.replace("!", "!!").replace("%", "!%").replace("_", "!_").replace("*", "%")
        return f"coalesce({column} LIKE CAST({found.bind(pattern)} AS VARCHAR) ESCAPE '!', FALSE)"
    return f"({column} IS NOT DISTINCT FROM CAST({found.bind(value)} AS VARCHAR))"


def _number(found: Conditions, column: str, sign: str, value: str, word: str) -> str:
    if value.lower() in UNKNOWN_WORDS:
        return f"({column} IS NULL)"
    try:
        number = Decimal(value.removeprefix("$").replace(",", ""))
    except InvalidOperation:
        raise UsageError(f"{word!r} does not compare with a number", "Write a number, such as cost>0.50.") from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 19:
        raise UsageError(f"{word!r} compares with a number out of range", "Write a smaller number.")
    operator = "=" if sign == ":" else sign
    return f"coalesce({column} {operator} CAST({found.bind(format(number, 'f'))} AS DECIMAL(38,18)), FALSE)"
