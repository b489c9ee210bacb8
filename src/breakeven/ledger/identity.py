"""Identity of staged rows: the same fact gets the same id however often and in whatever pieces it is imported (decision 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import duckdb

from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.ledger.schema import IDENTITY, TIME_COLUMN
from breakeven.ledger.staging import Stage, allowed_columns

# What may differ between two imports of one fact without making it another fact.
_NEVER_IDENTIFYING = frozenset({"identity", "attribution_sources", "task_class", "template", "rungs_tried", "baseline_cost"})
_TIMES = frozenset({"occurred_at", "period_start", "period_end", "signed_up_at"})
_TIME_SHIFT = 80
# What a fact is called by its source, or is in content: its id without the time.
_NAME = f"({{id}}::UHUGEINT & {(1 << _TIME_SHIFT) - 1}::UHUGEINT)"
_RANDOM_BITS = 62
_VERSION_AND_VARIANT = 7 << 76 | 2 << _RANDOM_BITS

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - instants in the ledger are naive UTC
_HIGH, _LOW = 0xFFF << _RANDOM_BITS, (1 << _RANDOM_BITS) - 1


def id_of(identity: str, occurred_at: datetime) -> str:
    """The id that an import gives to what its source calls `identity`: facts that come live get the same one."""
    since = occurred_at - _EPOCH
    milliseconds = max(0, (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000)
    hashed = int.from_bytes(hashlib.md5(f"id\x1e{identity}".encode(), usedforsecurity=False).digest(), "little")
    value = milliseconds << _TIME_SHIFT | _VERSION_AND_VARIANT | (hashed & _HIGH) << 2 | hashed & _LOW
    return str(UUID(int=value & (1 << 128) - 1))


def assign_ids(connection: duckdb.DuckDBPyConnection, table: str, stages: Sequence[Stage]) -> None:
    """Fill the temporary table `staged_ids(stage, row, id, attempt, part, explicit)` for all staged rows of one fact.

    Rows that the source does not identify are identified by their content and, among identical ones, by their ordinal in this
    intake. Rows that it names alike are attempts and parts of one call, whose id has the earliest of their times.
    """
    selects = [_ids(number, stage, table) for number, stage in enumerate(stages)]
    connection.execute("CREATE OR REPLACE TEMP TABLE staged_ids AS " + " UNION ALL ".join(selects))
    if _exists(connection, "SELECT 1 FROM staged_ids WHERE NOT explicit GROUP BY id HAVING count(*) > 1"):
        _number_identical(connection)
    if _exists(connection, "SELECT 1 FROM staged_ids WHERE explicit"):
        _join_attempts(connection)


def drop_duplicates(connection: duckdb.DuckDBPyConnection, table: str, retired: Sequence[Path] = ()) -> int:
    """Remove from `staged_ids` what occurs twice in this intake or is in the ledger already; returns how many rows that were.

    `retired`: files with the ids of calls that have become daily sums, which are in the ledger too.
    """
    before = _count(connection)
    identity, attempt = IDENTITY[table][0], "attempt" if table == "calls" else "0"
    known = f"SELECT {identity} AS id, {attempt} AS attempt FROM {_known_rows(table, retired)}"
    connection.execute(f"DELETE FROM staged_ids WHERE NOT explicit AND (id, attempt) IN ({known})")
    if _exists(connection, "SELECT 1 FROM staged_ids WHERE explicit"):
        _drop_repeated(connection)
        _drop_known(connection, _known_rows(table, retired), identity, attempt)
    return before - _count(connection)


def _known_rows(table: str, retired: Sequence[Path]) -> str:
    if table != "calls" or not retired:
        return table
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in retired)
    return f"(SELECT call_id, attempt FROM calls UNION ALL SELECT call_id, attempt FROM read_parquet([{listed}]))"


def _number_identical(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE staged_repeats AS
        SELECT stage, row, id, row_number() OVER (PARTITION BY id ORDER BY stage, row) - 1 AS ordinal
        FROM staged_ids
        SEMI JOIN (SELECT id FROM staged_ids WHERE NOT explicit GROUP BY id HAVING count(*) > 1) AS repeats USING (id)
        WHERE NOT explicit""")
    milliseconds = f"(staged_repeats.id::UHUGEINT >> {_TIME_SHIFT}::UHUGEINT)"
    rehashed = "md5_number(staged_repeats.id::VARCHAR || ':' || ordinal)"
    connection.execute(f"""
        UPDATE staged_ids SET id = {uuid_from(milliseconds, rehashed)} FROM staged_repeats WHERE ordinal > 0 AND
        staged_ids.stage = staged_repeats.stage AND staged_ids.row = staged_repeats.row""")


def _join_attempts(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE staged_names AS
        SELECT {_NAME.format(id="id")} AS name, min(id) AS first FROM staged_ids WHERE explicit
        GROUP BY name HAVING min(id) <> max(id)""")
    if _exists(connection, "SELECT 1 FROM staged_names"):
        connection.execute(
            f"UPDATE staged_ids SET id = first FROM staged_names WHERE explicit AND {_NAME.format(id='id')} = staged_names.name"
        )


def _drop_repeated(connection: duckdb.DuckDBPyConnection) -> None:
    repeated = "SELECT id, attempt, part FROM staged_ids WHERE explicit GROUP BY ALL HAVING count(*) > 1"
    if _exists(connection, repeated):
        connection.execute(f"""
            DELETE FROM staged_ids WHERE rowid IN (
                SELECT staged.rowid FROM staged_ids AS staged SEMI JOIN ({repeated}) AS twice USING (id, attempt, part)
                WHERE explicit QUALIFY row_number() OVER (PARTITION BY id, attempt, part ORDER BY stage, row) > 1
            )""")


def _drop_known(connection: duckdb.DuckDBPyConnection, table: str, identity: str, attempt: str) -> None:
    """A source's own id outweighs the time: a log that is cut elsewhere may show another first instant for the same call.

    So a further attempt of a call that is in the ledger takes the id under which the call is there.
    """
    mine, theirs = _NAME.format(id="staged_ids.id"), _NAME.format(id=identity)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE known_names AS
        SELECT {theirs} AS name, {attempt}::SMALLINT AS attempt, {identity} AS id FROM {table}
        WHERE {theirs} IN (SELECT {mine} FROM staged_ids WHERE explicit)""")
    if _exists(connection, "SELECT 1 FROM known_names"):
        connection.execute(
            f"DELETE FROM staged_ids WHERE explicit AND ({mine}, attempt) IN (SELECT (name, attempt) FROM known_names)"
        )
        connection.execute(f"""
            UPDATE staged_ids SET id = known.first FROM (SELECT name, min(id) AS first FROM known_names GROUP BY name) AS known
            WHERE explicit AND {mine} = known.name""")


def _ids(number: int, stage: Stage, table: str) -> str:
    time = "occurred_at" if table == "calls" else TIME_COLUMN[table]
    milliseconds = f"greatest(epoch_ms({time}), 0)" if stage.has(time) else "0"
    ignored = _NEVER_IDENTIFYING | stage.not_identifying
    # In the order of the schema: the same file may be read with its columns in another order.
    content = ", ".join(_content(column) for column in allowed_columns(table) if stage.has(column) and column not in ignored)
    by_content = f"concat_ws(chr(31), {content})"
    basis = (
        f"CASE WHEN identity IS NULL THEN {by_content} ELSE 'id' || chr(30) || identity END"
        if stage.has("identity")
        else by_content
    )
    explicit = "identity IS NOT NULL" if stage.has("identity") else "false"
    attempt = "coalesce(attempt, 0)::SMALLINT" if stage.has("attempt") else "0::SMALLINT"
    part = "coalesce(part, 0)::SMALLINT" if stage.has("part") else "0::SMALLINT"
    return f"""
        SELECT {number}::INTEGER AS stage, row, {uuid_from("milliseconds", "hash")} AS id, attempt, part, explicit
        FROM (SELECT rowid AS row, {milliseconds} AS milliseconds, md5_number({basis}) AS hash, {attempt} AS attempt,
              {part} AS part, {explicit} AS explicit FROM {stage.table})"""


def _content(column: str) -> str:
    """`name=value`, or NULL (left out) where unknown; a class with quantity 0 is the same as one that was not used."""
    value = f'nullif("{column}", 0)' if column in CLASS_BY_NAME else f'"{column}"'
    if column in _TIMES:
        value = f"epoch_us({value})"
    return f"'{column}=' || {value}::VARCHAR"


def uuid_from(milliseconds: str, hashed: str) -> str:
    """A UUIDv7: 48 bits of milliseconds, version, 12 bits, variant, 62 bits; all but the time from a hash.

    Whole numbers of 128 bits all the way: putting the text of a UUID together takes twenty times as long.
    """
    high, low = 0xFFF << _RANDOM_BITS, (1 << _RANDOM_BITS) - 1
    return (
        f"(({milliseconds}::UHUGEINT << {_TIME_SHIFT}::UHUGEINT) | {_VERSION_AND_VARIANT}::UHUGEINT"
        f" | (({hashed} & {high}::UHUGEINT) << 2::UHUGEINT) | ({hashed} & {low}::UHUGEINT))::UUID"
    )


def _exists(connection: duckdb.DuckDBPyConnection, select: str) -> bool:
    return connection.execute(f"{select} LIMIT 1").fetchone() is not None


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT count(*) FROM staged_ids").fetchone()
    return int(row[0]) if row else 0
