"""How much of the input of past calls stood in a prefix that had been sent before: a table of calls, summed by the engine.

A table says for each call its input tokens and how many of them stood at the beginning of a prompt that was seen before
(`cacheable_prefix_tokens`). Where it also says when, and which conversation a call belongs to, prefixes expire as a vendor's do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from breakeven.economics.promptcache import Reuse
from breakeven.errors import DataError, Problem
from breakeven.exchange.importers.fields import Field
from breakeven.exchange.importers.mapping import plan
from breakeven.exchange.importers.projection import project
from breakeven.exchange.importers.request import ImportRequest
from breakeven.exchange.importers.source import flattened
from breakeven.exchange.importers.sources import open_source

FIELDS: tuple[Field, ...] = (
    Field("input_tokens", "count", ("input_tokens", "total_input_tokens", "prompt_tokens", "input"), required=True),
    Field("cacheable_prefix_tokens", "count", ("cacheable_prefix_tokens", "cacheable_tokens", "prefix_tokens"), required=True),
    Field("cache_read_tokens", "count", ("cache_read_tokens", "cache_read_input_tokens", "cached_tokens")),
    Field("occurred_at", "time", ("occurred_at", "timestamp", "ts", "ts_ms", "time", "created_at", "start_time")),
    Field("conversation", "text", ("conversation", "conversation_id", "inferred_conversation", "session_id", "trace_id")),
)
"""`input_tokens` are all of them, whether read from a cache or not."""
_TOLD = 5
_ORIGIN = datetime(2000, 1, 1)  # noqa: DTZ001 - naive UTC, as everywhere; of relative times only the differences matter
_SUMS = """
    WITH typed AS (
        SELECT _row, {at} AS moment, {conversation} AS conversation, {read} AS read, {input}::BIGINT AS input,
            least({cacheable}, {input})::BIGINT AS cacheable
        FROM {table} WHERE NOT coalesce({bad}, false)
    ),
    timed AS (
        SELECT *, coalesce(
            date_diff('second', lag(moment) OVER (PARTITION BY conversation ORDER BY moment, _row), moment),
            date_diff('second', lag(moment) OVER (ORDER BY moment, _row), moment)
        ) AS age
        FROM typed
    ),
    kept AS (
        SELECT *, input >= {least} AS long, CASE WHEN cacheable >= {least} THEN cacheable ELSE 0 END AS prefix,
            coalesce(age <= {lifetime}, true) AS fresh
        FROM timed
    )
    SELECT count(*), coalesce(sum(input), 0),
        coalesce(sum(prefix) FILTER (WHERE fresh), 0),
        coalesce(sum(prefix) FILTER (WHERE NOT fresh), 0),
        coalesce(sum(input - prefix) FILTER (WHERE long), 0),
        sum(read)
    FROM kept"""


@dataclass(frozen=True, slots=True)
class PrefixTraffic:
    """What a table says. `read` is what the vendor's cache served, None where the table does not say it."""

    calls: int
    reuse: Reuse
    read: int | None
    expires: bool
    plan: Sequence[str]
    rejected: int = 0
    problems: Sequence[Problem] = ()


def read_prefixes(path: Path, request: ImportRequest, lifetime: int, least: int) -> PrefixTraffic:
    """The sums of one file. `lifetime`: seconds that a prefix is kept; `least`: tokens below which nothing is.

    Raises DataError where a column is missing; single bad rows are left out and told.
    """
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        source = open_source(connection, path, "prefixes", Path(folder))
        mapped = plan(FIELDS, source.columns, request)
        named = {entry.field.name for entry in mapped}
        missing = [field.name for field in FIELDS if field.required and field.name not in named]
        if missing:
            raise DataError(
                f"{path}: no column is recognised as {', '.join(missing)} (columns: {', '.join(source.columns) or 'none'})",
                f"Name it: {' '.join(f'--map {name}=COLUMN' for name in missing)}.",
            )
        flat = flattened(connection, source, [entry.column for entry in mapped if entry.column is not None])
        projection = project(connection, flat, mapped, request.now, _ORIGIN)
        found = projection.expressions
        unsaid = [(f"{found[name]} IS NULL", name, f"{name} is missing") for name in ("input_tokens", "cacheable_prefix_tokens")]
        faults = [*((each.condition, each.field, each.message) for each in projection.faults), *unsaid]
        expires = {"occurred_at", "conversation"} <= named
        sums = _SUMS.format(
            at=found["occurred_at"] if expires else "NULL::TIMESTAMP",
            conversation=found.get("conversation", "NULL"),
            read=found.get("cache_read_tokens", "NULL::BIGINT"),
            input=found["input_tokens"],
            cacheable=found["cacheable_prefix_tokens"],
            table=flat.table,
            bad=" OR ".join(f"({condition})" for condition, _, _ in faults),
            least=least,
            lifetime=lifetime,
        )
        calls, total, readable, expired, new, read = connection.execute(sums).fetchall()[0]
        problems = [
            Problem(f"{path}:{source.place(row)}: {name}", message, "Correct the row, or leave it out.")
            for condition, name, message in faults
            for (row,) in connection.execute(f"SELECT _row FROM {flat.table} WHERE {condition} LIMIT {_TOLD}").fetchall()
        ]
        rows = connection.execute(f"SELECT count(*) FROM {flat.table}").fetchall()[0][0]
    return PrefixTraffic(
        calls,
        Reuse(int(total), int(readable), int(expired), int(new)),
        None if read is None else int(read),
        expires,
        [entry.describe() for entry in mapped],
        rows - calls,
        problems[:_TOLD],
    )
