"""Which column is which field: what the user says, then what the names suggest. Always shown before it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import duckdb

from breakeven.errors import UsageError
from breakeven.exchange.importers.fields import INCLUSIVE, Field, normalised
from breakeven.exchange.importers.request import ImportRequest, Say
from breakeven.exchange.importers.source import Source, identifier, json_path
from breakeven.ledger.staging import allowed_columns

SAMPLED_ROWS = 1_000
_SCALES = (
    ("_ktokens", "_tokens", 1000),
    ("_tokens_k", "_tokens", 1000),
    ("_tokens_thousands", "_tokens", 1000),
    ("_thousands", "", 1000),
    ("_mtokens", "_tokens", 1_000_000),
    ("_tokens_m", "_tokens", 1_000_000),
    ("_millions", "", 1_000_000),
)


@dataclass(frozen=True, slots=True)
class Mapped:
    """One field of the plan: from a column (guessed or said), or a constant."""

    field: Field
    column: str | None
    constant: str | None = None
    said: bool = False

    @property
    def factor(self) -> int:
        """How many units one unit of the column is: a count's name may say that it is in thousands or millions."""
        return scale(self.column or "")[1] if self.field.kind == "count" else 1

    def describe(self) -> str:
        """The line of the plan that the user sees."""
        if self.column is None:
            return f"{self.field.name} = {self.constant!r}"
        unit = {1: "", 1000: ", in thousands", 1_000_000: ", in millions"}[self.factor]
        return f"{self.field.name} ← column {self.column}{unit}{'' if self.said else ' (guessed)'}"


def scale(column: str) -> tuple[str, int]:
    """The normalised name of a column without its scale, and the scale: `prompt_ktokens` counts thousands."""
    name = normalised(column)
    for ending, plain, factor in _SCALES:
        if name.endswith(ending):
            return name.removesuffix(ending) + plain, factor
    return name, 1


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
    spelling = (lambda name: scale(name)[0]) if field.kind == "count" else normalised
    by_name = {spelling(name): name for name in reversed(names) if name not in taken}
    return next((by_name[name] for name in field.names if name in by_name), None)


def _inclusive(mapped: list[Mapped], fields: Mapping[str, Field]) -> list[Mapped]:
    """Which guessed totals contain other classes; the user sees the guess as `input_inclusive` or `output_inclusive`.

    A column that has the very name of a usage class means that class, which is disjoint from the others.
    """
    columns = {entry.field.name: normalised(entry.column) for entry in mapped if entry.column is not None}
    swaps = {"input": _input_contains_cache(columns), "output": _output_contains_reasoning(columns)}
    return [
        Mapped(fields[f"{entry.field.name}_inclusive"], entry.column)
        if swaps.get(entry.field.name)
        and not entry.said
        and entry.column != entry.field.name
        and f"{entry.field.name}_inclusive" in fields
        else entry
        for entry in mapped
    ]


def _input_contains_cache(columns: Mapping[str, str]) -> bool:
    """OpenAI's names (prompt tokens, cached tokens) count the cached part twice; Anthropic's (cache_read_…) do not."""
    parts = [columns[part] for part in INCLUSIVE["input_inclusive"][1] if part in columns]
    openai_named = any(name.startswith("cached_") or name.endswith(("_cached_tokens", "_cached")) for name in parts)
    return bool(parts) and (columns.get("input", "").startswith("prompt_") or openai_named)


def _output_contains_reasoning(columns: Mapping[str, str]) -> bool:
    """Every vendor but Google (which says *thoughts*) counts reasoning within the output."""
    parts = [columns[part] for part in INCLUSIVE["output_inclusive"][1] if part in columns]
    return bool(parts) and not any("thought" in name for name in parts)


def identifying(
    connection: duckdb.DuckDBPyConnection, source: Source, mapped: Sequence[Mapped], fact: str, say: Say
) -> list[Mapped]:
    """The plan without a guessed identity that only numbers the rows: another file would number its rows alike.

    The number is kept as the source's reference of the row, which is part of what tells rows apart.
    """
    kept: list[Mapped] = []
    for entry in mapped:
        if (
            entry.field.name == "identity"
            and not entry.said
            and entry.column is not None
            and _numbers(connection, source, entry.column)
        ):
            say(
                f"{source.path.name}: column {entry.column} looks like a row number; is it an id, say --map identity={entry.column}"
            )
            if "source_ref" in allowed_columns(fact):
                kept.append(Mapped(Field("source_ref", "text", ()), entry.column))
        else:
            kept.append(entry)
    return kept


def _numbers(connection: duckdb.DuckDBPyConnection, source: Source, column: str) -> bool:
    if column in source.ready:
        return False
    value = f"json_extract_string(_raw, {json_path(column)})" if source.kind == "json" else identifier(column)
    small = f"regexp_full_match(trim(CAST({value} AS VARCHAR)), '[0-9]{{1,9}}')"
    sample = f"(SELECT * FROM {source.table} LIMIT {SAMPLED_ROWS})"
    return bool(connection.execute(f"SELECT coalesce(bool_and({small}), false) FROM {sample}").fetchall()[0][0])


def constants_of(mapped: Iterable[Mapped]) -> Mapping[str, str]:
    """The fields that are the same for all rows because the user said so."""
    return {entry.field.name: entry.constant for entry in mapped if entry.constant is not None}
