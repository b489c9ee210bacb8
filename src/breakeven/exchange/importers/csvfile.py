"""CSV of any separator. Lines that do not fit the header are kept for the rejects file; nothing is dropped in silence."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from breakeven.errors import DataError, Problem
from breakeven.exchange.importers.source import LINE_BYTES_MAX, SNIFFED_BYTES, Source, columns_of, first_line, quoted

_SEPARATORS = (",", ";", "\t", "|")
_QUOTED_NAME = re.compile(r'"[^"]*"')
_CHECK = "Check quotes and separators, or save it as JSONL or Parquet."


def read_csv(connection: duckdb.DuckDBPyConnection, path: Path, text: Path, table: str, spill: Path) -> Source:
    """Read the UTF-8 file `text` into `table`; `path` is its name in messages. Raises DataError where that is not possible."""
    with text.open(encoding="utf-8", errors="replace") as stream:
        header = stream.readline(SNIFFED_BYTES).rstrip("\r\n")
    unquoted = _QUOTED_NAME.sub("", header)
    separator = max(_SEPARATORS, key=unquoted.count)
    columns = _declared(header, separator, path)
    try:
        _read(connection, text, table, columns, separator)
    except duckdb.Error:
        # The engine cannot read lines that end now in CR LF, now in LF.
        text = _with_one_line_end(text, spill)
        try:
            _read(connection, text, table, columns, separator)
        except duckdb.Error as error:
            raise DataError(f"{path} cannot be read as CSV: {first_line(error)}", _CHECK) from error
    bad = connection.execute(
        "SELECT line, any_value(csv_line), min(error_message) FROM reject_errors GROUP BY line ORDER BY line"
    ).fetchall()
    _all_closed(connection, path, text, table, columns, separator)
    problems = tuple(
        Problem(f"{path}:{line}", f"the line does not fit the header: {first_line(message)}", "Mend the line and import it again.")
        for line, _, message in bad
    )
    lines, places = tuple(str(raw) for _, raw, _ in bad), tuple(line for line, _, _ in bad)
    return Source(path, "csv", table, columns_of(connection, table), problems, lines, places, header)


def _read(
    connection: duckdb.DuckDBPyConnection, text: Path, table: str, columns: str, separator: str, *, strict: bool = True
) -> None:
    for rejected in ("reject_errors", "reject_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {rejected}")
    options = (
        f"columns = {{{columns}}}, header = true, auto_detect = false, delim = '{separator}', quote = '\"', escape = '\"',"
        f" strict_mode = {strict}, store_rejects = true, rejects_limit = 0, parallel = false, max_line_size = {LINE_BYTES_MAX}"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT row_number() OVER () AS _row, * FROM read_csv({quoted(text)}, {options})"
    )


def _all_closed(connection: duckdb.DuckDBPyConnection, path: Path, text: Path, table: str, columns: str, separator: str) -> None:
    """A quote that is never closed swallows the rest of the file, which the engine does not tell. Raises DataError."""
    with text.open("rb") as stream:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: stream.read(SNIFFED_BYTES), b""))
    if quotes % 2 == 0:
        return
    counted = "SELECT (SELECT count(*) FROM {}) + (SELECT count(DISTINCT line) FROM reject_errors)"
    strictly = connection.execute(counted.format(table)).fetchall()[0][0]
    _read(connection, text, f"{table}_loose", columns, separator, strict=False)
    loosely = connection.execute(counted.format(f"{table}_loose")).fetchall()[0][0]
    connection.execute(f"DROP TABLE {table}_loose")
    if strictly < loosely:
        raise DataError(
            f"{path}: a quote that is opened after line {strictly + 1} is never closed", "Close it; nothing was imported."
        )


def _with_one_line_end(text: Path, spill: Path) -> Path:
    copy = spill / f"{text.name}.lines"
    with text.open("rb") as source, copy.open("wb") as target:
        for line in source:
            target.write(line.removesuffix(b"\n").removesuffix(b"\r") + b"\n")
    return copy


def _declared(header: str, separator: str, path: Path) -> str:
    names = list(_header_names(header, separator))
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{path}:1: the header names {', '.join(repeated)} twice", "Give each column its own name.")
    return ", ".join("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in names)


def _header_names(header: str, separator: str) -> Iterator[str]:
    names = next(csv.reader([header], delimiter=separator), [])
    for number, name in enumerate(names, start=1):
        yield name.strip() or f"column_{number}"
