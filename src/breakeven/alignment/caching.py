"""Which requests may be answered from an exact cache, and when two of them are the same request.

A request is canonical without what only says how its answer is carried or who pays (`stream`, `user`, `metadata`, ...): members are
sorted, `1.0` is `1`, and everything else counts, every byte of text, tools, schema and seed. The key hashes this with the boundary
(feature, customer or what is configured), so that no answer crosses it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

CARRIED = frozenset(
    {
        "stream", "stream_options", "user", "safety_identifier", "metadata", "store", "service_tier", "prompt_cache_key",
        "prompt_cache_retention", "background",
    }
)  # fmt: skip
"""Members of a request that do not change what is answered."""
BOUNDARIES = ("customer", "user", "team", "workflow", "environment")
"""By what a cache may be divided beside the feature."""
USUAL_TEMPERATURE = 1
"""What vendors take where a request says nothing."""
_KEPT_BY_THE_VENDOR = ("previous_response_id", "conversation", "container", "mcp_servers", "background", "cachedContent")
_PARAMETERS = ("generationConfig", "inferenceConfig")
"""Where Google's and Amazon's own APIs say how the answer is made."""
_ELSEWHERE = re.compile(rb'"file_?(?:id|url|uri)"\s*:\s*"|"ur[il]"\s*:\s*"(?!data:)', re.IGNORECASE)
_RUN_BY_THE_CALLER = frozenset({None, "function", "custom"})
_encode = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class CacheRules:
    """What of a feature's calls may be kept, and for how long.

    `ttl` is in seconds, `size` and `largest` in bytes (of all entries of the feature, least recently used out first; of one). `per`
    are the dimensions that an answer never crosses. Calls above `temperature` are not kept: their caller wants variety. `tools` are
    tools without effects: a request that offers another one is not kept. A request whose text matches one of `private` is not kept.
    """

    ttl: float = 3_600.0
    size: int = 64 * 1024**2
    largest: int = 1024**2
    per: tuple[str, ...] = ("customer",)
    temperature: float = float(USUAL_TEMPERATURE)
    tools: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


def objection(request: Mapping[str, Any], body: bytes, rules: CacheRules, boundary: Sequence[str | None]) -> str | None:
    """Why this request is neither answered from the cache nor kept in it; None where it may be."""
    for name, value in zip(rules.per, boundary, strict=True):
        if value is None:
            return f"no {name} is known, and answers are kept per {name}"
    return _variable(request, rules) or _outside(request, body) or _private(request, body, rules)


def _variable(request: Mapping[str, Any], rules: CacheRules) -> str | None:
    """Why its caller wants other answers to the same request."""
    said = next((inner for name in _PARAMETERS if isinstance(inner := request.get(name), dict)), request)
    temperature = said.get("temperature", USUAL_TEMPERATURE)
    if isinstance(temperature, int | float) and temperature > rules.temperature:
        return f"its temperature is above {rules.temperature:g}"
    count = said.get("n", said.get("candidateCount"))
    return "it asks for several answers" if isinstance(count, int) and count > 1 else None


def _outside(request: Mapping[str, Any], body: bytes) -> str | None:
    """Why it means something else from time to time."""
    for name in _KEPT_BY_THE_VENDOR:
        if request.get(name):
            return f"it depends on what the vendor keeps ({name})"
    return "it names a file or an address whose content may change" if _ELSEWHERE.search(body) else None


def _private(request: Mapping[str, Any], body: bytes, rules: CacheRules) -> str | None:
    configured = request.get("toolConfig")
    tool = _unsafe_tool(request.get("tools") or (configured.get("tools") if isinstance(configured, dict) else None), rules.tools)
    if tool is not None:
        return f"it offers the tool {tool}, which may have effects"
    matches = any(re.search(pattern.encode(), body) for pattern in rules.private)
    return "its text matches a private pattern" if matches else None


def _unsafe_tool(tools: object, safe: Sequence[str]) -> str | None:
    if not isinstance(tools, list):
        return None
    for tool in tools:
        if not isinstance(tool, dict):
            return "?"
        inner = tool.get("function")
        name = inner.get("name") if isinstance(inner, dict) else tool.get("name")
        kind = tool.get("type")
        shown = str(name if kind in _RUN_BY_THE_CALLER and name is not None else kind)
        if shown not in safe:
            return shown
    return None


def canonical(request: Mapping[str, Any]) -> bytes:
    """The request without what does not change its answer, in one spelling."""
    return _encode({name: _plain(value) for name, value in request.items() if name not in CARRIED and value is not None})


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if type(value) is float:
        return int(value) if value.is_integer() else value
    if type(value) is dict:
        return {name: _plain(member) for name, member in value.items()}
    if type(value) is list:
        return [_plain(each) for each in value]
    return value


def key_of(request: Mapping[str, Any], *apart: str | None) -> bytes:
    """32 bytes that two requests share only if they are the same, and `apart` (API, form, feature, boundary) is."""
    return hashlib.blake2b(_encode(apart) + canonical(request), digest_size=32).digest()


_CONSTANT = ("system", "instructions", "tools", "tool_choice", "response_format", "text", "output_config", "functions")
_INSTRUCTING = frozenset({"system", "developer"})


def template_of(request: Mapping[str, Any]) -> str:
    """A short fingerprint of the request's constant part: system text, tools, schema; neither the model nor the user's words."""
    constant: dict[str, Any] = {name: request[name] for name in _CONSTANT if request.get(name) is not None}
    for place in ("messages", "input"):
        turns = request.get(place)
        if isinstance(turns, list):
            told = [turn.get("content") for turn in turns if isinstance(turn, dict) and turn.get("role") in _INSTRUCTING]
            if told:
                constant["told"] = told
    return hashlib.blake2b(_encode(constant), digest_size=6).hexdigest()
