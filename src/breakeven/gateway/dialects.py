"""The two dialects of callers: what their request bodies say about a call, and how an error is told in each."""

from __future__ import annotations

from typing import Any

import msgspec

from breakeven.gateway.attribution import BodyHints

_LONGEST_HINT = 256
_MOST_HINTS = 32


class _Part(msgspec.Struct):
    text: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None


class _Body(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None
    background: bool | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"")
    stream_options: msgspec.Raw = msgspec.Raw(b"")
    messages: list[_Message] = []
    system: str | list[_Part] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    n: int | None = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    generation: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="generationConfig")
    inference: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="inferenceConfig")


class _Configured(msgspec.Struct):
    """Where Google's and Amazon's own APIs say how long an answer may be."""

    google: int | None = msgspec.field(default=None, name="maxOutputTokens")
    amazon: int | None = msgspec.field(default=None, name="maxTokens")
    choices: int | None = msgspec.field(default=None, name="candidateCount")


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Hints(msgspec.Struct, frozen=True):
    """What a request body says that matters here. `None` and `False` where it says nothing, or nothing that can be read."""

    model: str | None = None
    stream: bool = False
    background: bool = False
    wants_usage: bool = False
    stream_options: bytes | None = None
    characters: int | None = None
    attribution: BodyHints = BodyHints()
    most_output: int | None = None
    choices: int = 1
    tools: bytes = b""


NO_HINTS = Hints()
_decode = msgspec.json.Decoder(_Body).decode
_decode_configured = msgspec.json.Decoder(_Configured).decode
_decode_options = msgspec.json.Decoder(_StreamOptions).decode


def hints_of(body: bytes) -> Hints:
    """What a JSON request says. A body that is not JSON, or says something of another type, is forwarded all the same."""
    try:
        said = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _leniently(body)
    options = bytes(said.stream_options)
    return Hints(
        said.model,
        bool(said.stream),
        bool(said.background),
        bool(options) and _wants_usage(options),
        options or None,
        _characters(said.messages, said.system) if said.messages else None,
        _attribution(said.user, said.safety_identifier, bytes(said.metadata)),
        *_longest(said),
        bytes(said.tools),
    )


def _longest(said: _Body) -> tuple[int | None, int]:
    """How many tokens an answer may have at most, and how many answers are asked for."""
    most = said.max_completion_tokens or said.max_output_tokens or said.max_tokens
    choices = said.n or 1
    configured = bytes(said.generation) or bytes(said.inference)
    if configured:
        try:
            found = _decode_configured(configured)
        except msgspec.MsgspecError:
            return None, choices
        most, choices = found.google or found.amazon or most, found.choices or choices
    return (most if most is not None and most > 0 else None), max(1, choices)


def _leniently(body: bytes) -> Hints:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return NO_HINTS
    if not isinstance(said, dict):
        return NO_HINTS
    options = said.get("stream_options")
    return Hints(
        _text(said.get("model")),
        said.get("stream") is True,
        said.get("background") is True,
        isinstance(options, dict) and options.get("include_usage") is True,
        None if options is None else msgspec.json.encode(options),
        None,
        _attribution(_text(said.get("user")), _text(said.get("safety_identifier")), msgspec.json.encode(said.get("metadata"))),
        *_longest_leniently(said),
        b"" if said.get("tools") is None else msgspec.json.encode(said["tools"]),
    )


def _longest_leniently(said: dict[str, Any]) -> tuple[int | None, int]:
    lengths = [said.get(name) for name in ("max_completion_tokens", "max_output_tokens", "max_tokens")]
    most = next((each for each in lengths if isinstance(each, int) and not isinstance(each, bool) and each > 0), None)
    choices = said.get("n")
    return most, choices if isinstance(choices, int) and choices > 0 else 1


def _attribution(user: str | None, safety_identifier: str | None, metadata: bytes) -> BodyHints:
    if user is None and safety_identifier is None and metadata in (b"", b"null"):
        return _NOTHING
    return BodyHints(user, safety_identifier, _pairs(metadata))


def _pairs(metadata: bytes) -> tuple[tuple[str, str], ...]:
    """The members of `metadata` that are short texts; those are what attribution may use."""
    if metadata in (b"", b"null"):
        return ()
    try:
        said = msgspec.json.decode(metadata)
    except msgspec.MsgspecError:
        return ()
    if not isinstance(said, dict):
        return ()
    texts = ((name, value) for name, value in said.items() if isinstance(value, str) and len(value) <= _LONGEST_HINT)
    return tuple(texts)[:_MOST_HINTS]


def _wants_usage(options: bytes) -> bool:
    try:
        return bool(_decode_options(options).include_usage)
    except msgspec.MsgspecError:
        return False


def _characters(messages: list[_Message], system: str | list[_Part] | None) -> int:
    """Characters of text in the messages: what a tokenizer turns into tokens, so that a change of tokenizer shows as one."""
    count = _length(system)
    for message in messages:
        content = message.content
        count += len(content) if type(content) is str else _length(content)
    return count


def _length(content: str | list[_Part] | None) -> int:
    if content is None:
        return 0
    return len(content) if isinstance(content, str) else sum(len(part.text) for part in content if part.text)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


_NOTHING = BodyHints()
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_SERVER_FAULT = 500


def error_body(dialect: str, status: int, code: str, message: str, call_id: str, **more: Any) -> bytes:  # noqa: ANN401 - JSON values
    """An error in the words of the API that was called, so that the caller's SDK raises what it would raise for the vendor."""
    if dialect == "anthropic":
        kind = _ANTHROPIC_TYPES.get(status, "api_error" if status >= _SERVER_FAULT else "invalid_request_error")
        said = {"type": "error", "error": {"type": kind, "message": message, "code": code, **more}, "request_id": call_id}
        return msgspec.json.encode(said)
    kind = "server_error" if status >= _SERVER_FAULT else "invalid_request_error"
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code, **more}})
