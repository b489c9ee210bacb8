"""The routes that take calls from elsewhere: OTLP traces, calls in plain words, what LiteLLM's generic callback posts.

They answer when everything that could be taken is on the disk. What cannot be taken is named, and loses no other.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec
from anyio import to_thread
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, HTTPException
from litestar.params import SkipValidation
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from breakeven.exchange.importers.gateways import CALLBACK
from breakeven.exchange.importers.otlp import calls_of, spans_of_json, spans_of_protobuf
from breakeven.exchange.importers.posted import POSTED
from breakeven.exchange.importers.recordwise import RecordImporter, Row, RowFault
from breakeven.web.dependencies import AtDesk, AtDoor
from breakeven.web.desk import Desk
from breakeven.web.received import Receiver, Sender
from breakeven.web.visitors import Asking, Door

Taking = NamedDependency[SkipValidation[Receiver]]
MOST_ROWS = 10_000
LARGEST_UNPACKED = 128 * 1024 * 1024
_PROTOBUF = "application/x-protobuf"
_TOO_LARGE = 413
_GZIP = 31
"""zlib's window bits for a gzip stream."""


class NotTaken(msgspec.Struct, frozen=True):
    """A row that was not taken: where it stands, what is wrong with it, what to do."""

    index: int
    what: str
    remedy: str


class Taken(msgspec.Struct, frozen=True):
    """How many rows were taken, and which were not."""

    accepted: int
    rejected: list[NotTaken]


@post("/v1/traces", status_code=200, opt={"open": True}, include_in_schema=False)
async def traces(request: Asking, desk: AtDesk, door: AtDoor, receiver: Taking) -> Response[bytes]:
    """Take an OTLP export of traces, in protobuf or JSON; spans that are model calls become calls."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()

    def take() -> bytes:
        sender = _sender(request, door, receiver)
        content = _unpacked(body, request.headers.get("content-encoding", ""))
        try:
            spans = spans_of_json(content) if "json" in kind else spans_of_protobuf(content)
        except RowFault as fault:
            raise ClientException(f"{fault.what} {fault.remedy}") from fault
        with receiver.tracing:
            rows = calls_of(spans, None, receiver.enclosing)
        kept, refused = _checked([(number, [row]) for number, row in enumerate(rows)], receiver, sender)
        receiver.keep(kept, "api:otlp", desk.clock())
        return answer_of(refused, as_json="json" in kind)

    return Response(await to_thread.run_sync(take), media_type="application/json" if "json" in kind else _PROTOBUF)


def answer_of(refused: list[NotTaken], *, as_json: bool) -> bytes:
    """What an exporter is answered: success, and how many spans could not be taken with the first reason."""
    answer = ExportTraceServiceResponse()
    if refused:
        answer.partial_success.rejected_spans = len(refused)
        answer.partial_success.error_message = f"{refused[0].what}. {refused[0].remedy}"
    if not as_json:
        return bytes(answer.SerializeToString())
    partial = {"rejectedSpans": str(len(refused)), "errorMessage": answer.partial_success.error_message}
    return msgspec.json.encode({"partialSuccess": partial} if refused else {})


@post("/api/v1/calls", status_code=200, opt={"open": True})
async def calls(request: Asking, desk: AtDesk, door: AtDoor, receiver: Taking) -> Taken:
    """Take a batch of calls: `{"calls": [{"at", "model", "usage", ...}]}`. The answer comes when they are on the disk."""
    return await _taken(request, desk, door, receiver, POSTED, "api:calls", "calls")


@post("/api/v1/litellm", status_code=200, opt={"open": True})
async def litellm(request: Asking, desk: AtDesk, door: AtDoor, receiver: Taking) -> Taken:
    """Take what LiteLLM's generic callback posts: one record, an array of them, or JSON lines."""
    return await _taken(request, desk, door, receiver, CALLBACK, "api:litellm", None)


async def _taken(  # noqa: PLR0917 - what a route is given, and how its records are read
    request: Asking, desk: Desk, door: Door, receiver: Receiver, reader: RecordImporter, source: str, member: str | None
) -> Taken:
    body = await request.body()

    def take() -> Taken:
        sender = _sender(request, door, receiver)
        nodes = _nodes(_unpacked(body, request.headers.get("content-encoding", "")), member)
        read: list[tuple[int, list[Row]]] = []
        refused: list[NotTaken] = []
        now = desk.clock()
        for number, node in enumerate(nodes):
            try:
                if not isinstance(node, dict):
                    raise RowFault("it is no object", remedy="Send one object for each call.")  # noqa: TRY301 - told like the others
                read.append((number, reader.taken(node, {}, now)))
            except RowFault as fault:
                refused.append(NotTaken(number, fault.what, fault.remedy))
        kept, others = _checked(read, receiver, sender)
        receiver.keep(kept, source, now)
        return Taken(len(nodes) - len(refused) - len(others), sorted((*refused, *others), key=lambda each: each.index))

    return await to_thread.run_sync(take)


def _checked(read: Sequence[tuple[int, list[Row]]], receiver: Receiver, sender: Sender) -> tuple[list[Row], list[NotTaken]]:
    kept: list[Row] = []
    refused: list[NotTaken] = []
    for number, rows in read:
        try:
            kept += receiver.staged(rows, sender)
        except RowFault as fault:
            refused.append(NotTaken(number, fault.what, fault.remedy))
    return kept, refused


def _sender(request: Asking, door: Door, receiver: Receiver) -> Sender:
    door.known_host(request)
    return receiver.sender(request)


def _nodes(body: bytes, member: str | None) -> list[object]:
    """The records of a body. Raises ClientException where it holds none."""
    wanted = f'{{"{member}": [...]}} or an array' if member else "one record, an array, or JSON lines"
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        lines = [line for line in body.split(b"\n") if line.strip()]
        if member is not None or len(lines) < 2:  # noqa: PLR2004 - one line that is no JSON is no JSON lines
            raise ClientException(f"the body is no JSON: {error}. Send {wanted}.") from error
        return _bounded([_line(line) for line in lines])
    if isinstance(found, dict) and member is not None:
        found = found.get(member)
    elif isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise ClientException(f"the body is no batch. Send {wanted}.")
    return _bounded(found)


def _line(line: bytes) -> object:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _bounded(nodes: list[object]) -> list[object]:
    if len(nodes) > MOST_ROWS:
        raise ClientException(f"the batch has {len(nodes)} rows. Send at most {MOST_ROWS} at once.")
    return nodes


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its compression. Raises HTTPException where it is damaged, or larger than anybody's batch."""
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() not in ("gzip", "deflate"):
        raise HTTPException(f"The encoding {encoding!r} is not known; use gzip.", status_code=415)
    packer = zlib.decompressobj(_GZIP if encoding.lower() == "gzip" else zlib.MAX_WBITS)
    try:
        content = packer.decompress(body, LARGEST_UNPACKED)
    except zlib.error as error:
        raise ClientException(f"the body is no {encoding}: {error}") from error
    if packer.unconsumed_tail:
        raise HTTPException("The batch is too large; send less at once.", status_code=_TOO_LARGE)
    if not packer.eof:
        raise ClientException(f"the body is a {encoding} that was cut off")
    return content


RECEIVING = (traces, calls, litellm)
"""Routes that take calls."""
