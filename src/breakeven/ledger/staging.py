"""Staging: what importers hand over, checked for its shape and held in a scratch database on disk until it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from breakeven.errors import DataError
from breakeven.ledger.schema import FACTS, IDENTITY, STAGED, TIME_COLUMN

BATCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Stage:
    """One table of staged rows. `columns` are those that the source gave; all others are unknown for every row."""

    table: str
    columns: tuple[str, ...]
    rows: int
    not_identifying: frozenset[str] = frozenset()

    def has(self, column: str) -> bool:
        """Whether the source gave this column."""
        return column in self.columns


def fact_columns(table: str) -> dict[str, str]:
    """What an importer may give for a fact other than calls: its columns, with `identity` in the place of the id."""
    (identity,) = IDENTITY[table]
    given = {name: kind for name, kind in FACTS[table].items() if name not in (identity, "recorded_at", "source")}
    return {"identity": "VARCHAR", **given}


def allowed_columns(table: str) -> dict[str, str]:
    """The columns that may be staged for a fact; calls are staged in the shape of `STAGED`."""
    return STAGED if table == "calls" else fact_columns(table)


def stage_select(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: str,
    select: str,
    parameters: Mapping[str, object],
    not_identifying: frozenset[str] = frozenset(),
) -> Stage:
    """Stage the rows of a SELECT whose columns are named as in `allowed_columns(table)`; any subset will do."""
    allowed = allowed_columns(table)
    given = [row[0] for row in connection.execute(f"DESCRIBE {select}", dict(parameters)).fetchall()]
    unknown = [column for column in given if column not in allowed]
    if unknown:
        raise DataError(f"{', '.join(unknown)} cannot be staged for {table}", f"Known columns: {', '.join(allowed)}.")
    time = "occurred_at" if table == "calls" else TIME_COLUMN[table]
    if time not in given and time != "recorded_at":
        raise DataError(f"the rows for {table} have no {time}", "Map a time column, or give one time for all rows.")
    casts = ", ".join(f'CAST("{column}" AS {allowed[column]}) AS "{column}"' for column in given)
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {casts} FROM ({select})", dict(parameters))
    row = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
    return Stage(name, tuple(given), row[0] if row else 0, not_identifying)


def write_rows(path: Path, table: str, rows: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """Write rows as NDJSON for the engine to read back; returns the columns that occur. Constant memory."""
    allowed = allowed_columns(table)
    encoder = msgspec.json.Encoder(decimal_format="string")
    seen: dict[str, None] = {}
    buffer = bytearray()
    with path.open("wb") as stream:
        for row in rows:
            for column in row.keys() - seen.keys():
                if column not in allowed:
                    raise DataError(f"{column} cannot be staged for {table}", f"Known columns: {', '.join(allowed)}.")
                seen[column] = None
            buffer += encoder.encode(row)
            buffer += b"\n"
            if len(buffer) > BATCH_BYTES:
                stream.write(buffer)
                buffer.clear()
        stream.write(buffer)
    return tuple(column for column in allowed if column in seen)


def ndjson_select(path: Path, table: str, columns: tuple[str, ...]) -> str:
    """The SELECT that reads such a file with declared types. Times are ISO 8601 in UTC without zone."""
    allowed = allowed_columns(table)
    declared = ", ".join(f"'{column}': '{allowed[column]}'" for column in columns)
    target = str(path).replace("'", "''")
    return f"SELECT * FROM read_ndjson('{target}', columns={{{declared}}}, maximum_object_size=33554432)"
