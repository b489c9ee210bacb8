"""The facts themselves: one table as a file, or all of them as a lake of Parquet that DuckDB, Polars, Spark and Trino read as it is.

A lake is `TABLE/month=2026-10/*.parquet`. Ids are text and money `DECIMAL(38,18)`, which every reader knows. Users are left out unless
asked for: a file that leaves the ledger is not under its retention any more.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from breakeven.errors import DataError, Unreachable, UsageError
from breakeven.exchange.exporters.port import ExportRequest, ExportResult
from breakeven.exchange.exporters.writing import copy_to, quoted
from breakeven.ledger import Ledger
from breakeven.ledger.schema import FACTS, TIME_COLUMN

WITH_USERS = "-with-users"
_DEFAULT_TABLE = "cost_lines"
_MARK = "_breakeven_lake"
_PERSONAL = frozenset({"user_id"})


@dataclass(frozen=True, slots=True)
class Tables:
    """The exporters `csv` and `parquet`."""

    name: str
    summary: str
    profiles: Sequence[str] = tuple(f"{table}{form}" for form in ("", WITH_USERS) for table in (_DEFAULT_TABLE, "all", *FACTS))

    def run(self, ledger: Ledger, request: ExportRequest) -> ExportResult:
        """Write one table to a file, or, where the output has no suffix, all of them (or the one asked for) below a directory."""
        users = request.profile.endswith(WITH_USERS)
        wanted = request.profile.removesuffix(WITH_USERS)
        whole = not request.output.suffix
        if not whole and request.output.suffix.lower() != f".{self.name}":
            raise UsageError(
                f"{request.output.name!r} is not a name for {self.name}", f"End it with .{self.name}, or give a directory."
            )
        table = wanted or ("all" if whole else _DEFAULT_TABLE)
        if table == "all" and not whole:
            raise UsageError("all tables do not fit in one file", "Give a directory (a name without suffix), or one --table.")
        if table not in (*FACTS, "all"):
            raise UsageError(f"there is no table {table!r}", f"Tables: {', '.join(FACTS)}, all.")
        tables = list(FACTS) if table == "all" else [table]
        _prepare(ledger, request, tables, users=users)
        files = self._written(ledger, request, tables) if whole else [_file(ledger, table, request.output)]
        rows = sum(ledger.query(f"SELECT count(*) FROM lake_{name}")[0][0] for name in tables)
        return ExportResult(files, rows, _cost(ledger) if "cost_lines" in tables else Decimal(0))

    def _written(self, ledger: Ledger, request: ExportRequest, tables: Sequence[str]) -> list[Path]:
        if self.name == "csv":
            return [_file(ledger, name, request.output / f"{name}.csv") for name in tables]
        return _lake(ledger, request.output, tables)


CSV = Tables("csv", "The facts as CSV: one table to a file, or all of them into a directory.")
PARQUET = Tables("parquet", "The facts as Parquet: one table to a file, or a lake by month into a directory.")


def _prepare(ledger: Ledger, request: ExportRequest, tables: Sequence[str], *, users: bool) -> None:
    """A view `lake_TABLE` of each table's rows of the period. Of customers the whole list, because rows of a period refer to it."""
    start, end = (f"TIMESTAMP '{at.isoformat(sep=' ')}'" for at in (request.period.start, request.period.end))
    for name in tables:
        time = TIME_COLUMN[name]
        columns = ", ".join(
            f"CAST({column} AS VARCHAR) AS {column}" if kind == "UUID" else column
            for column, kind in FACTS[name].items()
            if users or column not in _PERSONAL
        )
        where = "" if name == "customers" else f" WHERE {time} >= {start} AND {time} < {end}"
        ledger.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW lake_{name} AS SELECT {columns}, strftime({time}, '%Y-%m') AS month FROM {name}{where}"
        )


def _cost(ledger: Ledger) -> Decimal:
    found: Decimal = ledger.query("SELECT coalesce(sum(cost), 0) FROM lake_cost_lines")[0][0]
    return found


def _order(name: str) -> str:
    keys = {"calls": "call_id, attempt", "cost_lines": "call_id, attempt, line"}
    return f"{TIME_COLUMN[name]}, {keys.get(name, next(iter(FACTS[name])))}"


def _file(ledger: Ledger, name: str, path: Path) -> Path:
    return copy_to(ledger.connection, f"SELECT * EXCLUDE (month) FROM lake_{name} ORDER BY {_order(name)}", path)


def _lake(ledger: Ledger, root: Path, tables: Sequence[str]) -> list[Path]:
    """Each table is written beside its old self and then takes its place, so that a reader never sees half of both."""
    if root.exists() and not (root / _MARK).exists() and any(root.iterdir()):
        raise DataError(f"{root} is neither empty nor a lake of ours; nothing was written", "Give an empty or new directory.")
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / _MARK).touch()
        for name in tables:
            draft, old = root / f".{name}.draft", root / f".{name}.old"
            for left in (draft, old):
                shutil.rmtree(left, ignore_errors=True)
            ledger.connection.execute(
                f"COPY (SELECT * FROM lake_{name} ORDER BY {_order(name)}) TO '{quoted(draft)}' (FORMAT parquet,"
                " COMPRESSION zstd, PARTITION_BY (month))"
            )
            draft.mkdir(exist_ok=True)  # a table without rows has no partitions
            if (root / name).exists():
                (root / name).rename(old)
            draft.rename(root / name)
            shutil.rmtree(old, ignore_errors=True)
    except (OSError, duckdb.IOException) as error:
        first = str(error).strip().splitlines()[0]
        raise Unreachable(f"{root} cannot be written: {first}", "Free space or fix permissions, and run it again.") from error
    return sorted(file for name in tables for file in (root / name).rglob("*.parquet"))
