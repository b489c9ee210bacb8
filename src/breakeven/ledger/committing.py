"""How a piece of a live segment becomes rows: read once, freed of what is known already, inserted together with its offset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from breakeven.ledger.schema import CALLS, COST_LINES, FACTS, IDENTITY, LINE_NAMES, TIME_COLUMN
from breakeven.ledger.store import transaction

ATTEMPTS = "attempts"
"""The fact that gateways write: a call with its cost lines inside."""

UNCOMMITTED = ("intents", "handover")
"""Lines that say what is under way. They become facts only where nothing else tells how it ended (`gaps.py`)."""

_INSIDE = ", ".join(f"{short} {COST_LINES.get(name, 'INTEGER')}" for name, short in LINE_NAMES.items())
_COLUMNS = {
    "fact": "VARCHAR",
    **{name: kind for columns in FACTS.values() for name, kind in columns.items()},
    "lines": f"STRUCT({_INSIDE})[]",
}


class UnfitLinesError(Exception):
    """Lines of a fact that nobody knows, or without identity or time: they would be lost, or counted again and again."""


UNFIT = (duckdb.InvalidInputException, duckdb.DataError, UnfitLinesError)
"""What `read_piece` raises where a line is not what a writer writes."""


def read_piece(connection: duckdb.DuckDBPyConnection, piece: Path) -> None:
    """Read whole lines into the temporary table `live_piece`; raises one of `UNFIT` where one of them cannot be a fact."""
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items())
    target = str(piece).replace("'", "''")
    passed_over = ", ".join(f"'{fact}'" for fact in UNCOMMITTED)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE live_piece AS
        SELECT * FROM read_ndjson('{target}', columns={{{declared}}}) WHERE fact IS NULL OR fact NOT IN ({passed_over})""")
    (unfit,) = connection.execute(f"SELECT count(*) FROM live_piece WHERE NOT ({_FIT})").fetchall()[0]
    if unfit:
        raise UnfitLinesError


def commit_piece(connection: duckdb.DuckDBPyConnection, segment: str, end: int) -> dict[str, int]:
    """Commit what `read_piece` has read, up to the byte `end` of the segment, rows and offset together; returns rows added."""
    counts = dict.fromkeys(FACTS, 0)
    with transaction(connection):
        for (fact,) in connection.execute("SELECT DISTINCT fact FROM live_piece ORDER BY fact").fetchall():
            for name, count in (_insert_attempts if fact == ATTEMPTS else _insert)(connection, fact, segment).items():
                counts[name] += count
        connection.execute("DELETE FROM live.offsets WHERE segment = $segment", {"segment": segment})
        connection.execute("INSERT INTO live.offsets VALUES ($segment, $end)", {"segment": segment, "end": end})
    return counts


@contextmanager
def dropping(connection: duckdb.DuckDBPyConnection, *tables: str) -> Iterator[None]:
    """Leave none of these temporary tables behind: the bookkeeper's connection lives all day."""
    try:
        yield
    finally:
        for table in tables:
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


_BESIDE = ", ".join(name for name in COST_LINES if name not in (*LINE_NAMES, "line", "adjustment_of"))


def _fits(fact: str, table: str) -> str:
    needed = " AND ".join(f"{name} IS NOT NULL" for name in (*IDENTITY[table], TIME_COLUMN[table]))
    return f"WHEN '{fact}' THEN {needed}"


_FIT = f"CASE fact {_fits(ATTEMPTS, 'calls')} {' '.join(_fits(table, table) for table in FACTS)} ELSE false END"


def _insert(connection: duckdb.DuckDBPyConnection, fact: str, segment: str) -> dict[str, int]:
    columns = ", ".join(FACTS[fact])
    _drop_known(connection, fact, fact)
    added = connection.execute(
        f"INSERT INTO live.{fact} (live_segment, {columns}) SELECT $segment, {columns} FROM live_piece WHERE fact = '{fact}'",
        {"segment": segment},
    )
    return {fact: _count(added)}


def _insert_attempts(connection: duckdb.DuckDBPyConnection, fact: str, segment: str) -> dict[str, int]:
    """Take attempts apart into calls and their cost lines."""
    _drop_known(connection, fact, "calls")
    calls = ", ".join(CALLS)
    named = ", ".join("coalesce(call_count, 1)" if name == "call_count" else name for name in CALLS)
    added = connection.execute(
        f"INSERT INTO live.calls (live_segment, {calls}) SELECT $segment, {named} FROM live_piece WHERE fact = '{fact}'",
        {"segment": segment},
    )
    selected = ", ".join(f"{_line_column(name)} AS {name}" for name in COST_LINES)
    counts = {"calls": _count(added)}
    lines = connection.execute(
        f"INSERT INTO live.cost_lines (live_segment, {', '.join(COST_LINES)}) SELECT $segment, {selected}"
        f" FROM (SELECT {_BESIDE}, unnest(lines) AS each FROM live_piece WHERE fact = '{fact}') AS batch",
        {"segment": segment},
    )
    return counts | {"cost_lines": _count(lines)}


def _drop_known(connection: duckdb.DuckDBPyConnection, fact: str, table: str) -> None:
    """Leave of one fact only what the ledger does not have, each once.

    All of the ledger is searched, however old. Ids of calls begin with their time, so nearly all row groups are passed over.
    """
    keys, first = ", ".join(IDENTITY[table]), IDENTITY[table][0]
    mine = f"FROM live_piece WHERE fact = '{fact}'"
    rows, ids, lowest, highest = connection.execute(
        f"SELECT count(*), count(DISTINCT ({keys})), min({first}), max({first}) {mine}"
    ).fetchall()[0]
    if ids < rows:
        repeated = f"SELECT rowid {mine} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY rowid) > 1"
        connection.execute(f"DELETE FROM live_piece WHERE rowid IN ({repeated})")
    connection.execute(f"""
        DELETE FROM live_piece WHERE fact = '{fact}' AND ({keys}) IN (
            SELECT ({keys}) FROM {table} SEMI JOIN (SELECT {keys} {mine}) AS mine USING ({keys})
            WHERE {first} BETWEEN '{lowest}'::UUID AND '{highest}'::UUID
        )""")


def _count(changed: duckdb.DuckDBPyConnection) -> int:
    """How many rows an INSERT has inserted."""
    return int(changed.fetchall()[0][0])


def _line_column(name: str) -> str:
    """Where a column of a cost line stands in an attempt: inside the line, or beside it."""
    if name == "line":
        return f"each.{LINE_NAMES['number']}"
    if name == "adjustment_of":
        return "NULL"
    if name not in LINE_NAMES:
        return f"batch.{name}"
    default = {"part": "0", "kind": "'list'", "state": "'metered'"}.get(name)
    inside = f"each.{LINE_NAMES[name]}"
    return f"coalesce({inside}, {default})" if default else inside
