"""Where Anthropic is told to cache a prompt: at most four breakpoints, on prefixes that have been seen before.

The prompt of a request is its tools, its system text, its messages, in this order; a prefix ends after one of them. Reading a
prefix from the cache costs a tenth of its input price and writing it a quarter more (for an hour: twice as much), so that only
what comes again should be written: a breakpoint is placed on a prefix once it has been seen within the cache's lifetime.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from breakeven.providers.translation.notation import Node, encoded

MOST_BREAKPOINTS = 4
CHARACTERS_PER_TOKEN = 4
"""Few characters per token make few tokens of a text, so that a prefix is rather thought too short than too long."""
LIFETIMES: Mapping[str, int] = {"5m": 300, "1h": 3_600}
# The least tokens that a model caches; below it a breakpoint is without effect. The first pattern that matches holds.
_SHORTEST = (
    (re.compile(r"(opus|fable|mythos)-5"), 512),
    (re.compile(r"haiku-4|opus-4-[567]"), 4_096),
    (re.compile(r"haiku-3|3-5-haiku|3-haiku"), 2_048),
    (re.compile(r"opus|sonnet|haiku|\bgpt-|\bo[134]\b"), 1_024),
)
_UNKNOWN_SHORTEST = 4_096
_UNMARKABLE = frozenset({"thinking", "redacted_thinking"})


class Prefix(NamedTuple):
    """One prefix of a prompt: what ends it (`tools`, `system` or a message's number), its length, and a digest of all of it."""

    end: str | int
    characters: int
    digest: bytes


def shortest(model: str) -> int:
    """The least tokens that this model caches; the largest known where the model is not known."""
    return next((tokens for pattern, tokens in _SHORTEST if pattern.search(model)), _UNKNOWN_SHORTEST)


def prefixes(request: Node, whose: str) -> list[Prefix]:
    """The prefixes of a request of either dialect, shortest first; the last is the whole prompt. `whose`: provider and model."""
    found: list[Prefix] = []
    hashed, length = hashlib.blake2b(whose.encode(), digest_size=16), 0
    turns = request.get("messages", request.get("input"))
    heads = ("tools", "system", "instructions")
    parts: list[tuple[str | int, Any]] = [(name, request[name]) for name in heads if request.get(name)]
    parts += enumerate(turns if isinstance(turns, list) else [turns] if isinstance(turns, str) else [])
    for end, part in parts:
        content = encoded(part)
        hashed.update(content)
        length += len(content)
        found.append(Prefix(end, length, hashed.digest()))
    return found


def with_breakpoints(request: Node, seen: Sequence[Prefix], lifetime: str, least: int) -> Node:
    """The request with breakpoints for the prefixes in `seen`, which must be long enough for the model; all else as it is.

    Tools and system text are marked where they were seen. A conversation of which some messages were seen goes on: the last of
    those is marked, which is where the call before has written, and its last message, for the next turn to read.
    """
    marked = {prefix.end for prefix in seen if prefix.characters >= least * CHARACTERS_PER_TOKEN}
    mark = {"type": "ephemeral"} if lifetime == "5m" else {"type": "ephemeral", "ttl": lifetime}
    placed = dict(request)
    if "tools" in marked:
        *others, last = request["tools"]
        placed["tools"] = [*others, {**last, "cache_control": mark}]
    if "system" in marked:
        placed["system"] = _marked_content(request["system"], mark)
    reached = max((end for end in marked if isinstance(end, int)), default=None)
    if reached is not None:
        placed["messages"] = _marked_messages(request["messages"], mark, {reached, len(request["messages"]) - 1})
    return placed


def _marked_messages(messages: Sequence[Node], mark: Node, ends: set[int]) -> list[Node]:
    return [
        {**message, "content": _marked_content(message["content"], mark)} if number in ends else message
        for number, message in enumerate(messages)
    ]


def _marked_content(content: Any, mark: Node) -> Any:  # noqa: ANN401 - a text or blocks
    """Content whose last block that can bear it has the mark."""
    if isinstance(content, str):
        return [{"type": "text", "text": content, "cache_control": mark}] if content else content
    blocks = list(content)
    for number in range(len(blocks) - 1, -1, -1):
        if blocks[number].get("type") not in _UNMARKABLE and blocks[number].get("text") != "":
            blocks[number] = {**blocks[number], "cache_control": mark}
            break
    return blocks
