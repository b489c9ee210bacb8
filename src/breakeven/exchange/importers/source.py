"""One input file as a raw table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from breakeven.errors import Problem

REJECT_PREFIX = "_reject_"
LINE_BYTES_MAX = 64 * 1024 * 1024
SNIFFED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One input file, read into the temporary table `table` with its columns, `_row` (from 1) and, where text is kept, `_raw`."""

    path: Path
    kind: str  # csv, json, parquet
    table: str
    columns: dict[str, str]
    malformed: tuple[Problem, ...] = ()
    malformed_lines: tuple[str, ...] = ()
    malformed_places: tuple[int, ...] = ()
    header: str = ""
    ready: frozenset[str] = frozenset()
    """Columns of a JSON table that are columns already, beside the record in `_raw`."""

    def place(self, row: int) -> int:
        """Where a row stands in the file: the line in a CSV (after its header and any malformed lines before), else the record."""
        if self.kind != "csv":
            return row
        line = row + 1
        for malformed in sorted(self.malformed_places):
            line += malformed <= line
        return line


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a raw table, without row numbers and the reasons of earlier rejects."""
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    return {row[0]: row[1] for row in described if row[0] != "_row" and not row[0].startswith(REJECT_PREFIX)}


def quoted(path: Path) -> str:
    """A path as SQL text."""
    return "'" + str(path).replace("'", "''") + "'"


def first_line(fault: object) -> str:
    """What the engine says first about a fault."""
    return str(fault).strip().splitlines()[0].removeprefix("Invalid Input Error: ")


def flattened(connection: duckdb.DuckDBPyConnection, source: Source, columns: Iterable[str]) -> Source:
    """The columns of a JSON table that are used, as text: every record is parsed once, not once for each use of each column."""
    if source.kind != "json":
        return source
    wanted = list(dict.fromkeys(columns))
    paths = [column for column in wanted if column not in source.ready]
    table = f"{source.table}_flat"
    picked = ", ".join(
        f"CAST({identifier(column)} AS VARCHAR) AS {identifier(column)}"
        if column in source.ready
        else f"_found[{paths.index(column) + 1}] AS {identifier(column)}"
        for column in wanted
    )
    found = f"json_extract_string(_raw, [{', '.join(json_path(path) for path in paths)}])" if paths else "NULL"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {', '.join(filter(None, ('_row', picked)))}"
        f" FROM (SELECT *, {found} AS _found FROM {source.table})"
    )
    return replace(source, kind="flat", table=table, columns=dict.fromkeys(wanted, "VARCHAR"))


def json_path(column: str) -> str:
    """SQL for the path of a column in a JSON record; dots reach into nested objects."""
    path = "$." + ".".join('"' + part.replace('"', "") + '"' for part in column.split("."))
    return "'" + path.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'
