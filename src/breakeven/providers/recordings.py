"""Which kind of recording a text is: one body, an array or lines of bodies, a stream of events, or a stream line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from breakeven.errors import DataError, Problem
from breakeven.providers.streams import LineDecoder, SseDecoder, parse

_SSE_FIELDS = ("data:", "event:", "id:", "retry:", ":")
_CONVERSE_EVENTS = frozenset(
    {"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"}
)
_EVENT_TYPES = ("response.", "message_", "content_block", "message-", "content-", "stream-", "text-generation", "transcript.text.")
# What of a realtime session is billed: each response that is done, and each transcript of what the user said.
_REALTIME_BILLED = ("response.done", "conversation.item.input_audio_transcription.completed")
_NOT_JSON = "Give JSON, an array, JSONL or a recorded event stream."


@dataclass(frozen=True, slots=True)
class Body:
    """One complete body and its place."""

    node: dict[str, Any]
    where: str


@dataclass(frozen=True, slots=True)
class Events:
    """One stream. `done`: the vendor's end mark was there."""

    events: Sequence[Any]
    where: str
    problems: tuple[Problem, ...] = ()
    done: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be read."""

    problem: Problem


Recording = Body | Events | Broken


def decoded(body: bytes | str, where: str) -> str:
    """The text of a recording. Raises DataError where it is not UTF-8."""
    if isinstance(body, str):
        return body.removeprefix("\ufeff")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.end == len(error.object):
            return decoded(bytes(error.object[: error.start]), where) + "\ufffd"  # a stream that was cut inside a character
        problem = Problem(
            where or "body", f"byte {error.start} is not UTF-8 text", "Give the body as the vendor sent it, decompressed."
        )
        raise DataError(f"{problem.where}: {problem.what}", problem.remedy, (problem,)) from None


def recordings(text: str, where: str) -> Iterator[Recording]:
    """The bodies and streams of a text, in order; none of an empty text. Raises DataError where nothing in it can be read."""
    if not text.strip():
        return
    if text.lstrip().startswith(_SSE_FIELDS):
        yield _sse(text, where)
        return
    try:
        value = parse(text)
    except ValueError:
        yield from _lines(text, where)
        return
    yield from _value(value, where)


def _sse(text: str, where: str) -> Events:
    decoder = SseDecoder(where)
    events = decoder.feed(text.lstrip().encode("utf-8", "surrogatepass")) + decoder.close()
    return Events(events, where, tuple(decoder.problems), decoder.done)


def _value(value: object, where: str) -> Iterator[Recording]:
    if isinstance(value, dict):
        yield Body(value, where)
    elif isinstance(value, list):
        if is_stream(value):
            yield Events(value, where)
            return
        for number, item in enumerate(value):
            place = f"{where or 'body'}[{number}]"
            yield Body(item, place) if isinstance(item, dict) else Broken(Problem(place, "this is not an object", _NOT_JSON))
    else:
        yield Broken(Problem(where or "body", "the JSON is not an object", _NOT_JSON))


def _lines(text: str, where: str) -> Iterator[Recording]:
    """JSONL or a stream line by line; else objects one after the other, however they are laid out."""
    found = list(_each_line(text, where))
    bodies = [each for each in found if isinstance(each, Body)]
    first = found[0] if found else None
    if not isinstance(first, Body):
        yield from _one_after_another(text, where)
        return
    nodes = [each.node for each in bodies]
    ends = [each for each in bodies if each.node.get("type") in _REALTIME_BILLED]
    if ends:  # a realtime session
        yield from ends
    elif is_stream(nodes):
        yield Events(nodes, where, tuple(each.problem for each in found if isinstance(each, Broken)))
    else:
        yield from found


def _each_line(text: str, where: str) -> Iterator[Body | Broken]:
    for number, line in enumerate(text.splitlines() if "\n" not in text else text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{where or 'body'}:{number}"
        decoder = LineDecoder(place)
        values = decoder.feed(line.encode("utf-8", "surrogatepass")) + decoder.close()
        for value in values:
            yield Body(value, place) if isinstance(value, dict) else Broken(Problem(place, "this is not an object", _NOT_JSON))
        for problem in decoder.problems:
            yield Broken(Problem(place, problem.what.replace("event", "line"), problem.remedy))


def _one_after_another(text: str, where: str) -> Iterator[Recording]:
    scanner = json.JSONDecoder()
    position, number = 0, 0
    bodies: list[Body] = []
    while rest := text[position:].lstrip():
        start = len(text) - len(rest)
        try:
            _, end = scanner.raw_decode(text, start)
            value = parse(text[start:end])
        except (ValueError, RecursionError):
            break
        number += 1
        if not isinstance(value, dict):
            break
        bodies.append(Body(value, f"{where or 'body'} (object {number})"))
        position = end
    if not bodies:
        problem = Problem(where or "body", "this is neither JSON nor a stream of events", _NOT_JSON)
        raise DataError(f"{problem.where}: {problem.what}", problem.remedy, (problem,))
    yield from bodies
    if text[position:].strip():
        yield Broken(Problem(where or "body", f"what follows object {len(bodies)} is not JSON", _NOT_JSON))


def is_stream(nodes: Sequence[Any]) -> bool:
    """Whether objects are the events of one stream, not bodies of their own."""
    objects = [node for node in nodes if isinstance(node, dict)]
    if any(_is_event(node) for node in objects):
        return True
    answers = [str(node.get("responseId") or "") for node in objects]
    return len(objects) > 1 and bool(answers[0]) and len(set(answers)) == 1


def _is_event(node: dict[str, Any]) -> bool:
    kind = str(node.get("type") or "")
    if kind.startswith(_EVENT_TYPES):
        return kind != "response.done"
    chunk = str(node.get("object") or "").endswith(".chunk")
    return (
        chunk
        or node.get("done") is False
        or "event_type" in node
        or any(isinstance(node.get(name), dict) for name in _CONVERSE_EVENTS & node.keys())
    )
