"""Which column is which field: what the user says, then what the names suggest. Always shown before it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from breakeven.errors import UsageError
from breakeven.exchange.importers.fields import INCLUSIVE, Field, normalised
from breakeven.exchange.importers.request import ImportRequest


@dataclass(frozen=True, slots=True)
class Mapped:
    """One field of the plan: from a column (guessed or said), or a constant."""

    field: Field
    column: str | None
    constant: str | None = None
    said: bool = False

    def describe(self) -> str:
        """The line of the plan that the user sees."""
        if self.column is None:
            return f"{self.field.name} = {self.constant!r}"
        return f"{self.field.name} ← column {self.column}{'' if self.said else ' (guessed)'}"


def plan(fields: Sequence[Field], columns: Iterable[str], request: ImportRequest) -> list[Mapped]:
    """One entry for each field that has a column or a constant. Raises UsageError where the user names what is not there."""
    names = list(columns)
    known = {field.name for field in fields}
    for name in (*request.columns, *request.constants):
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(f"there is no field {name!r} here", f"Fields: {', '.join(sorted(known))}.{hint}")
    taken = dict(_said(request, names))
    mapped: list[Mapped] = []
    for field in fields:
        column = taken.get(field.name)
        if field.name in request.constants:
            mapped.append(Mapped(field, None, request.constants[field.name], said=True))
        elif column is not None:
            mapped.append(Mapped(field, column, said=True))
        elif (guess := _guess(field, names, set(taken.values()) | {m.column for m in mapped if m.column})) is not None:
            mapped.append(Mapped(field, guess))
    return _inclusive(mapped, {field.name: field for field in fields})


def _said(request: ImportRequest, names: Sequence[str]) -> Iterable[tuple[str, str]]:
    for field, column in request.columns.items():
        root = column.partition(".")[0]
        if column not in names and root not in names:
            near = get_close_matches(column, names, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(f"the file has no column {column!r} for {field}", f"Columns: {', '.join(names)}.{hint}")
        yield field, column


def _guess(field: Field, names: Sequence[str], taken: set[str]) -> str | None:
    by_name = {normalised(name): name for name in reversed(names) if name not in taken}
    return next((by_name[name] for name in field.names if name in by_name), None)


def _inclusive(mapped: list[Mapped], fields: Mapping[str, Field]) -> list[Mapped]:
    """`prompt_tokens` beside cached tokens and `completion_tokens` beside reasoning are sums that contain them."""
    present = {entry.field.name for entry in mapped}
    result: list[Mapped] = []
    for entry in mapped:
        inclusive = next(
            (
                name
                for name, (target, parts) in INCLUSIVE.items()
                if name in fields
                and target == entry.field.name
                and present & set(parts)
                and not entry.said
                and entry.column is not None
                and normalised(entry.column) in ("prompt_tokens", "completion_tokens")
            ),
            None,
        )
        result.append(Mapped(fields[inclusive], entry.column) if inclusive else entry)
    return result


def constants_of(mapped: Iterable[Mapped]) -> Mapping[str, str]:
    """The fields that are the same for all rows because the user said so."""
    return {entry.field.name: entry.constant for entry in mapped if entry.constant is not None}
