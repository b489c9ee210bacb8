"""What the scripted vendor answers: bodies and streams in the shapes that vendors' recorded answers have, words of our own.

Everything follows from the request, so that the same request always gets the same bytes. A model named `...-words-N` answers with N
words; token counts are made from the request's length. Tools that are offered are called (two at once where it may be), until their
results come back; an answer that must follow a JSON schema follows it. All of it is invented and says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

CREATED = 1_790_000_000
_AMAZONS = "application/vnd.amazon.eventstream"
_WORDS = [
    "this",
    "answer",
    "is",
    "invented",
    "by",
    "the",
    "scripted",
    "vendor",
    "of",
    "breakeven",
    "and",
    "no",
    "model",
    "was",
    "asked",
    "for",
    "it",
]
_LENGTH = re.compile(r"-words-(\d+)\Z")
_DEFAULT_WORDS = 12
_CHARACTERS_PER_TOKEN = 4
_SAID = "\0said"
"""Where a text to be played travels in the parsed request; no caller can send a field of this name unnoticed."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: media type and either one body or the events of a stream, each ready to be sent."""

    content_type: str
    pieces: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """The tokens of one answer."""

    input: int
    cached: int
    output: int

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output


def words_of(model: str) -> list[str]:
    """The words of an answer by this model."""
    found = _LENGTH.search(model)
    count = int(found[1]) if found else _DEFAULT_WORDS
    return [_WORDS[number % len(_WORDS)] for number in range(count)]


def _served(model: str) -> str:
    """The model that the answer names."""
    return _LENGTH.sub("", model)


def counts_of(body: bytes, model: str) -> Counts:
    """Tokens by the length of the request and of the answer; every request of 4,096 characters or more reads half from a cache."""
    tokens_in = max(1, len(body) // _CHARACTERS_PER_TOKEN)
    cached = tokens_in // 2 // 128 * 128 if len(body) >= 4096 else 0  # noqa: PLR2004 - as the docstring says
    return Counts(tokens_in, cached, len(words_of(model)))


def _told(request: Body, body: bytes, model: str) -> tuple[Counts, list[str]]:
    """Tokens and words of an answer: of the text that is to be played, else of invented ones."""
    counts, said = counts_of(body, model), request.get(_SAID)
    if not isinstance(said, str):
        return counts, words_of(model)
    return Counts(counts.input, counts.cached, max(1, len(said) // _CHARACTERS_PER_TOKEN)), said.split(" ")


def identity(prefix: str, body: bytes) -> str:
    """An id that follows from the request."""
    return f"{prefix}{hashlib.sha256(body).hexdigest()[:24]}"


@lru_cache(maxsize=256)
def answer(method: str, path: str, body: bytes, words: int | None = None, said: str | None = None) -> Answer | None:
    """The answer to one request, with so many words or with this text if said; None where the vendor has no such path.

    What was asked last is remembered, for load tests.
    """
    if method in ("GET", "HEAD"):
        return _listing(path) or _fetched(path)
    request = _parsed(body)
    if words is not None and "model" in request:
        request = {**request, "model": f"{request['model']}-words-{words}"}
    body = _asked(request, body)
    if said is not None:
        request = {**request, _SAID: said}
    makers = (
        ("/chat/completions", _chat),
        ("/responses", _responses),
        ("/embeddings", _embeddings),
        ("/messages/count_tokens", _count_tokens),
        ("/messages", _messages),
        ("/completions", _completions),
        ("/files", _file),
        ("/images/generations", _images),
    )
    for ending, maker in makers:
        if path.endswith(ending):
            return maker(request, body)
    if path.endswith((":generateContent", ":streamGenerateContent")):
        return _gemini(path, body)
    if path.endswith(("/converse", "/converse-stream")):
        return _converse(path, body)
    if path.endswith(("/invoke", "/invoke-with-response-stream")):
        return _invoked(path, request, body)
    return None


def _parsed(body: bytes) -> Body:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _asked(request: Body, body: bytes) -> bytes:
    """The request as it is meant, without what only says how its usage is told: ids and tokens follow from this."""
    return body if not request else _dumped({name: value for name, value in request.items() if name != "stream_options"})


def _json(value: Body) -> Answer:
    return Answer("application/json", (_dumped(value),))


def _dumped(value: Body) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _event(value: Body | str, name: str = "") -> bytes:
    data = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


# --- OpenAI -----------------------------------------------------------------------------------------------------------------------


def _chat_usage(counts: Counts) -> Body:
    return {
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output,
        "total_tokens": counts.total,
        "prompt_tokens_details": {"cached_tokens": counts.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _chat(request: Body, body: bytes) -> Answer:
    model = str(request.get("model", "gpt-4o"))
    counts, words = _told(request, body, model)
    shared: Body = {"id": identity("chatcmpl-", body), "created": CREATED, "model": _served(model), "service_tier": "default"}
    if request.get("stream") is True:
        options = request.get("stream_options")
        asked = isinstance(options, dict) and options.get("include_usage") is True
        pieces, calls = _pieces(request, words), _calls(request, "call_", body)
        events = _chat_events(shared, pieces, calls, _chat_usage(counts), asked=asked)
        return Answer("text/event-stream; charset=utf-8", tuple(events))
    message: Body = {"role": "assistant", "content": "".join(_pieces(request, words)), "refusal": None, "annotations": []}
    finish = "stop"
    if called := _calls(request, "call_", body):
        made = [{"id": call, "type": "function", "function": {"name": name, "arguments": said}} for call, name, said in called]
        message = {"role": "assistant", "content": None, "tool_calls": made, "refusal": None, "annotations": []}
        finish = "tool_calls"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return _json(
        {**shared, "object": "chat.completion", "choices": [choice], "usage": _chat_usage(counts), "system_fingerprint": "fp"}
    )


def _calls(request: Body, prefix: str, body: bytes) -> list[tuple[str, str, str]]:
    """Id, name and arguments of the tools that are called: none once their results are there, two at most."""
    last = (request.get("messages") or [{}])[-1]
    content = last.get("content")
    answered = isinstance(content, list) and any(isinstance(part, dict) and part.get("type") == "tool_result" for part in content)
    if not request.get("tools") or last.get("role") == "tool" or answered:
        return []
    choice = request.get("tool_choice")
    alone = request.get("parallel_tool_calls") is False or (isinstance(choice, dict) and choice.get("disable_parallel_tool_use"))
    called: list[Body] = [tool.get("function", tool) for tool in request["tools"][: 1 if alone else 2]]
    return [
        (
            identity(prefix, body if number == 0 else body + b"#" * number),
            str(tool.get("name", "tool")),
            json.dumps(_following(tool.get("parameters") or tool.get("input_schema") or {}), separators=(",", ":")),
        )
        for number, tool in enumerate(called)
    ]


def _following(schema: Body) -> Body:
    """An object with the members that a schema names."""
    invented = {"integer": 1, "number": 0.5, "boolean": True, "array": [], "object": {}}
    return {name: invented.get(str(said.get("type")), "invented") for name, said in (schema.get("properties") or {}).items()}


def _pieces(request: Body, words: list[str]) -> list[str]:
    """The pieces of the text of an answer: words, or JSON by the schema that is asked for."""
    asked = request.get("response_format") or (request.get("output_config") or {}).get("format")
    schema = asked.get("schema") or (asked.get("json_schema") or {}).get("schema") if isinstance(asked, dict) else None
    if not isinstance(schema, dict) or _SAID in request:
        return _spaced(words)
    whole = json.dumps(_following(schema))
    return [whole[at : at + 7] for at in range(0, len(whole), 7)]


def _spaced(words: list[str]) -> list[str]:
    """Words that come one by one, each but the first with the space before it."""
    return [word if number == 0 else f" {word}" for number, word in enumerate(words)]


def _chat_events(
    shared: Body, pieces: list[str], calls: list[tuple[str, str, str]], usage: Body, *, asked: bool
) -> Iterator[bytes]:
    """As OpenAI streams: with usage asked for, `"usage":null` on every chunk and one more chunk without choices."""
    extra: Body = {"usage": None} if asked else {}
    head: Body = {**shared, "object": "chat.completion.chunk", "system_fingerprint": "fp"}

    def chunk(delta: Body, finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**head, "choices": [choice], **extra})

    yield chunk({"role": "assistant", "content": "", "refusal": None}, None)
    for piece in () if calls else pieces:
        yield chunk({"content": piece}, None)
    for number, (call, name, said) in enumerate(calls):
        function: Body = {"name": name, "arguments": ""}
        yield chunk({"tool_calls": [{"index": number, "id": call, "type": "function", "function": function}]}, None)
        for at in range(0, len(said), 5):
            yield chunk({"tool_calls": [{"index": number, "function": {"arguments": said[at : at + 5]}}]}, None)
    yield chunk({}, "tool_calls" if calls else "stop")
    if asked:
        yield _event({**head, "choices": [], "usage": usage})
    yield _event("[DONE]")


def _completions(request: Body, body: bytes) -> Answer:
    model = str(request.get("model", "gpt-3.5-turbo-instruct"))
    counts, text = counts_of(body, model), " ".join(words_of(model))
    usage = {"prompt_tokens": counts.input, "completion_tokens": counts.output, "total_tokens": counts.total}
    choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": "stop"}
    shared: Body = {"id": identity("cmpl-", body), "object": "text_completion", "created": CREATED, "model": _served(model)}
    return _json({**shared, "choices": [choice], "usage": usage})


def _embeddings(request: Body, body: bytes) -> Answer:
    model = str(request.get("model", "text-embedding-3-small"))
    tokens = counts_of(body, model).input
    data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25, 0.125, 0.0]}]
    return _json(
        {"object": "list", "data": data, "model": _served(model), "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    )


def _images(request: Body, body: bytes) -> Answer:
    del request, body
    return _json({"created": CREATED, "data": [{"b64_json": "AAAA"}]})


def _file(request: Body, body: bytes) -> Answer:
    del request
    return _json(
        {"id": identity("file-", body), "object": "file", "bytes": len(body), "created_at": CREATED, "filename": "invented"}
    )


def _responses(request: Body, body: bytes) -> Answer:
    model = str(request.get("model", "gpt-4o"))
    counts, words = _told(request, body, model)
    text = " ".join(words)
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": identity("msg_", body), "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    whole: Body = {
        "id": identity("resp_", body),
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "model": _served(model),
        "output": [item],
        "parallel_tool_calls": True,
        "service_tier": "default",
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": counts.input,
            "input_tokens_details": {"cached_tokens": counts.cached},
            "output_tokens": counts.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": counts.total,
        },
    }
    if request.get("stream") is True:
        return Answer("text/event-stream; charset=utf-8", tuple(_response_events(whole, item, words)))
    if request.get("background") is True:
        begun = {"id": _background_id(model, body), "background": True, "status": "queued", "output": [], "usage": None}
        return _json({**whole, **begun})
    return _json(whole)


def _background_id(model: str, body: bytes) -> str:
    """An id from which the answer follows, because nothing is remembered here: by which model, and of how long a request."""
    return f"{identity('resp_', body)}_{len(body)}_{model.encode().hex()}"


def _fetched(path: str) -> Answer | None:
    """A response that was made in the background, by its id: complete, with what it used."""
    found = re.search(r"/responses/(resp_[0-9a-f]+_(\d+)_([0-9a-f]+))\Z", path)
    if found is None:
        return None
    said = _responses({"model": bytes.fromhex(found[3]).decode()}, b"x" * int(found[2]))
    return _json({**_parsed(said.pieces[0]), "id": found[1], "background": True})


def _response_events(whole: Body, item: Body, words: list[str]) -> Iterator[bytes]:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    number = 0

    def event(kind: str, **more: Any) -> bytes:  # noqa: ANN401 - JSON values
        nonlocal number
        number += 1
        return _event({"type": kind, "sequence_number": number - 1, **more}, kind)

    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    yield event("response.output_item.added", output_index=0, item={**item, "status": "in_progress", "content": []})
    yield event("response.content_part.added", **place, part=part)
    for word in _spaced(words):
        yield event("response.output_text.delta", **place, delta=word, logprobs=[])
    yield event("response.output_text.done", **place, text=" ".join(words), logprobs=[])
    yield event("response.content_part.done", **place, part={**part, "text": " ".join(words)})
    yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.completed", response=whole)


# --- Anthropic --------------------------------------------------------------------------------------------------------------------


def _message_usage(counts: Counts, output: int) -> Body:
    return {
        "input_tokens": counts.input - counts.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": counts.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }


def _messages(request: Body, body: bytes) -> Answer:
    model = str(request.get("model", "claude-sonnet-4-5"))
    counts, words = _told(request, body, model)
    message: Body = {"id": identity("msg_", body), "type": "message", "role": "assistant", "model": _served(model)}
    if request.get("stream") is True:
        events = _message_events(message, counts, _pieces(request, words), _calls(request, "toolu_", body))
        return Answer("text/event-stream; charset=utf-8", tuple(events))
    calls = _calls(request, "toolu_", body)
    content: list[Body] = [{"type": "text", "text": "".join(_pieces(request, words))}]
    content += [{"type": "tool_use", "id": call, "name": name, "input": json.loads(said)} for call, name, said in calls]
    reason = "tool_use" if calls else "end_turn"
    ending = {"stop_reason": reason, "stop_sequence": None, "usage": _message_usage(counts, counts.output)}
    return _json({**message, "content": content, **ending})


def _message_events(message: Body, counts: Counts, pieces: list[str], calls: list[tuple[str, str, str]]) -> Iterator[bytes]:
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": _message_usage(counts, 1)}
    yield _event({"type": "message_start", "message": begun}, "message_start")
    yield _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, "content_block_start")
    yield _event({"type": "ping"}, "ping")
    for piece in pieces:
        delta = {"type": "text_delta", "text": piece}
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")
    yield _event({"type": "content_block_stop", "index": 0}, "content_block_stop")
    for number, (call, name, said) in enumerate(calls, 1):
        block = {"type": "tool_use", "id": call, "name": name, "input": {}}
        yield _event({"type": "content_block_start", "index": number, "content_block": block}, "content_block_start")
        for at in range(0, len(said), 5) if said != "{}" else ():
            delta = {"type": "input_json_delta", "partial_json": said[at : at + 5]}
            yield _event({"type": "content_block_delta", "index": number, "delta": delta}, "content_block_delta")
        yield _event({"type": "content_block_stop", "index": number}, "content_block_stop")
    ending = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": ending, "usage": {"output_tokens": counts.output}}, "message_delta")
    yield _event({"type": "message_stop"}, "message_stop")


def _count_tokens(request: Body, body: bytes) -> Answer:
    return _json({"input_tokens": counts_of(body, str(request.get("model", ""))).input})


# --- Google, Bedrock, lists -------------------------------------------------------------------------------------------------------


def _gemini(path: str, body: bytes) -> Answer:
    model = path.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0]
    counts, words = counts_of(body, model), words_of(model)
    usage = {
        "promptTokenCount": counts.input,
        "candidatesTokenCount": counts.output,
        "totalTokenCount": counts.total,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": counts.input}],
    }

    def piece(text: str, *, last: bool) -> Body:
        candidate: Body = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
        if last:
            candidate["finishReason"] = "STOP"
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": identity("", body)}

    if path.endswith(":generateContent"):
        return _json(piece(" ".join(words), last=True))
    spaced = _spaced(words)
    pieces = [_event(piece(word, last=number == len(words) - 1)) for number, word in enumerate(spaced)]
    return Answer("text/event-stream", tuple(pieces))


def _converse(path: str, body: bytes) -> Answer:
    model = path.split("/")[-2]
    counts, words = counts_of(body, model), words_of(model)
    usage = {"inputTokens": counts.input, "outputTokens": counts.output, "totalTokens": counts.total}
    metrics = {"latencyMs": 1}
    if not path.endswith("-stream"):
        message = {"role": "assistant", "content": [{"text": " ".join(words)}]}
        return _json({"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": metrics})
    pieces = _spaced(words)
    events: list[tuple[str, Body]] = [("messageStart", {"role": "assistant"})]
    events += [("contentBlockDelta", {"delta": {"text": piece}, "contentBlockIndex": 0}) for piece in pieces]
    events += [("contentBlockStop", {"contentBlockIndex": 0}), ("messageStop", {"stopReason": "end_turn"})]
    events += [("metadata", {"usage": usage, "metrics": metrics})]
    return Answer(_AMAZONS, tuple(_framed(name, said) for name, said in events))


def _invoked(path: str, request: Body, body: bytes) -> Answer | None:
    """Anthropic's models by their own bodies; its events come in Amazon's frames."""
    model = path.split("/")[-2]
    if "anthropic." not in model:
        return None
    streams = path.endswith("-stream")
    said = _messages({**request, "model": model, "stream": streams}, body)
    if not streams:
        return said
    events = [piece.split(b"data: ", maxsplit=1)[1].strip() for piece in said.pieces]
    return Answer(_AMAZONS, tuple(_framed("chunk", {"bytes": base64.b64encode(event).decode(), "p": "abc"}) for event in events))


def _framed(name: str, said: Body) -> bytes:
    """One message of Amazon's binary event stream."""
    payload = _dumped(said)
    headers = b"".join(
        bytes([len(key)]) + key + b"\x07" + len(value).to_bytes(2) + value
        for key, value in (
            (b":event-type", name.encode()), (b":content-type", b"application/json"), (b":message-type", b"event"),
        )
    )  # fmt: skip
    begun = (16 + len(headers) + len(payload)).to_bytes(4) + len(headers).to_bytes(4)
    begun += zlib.crc32(begun).to_bytes(4) + headers + payload
    return begun + zlib.crc32(begun).to_bytes(4)


def _listing(path: str) -> Answer | None:
    if not path.endswith("/models"):
        return None
    data = [{"id": "gpt-4o", "object": "model", "created": CREATED, "owned_by": "invented"}]
    return _json({"object": "list", "data": data})
