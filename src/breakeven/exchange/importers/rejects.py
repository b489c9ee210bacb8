"""Rejects: bad rows in their own format with the reason beside them, so that they can be mended and imported again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from breakeven.errors import Problem
from breakeven.exchange.importers.source import REJECT_PREFIX, Source

SHOWN = 5


def set_aside(
    connection: duckdb.DuckDBPyConnection, directory: Path, source: Source, faults: str, stamp: str, *, dry_run: bool
) -> tuple[int, list[Path], list[Problem]]:
    """Write the bad rows of one source; `faults` has `_row`, `_fault_field`, `_fault` and `_value` of each.

    Returns how many there are, the files written, and the first problems with file, row and field.
    """
    bad = connection.execute(f"SELECT count(*) FROM {faults}").fetchone()
    count = (bad[0] if bad else 0) + len(source.malformed)
    if not count:
        return 0, [], []
    shown = connection.execute(f"SELECT _row, _fault_field, _fault, _value FROM {faults} ORDER BY _row LIMIT {SHOWN}").fetchall()
    problems = [
        Problem(
            f"{source.path}:{source.place(row)} field {field}",
            f"{fault}{f' ({value})' if value else ''}",
            "Mend the row in the rejects file and import that.",
        )
        for row, field, fault, value in shown
    ]
    paths = [] if dry_run else _write(connection, directory, source, faults, stamp)
    return count, paths, [*source.malformed[:SHOWN], *problems]


def _write(connection: duckdb.DuckDBPyConnection, directory: Path, source: Source, faults: str, stamp: str) -> list[Path]:
    stem = f"{stamp}-{source.path.name.split('.')[0]}"
    paths: list[Path] = []
    joined = f"{source.table} AS raw JOIN {faults} AS faults USING (_row) ORDER BY _row"
    if connection.execute(f"SELECT 1 FROM {faults} LIMIT 1").fetchone():
        suffix, options = {
            "csv": ("csv", "FORMAT csv, HEADER"),
            "json": ("jsonl", "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'"),
            "parquet": ("parquet", "FORMAT parquet"),
        }[source.kind]
        path = directory / f"{stem}.{suffix}"
        noted = f"json_object('{REJECT_PREFIX}field', _fault_field, '{REJECT_PREFIX}reason', _fault)"
        reasons = f"_fault_field AS {REJECT_PREFIX}field, _fault AS {REJECT_PREFIX}reason"
        selected = (
            f"SELECT json_merge_patch(_raw::JSON, {noted})::VARCHAR FROM {joined}"
            if source.kind == "json"
            else f"SELECT raw.* EXCLUDE (_row), {reasons} FROM {joined}"
        )
        target = str(path).replace("'", "''")
        connection.execute(f"COPY ({selected}) TO '{target}' ({options})")
        paths.append(path)
    if source.malformed_lines:
        path = directory / f"{stem}.malformed.{'csv' if source.kind == 'csv' else 'jsonl'}"
        head = [source.header] if source.header else []
        path.write_text("\n".join([*head, *source.malformed_lines]) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def problems_beyond(count: int, shown: Sequence[Problem], paths: Sequence[Path]) -> list[str]:
    """How many more there are than were shown, and where they lie."""
    notes = [f"{count - len(shown)} more rows were set aside"] if count > len(shown) else []
    return notes + [f"set aside in {path}" for path in paths]
