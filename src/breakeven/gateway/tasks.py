"""A request of either dialect as a `Task`: what handlers and checks are given, whatever API was called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from breakeven.alignment.task import Task
from breakeven.gateway.attribution import Attribution

ANSWERABLE = frozenset({"openai_chat", "openai_responses", "anthropic"})
"""The APIs in which an answer can be written, and read."""
Request = dict[str, Any]
_TEXTS = frozenset({"text", "input_text", "output_text"})
_INSTRUCTING = frozenset({"system", "developer"})
_decode = msgspec.json.Decoder(Request).decode
_decode_tags = msgspec.json.Decoder(dict[str, str]).decode


def request_of(body: bytes) -> Request | None:
    """The request's JSON object; None where it is none."""
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def task_of(api: str, request: Request, who: Attribution) -> Task | None:
    """The task that a request asks; None where its API asks no such thing."""
    if api not in ANSWERABLE:
        return None
    turns, system = _turns(api, request)
    texts = [(role, *_text(content)) for role, content in turns]
    instructions = [system, *(text for role, text, _ in texts if role in _INSTRUCTING)]
    spoken = [(role, text, media) for role, text, media in texts if role not in _INSTRUCTING]
    last = max((at for at, (role, _, _) in enumerate(spoken) if role == "user"), default=-1)
    follows = last >= 0 and last < len(spoken) - 1
    return Task(
        prompt=spoken[last][1] if last >= 0 else "",
        system="\n".join(text for text in instructions if text),
        earlier=tuple((role, text) for role, text, _ in spoken[:last]) if last > 0 else (),
        schema=_schema(api, request),
        tools=bool(request.get("tools") or request.get("functions")) or follows,
        media=any(media for _, _, media in spoken),
        feature=who.feature,
        workflow=who.workflow,
        tags=_decode_tags(who.tags) if who.tags else {},
    )


def _turns(api: str, request: Request) -> tuple[list[tuple[str, Any]], str]:
    if api == "openai_responses":
        given = request.get("input")
        turns = [("user", given)] if isinstance(given, str) else _messages(given)
        return turns, _plain(request.get("instructions"))
    system, _ = _text(request.get("system")) if api == "anthropic" else ("", False)
    return _messages(request.get("messages")), system


def _messages(given: object) -> list[tuple[str, Any]]:
    """Role and content of every turn; a turn that is no message (a tool's call or output) has a role of its own."""
    if not isinstance(given, list):
        return []
    return [(str(turn.get("role") or turn.get("type") or ""), turn.get("content")) for turn in given if isinstance(turn, dict)]


def _text(content: object) -> tuple[str, bool]:
    """The text of a content, and whether there is more in it than text."""
    if isinstance(content, str):
        return content, False
    if not isinstance(content, list):
        return "", content is not None
    parts = [part for part in content if isinstance(part, dict)]
    texts = [str(part.get("text") or "") for part in parts if part.get("type") in _TEXTS]
    return "\n".join(texts), len(texts) < len(content)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else ""


def _schema(api: str, request: Request) -> Mapping[str, object] | None:
    """The JSON schema that the answer must follow. JSON without a schema is any JSON: an empty one."""
    form = _node(request, "response_format")
    if api == "openai_responses":
        form = _node(_node(request, "text"), "format")
    elif api == "anthropic":
        form = _node(_node(request, "output_config"), "format") or _node(request, "output_format")
    kind = form.get("type")
    if kind == "json_object":
        return {}
    if kind != "json_schema":
        return None
    return _node(_node(form, "json_schema"), "schema") or _node(form, "schema")


def _node(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def with_parameters(body: bytes, parameters: Sequence[tuple[str, bytes]]) -> bytes:
    """The request with these members, each ready as JSON, in the place of its own; all others keep their bytes."""
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    members.update((name, msgspec.Raw(value)) for name, value in parameters)
    return msgspec.json.encode(members)
