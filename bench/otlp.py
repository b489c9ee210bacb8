"""How many spans a second one core takes: decoded, read, metered, priced, written to the disk and acknowledged.

Run: python -m bench otlp. The receiver of the web port is called as its route calls it, without HTTP; sending runs elsewhere.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from breakeven.exchange.importers.genai import Span
from breakeven.exchange.importers.otlp import calls_of, spans_of_json, spans_of_protobuf
from breakeven.ledger import open_ledger
from breakeven.web.received import Receiver, Sender

BATCH = 512
BATCHES = 40
ROUNDS = 5


def main() -> None:
    """Both encodings, in batches as exporters send them."""
    start = datetime(2026, 11, 1, tzinfo=UTC)
    protobuf = [_export(start + timedelta(seconds=number), number).SerializeToString() for number in range(BATCHES)]
    as_json = [_json(start + timedelta(seconds=number), number) for number in range(BATCHES)]
    _told("protobuf", protobuf, spans_of_protobuf)
    _told("JSON", as_json, spans_of_json)


def _told(name: str, bodies: Sequence[bytes], read: Callable[[bytes], list[Span]]) -> None:
    rates, used = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
            open_ledger(Path(folder) / "ledger", write=True, create=True).close()
            receiver = Receiver(Path(folder) / "ledger", None, "127.0.0.1")
            _take(receiver, bodies[0], read)  # prices are loaded
            started, cpu = time.perf_counter(), time.process_time()
            for body in bodies:
                _take(receiver, body, read)
            rates.append(BATCH * len(bodies) / (time.perf_counter() - started))
            used.append((time.process_time() - cpu) / (BATCH * len(bodies)) * 1e6)
            receiver.close()
    size = sum(map(len, bodies)) / (BATCH * len(bodies))
    rate, cpu = statistics.median(rates), statistics.median(used)
    print(f"OTLP {name:8} {rate:10,.0f} spans/s; {cpu:6.1f} µs of CPU a span of {size:,.0f} bytes: {1e6 / cpu:,.0f} on a core")


def _take(receiver: Receiver, body: bytes, read: Callable[[bytes], list[Span]]) -> None:
    rows = calls_of(read(body), None, receiver.enclosing)
    receiver.keep(receiver.staged(rows, Sender()), "api:otlp", datetime.now(UTC).replace(tzinfo=None))


def _attributes(number: int) -> dict[str, str | int]:
    return {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.response.id": f"chatcmpl-{number:012d}",
        "server.address": "api.openai.com", "gen_ai.openai.response.service_tier": "default",
        "gen_ai.usage.input_tokens": 900 + number % 300, "gen_ai.usage.output_tokens": 100 + number % 50,
        "gen_ai.usage.cache_read.input_tokens": 256, "gen_ai.request.temperature": 1, "session.id": f"session-{number % 97}",
        "user.id": f"user-{number % 53}", "breakeven.customer": f"customer-{number % 11}",
    }  # fmt: skip


def _export(start: datetime, batch: int) -> ExportTraceServiceRequest:
    export = ExportTraceServiceRequest()
    resource_spans = export.resource_spans.add()
    _set(resource_spans.resource.attributes.add(), "service.name", "invoice-desk")
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "opentelemetry.instrumentation.openai_v2"
    for place in range(BATCH):
        number = batch * BATCH + place
        span = scope_spans.spans.add()
        span.trace_id, span.span_id = (number + 1).to_bytes(16, "big"), (number + 1).to_bytes(8, "big")
        span.name = "chat gpt-4o"
        span.start_time_unix_nano = int(start.timestamp() * 1e9) + place * 1_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + 800_000_000
        for name, value in _attributes(number).items():
            _set(span.attributes.add(), name, value)
    return export


def _set(attribute: object, name: str, value: str | int) -> None:
    attribute.key = name  # type: ignore[attr-defined] # a message of protobuf
    if isinstance(value, str):
        attribute.value.string_value = value  # type: ignore[attr-defined] # as above
    else:
        attribute.value.int_value = value  # type: ignore[attr-defined] # as above


def _json(start: datetime, batch: int) -> bytes:
    spans = []
    for place in range(BATCH):
        number = batch * BATCH + place
        begun = int(start.timestamp() * 1e9) + place * 1_000_000
        spans.append({
            "traceId": f"{number + 1:032x}", "spanId": f"{number + 1:016x}", "name": "chat gpt-4o", "kind": 3,
            "startTimeUnixNano": str(begun), "endTimeUnixNano": str(begun + 800_000_000), "status": {},
            "attributes": [
                {"key": name, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}
                for name, value in _attributes(number).items()
            ],
        })  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "invoice-desk"}}]}
    scope = {"scope": {"name": "opentelemetry.instrumentation.openai_v2"}, "spans": spans}
    return msgspec.json.encode({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]})


if __name__ == "__main__":
    main()
