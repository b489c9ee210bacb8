"""Calls as OpenTelemetry spans by the GenAI conventions, old names beside new ones, posted as OTLP/HTTP in JSON.

The engine writes each span as text; here they are only put into batches and sent. A span's ids follow from the call's, so that
sending a period again describes the same spans. Token counts are inclusive, as the conventions say: input contains
cache reads and writes, output contains reasoning. Prompts and answers are never sent, and users only where asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from breakeven import __version__
from breakeven.economics.periods import Period
from breakeven.errors import Unreachable, UsageError
from breakeven.exchange.sinks.port import NotSent
from breakeven.exchange.sinks.posting import post
from breakeven.ledger import Ledger

BATCH_SPANS = 1_000
SECONDS = 30.0
INPUT = "input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)"
OUTPUT = "output_tokens + coalesce(reasoning_tokens, 0)"
OPERATION = "CASE WHEN api LIKE '%embed%' THEN 'embeddings' ELSE 'chat' END"


class _Attribute(NamedTuple):
    kind: str  # of OTLP's values
    value: str  # SQL over one call; where it is null the span has no such attribute


_ATTRIBUTES: Mapping[str, _Attribute] = {
    "gen_ai.provider.name": _Attribute("stringValue", "provider"),
    "gen_ai.system": _Attribute("stringValue", "provider"),
    "gen_ai.operation.name": _Attribute("stringValue", OPERATION),
    "gen_ai.request.model": _Attribute("stringValue", "coalesce(model_requested, model)"),
    "gen_ai.response.model": _Attribute("stringValue", "model"),
    "gen_ai.conversation.id": _Attribute("stringValue", "trace_id"),
    "gen_ai.usage.input_tokens": _Attribute("intValue", INPUT),
    "gen_ai.usage.prompt_tokens": _Attribute("intValue", INPUT),
    "gen_ai.usage.output_tokens": _Attribute("intValue", OUTPUT),
    "gen_ai.usage.completion_tokens": _Attribute("intValue", OUTPUT),
    "gen_ai.usage.cache_read.input_tokens": _Attribute("intValue", "cache_read_tokens"),
    "gen_ai.usage.cache_write.input_tokens": _Attribute("intValue", "cache_write_tokens"),
    "gen_ai.usage.cache_creation.input_tokens": _Attribute("intValue", "cache_write_tokens"),
    "gen_ai.usage.reasoning.output_tokens": _Attribute("intValue", "reasoning_tokens"),
    "gen_ai.usage.cost": _Attribute("doubleValue", "cost"),
    "openai.response.service_tier": _Attribute(
        "stringValue", "CASE WHEN provider = 'openai' THEN pricing_context ->> 'service_tier' END"
    ),
    "error.type": _Attribute("stringValue", "CASE WHEN status <> 'ok' THEN coalesce(CAST(http_status AS VARCHAR), status) END"),
    "breakeven.cost_usd": _Attribute("stringValue", "cost"),  # every digit, which a double cannot hold
    "breakeven.state": _Attribute("stringValue", "state"),
    "breakeven.feature": _Attribute("stringValue", "feature"),
    "breakeven.team": _Attribute("stringValue", "team"),
    "breakeven.customer": _Attribute("stringValue", "customer"),
    "breakeven.workflow": _Attribute("stringValue", "workflow"),
    "breakeven.rung": _Attribute("stringValue", "rung"),
    "deployment.environment.name": _Attribute("stringValue", "environment"),
}
_AFTER = "(occurred_at, call_id, attempt) > (CAST($at AS TIMESTAMP), CAST($call AS UUID), CAST($attempt AS SMALLINT))"
_USER = {"user.id": _Attribute("stringValue", "user_id"), "enduser.id": _Attribute("stringValue", "user_id")}


@dataclass(frozen=True, slots=True)
class Sent:
    """What a receiver has taken: spans, or points of metrics."""

    taken: int
    batches: int


def push(ledger: Ledger, period: Period, endpoint: str, headers: Mapping[str, str], *, users: bool = False) -> Sent:
    """Send the calls of a period. Raises UsageError (an address that is none) and Unreachable (not taken; says how far it came)."""
    url = receiver_url(endpoint, "traces")
    spans = batches = 0
    for body, count in _bodies(ledger, period, users=users):
        try:
            post(url, body, headers, SECONDS)
        except NotSent as error:
            raise Unreachable(
                f"{spans:,} spans were sent, then {error.what}",
                f"{error.remedy} Sending the period again repeats the same span ids.",
            ) from None
        spans, batches = spans + count, batches + 1
    return Sent(spans, batches)


def receiver_url(endpoint: str, signal: str) -> str:
    """The address for a signal (traces, metrics): as given where it names a path, else with OTLP's own."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{endpoint!r} is not an address of a receiver", "Write for example: --endpoint http://localhost:4318")
    return endpoint if parts.path.strip("/") else f"{endpoint.rstrip('/')}/v1/{signal}"


def header_pairs(text: str) -> dict[str, str]:
    """Headers as OTEL_EXPORTER_OTLP_HEADERS has them: name=value, with commas between. Raises UsageError."""
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    if any(not (name and equals) for name, equals, _ in pairs):
        raise UsageError("OTEL_EXPORTER_OTLP_HEADERS is not a list of NAME=VALUE", "Write for example: api-key=...,tenant=a")
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


def _bodies(ledger: Ledger, period: Period, *, users: bool) -> Iterator[tuple[bytes, int]]:
    cursor = ledger.connection.cursor()
    cursor.execute(span_select(users=users), {"start": period.start, "end": period.end})
    while batch := cursor.fetchmany(BATCH_SPANS):
        yield span_body(row[0] for row in batch), len(batch)


def span_body(spans: Iterable[str]) -> bytes:
    """One request of spans, of their texts."""
    return scoped("Spans", f'"spans":[{",".join(spans)}]')


def scoped(signal: str, content: str) -> bytes:
    """One export request of a signal (Spans, Metrics): who sends it, and the content."""
    resource = (
        '{"attributes":[{"key":"service.name","value":{"stringValue":"breakeven"}},'
        f'{{"key":"service.version","value":{{"stringValue":"{__version__}"}}}}]}}'
    )
    scope = f'[{{"scope":{{"name":"breakeven","version":"{__version__}"}},{content}}}]'
    return f'{{"resource{signal}":[{{"resource":{resource},"scope{signal}":{scope}}}]}}'.encode()


def span_select(*, users: bool, after: bool = False) -> str:
    """The spans of the calls from $start until $end, in order; with `after` those behind $at, $call and $attempt.

    Beside its text, a span has what says where it stands: when the call was made, its id and its attempt.
    """
    named = {**_ATTRIBUTES, **(_USER if users else {})}
    attributes = ", ".join(_attribute(name, one) for name, one in named.items())
    start = "epoch_us(occurred_at) * 1000"
    return f"""
        WITH costs AS (
            SELECT call_id, attempt, sum(cost) AS cost FROM cost_lines
            WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) GROUP BY ALL
        ),
        told AS (
            SELECT calls.*, CASE WHEN state NOT IN ('unpriced', 'usage_missing') THEN cost END AS cost
            FROM calls LEFT JOIN costs ON costs.call_id = calls.call_id AND costs.attempt = calls.attempt
            WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        )
        SELECT '{{"traceId":"' || CASE WHEN regexp_matches(trace_id, '^[0-9a-f]{{32}}$') THEN trace_id
                ELSE md5(coalesce(trace_id, CAST(call_id AS VARCHAR))) END
            || '","spanId":"' || left(md5(concat(call_id, '/', attempt)), 16)
            || '","name":' || CAST(to_json(concat_ws(' ', {OPERATION}, model)) AS VARCHAR)
            || ',"kind":3,"startTimeUnixNano":"' || {start} || '","endTimeUnixNano":"'
            || ({start} + coalesce(latency_ms, 0)::BIGINT * 1000000)
            || '","status":{{"code":' || CASE WHEN status = 'ok' THEN 1 ELSE 2 END
            || '}},"attributes":[' || concat_ws(',', {attributes}) || ']}}', occurred_at, CAST(call_id AS VARCHAR), attempt
        FROM told WHERE {_AFTER if after else "TRUE"} ORDER BY occurred_at, call_id, attempt"""


def _attribute(name: str, one: _Attribute) -> str:
    """The text of one attribute; null, and so left out, where its value is. OTLP's JSON has whole numbers as texts."""
    value = f"CAST(CAST({one.value} AS DOUBLE) AS VARCHAR)"
    if one.kind != "doubleValue":
        value = f"CAST(to_json(CAST({one.value} AS VARCHAR)) AS VARCHAR)"
    return f"""('{{"key":"{name}","value":{{"{one.kind}":' || {value} || '}}}}')"""
