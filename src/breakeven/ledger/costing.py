"""Costing in SQL: staged usage × quoted unit prices = cost lines, exactly as `pricebook.rating.rate` does for one live call.

The product `DECIMAL(17,0) × DECIMAL(21,18)` is exact in DuckDB; a property test holds it equal to Python's integers to the last
digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec

from breakeven.economics.cost_class import DEFAULT_COST_CLASS, CostClassRule
from breakeven.economics.money import digits
from breakeven.economics.usage import CLASSES, INPUT_TOKEN_CLASSES
from breakeven.ledger import numbering
from breakeven.ledger.port import QuoteRequest, Quotes
from breakeven.ledger.schema import COST_LINES, DIMENSIONS

UNIT_PRICE = "DECIMAL(21,18)"
_QUOTE_COLUMNS: Mapping[str, str] = {
    "key": "BIGINT",
    "usage_class": "VARCHAR",
    "kind": "VARCHAR",
    "ordinal": "INTEGER",
    "unit_price": UNIT_PRICE,
    "price_version": "VARCHAR",
    "note": "VARCHAR",
}
_REASON_COLUMNS: Mapping[str, str] = {"key": "BIGINT", "reason": "VARCHAR"}
_CARRIED = ("call_id", "attempt", "part", "occurred_at", "provider", "part_model", *DIMENSIONS, "rung", "key", "stated_cost")


def fetch_quotes(connection: duckdb.DuckDBPyConnection, chunk: str, quotes: Quotes, spill: Path) -> None:
    """Give each row of `chunk` its pricing key, and fill `chunk_quotes` and `chunk_reasons` with one answer for each distinct key.

    `chunk` has provider, part_model, pricing_context, occurred_at, all_input_tokens, usage_known and billed. It is replaced by
    `chunk_keyed`, which has `key` besides.
    """
    bands = " ".join(
        f"WHEN all_input_tokens > {threshold} THEN {threshold + 1}" for threshold in sorted(quotes.thresholds, reverse=True)
    )
    band = f"CASE {bands} ELSE 0 END" if bands else "0"
    _bucketed(connection, chunk, quotes, f"({band})::BIGINT AS band")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE chunk_keys AS
        SELECT row_number() OVER () - 1 AS key, * FROM (
            SELECT DISTINCT provider, part_model, pricing_context, bucket, band FROM chunk_bucketed WHERE usage_known AND billed
        )""")
    wanted = connection.execute(
        "SELECT key, provider, part_model, pricing_context, bucket, band FROM chunk_keys ORDER BY key"
    ).fetchall()
    sheet = quotes.answer(
        [QuoteRequest(provider or "", model or "", context, bucket, band) for _, provider, model, context, bucket, band in wanted]
    )
    rows = (row._replace(unit_price=digits(row.unit_price))._asdict() for row in sheet.rows)  # type: ignore[arg-type] # money leaves as text
    _from_rows(connection, "chunk_quotes", _QUOTE_COLUMNS, rows, spill / "quotes.ndjson")
    reasons = ({"key": key, "reason": reason} for key, reason in sheet.reasons.items())
    _from_rows(connection, "chunk_reasons", _REASON_COLUMNS, reasons, spill / "reasons.ndjson")
    connection.execute("""
        CREATE OR REPLACE TEMP VIEW chunk_keyed AS
        SELECT chunk_bucketed.*, key FROM chunk_bucketed LEFT JOIN chunk_keys
        ON chunk_bucketed.provider IS NOT DISTINCT FROM chunk_keys.provider
        AND chunk_bucketed.part_model IS NOT DISTINCT FROM chunk_keys.part_model
        AND chunk_bucketed.pricing_context = chunk_keys.pricing_context
        AND chunk_bucketed.bucket = chunk_keys.bucket AND chunk_bucketed.band = chunk_keys.band""")


def cost_lines(
    connection: duckdb.DuckDBPyConnection, classes: Sequence[str], cost_class: Sequence[CostClassRule], recorded_at: datetime
) -> None:
    """Fill `chunk_lines` with the cost lines of `chunk_keyed`; `classes` are the usage-class columns that it has."""
    connection.execute("CREATE OR REPLACE TEMP TABLE usage_slots (usage_class VARCHAR, slot INTEGER)")
    connection.executemany("INSERT INTO usage_slots VALUES (?, ?)", list(numbering.SLOTS.items()))
    carried = ", ".join(_CARRIED)
    pieces = [_priced(classes, carried)] if classes else []
    pieces += [_special(carried)]
    connection.execute("CREATE OR REPLACE TEMP VIEW chunk_priced AS " + " UNION ALL BY NAME ".join(pieces))
    stated = connection.execute("SELECT 1 FROM chunk_keyed WHERE stated_cost IS NOT NULL LIMIT 1").fetchone()
    priced = f"(FROM chunk_priced UNION ALL BY NAME {_stated()})" if stated else "chunk_priced"
    selected = ", ".join(_line_column(name, cost_class) for name in COST_LINES)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE chunk_lines AS SELECT {selected} FROM {priced}", {"recorded_at": recorded_at})


def cost_class_case(rules: Sequence[CostClassRule]) -> str:
    """The SQL expression that gives a line its cost class: the first rule that matches decides."""
    branches = " ".join(f"WHEN {_condition(rule)} THEN {_literal(rule.cost_class)}" for rule in rules)
    return f"CASE {branches} ELSE {_literal(DEFAULT_COST_CLASS)} END" if rules else _literal(DEFAULT_COST_CLASS)


def _bucketed(connection: duckdb.DuckDBPyConnection, chunk: str, quotes: Quotes, band: str) -> None:
    models = connection.execute(f"SELECT DISTINCT provider, part_model FROM {chunk} WHERE usage_known AND billed").fetchall()
    instants = [(provider, model, quotes.breakpoints(provider or "", model or "")) for provider, model in models]
    off_hour = [(provider, model, list(found)) for provider, model, found in instants if found]
    hour = "date_trunc('hour', occurred_at)"
    if not off_hour:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW chunk_bucketed AS SELECT *, {hour} AS bucket, {band} FROM {chunk}")
        return
    connection.execute("CREATE OR REPLACE TEMP TABLE price_changes (provider VARCHAR, part_model VARCHAR, instants TIMESTAMP[])")
    connection.executemany("INSERT INTO price_changes VALUES (?, ?, ?)", off_hour)
    latest = "list_max(list_filter(instants, lambda instant: instant <= occurred_at))"
    connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW chunk_bucketed AS SELECT chunk.*, greatest({hour}, coalesce({latest}, {hour})) AS bucket,
        {band} FROM {chunk} AS chunk LEFT JOIN price_changes ON chunk.provider IS NOT DISTINCT FROM price_changes.provider AND
        chunk.part_model IS NOT DISTINCT FROM price_changes.part_model""")


def _priced(classes: Sequence[str], carried: str) -> str:
    quoted = ", ".join(f'"{name}"' for name in classes)
    nothing = " AND ".join(f'coalesce("{name}", 0) = 0' for name in classes)
    # A call that used nothing at all costs exactly 0 and says so in a line; otherwise classes with 0 are left out.
    kept = ", ".join(
        f'CASE WHEN {nothing} THEN 0 ELSE nullif("{name}", 0) END AS "{name}"'
        if name == classes[0]
        else f'nullif("{name}", 0) AS "{name}"'
        for name in classes
    )
    return f"""
        SELECT used.* EXCLUDE (key, slot),
            (part * {numbering.PART} + slot * {numbering.ORDINALS} + coalesce(ordinal, 0))::INTEGER AS line,
            coalesce(kind, 'list') AS kind, unit_price, quantity::DECIMAL(17,0) * unit_price AS cost, price_version,
            CASE WHEN stated_cost IS NOT NULL THEN 'stated' WHEN unit_price IS NULL THEN 'unpriced' ELSE 'metered' END AS state,
            CASE WHEN unit_price IS NULL THEN coalesce(reason, part_model || ' has no price for ' || used.usage_class) ELSE
            nullif(note, '') END AS reason
        FROM (
            SELECT * FROM (
                UNPIVOT (SELECT {carried}, {kept} FROM chunk_keyed WHERE usage_known AND billed)
                ON {quoted} INTO NAME usage_class VALUE quantity
            ) JOIN usage_slots USING (usage_class)
        ) AS used
        LEFT JOIN chunk_quotes ON used.key = chunk_quotes.key AND used.usage_class = chunk_quotes.usage_class
        LEFT JOIN chunk_reasons ON used.key = chunk_reasons.key"""


def _special(carried: str) -> str:
    """One line for each attempt that is not billed (exactly 0), or whose usage is unknown (NULL)."""
    return f"""
        SELECT {carried.replace("key, ", "")}, NULL::VARCHAR AS usage_class, NULL::BIGINT AS quantity,
            (part * {numbering.PART} + CASE WHEN billed THEN {numbering.USAGE_MISSING} ELSE {numbering.NOT_BILLED} END)::INTEGER
            AS line, 'list' AS kind, NULL::{UNIT_PRICE} AS unit_price, CASE WHEN billed THEN NULL ELSE 0 END::DECIMAL(38,18) AS
            cost, NULL::VARCHAR AS price_version, CASE WHEN NOT billed THEN 'not_billed' WHEN stated_cost IS NOT NULL THEN
            'stated' ELSE 'usage_missing' END AS state, CASE WHEN billed THEN 'the source does not say what was used' END AS
            reason
        FROM chunk_keyed WHERE NOT usage_known OR NOT billed"""


def _stated() -> str:
    """Where the vendor states what it bills, a line carries the difference to list, so that lines sum to the stated cost."""
    others = ", ".join(
        f"any_value({name}) AS {name}" for name in ("occurred_at", "provider", "part_model", *DIMENSIONS, "rung", "stated_cost")
    )
    reason = (
        "CASE WHEN count(*) = count(cost) THEN 'vendor''s stated cost less list' ELSE 'vendor''s stated cost; no list price' END"
    )
    return f"""
        SELECT call_id, attempt, 0::SMALLINT AS part, {others}, {numbering.STATED} AS line, 'stated' AS kind, 'stated' AS state,
            any_value(stated_cost) - coalesce(sum(cost), 0) AS cost, {reason} AS reason
        FROM chunk_priced WHERE stated_cost IS NOT NULL
        GROUP BY call_id, attempt HAVING any_value(stated_cost) <> coalesce(sum(cost), 0) OR count(cost) < count(*)"""


def _line_column(name: str, cost_class: Sequence[CostClassRule]) -> str:
    if name == "recorded_at":
        return "$recorded_at::TIMESTAMP AS recorded_at"
    if name == "cost_class":
        return f"{cost_class_case(cost_class)} AS cost_class"
    source = {"model": "part_model", "adjustment_of": "NULL"}.get(name, name)
    return f"CAST({source} AS {COST_LINES[name]}) AS {name}"


def _condition(rule: CostClassRule) -> str:
    parts = [f"{dimension} = {_literal(value)}" for dimension, value in rule.conditions()]
    parts += [f"occurred_at >= TIMESTAMP '{rule.since.isoformat(' ')}'"] if rule.since else []
    parts += [f"occurred_at < TIMESTAMP '{rule.until.isoformat(' ')}'"] if rule.until else []
    return " AND ".join(parts) or "TRUE"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _from_rows(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: object, path: Path) -> None:
    encoder = msgspec.json.Encoder()
    with path.open("wb") as stream:
        for row in rows:  # type: ignore[attr-defined] # an iterable of mappings
            stream.write(encoder.encode(row))
            stream.write(b"\n")
    declared = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
    target = str(path).replace("'", "''")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM read_ndjson('{target}', columns={{{declared}}})")
    path.unlink()


def all_input_tokens(classes: Sequence[str]) -> str:
    """The SQL expression for all input tokens of one model iteration."""
    names = [name for name in classes if name in INPUT_TOKEN_CLASSES]
    return " + ".join(f'coalesce("{name}", 0)' for name in names) or "0"


def class_sum(classes: Sequence[str], direction: str, cache: str) -> str:
    """The SQL expression for the tokens of one direction and cache action; reasoning counts apart, as direction `reasoning`."""
    names = [
        usage_class.name
        for usage_class in CLASSES
        if usage_class.name in classes
        and usage_class.unit == "tokens"
        and ("reasoning" if usage_class.name == "reasoning" else usage_class.direction) == direction
        and usage_class.cache == cache
    ]
    return " + ".join(f'coalesce("{name}", 0)' for name in names) or "0"
