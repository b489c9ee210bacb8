"""Vendor responses: bodies and recorded streams as they came, alone or in records that say who was called and when.

A record is an object with the answer in `response`, `body` or `response_body`, and beside it what the answer cannot say:
`provider`, `api`, `url`, `model`, `at`, `http_status`, `context`, and attribution. A response id is one call, however often seen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from breakeven.economics.money import digits
from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.errors import DataError, Problem
from breakeven.exchange.importers.records import (
    CONTEXT_NAMES,
    SHOWN,
    Rejects,
    attributed,
    each_file,
    given,
    instant_of,
    object_text,
    pricing_context,
    say_sample,
    time_fault,
    whole,
)
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target
from breakeven.providers import Reading, call_of
from breakeven.providers.envelopes import opened
from breakeven.providers.reader import read_body, read_stream
from breakeven.providers.recordings import Body, Broken, Recording, decoded, recordings

Node = Mapping[str, Any]
_ANSWERS = ("response", "response_body", "body")
_TIMES = ("at", "timestamp", "time", "occurred_at", "started_at", "recorded_at")
_CREATED = ("created", "created_at", "createTime", "createdAt")
_SAID = ("provider", "api", "url", "model")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "feature": ("feature",),
    "team": ("team",),
    "customer": ("customer", "customer_id"),
    "user_id": ("user_id", "user"),
    "workflow": ("workflow",),
    "environment": ("environment",),
    "trace_id": ("trace_id", "session_id", "conversation_id"),
}
LATENCY_MAX_MS = 2**31 - 1
_STREAM_HEAD = 50
"""The instant of a stream stands in one of its first events."""
_GIVE_TIME = "Say it with --at INSTANT, or give records with `at` beside `response`."


@dataclass(frozen=True, slots=True)
class Found:
    """One answer with what stands beside it; `text` is the record for the rejects file."""

    recording: Recording
    beside: Node
    where: str
    text: bytes


@dataclass(slots=True)
class Answers:
    """The rows of each call, best reading first seen or fullest; rejects and doubts."""

    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    rank: dict[str, tuple[int, int]] = field(default_factory=dict)
    rejects: Rejects = field(default_factory=Rejects)
    problems: list[Problem] = field(default_factory=list)
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Responses:
    """The importer `responses`."""

    name: str = "responses"
    summary: str = "Response bodies and recorded streams of model vendors: JSON, arrays, JSONL, event streams."
    suffixes: tuple[str, ...] = (".json", ".jsonl", ".ndjson", ".sse", ".txt")

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Read all files, meter each answer by its vendor's rule, stage, commit."""
        constants = given(request, self.name, ("provider", "api", "url", "model", *CONTEXT_NAMES))
        answers = Answers()
        for path in each_file(request):
            _read_or_tell(path, request, constants, answers)
        rows = [row for rows in answers.rows.values() for row in rows]
        say_sample(request, rows)
        with target.ledger.intake(
            source=f"import:{self.name}", quotes=target.quotes, cost_class=target.cost_classes, recorded_at=request.now
        ) as intake:
            intake.stage_rows(rows, not_identifying=constants)
            result = intake.commit(dry_run=request.dry_run, progress=request.progress)
        result = replace(result, duplicates=result.duplicates + answers.repeated)
        rejects = answers.rejects
        paths = [] if request.dry_run else rejects.write(target.ledger.layout.rejects, self.name, request.now)
        problems = (*rejects.problems, *answers.problems[:SHOWN])
        more = len(answers.problems) - SHOWN
        notes = [f"{more:,} more doubts about bodies; `breakeven unpriced` lists what they leave open"] if more > 0 else []
        return ImportReport(result, len(request.files), rejects.count, paths, problems, [*notes, *rejects.notes(paths)])


def _read_or_tell(path: Path, request: ImportRequest, constants: Mapping[str, str], answers: Answers) -> None:
    """One file that holds no answers must not lose the others; alone, it is the answer."""
    try:
        for found in answers_of(path):
            _take(found, request, constants, answers)
    except DataError as error:
        if len(request.files) == 1:
            raise
        answers.rejects.file(path, error)


def answers_of(path: Path) -> Iterator[Found]:
    """Every answer of a file, unwrapped from its record. Raises DataError where nothing in the file is one."""
    content = whole(path)
    for recording in recordings(decoded(content, str(path)), str(path)):
        if isinstance(recording, Broken):
            yield Found(recording, {}, recording.problem.where, _line_of(content, recording.problem.where))
        elif isinstance(recording, Body):
            for inner, beside in _unwrapped(recording):
                yield Found(inner, beside, recording.where, _record(beside or {"response": recording.node}))
        else:
            yield Found(recording, {}, recording.where, _record({"response": content.decode(errors="replace")}))


def _record(node: Node) -> bytes:
    """A record for the rejects file, to which what is missing (`at`, `provider`) can be added."""
    return msgspec.json.encode(node)


def _line_of(content: bytes, where: str) -> bytes:
    number = where.rpartition(":")[2]
    lines = content.split(b"\n")
    return lines[int(number) - 1] if number.isdecimal() and 0 < int(number) <= len(lines) else content


def _unwrapped(body: Body) -> Iterator[tuple[Recording, Node]]:
    """The answer inside a record, or the body itself. Results of a vendor's own batch are opened by `providers`."""
    node = body.node
    name = next((name for name in _ANSWERS if isinstance(node.get(name), dict | str | list)), None)
    if name is None or "usage" in node or "custom_id" in node or "recordId" in node or node.get("type") == "message":
        yield body, {}
        return
    answer, beside = node[name], dict(node)
    if isinstance(answer, dict) and isinstance(answer.get("body"), dict | str) and "usage" not in answer:
        beside.setdefault("http_status", answer.get("status_code", answer.get("status")))
        answer = answer["body"]
    if isinstance(answer, dict):
        yield Body(answer, body.where), beside
        return
    text = answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()
    if not text.strip():
        yield Broken(Problem(body.where, "the answer in the record is empty", "Leave the record out, or give the answer.")), beside
        return
    try:
        found = list(recordings(text, body.where))
    except DataError as error:
        found = [Broken(Problem(body.where, error.what.removeprefix(f"{body.where}: "), error.remedy))]
    for recording in found:
        yield recording, beside


def _take(found: Found, request: ImportRequest, constants: Mapping[str, str], answers: Answers) -> None:
    """Meter one answer and keep its rows, or set the record aside."""
    if isinstance(found.recording, Broken):
        answers.rejects.add(found.where, found.recording.problem.what, found.text, found.recording.problem.remedy)
        return
    shown = _first(found.beside, _TIMES) or _created(found.recording)
    moment = instant_of(shown) if shown is not None else request.at
    fault = time_fault(moment, shown, request.now)
    if moment is None or fault is not None:
        answers.rejects.add(found.where, fault or "", found.text, _GIVE_TIME if shown is None else "Mend it in the rejects file.")
        return
    if request.since is not None and moment < request.since:
        return
    reading = metered(found, constants)
    if not reading.provider or reading.provider == "unknown":
        answers.rejects.add(found.where, "nothing says whose answer this is", found.text, "Say it with --provider.")
        return
    answers.problems += reading.problems
    rows = rows_of(found, reading, moment, constants)
    key = str(rows[0]["identity"] or f"{found.where}#{len(answers.rows)}")
    rank = (reading.state == "metered", sum(sum(part.usage.values()) for part in reading.parts))
    if key in answers.rows:
        answers.repeated += 1
        if _usage_of(rows) != _usage_of(answers.rows[key]):
            what = f"response {reading.response_id} was seen before with other usage; the fuller one counts"
            answers.problems.append(Problem(found.where, what, "Leave out what is not the final answer."))
    if key not in answers.rows or rank > answers.rank[key]:
        answers.rows[key], answers.rank[key] = rows, rank


def _usage_of(rows: list[dict[str, object]]) -> list[object]:
    return [[row.get("part_model"), *(row.get(name) for name in CLASS_BY_NAME)] for row in rows]


def metered(found: Found, constants: Mapping[str, str]) -> Reading:
    """What the answer says, read by the rule of its vendor; what the user gave outweighs the record."""
    beside = found.beside
    request = beside.get("request")
    asked = request if isinstance(request, dict) else {}
    body = asked.get("body")
    asked_body = body if isinstance(body, dict) else asked
    said = {name: constants.get(name) or _text(beside.get(name)) for name in _SAID}
    context = beside.get("context")
    call = call_of(
        provider=said["provider"] or "",
        api=said["api"],
        model=said["model"] or _text(beside.get("model_requested")) or _text(asked_body.get("model")),
        url=said["url"] or _text(asked.get("url")),
        context={
            **({name: str(value) for name, value in context.items()} if isinstance(context, dict) else {}),
            **{name: constants[name] for name in CONTEXT_NAMES if name in constants},
        },
        where=found.where,
        http_status=_status(beside),
    )
    recording = found.recording
    if isinstance(recording, Body):
        return read_body(recording.node, call)
    assert not isinstance(recording, Broken)  # noqa: S101 - set aside before
    return read_stream(recording.events, call, problems=recording.problems, done=recording.done)


def rows_of(found: Found, reading: Reading, moment: datetime, constants: Mapping[str, str]) -> list[dict[str, object]]:
    """The staged rows of one answer, one for each model iteration."""
    beside = found.beside
    response_id = reading.response_id
    row: dict[str, object] = {
        "identity": f"{reading.provider}:{response_id}" if response_id else None,
        "occurred_at": moment.isoformat(),
        "provider": reading.provider,
        "api": reading.api,
        "model": reading.model or None,
        "model_requested": reading.model_requested or reading.model or None,
        "pricing_context": pricing_context(reading.context),
        "status": "failed" if reading.state == "not_billed" else "ok",
        "http_status": reading.http_status,
        "latency_ms": _latency(beside.get("latency_ms")),
        "usage_known": reading.state == "metered",
        "billed": reading.state != "not_billed",
        "stated_cost": digits(_stated(reading)),
        "tags": object_text({"stated_upstream_cost": digits(reading.stated_upstream_cost)}),
        "source_ref": response_id or f"sha256:{hashlib.sha256(_canonical(found.recording)).hexdigest()[:32]}",
    }
    attributed(row, {name: (_first(beside, keys), "import:record") for name, keys in _NAMES.items()}, constants)
    if not reading.parts:
        return [row]
    return [
        {**row, "part": number, "part_model": part.model or reading.model, **part.usage}
        for number, part in enumerate(reading.parts)
    ]


def _stated(reading: Reading) -> int | None:
    """What the vendor says the call costs the customer: on the customer's own key, the router's fee and the upstream bill."""
    if reading.stated_cost is None:
        return None
    return reading.stated_cost + (reading.stated_upstream_cost or 0)


def _canonical(recording: Recording) -> bytes:
    content = recording.node if isinstance(recording, Body) else getattr(recording, "events", ())
    return msgspec.json.encode(content, order="sorted")


def _created(recording: Recording) -> object:
    """The instant that the vendor put into the answer; None where there is none."""
    if isinstance(recording, Body):
        return _created_in(opened(recording.node).body)
    events = getattr(recording, "events", ())[:_STREAM_HEAD]
    return next((found for event in events if isinstance(event, dict) and (found := _created_in(event))), None)


def _created_in(node: Node) -> object:
    inner = node.get("response")
    return _first(node, _CREATED) or (_first(inner, _CREATED) if isinstance(inner, dict) else None)


def _first(node: Node, names: tuple[str, ...]) -> object:
    return next(
        (node[name] for name in names if node.get(name) not in (None, "") and not isinstance(node[name], dict | list)), None
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _status(beside: Node) -> int | None:
    value = next((beside[name] for name in ("http_status", "status_code", "status") if beside.get(name) is not None), None)
    return int(str(value)) if re.fullmatch(r"[1-9][0-9]{2}", str(value)) else None


def _latency(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= LATENCY_MAX_MS else None


RESPONSES = Responses()
