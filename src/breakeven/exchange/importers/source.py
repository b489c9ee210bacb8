"""One input file as a raw table."""

from __future__ import annotations

from dataclasses import dataclass
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
