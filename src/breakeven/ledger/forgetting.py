"""Forgetting in sealed files: users erased, identities dropped after their time, old calls rolled into daily sums. No sum changes.

A rolled-up call stands for all calls of one segment and day that are alike in everything which the daily rollups tell apart (and in
price context, API, attempt and state): their counts, tokens and costs are added exactly. Reversals stay reversals. What is lost is
stated in docs/operating/privacy.md: the single call, its user, its latency, its hour.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb

from breakeven.governance.privacy import ERASED, Ends
from breakeven.ledger import engine, rewriting
from breakeven.ledger.identity import uuid_from
from breakeven.ledger.layout import Layout
from breakeven.ledger.lock import WriterLock
from breakeven.ledger.masking import IDENTIFYING
from breakeven.ledger.rewriting import Rewritten
from breakeven.ledger.schema import CALLS, COST_LINES, DIMENSIONS, FACTS
from breakeven.ledger.seals import Manifest, manifests
from breakeven.ledger.store import explained_faults, patiently

ROLLED_UP = "rolled up"
"""The `source_ref` of a call that is a daily sum."""
_NUMBERED = r"regexp_extract(filename, '([0-9]{8})\.parquet$', 1)::BIGINT"
_SUMMED = (
    "call_count", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "input_characters", "output_characters", "stated_cost", "baseline_cost",
)  # fmt: skip
_ALIKE = (
    "attempt", "provider", "api", "model_requested", "model", "pricing_context", "status", "feature", "team", "customer",
    "workflow", "environment", "rung", "source", "task_class",
)  # fmt: skip
_LINES_ALIKE = (
    "part", "provider", "model", "usage_class", "kind", "unit_price", "state", "price_version", "cost_class",
    *(name for name in DIMENSIONS if name != "user_id"), "rung",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Masks:
    """For each fact which rows lose what identifies somebody, as a condition in SQL, and what the user becomes."""

    conditions: Mapping[str, str]
    user: str | None


def erase(layout: Layout, names: Sequence[str]) -> Rewritten | None:
    """Rewrite every segment in which one of these users stands; None where there is none. The writer's lock is held."""
    listed = ", ".join(_quoted(name) for name in names)
    return _forget(layout, Masks(dict.fromkeys(IDENTIFYING, f"user_id IN ({listed})"), ERASED), None)


def retain(layout: Layout, ends: Ends) -> Rewritten | None:
    """Drop identities and roll up calls whose time is over; None where there is nothing. The writer's lock is held."""
    conditions = {}
    for table, columns in IDENTIFYING.items():
        known = [f"{name} IS NOT NULL" + (f" AND {name} <> '{ROLLED_UP}'" if name == "source_ref" else "") for name in columns]
        conditions[table] = f"occurred_at < {_end(ends.identities)} AND ({' OR '.join(known)})"
    rolled = f"occurred_at < {_end(ends.calls)} AND coalesce(source_ref, '') <> '{ROLLED_UP}'"
    return _forget(layout, Masks(conditions, None), rolled if any(ends.calls.values()) else None)


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """The writer's lock without the database; a bookkeeper makes room. A rewrite that was interrupted is completed first."""
    lock = WriterLock(layout.lock)
    with explained_faults(layout.root):
        patiently(layout, lock.acquire)
        try:
            if rewriting.interrupted(layout):
                rewriting.carry_on(layout)
            yield
        finally:
            shutil.rmtree(layout.spill, ignore_errors=True)
            lock.release()


def _forget(layout: Layout, masks: Masks, rolled: str | None) -> Rewritten | None:
    shadow = rewriting.begin(layout)
    try:
        connection = engine.connect(shadow.spill / "scratch.duckdb", read_only=False, spill=shadow.spill)
        with connection:
            known = manifests(layout)
            folds = rolled is not None and _fold(connection, layout, known, rolled)
            pairs = [
                rewriting.write_anew(connection, layout, each, _relations(connection, layout, each, masks, folds=folds))
                for each in known
                if _touched(connection, layout, each, masks, folds=folds)
            ]
    except BaseException:
        shutil.rmtree(shadow.root, ignore_errors=True)
        raise
    if not pairs:
        shutil.rmtree(shadow.root)
        return None
    return rewriting.commit(layout, pairs)


def _touched(connection: duckdb.DuckDBPyConnection, layout: Layout, manifest: Manifest, masks: Masks, *, folds: bool) -> bool:
    for table, condition in masks.conditions.items():
        rows = _rows(layout, manifest, table)
        if rows is None:
            continue
        if connection.execute(f"SELECT 1 FROM {rows} WHERE {condition} LIMIT 1").fetchone() is not None:
            return True
        if folds and table != "outcomes":
            folded = f"SELECT 1 FROM {rows} SEMI JOIN folding USING (call_id, attempt) LIMIT 1"
            if connection.execute(folded).fetchone() is not None:
                return True
    return False


def _relations(
    connection: duckdb.DuckDBPyConnection, layout: Layout, manifest: Manifest, masks: Masks, *, folds: bool
) -> dict[str, str]:
    """Tables with the rows of one segment as they shall be."""
    found: dict[str, str] = {}
    for table in FACTS:
        rows = _rows(layout, manifest, table)
        if rows is None:
            continue
        selected = f"SELECT {_masked(table, masks)} FROM {rows}"
        if folds and table in ("calls", "cost_lines"):
            columns = ", ".join(FACTS[table])
            selected += (
                f" ANTI JOIN folding USING (call_id, attempt)"
                f" UNION ALL BY NAME SELECT {columns} FROM folded_{table} WHERE segment = {manifest.segment}"
            )
        connection.execute(f"CREATE OR REPLACE TABLE anew_{table} AS {selected}")
        found[table] = f"anew_{table}"
    return found


def _masked(table: str, masks: Masks) -> str:
    condition = masks.conditions.get(table)
    if condition is None:
        return "*"
    user = "NULL" if masks.user is None else _quoted(masks.user)
    # The conditions of retention name other columns than the one replaced, so each column is decided by the row as it was.
    replaced = ", ".join(
        f"CASE WHEN {condition} THEN {user if name == 'user_id' else 'NULL'} ELSE {name} END AS {name}"
        for name in IDENTIFYING[table]
    )
    return f"* REPLACE ({replaced})"


def _fold(connection: duckdb.DuckDBPyConnection, layout: Layout, known: Sequence[Manifest], rolled: str) -> bool:
    """`folding`: which call becomes part of which sum; `folded_calls` and `folded_lines`: the sums. False where there are none."""
    calls = _all_rows(layout, known, "calls")
    if calls is None:
        return False
    database = _quoted(str(layout.database))
    connection.execute(f"ATTACH {database} AS book (READ_ONLY)")
    key = ", ".join(f"'{name}=' || {name}::VARCHAR" for name in (*_ALIKE, "state"))
    basis = f"concat_ws(chr(31), 'sum', segment, occurred_at::DATE, {key})"
    identity = uuid_from("greatest(epoch_ms(date_trunc('day', occurred_at)), 0)", f"md5_number({basis})")
    connection.execute(f"""
        CREATE TABLE folding AS SELECT call_id, attempt, segment, state, {identity} AS sum_id FROM (
            SELECT * EXCLUDE (state) FROM {calls} WHERE {rolled}
        ) JOIN (SELECT call_id, attempt, state FROM book.sealed.calls) USING (call_id, attempt)""")
    connection.execute("DETACH book")
    if connection.execute("SELECT 1 FROM folding LIMIT 1").fetchone() is None:
        return False
    connection.execute(f"CREATE TABLE folded_calls AS {_folded_calls(calls)}")
    lines = _all_rows(layout, known, "cost_lines")
    connection.execute(f"CREATE TABLE folded_cost_lines AS {_folded_lines(lines or _none('cost_lines'))}")
    target = _quoted(str(rewriting.retired_draft(layout)))
    connection.execute(f"COPY (SELECT call_id, attempt FROM folding ORDER BY ALL) TO {target} (FORMAT parquet, COMPRESSION zstd)")
    return True


def _folded_calls(calls: str) -> str:
    values = {
        **{name: f"any_value({name})" for name in _ALIKE},
        **{name: f"sum({name})" for name in _SUMMED},
        "call_id": "sum_id",
        "occurred_at": "date_trunc('day', any_value(occurred_at))",
        "recorded_at": "max(recorded_at)",
        "state": "any_value(state)",
        "source_ref": f"'{ROLLED_UP}'",
    }
    selected = ", ".join(f"CAST({values.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in CALLS.items())
    return f"""
        SELECT segment, {selected} FROM (SELECT * EXCLUDE (state, segment) FROM {calls}) JOIN folding USING (call_id, attempt)
        GROUP BY segment, sum_id"""


def _folded_lines(lines: str) -> str:
    """Like lines of one sum and segment become one line, originals and reversals apart; a reversal names what it reverses."""
    alike = ", ".join(_LINES_ALIKE)
    others = ", ".join(
        f"CAST({value} AS {COST_LINES[name]}) AS {name}"
        for name, value in {
            "occurred_at": "date_trunc('day', min(occurred_at))",
            "recorded_at": "max(recorded_at)",
            "quantity": "sum(quantity)",
            "cost": "sum(cost)",
            "reason": "min(reason)",
            "user_id": "NULL",
        }.items()
    )
    return f"""
        WITH summed AS (
            SELECT mine.segment, sum_id AS call_id, attempt, {alike}, {others}, adjustment_of IS NOT NULL AS reverses
            FROM {lines} AS mine JOIN (SELECT call_id, attempt, sum_id FROM folding) AS folding USING (call_id, attempt)
            GROUP BY mine.segment, sum_id, attempt, {alike}, reverses
        ), numbered AS (
            SELECT *, (row_number() OVER (PARTITION BY call_id, attempt ORDER BY segment, reverses, {alike}) - 1)::INTEGER AS line
            FROM summed
        )
        SELECT *, CASE WHEN reverses THEN coalesce(
            min(line) FILTER (WHERE NOT reverses) OVER (PARTITION BY call_id, attempt, {alike}), line
        ) END::INTEGER AS adjustment_of FROM numbered"""


def _rows(layout: Layout, manifest: Manifest, table: str) -> str | None:
    return _all_rows(layout, [manifest], table, numbered=False)


def _all_rows(layout: Layout, known: Sequence[Manifest], table: str, *, numbered: bool = True) -> str | None:
    """The rows of sealed files with every column of their fact, and with the number of their segment."""
    paths = [str(layout.root / file.path) for each in known for file in each.files if file.table == table]
    if not paths:
        return None
    listed = ", ".join(_quoted(path) for path in paths)
    segment = f", {_NUMBERED} AS segment" if numbered else ""
    files = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true{', filename = true' if numbered else ''})"
    typed = ", ".join(f"NULL::{kind} AS {name}" for name, kind in FACTS[table].items())
    typed += ", NULL::BIGINT AS segment" if numbered else ""
    excluded = " EXCLUDE (filename)" if numbered else ""
    return f"(SELECT {typed} WHERE false UNION ALL BY NAME SELECT *{excluded}{segment} FROM {files})"


def _none(table: str) -> str:
    typed = ", ".join(f"NULL::{kind} AS {name}" for name, kind in FACTS[table].items())
    return f"(SELECT {typed}, NULL::BIGINT AS segment WHERE false)"


def _end(ends: Mapping[str | None, datetime | None]) -> str:
    """The end of a row's feature, as an expression; NULL, so that nothing is before it, where it is kept for good."""
    cases = "".join(f" WHEN feature = {_quoted(name)} THEN {_instant(at)}" for name, at in ends.items() if name is not None)
    default = _instant(ends.get(None))
    return f"CASE{cases} ELSE {default} END" if cases else default


def _instant(at: datetime | None) -> str:
    return "NULL::TIMESTAMP" if at is None else f"TIMESTAMP '{at.isoformat(sep=' ')}'"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
