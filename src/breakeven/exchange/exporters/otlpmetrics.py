"""Calls as OpenTelemetry metrics by the GenAI conventions, hour by hour, posted as OTLP/HTTP in JSON.

    gen_ai.client.token.usage          histogram, {token}: of a call, input with cache reads and writes, output with reasoning
    gen_ai.client.operation.duration   histogram, s
    breakeven.cost                     sum, USD: known cost, adjustments included
    breakeven.calls                    sum, {call}

Every point is the change of one hour (delta temporality), so a period that is sent twice counts twice at the receiver: send each
period once, when it is over. Customers and users are left out, since each would be a series of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

import duckdb

from breakeven.economics.periods import Period
from breakeven.errors import Unreachable
from breakeven.exchange.exporters.otlp import INPUT, OPERATION, OUTPUT, SECONDS, Sent, receiver_url, scoped
from breakeven.exchange.sinks.port import NotSent
from breakeven.exchange.sinks.posting import post
from breakeven.ledger import Ledger

BATCH_POINTS = 1_000
DELTA, CUMULATIVE = 1, 2
TOKEN_BOUNDS = tuple(4**power for power in range(14))
DURATION_BOUNDS = tuple(0.01 * 2**power for power in range(14))
"""Both as the conventions advise."""
_NAMED: Mapping[str, str] = {
    "gen_ai.provider.name": "provider",
    "gen_ai.operation.name": OPERATION,
    "gen_ai.request.model": "coalesce(model_requested, model)",
    "gen_ai.response.model": "model",
    "breakeven.feature": "feature",
    "deployment.environment.name": "environment",
}
_ERROR = "CASE WHEN status <> 'ok' THEN coalesce(CAST(http_status AS VARCHAR), status) END"
_WITHIN = "occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)"
_HOUR = "epoch_us(date_trunc('hour', occurred_at)) * 1000"
_NANOSECONDS_OF_AN_HOUR = 3_600 * 10**9


def push_metrics(ledger: Ledger, period: Period, endpoint: str, headers: Mapping[str, str]) -> Sent:
    """Send the metrics of a period. Raises UsageError (no address) and Unreachable (not taken; says how far it came)."""
    url = receiver_url(endpoint, "metrics")
    points = batches = 0
    for name, unit, found in metrics(ledger.connection, period):
        while batch := list(islice(found, BATCH_POINTS)):
            try:
                post(url, metric_body([metric(name, unit, batch, DELTA)]), headers, SECONDS)
            except NotSent as error:
                raise Unreachable(
                    f"{points:,} points were sent, then {error.what}", f"{error.remedy} What was sent counts."
                ) from None
            points, batches = points + len(batch), batches + 1
    return Sent(points, batches)


def metrics(
    connection: duckdb.DuckDBPyConnection, period: Period, at: str = _HOUR
) -> Iterator[tuple[str, str, Iterator[dict[str, Any]]]]:
    """Name, unit and points of each metric; a point for each combination of attributes and value of `at`, which is SQL.

    Amounts are texts here, with every digit.
    """
    tokens = f"""SELECT *, unnest(['input', 'output']) AS token_type, unnest([{INPUT}, {OUTPUT}]) AS measured
        FROM calls WHERE {_WITHIN} AND input_tokens IS NOT NULL AND call_count = 1"""
    took = f"SELECT *, latency_ms / 1000.0 AS measured FROM calls WHERE {_WITHIN} AND latency_ms IS NOT NULL AND call_count = 1"
    spent = f"""SELECT line.*, api, model_requested FROM (SELECT * FROM cost_lines WHERE {_WITHIN} AND cost IS NOT NULL) AS line
        LEFT JOIN (SELECT call_id, attempt, api, model_requested FROM calls WHERE {_WITHIN}) AS of USING (call_id, attempt)"""
    made = f"SELECT * FROM calls WHERE {_WITHIN} AND attempt = 0"
    by_type = {**_NAMED, "gen_ai.token.type": "token_type"}
    by_error = {**_NAMED, "error.type": _ERROR}
    yield "gen_ai.client.token.usage", "{token}", _histogram(_Asked(connection, period, tokens, by_type, at), TOKEN_BOUNDS)
    yield "gen_ai.client.operation.duration", "s", _histogram(_Asked(connection, period, took, by_error, at), DURATION_BOUNDS)
    yield "breakeven.cost", "USD", _sum(_Asked(connection, period, spent, _NAMED, at), "CAST(sum(cost) AS VARCHAR)", "asDouble")
    yield (
        "breakeven.calls",
        "{call}",
        _sum(_Asked(connection, period, made, by_error, at), "CAST(sum(call_count) AS VARCHAR)", "asInt"),
    )


class _Asked(NamedTuple):
    """What points are made of: the rows of a period, what their attributes are, and what tells when they are."""

    connection: duckdb.DuckDBPyConnection
    period: Period
    rows: str
    named: Mapping[str, str]
    at: str

    @property
    def columns(self) -> str:
        return f"{self.at} AS hour, {', '.join(self.named.values())}"


def _histogram(asked: _Asked, bounds: Sequence[float]) -> Iterator[dict[str, Any]]:
    """A point for each hour and combination of attributes: how many values lie above the bound before and up to each bound."""
    limits = f"[{', '.join(f'{bound}::DOUBLE' for bound in bounds)}]"
    sql = f"""
        SELECT {asked.columns}, len(list_filter({limits}, lambda bound: bound < measured)) AS bucket, count(*),
            CAST(sum(measured) AS DOUBLE), CAST(min(measured) AS DOUBLE), CAST(max(measured) AS DOUBLE)
        FROM ({asked.rows}) GROUP BY ALL ORDER BY ALL"""
    width = 1 + len(asked.named)
    for key, group in groupby(_rows(asked, sql), key=lambda row: row[:width]):
        parts = list(group)
        counts = [0] * (len(bounds) + 1)
        for row in parts:
            counts[row[width]] = row[width + 1]
        yield {
            **_point(key, asked.named),
            "count": str(sum(counts)),
            "sum": sum(row[width + 2] for row in parts),
            "min": min(row[width + 3] for row in parts),
            "max": max(row[width + 4] for row in parts),
            "bucketCounts": [str(count) for count in counts],
            "explicitBounds": list(bounds),
        }


def _sum(asked: _Asked, amount: str, kind: str) -> Iterator[dict[str, Any]]:
    sql = f"SELECT {asked.columns}, {amount} FROM ({asked.rows}) GROUP BY ALL ORDER BY ALL"
    for row in _rows(asked, sql):
        yield {**_point(row[:-1], asked.named), kind: row[-1]}


def _rows(asked: _Asked, sql: str) -> Iterator[tuple[Any, ...]]:
    cursor = asked.connection.cursor()
    cursor.execute(sql, {"start": asked.period.start, "end": asked.period.end})
    while block := cursor.fetchmany(10_000):
        yield from block


def _point(key: Sequence[Any], named: Mapping[str, str]) -> dict[str, Any]:
    """Where a point stands: its hour, and the attributes that are known."""
    hour, values = key[0], key[1:]
    attributes = [
        {"key": name, "value": {"stringValue": str(value)}} for name, value in zip(named, values, strict=True) if value is not None
    ]
    return {"startTimeUnixNano": str(hour), "timeUnixNano": str(hour + _NANOSECONDS_OF_AN_HOUR), "attributes": attributes}


def metric(name: str, unit: str, points: Sequence[Mapping[str, Any]], temporality: int) -> dict[str, Any]:
    """One metric with its points, as OTLP has it."""
    data: dict[str, Any] = {"aggregationTemporality": temporality, "dataPoints": [_as_told(point) for point in points]}
    if "count" in points[0]:
        return {"name": name, "unit": unit, "histogram": data}
    return {"name": name, "unit": unit, "sum": {**data, "isMonotonic": name != "breakeven.cost"}}  # a cost may be taken back


def metric_body(found: Sequence[Mapping[str, Any]]) -> bytes:
    """One request of metrics."""
    return scoped("Metrics", f'"metrics":{json.dumps(found)}')


def _as_told(point: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**point, "asDouble": float(point["asDouble"])} if "asDouble" in point else point
