"""OTLP traces: what instrumented applications export about their model calls, as JSON, JSON lines or protobuf.

Spans around calls (agents, tools, chains) are no calls. A call traced twice, by a framework and by the client that it uses, was
billed once: the outer span is kept as not billed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from breakeven.exchange.importers.claims import EMITTED
from breakeven.exchange.importers.documents import Document, documents
from breakeven.exchange.importers.genai import Span, has_usage, is_call, row_of
from breakeven.exchange.importers.records import whole
from breakeven.exchange.importers.recordwise import RecordImporter, Row, RowFault
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target

_ERROR = (2, "2", "STATUS_CODE_ERROR")
_HEX = (16, 32)


class _Value(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bool_value: bool | None = None
    array_value: Any = None
    kvlist_value: Any = None


class _Attribute(msgspec.Struct):
    key: str
    value: _Value = msgspec.field(default_factory=_Value)


class _Status(msgspec.Struct):
    code: int | str = 0


class _SpanNode(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str | None = None
    name: str = ""
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[_Attribute] = []
    status: _Status = msgspec.field(default_factory=_Status)


class _Scope(msgspec.Struct):
    name: str = ""


class _ScopeSpans(msgspec.Struct):
    scope: _Scope = msgspec.field(default_factory=_Scope)
    spans: list[_SpanNode] = []


class _Resource(msgspec.Struct):
    attributes: list[_Attribute] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    scope_spans: list[_ScopeSpans] = []


class _Export(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []


_DECODER = msgspec.json.Decoder(_Export)


def spans_of_json(body: bytes) -> list[Span]:
    """The spans of an export in JSON. Raises RowFault where it is none."""
    try:
        return _spans(_DECODER.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise RowFault(f"this is no OTLP export in JSON: {error}", remedy="Send an ExportTraceServiceRequest.") from error


def spans_of_protobuf(body: bytes) -> list[Span]:
    """The spans of an export in protobuf. Raises RowFault where it is none."""
    try:
        export = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise RowFault(f"this is no OTLP export in protobuf: {error}", remedy="Send an ExportTraceServiceRequest.") from error
    found: list[Span] = []
    for resource_spans in export.resource_spans:
        resource = _plain(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            emitter = scope_spans.scope.name
            found += [
                Span(
                    span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.start_time_unix_nano,
                    span.end_time_unix_nano, span.status.code == 2, _plain(span.attributes), resource, emitter,  # noqa: PLR2004 - ERROR
                )
                for span in scope_spans.spans
            ]  # fmt: skip
    return found


def _spans(export: _Export) -> list[Span]:
    found: list[Span] = []
    for resource_spans in export.resource_spans:
        resource = _values(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            emitter = scope_spans.scope.name
            found += [
                Span(
                    _id(span.trace_id), _id(span.span_id), _id(span.parent_span_id or ""), span.name,
                    int(span.start_time_unix_nano), int(span.end_time_unix_nano), span.status.code in _ERROR,
                    _values(span.attributes), resource, emitter,
                )
                for span in scope_spans.spans
            ]  # fmt: skip
    return found


def _id(text: str) -> str:
    """Ids are hexadecimal in OTLP's JSON; some exporters write base64, as protobuf's JSON does for bytes."""
    if len(text) in _HEX or not text:
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        return text


def _values(attributes: Iterable[_Attribute]) -> dict[str, object]:
    found: dict[str, object] = {}
    for attribute in attributes:
        value = attribute.value
        if value.string_value is not None:
            found[attribute.key] = value.string_value
        elif value.int_value is not None:
            found[attribute.key] = int(value.int_value)
        elif value.double_value is not None:
            found[attribute.key] = value.double_value
        elif value.bool_value is not None:
            found[attribute.key] = value.bool_value
    return found


def _plain(attributes: Any) -> dict[str, object]:  # noqa: ANN401 - a repeated field of protobuf
    found: dict[str, object] = {}
    for attribute in attributes:
        kind = attribute.value.WhichOneof("value")
        if kind in ("string_value", "int_value", "double_value", "bool_value"):
            found[attribute.key] = getattr(attribute.value, kind)
    return found


def calls_of(
    spans: Sequence[Span], cache: str | None = None, enclosing: MutableMapping[tuple[str, str], None] | None = None
) -> list[Row]:
    """The rows of all spans that are calls.

    `enclosing` remembers between batches which spans lie around calls: inner ones end, and are exported, first.
    """
    around = {} if enclosing is None else enclosing
    calls = [span for span in spans if is_call(span)]
    parents = {(span.trace, span.span): span.parent for span in spans}
    for span in calls:
        if has_usage(span):
            _mark(span, parents, around)
    for span in spans:  # one whose calls came with an earlier batch: what lies around it lies around them
        if (span.trace, span.span) in around:
            _mark(span, parents, around)
    return [row_of(span, encloses=(span.trace, span.span) in around, cache=cache) for span in calls]


def _mark(span: Span, parents: Mapping[tuple[str, str], str], around: MutableMapping[tuple[str, str], None]) -> None:
    parent = span.parent
    while parent and (key := (span.trace, parent)) not in around:
        around[key] = None
        parent = parents.get(key, "")


def opened(path: Path) -> Iterator[Document]:
    """The exports of a file: JSON, JSON lines, one protobuf message, or several with their lengths before them."""
    content = whole(path)
    if content.lstrip()[:1] in (b"{", b"["):
        yield from documents(path)
        return
    messages = _framed(content)
    for number, message in enumerate(messages, 1):
        yield Document(f"{path}#{number}" if len(messages) > 1 else str(path), {"protobuf": message}, message)


def _framed(content: bytes) -> list[bytes]:
    """The collector's file exporter writes each message after its length, four bytes."""
    messages: list[bytes] = []
    place = 0
    while place + 4 <= len(content):
        length = int.from_bytes(content[place : place + 4])
        if not 0 < length <= len(content) - place - 4:
            return [content]
        messages.append(content[place + 4 : place + 4 + length])
        place += 4 + length
    return messages if messages and place == len(content) else [content]


def spans_in(node: Mapping[str, Any]) -> list[Span]:
    """The spans of one record of a file; a record that holds an export as a member is opened."""
    if isinstance(node.get("protobuf"), bytes):
        return spans_of_protobuf(node["protobuf"])
    export = (
        node
        if "resourceSpans" in node
        else next((value for value in node.values() if isinstance(value, dict) and "resourceSpans" in value), None)
    )
    if export is None:
        raise RowFault("it has no resourceSpans", remedy="Give OTLP exports of traces; logs and metrics hold no calls.")
    return spans_of_json(msgspec.json.encode(export))


@dataclass(frozen=True, slots=True)
class Otlp:
    """The importer `otlp`."""

    name: str = "otlp"
    summary: str = "OTLP traces with GenAI, OpenInference, OpenLLMetry or Langfuse attributes: JSON, JSON lines, protobuf."
    suffixes: tuple[str, ...] = (".json", ".jsonl", ".ndjson", ".pb", ".bin")

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Read all spans, keep those that are calls, meter each by its emitter's rule."""
        constants = dict(request.constants)
        cache = constants.pop("cache", None)
        around: dict[tuple[str, str], None] = {}
        seen = [0]

        def rows(node: Mapping[str, Any]) -> list[Row]:
            spans = spans_in(node)
            seen[0] += len(spans)
            return calls_of(spans, cache, around)

        reader = RecordImporter(
            self.name, self.summary, rows, self.suffixes, opened, lambda found: enclosed(found, around), claim=EMITTED
        )
        report = reader.run(replace(request, constants=constants), target)
        request.say(f"{seen[0]:,} spans; those that are model calls became calls, what lies around them did not")
        return report


def enclosed(rows: Sequence[Row], around: Mapping[tuple[str, str], None]) -> Sequence[Row]:
    """Rows whose inner call stands in a later record of the files are not billed either."""
    for row in rows:
        _, trace, span = str(row["identity"]).split(":", 2)
        if (trace, span) in around:
            row["billed"] = False
    return rows


OTLP = Otlp()
