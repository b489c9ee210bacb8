"""The metering state of a call: the weakest state among its current lines."""

from __future__ import annotations

import duckdb

from breakeven.ledger.engine import rollup_calls_select

WEAKEST_FIRST = ("usage_missing", "unpriced", "estimated", "stated", "metered", "invoiced", "not_billed")


def refresh_states(connection: duckdb.DuckDBPyConnection, lines: str) -> None:
    """Derive anew the state of the calls that the restated `lines` belong to, in `sealed.calls` and in the daily rollup.

    The rollup takes the old state's counts off and the new one's on, so that a sum over it is right without being rewritten.
    """
    ranks = "[" + ", ".join(f"'{state}'" for state in WEAKEST_FIRST) + "]"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE restated_calls AS
        WITH touched AS (SELECT DISTINCT call_id, attempt FROM {lines}),
        net AS (
            SELECT call_id, attempt, state
            FROM sealed.cost_lines SEMI JOIN touched USING (call_id, attempt)
            GROUP BY call_id, attempt, state HAVING sum(CASE WHEN adjustment_of IS NULL THEN 1 ELSE -1 END) > 0
        )
        SELECT call_id, attempt, {ranks}[min(list_position({ranks}, state))::BIGINT] AS new_state
        FROM net GROUP BY call_id, attempt""")
    changed = "sealed.calls JOIN restated_calls USING (call_id, attempt)"
    signed = (
        "(SELECT * REPLACE ({sign}call_count AS call_count, {tokens}, {state} AS state) FROM "
        + changed
        + " WHERE state <> new_state)"
    )
    tokens = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    for sign, state in (("-", "state"), ("", "new_state")):
        rows = signed.format(sign=sign, state=state, tokens=", ".join(f"{sign}{name} AS {name}" for name in tokens))
        connection.execute(f"INSERT INTO sealed.rollup_calls BY NAME {rollup_calls_select(rows)}")
    connection.execute("""
        UPDATE sealed.calls SET state = new_state FROM restated_calls AS restated
        WHERE calls.call_id = restated.call_id AND calls.attempt = restated.attempt AND calls.state <> new_state""")
