"""The DuckDB file: how it is opened, and the tables and views in it.

Schema `sealed` holds exactly what the Parquet files hold; schema `live` holds what has been committed from NDJSON segments and is
not sealed yet; the views in `main`, which every report reads, are both together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from breakeven.errors import LedgerDamaged, LedgerLocked, Unreachable
from breakeven.ledger.layout import Layout
from breakeven.ledger.lock import describe
from breakeven.ledger.schema import FACTS, ROLLUP_CALLS, ROLLUP_COSTS

MEMORY_SHARE = 0.5
MEMORY_MAX_BYTES = 3 * 1024**3
SCRATCH = "scratch"
"""Staging has a database of its own: on disk and compressed, so that ten million rows need no memory; never durable."""
SEGMENTS = "CREATE TABLE IF NOT EXISTS sealed.segments (segment BIGINT, source VARCHAR, recorded_at TIMESTAMP, kind VARCHAR)"
OFFSETS = "CREATE TABLE IF NOT EXISTS live.offsets (segment VARCHAR, committed BIGINT)"


def connect(path: Path, *, read_only: bool, spill: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file with our settings; its faults become ours, with a remedy."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": f"{memory_limit_bytes()}B",
        "preserve_insertion_order": "false",
    }
    if not read_only:
        config["temp_directory"] = str(spill)
    with explained(path):
        return duckdb.connect(str(path), read_only=read_only, config=config)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what DuckDB finds wrong with the file `path` into LedgerDamaged, LedgerLocked or Unreachable, with a remedy."""
    try:
        yield
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException) as error:
        raise _fault(path, error) from error


def attach_scratch(connection: duckdb.DuckDBPyConnection, spill: Path) -> None:
    """Make the staging database in the scratch directory, which is emptied when the ledger is opened for writing."""
    target = str(spill / "scratch.duckdb").replace("'", "''")
    connection.execute(f"ATTACH '{target}' AS {SCRATCH}")


def memory_limit_bytes() -> int:
    """Half of the machine's memory, 3 GB at most: queries beyond it spill to disk instead of pushing others out."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return MEMORY_MAX_BYTES
    return min(MEMORY_MAX_BYTES, int(total * MEMORY_SHARE))


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every table and view that is missing, and in tables of an older version every column."""
    missing = missing_columns(connection)
    for table, column, kind in missing:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    for statement in _statements():
        connection.execute(statement)
    if missing:
        connection.execute("CHECKPOINT")


def is_older(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a version that knew fewer facts, or fewer columns of them, made this database."""
    found = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
    tables = {table for (table,) in found}
    return any(f"sealed.{fact}" not in tables for fact in FACTS) or bool(missing_columns(connection))


def missing_columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Table, column and type of what facts have and tables of an older version lack; nothing for an empty database."""
    found = connection.execute("SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns()").fetchall()
    known = set(found)
    tables = {table for table, _ in found}
    return [
        (table, name, kind)
        for fact, columns in FACTS.items()
        for table in (f"sealed.{fact}", f"live.{fact}")
        if table in tables
        for name, kind in columns.items()
        if (table, name) not in known
    ]


def rollup_costs_select(lines: str) -> str:
    """Daily sums of cost lines. A reversal counts as one line less, so that counts by state come out right after a correction."""
    keys = ", ".join(name for name in ROLLUP_COSTS if name not in ("day", "line_count", "quantity", "cost"))
    return f"""
        SELECT occurred_at::DATE AS day, {keys},
            sum(CASE WHEN adjustment_of IS NULL THEN 1 ELSE -1 END)::BIGINT AS line_count,
            sum(quantity)::HUGEINT AS quantity, sum(cost) AS cost
        FROM {lines} GROUP BY ALL"""


def rollup_calls_select(calls: str) -> str:
    """Daily counts of calls. Attempts after the first are no calls of their own, but their tokens count."""
    keys = ", ".join(name for name in ROLLUP_CALLS if name not in ("day", "call_count") and not name.endswith("_tokens"))
    tokens = ", ".join(f"sum({name})::HUGEINT AS {name}" for name in ROLLUP_CALLS if name.endswith("_tokens"))
    return f"""
        SELECT occurred_at::DATE AS day, {keys},
            sum(CASE WHEN attempt = 0 THEN call_count ELSE 0 END)::HUGEINT AS call_count, {tokens}
        FROM {calls} GROUP BY ALL"""


def _statements() -> Iterator[str]:
    yield "CREATE SCHEMA IF NOT EXISTS sealed"
    yield "CREATE SCHEMA IF NOT EXISTS live"
    for name, columns in FACTS.items():
        yield _table(f"sealed.{name}", columns)
        yield _table(f"live.{name}", {"live_segment": "VARCHAR", **columns})
        selected = ", ".join(columns)
        yield f"CREATE OR REPLACE VIEW {name} AS SELECT {selected} FROM sealed.{name} UNION ALL SELECT {selected} FROM live.{name}"
    for name, columns, live in (
        ("rollup_costs", ROLLUP_COSTS, rollup_costs_select("live.cost_lines")),
        ("rollup_calls", ROLLUP_CALLS, rollup_calls_select("live.calls")),
    ):
        yield _table(f"sealed.{name}", columns)
        yield f"CREATE OR REPLACE VIEW {name} AS SELECT {', '.join(columns)} FROM sealed.{name} UNION ALL BY NAME ({live})"
    yield SEGMENTS
    yield OFFSETS


def _table(name: str, columns: Mapping[str, str]) -> str:
    declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    return f"CREATE TABLE IF NOT EXISTS {name} ({declared})"


def _fault(path: Path, error: duckdb.Error) -> LedgerDamaged | Unreachable:
    text = str(error).strip().splitlines()[0]
    if "could not set lock" in text.lower():
        return LedgerLocked(
            f"the ledger {path.parent} is in use by {_holder(path, text)}",
            "Wait until that command ends, or stop it; what it has acknowledged is kept.",
        )
    if "no such file" in text.lower() or "does not exist" in text.lower():
        return Unreachable(f"the ledger file {path} does not exist", "Run: breakeven ledger rebuild")
    if not isinstance(error, duckdb.IOException) or any(word in text.lower() for word in ("not a valid", "corrupt", "checksum")):
        return LedgerDamaged(f"{path} is damaged: {text}", "Run: breakeven ledger rebuild (it is made anew from the sealed files).")
    return Unreachable(f"{path} cannot be read: {text}", "Check the disk, its free space and the permissions.")


def _holder(path: Path, text: str) -> str:
    """Who has the file open: a writer says so in the lock file, of a reader DuckDB knows the process."""
    named, found = describe(Layout(path.parent).lock), re.search(r"PID (\d+)", text)
    return named if found is None or f"process {found[1]} " in named else f"process {found[1]}"
