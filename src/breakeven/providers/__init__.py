"""Vendors: from a response body or stream to disjoint usage. `read` reads one, `read_many` a file of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from breakeven.errors import DataError, Problem
from breakeven.providers.accumulate import StreamReader
from breakeven.providers.anthropic import ANTHROPIC
from breakeven.providers.apis import Vendor
from breakeven.providers.azure import AZURE
from breakeven.providers.bedrock import BEDROCK
from breakeven.providers.cohere import COHERE
from breakeven.providers.compatible import COMPATIBLE, compatible
from breakeven.providers.deepseek import DEEPSEEK
from breakeven.providers.google import GOOGLE
from breakeven.providers.groq import GROQ
from breakeven.providers.mistral import MISTRAL
from breakeven.providers.ollama import OLLAMA
from breakeven.providers.openai import OPENAI
from breakeven.providers.openrouter import OPENROUTER
from breakeven.providers.reader import Call, read_body, read_stream
from breakeven.providers.reading import Reading
from breakeven.providers.recordings import Body, Broken, Events, decoded, recordings
from breakeven.providers.xai import XAI

__all__ = ["PROVIDERS", "Reading", "StreamReader", "Vendor", "call_of", "provider_of", "read", "read_many"]

PROVIDERS: tuple[Vendor, ...] = (
    OPENAI,
    AZURE,
    ANTHROPIC,
    GOOGLE,
    BEDROCK,
    MISTRAL,
    DEEPSEEK,
    GROQ,
    XAI,
    COHERE,
    OPENROUTER,
    OLLAMA,
    *COMPATIBLE,
)
_BY_NAME: Mapping[str, Vendor] = {name: vendor for vendor in PROVIDERS for name in (vendor.name, *vendor.aliases)}


def provider_of(name: str, url: str = "") -> Vendor:
    """The vendor of this name, or of this address where no name is given. A vendor that is not listed is read as OpenAI-shaped."""
    wanted = name.strip().lower()
    if wanted in _BY_NAME:
        return _BY_NAME[wanted]
    if wanted:
        return compatible(wanted)
    host = url.split("://", 1)[-1].split("/", 1)[0].rsplit("@", maxsplit=1)[-1].split(":", 1)[0].lower()
    matches = (
        vendor for vendor in PROVIDERS for known in vendor.hosts if host == known or host.endswith((f".{known}", f"-{known}"))
    )
    return next(matches, None) or compatible("unknown")


def call_of(
    *,
    provider: str,
    api: str | None = None,
    model: str | None = None,
    url: str | None = None,
    context: Mapping[str, str] | None = None,
    where: str = "",
    http_status: int | None = None,
) -> Call:
    """What is known about a call besides its body. A status may also stand in the context as `http_status`."""
    given = dict(context or {})
    told = str(given.pop("http_status", ""))
    status = http_status if http_status is not None else int(told) if told.isdecimal() else None
    return Call(provider_of(provider, url or ""), (api or "").lower(), model or "", url or "", given, where, status)


def read(body: bytes | str | Mapping[str, Any], **known: Any) -> Reading:  # noqa: ANN401 - the keywords of `call_of`
    """What one response says: a body, parsed or not, or a whole stream as it was recorded.

    Keywords are those of `call_of`. Faults are in the reading's problems. Raises DataError where the text cannot be decoded, is
    neither JSON nor a stream, or holds several bodies.
    """
    call = call_of(**known)
    if isinstance(body, Mapping):
        return read_body(body, call)
    found = list(recordings(decoded(body, call.where), call.where))
    first = found[0] if len(found) == 1 else None
    if first is None or isinstance(first, Broken):
        told = Problem(call.where or "body", f"there are {len(found)} bodies, not one", "Read them with read_many.")
        problem = told if first is None else first.problem
        raise DataError(f"{problem.where}: {problem.what}", problem.remedy, (problem,))
    return _reading(first, call)


def read_many(text: bytes | str, **known: Any) -> Iterator[Reading]:  # noqa: ANN401 - the keywords of `call_of`
    """What each response of a file says: one body, an array, JSONL or one recorded stream. An empty file says nothing.

    Keywords are those of `call_of`. A record that cannot be read loses no other: after the last one a DataError names them all.
    """
    call = call_of(**known)
    broken: list[Problem] = []
    for recording in recordings(decoded(text, call.where), call.where):
        if isinstance(recording, Broken):
            broken.append(recording.problem)
        else:
            yield _reading(recording, call)
    if broken:
        more = f" ({len(broken)} such records)" if len(broken) > 1 else ""
        raise DataError(f"{broken[0].where}: {broken[0].what}{more}", broken[0].remedy, tuple(broken))


def _reading(recording: Body | Events, call: Call) -> Reading:
    if isinstance(recording, Body):
        return read_body(recording.node, replace(call, where=recording.where))
    return read_stream(recording.events, replace(call, where=recording.where), problems=recording.problems, done=recording.done)
