"""Identity of staged rows: the same fact gets the same id however often and in whatever pieces it is imported (decision 5)."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.ledger.schema import IDENTITY, TIME_COLUMN
from breakeven.ledger.staging import Stage

# What may differ between two imports of one fact without making it another fact.
_NEVER_IDENTIFYING = frozenset({"identity", "attribution_sources"})
_TIMES = frozenset({"occurred_at", "period_start", "period_end", "signed_up_at"})
HASH_PART = "right({id}::VARCHAR, 22)"


def assign_ids(connection: duckdb.DuckDBPyConnection, table: str, stages: Sequence[Stage]) -> None:
    """Fill the temporary table `staged_ids(stage, row, id, attempt, part, explicit)` for all staged rows of one fact.

    Rows that the source does not identify are identified by their content and, among identical ones, by their ordinal in this
    intake.
    """
    selects = [_ids(number, stage, table) for number, stage in enumerate(stages)]
    connection.execute("CREATE OR REPLACE TEMP TABLE staged_ids AS " + " UNION ALL ".join(selects))
    repeated = connection.execute("SELECT 1 FROM staged_ids WHERE NOT explicit GROUP BY id HAVING count(*) > 1 LIMIT 1").fetchone()
    if repeated:
        connection.execute("""
            CREATE OR REPLACE TEMP TABLE staged_repeats AS
            SELECT stage, row, id, row_number() OVER (PARTITION BY id ORDER BY stage, row) - 1 AS ordinal
            FROM staged_ids
            SEMI JOIN (SELECT id FROM staged_ids WHERE NOT explicit GROUP BY id HAVING count(*) > 1) AS repeats USING (id)
            WHERE NOT explicit""")
        milliseconds = "replace(staged_repeats.id::VARCHAR, '-', '')[1:12]"
        rehashed = "md5(staged_repeats.id::VARCHAR || ':' || ordinal)"
        connection.execute(f"""
            UPDATE staged_ids SET id = {_uuid_from(milliseconds, rehashed)} FROM staged_repeats WHERE ordinal > 0 AND
            staged_ids.stage = staged_repeats.stage AND staged_ids.row = staged_repeats.row""")


def drop_duplicates(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Remove from `staged_ids` what occurs twice in this intake or is in the ledger already; returns how many rows that were."""
    before = _count(connection)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE staged_ids AS
        SELECT * FROM staged_ids
        WHERE (id, attempt, part) NOT IN (SELECT (id, attempt, part) FROM staged_ids GROUP BY id, attempt, part HAVING count(*) > 1)
        UNION ALL
        SELECT * FROM staged_ids SEMI JOIN (
            SELECT id, attempt, part FROM staged_ids GROUP BY id, attempt, part HAVING count(*) > 1
        ) AS twice USING (id, attempt, part)
        QUALIFY row_number() OVER (PARTITION BY id, attempt, part ORDER BY stage, row) = 1""")
    _drop_known(connection, table)
    return before - _count(connection)


def _drop_known(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    identity = IDENTITY[table][0]
    attempt = "attempt" if table == "calls" else "0"
    known = f"SELECT {identity} AS id, {attempt} AS attempt FROM {table}"
    connection.execute(f"DELETE FROM staged_ids WHERE NOT explicit AND (id, attempt) IN ({known})")
    # A source's own id outweighs the time: a log that is cut elsewhere may show another first instant for the same call.
    explicit = connection.execute("SELECT 1 FROM staged_ids WHERE explicit LIMIT 1").fetchone()
    if explicit:
        mine, theirs = HASH_PART.format(id="staged_ids.id"), HASH_PART.format(id=identity)
        connection.execute(
            f"DELETE FROM staged_ids WHERE explicit AND ({mine}, attempt) IN (SELECT ({theirs}, {attempt}) FROM {table})"
        )


def _ids(number: int, stage: Stage, table: str) -> str:
    time = "occurred_at" if table == "calls" else TIME_COLUMN[table]
    milliseconds = f"lpad(to_hex(greatest(epoch_ms({time}), 0)), 12, '0')" if stage.has(time) else "'000000000000'"
    content = ", ".join(_content(column) for column in stage.columns if column not in _NEVER_IDENTIFYING | stage.not_identifying)
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
        SELECT {number}::INTEGER AS stage, row, {_uuid_from("milliseconds", "hash")} AS id, attempt, part, explicit
        FROM (SELECT rowid AS row, {milliseconds} AS milliseconds, md5({basis}) AS hash, {attempt} AS attempt, {part} AS part,
              {explicit} AS explicit FROM {stage.table})"""


def _content(column: str) -> str:
    """`name=value`, or NULL (left out) where unknown; a class with quantity 0 is the same as one that was not used."""
    value = f'nullif("{column}", 0)' if column in CLASS_BY_NAME else f'"{column}"'
    if column in _TIMES:
        value = f"epoch_us({value})"
    return f"'{column}=' || {value}::VARCHAR"


def _uuid_from(milliseconds: str, md5_hex: str) -> str:
    """A UUIDv7: 48 bits of milliseconds, version, 12 bits, variant, 62 bits; all but the time from an MD5."""
    variant = f"substr('89ab', 1 + (ascii({md5_hex}[4]) % 4)::BIGINT, 1)"
    return (
        f"(substr({milliseconds}, 1, 8) || '-' || substr({milliseconds}, 9, 4) || '-7' || {md5_hex}[1:3] || '-' || {variant}"
        f" || {md5_hex}[5:7] || '-' || {md5_hex}[8:19])::UUID"
    )


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT count(*) FROM staged_ids").fetchone()
    return int(row[0]) if row else 0
