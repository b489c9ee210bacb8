"""The tables of a ledger in ClickHouse: every column declared, facts by month, rollups kept by materialised views.

A fact's row has one column more than in the sealed files: the `segment` that it came with. What a segment held can so be counted,
sent again after a failure, and read back. `segments` names those that are in completely; its rows are the commits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from breakeven.ledger.clickhouse.dialect import clickhouse_type
from breakeven.ledger.schema import FACTS, IDENTITY, ROLLUP_CALLS, ROLLUP_COSTS, TIME_COLUMN

REMEMBERED_BLOCKS = 10_000
"""How many of the latest inserted blocks each table knows again, so that one sent twice is in once."""
PER_SEGMENT = "toUInt64OrZero(getSetting('log_comment'))"
"""The insert says its segment in a setting: so sealed files travel as they are, byte for byte."""
SEGMENTS = "segments"
IDENTITY_TABLE = "ledger"
RESTATED = "restated_calls"
"""What each restatement corrects in the rollup of calls, with its segment: so that it can be counted whether it is in."""
_FEW_VALUES = frozenset(
    {
        "provider",
        "api",
        "model_requested",
        "model",
        "pricing_context",
        "status",
        "feature",
        "team",
        "customer",
        "workflow",
        "environment",
        "rung",
        "state",
        "source",
        "unit",
        "usage_class",
        "kind",
        "price_version",
        "cost_class",
        "reason",
        "plan",
        "segment",
        "attribution_sources",
        "task_class",
        "template",
    }
)
"""Texts of which a month has few different ones, compared with its rows."""


def create_statements(retention_days: int | None = None) -> Iterator[str]:
    """What makes every table and view that is missing."""
    kept = "" if retention_days is None else f" TTL toDateTime({{time}}) + INTERVAL {retention_days} DAY DELETE"
    for table, columns in FACTS.items():
        yield _fact_table(table, columns, kept)
    for rollup, columns, source in (("rollup_costs", ROLLUP_COSTS, "cost_lines"), ("rollup_calls", ROLLUP_CALLS, "calls")):
        yield _rollup_table(rollup, columns)
        yield f"CREATE MATERIALIZED VIEW IF NOT EXISTS {rollup}_of_{source} TO {rollup} AS {rollup_select(rollup, source)}"
    names = ", ".join(ROLLUP_CALLS)
    yield (
        f"CREATE TABLE IF NOT EXISTS {RESTATED} (segment_of UInt64, {_rolled('rollup_calls', ROLLUP_CALLS)}) ENGINE = MergeTree"
        f" ORDER BY segment_of SETTINGS non_replicated_deduplication_window = {REMEMBERED_BLOCKS}"
    )
    yield f"CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_calls_of_{RESTATED} TO rollup_calls AS SELECT {names} FROM {RESTATED}"
    yield f"CREATE TABLE IF NOT EXISTS {IDENTITY_TABLE} (id String) ENGINE = MergeTree ORDER BY id"
    yield (
        f"CREATE TABLE IF NOT EXISTS {SEGMENTS} (segment UInt64, source String, kind String, recorded_at DateTime64(6, 'UTC'),"
        " sha256 String, manifest String) ENGINE = ReplacingMergeTree ORDER BY segment"
    )


def missing_columns(table: str, present: Mapping[str, str]) -> Iterator[str]:
    """What adds the columns that an earlier version did not have."""
    for name, kind in FACTS[table].items():
        if present and name not in present:
            yield f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} {_declared(table, name, kind)}"


def retention_statements(retention_days: int | None) -> Iterator[str]:
    """What sets how long facts are kept; rollups keep the sums for good."""
    for table in FACTS:
        if retention_days is not None:
            yield f"ALTER TABLE {table} MODIFY TTL toDateTime({TIME_COLUMN[table]}) + INTERVAL {retention_days} DAY DELETE"


def rollup_select(rollup: str, source: str, *, sign: str = "", state: str = "state") -> str:
    """The daily sums of facts, as in `engine.py`; `sign` and `state` serve a restatement."""
    columns = ROLLUP_COSTS if rollup == "rollup_costs" else ROLLUP_CALLS
    keys = [name for name in columns if name not in ("day", *measures(rollup))]
    listed = ", ".join(f"{state} AS state" if name == "state" and state != "state" else name for name in keys)
    grouped = ", ".join(state if name == "state" else name for name in keys)
    sums = ", ".join(f"{_measured(name, sign)} AS {name}" for name in measures(rollup))
    return f"SELECT toDate(occurred_at) AS day, {listed}, {sums} FROM {source} GROUP BY toDate(occurred_at), {grouped}"


def measures(rollup: str) -> tuple[str, ...]:
    """The columns of a rollup that are sums."""
    columns = ROLLUP_COSTS if rollup == "rollup_costs" else ROLLUP_CALLS
    return tuple(name for name in columns if name in ("line_count", "quantity", "cost", "call_count") or name.endswith("_tokens"))


def _measured(name: str, sign: str) -> str:
    if name == "line_count":
        return f"sum(if(adjustment_of IS NULL, 1, -1)::Int64 * {sign}1)"
    if name == "call_count":
        return f"sum(if(attempt = 0, {sign}ifNull(call_count, 0), 0)::Int128)"
    return f"sum({sign}{name})" if name == "cost" else f"sum({sign}{name}::Nullable(Int128))"


def _fact_table(table: str, columns: Mapping[str, str], kept: str) -> str:
    time = TIME_COLUMN[table]
    declared = ", ".join(f"{name} {_declared(table, name, kind)}" for name, kind in columns.items())
    order = ", ".join([*(["feature"] if "feature" in columns else []), time, *IDENTITY[table]])
    return (
        f"CREATE TABLE IF NOT EXISTS {table} ({declared}, segment_of UInt64 DEFAULT {PER_SEGMENT})"
        f" ENGINE = MergeTree PARTITION BY toYYYYMM({time}) ORDER BY ({order}){kept.format(time=time)}"
        f" SETTINGS allow_nullable_key = 1, non_replicated_deduplication_window = {REMEMBERED_BLOCKS}"
    )


def _rollup_table(rollup: str, columns: Mapping[str, str]) -> str:
    keys = ", ".join(name for name in columns if name not in measures(rollup))
    return (
        f"CREATE TABLE IF NOT EXISTS {rollup} ({_rolled(rollup, columns)}) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(day)"
        f" ORDER BY ({keys}) SETTINGS allow_nullable_key = 1, non_replicated_deduplication_window = {REMEMBERED_BLOCKS}"
    )


def _rolled(rollup: str, columns: Mapping[str, str]) -> str:
    """The columns of a rollup, declared."""
    summed = measures(rollup)
    return ", ".join(
        f"{name} SimpleAggregateFunction(sum, Nullable({clickhouse_type(kind)}))"
        if name in summed
        else f"{name} {'Date' if name == 'day' else 'LowCardinality(Nullable(String))'}"
        for name, kind in columns.items()
    )


def _declared(table: str, name: str, kind: str) -> str:
    """Only what identifies a fact, and when it was, is always known."""
    named = clickhouse_type(kind)
    if name in (*IDENTITY[table], TIME_COLUMN[table]):
        return named
    if name in _FEW_VALUES and named == "String":
        return "LowCardinality(Nullable(String))"
    return f"Nullable({named})"
