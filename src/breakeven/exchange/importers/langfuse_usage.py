"""Langfuse's usage details as disjoint classes. The record's own total says whether the parts are contained in the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Counted(NamedTuple):
    """Usage by class, None where it is not known, and what is doubtful about it."""

    usage: Mapping[str, int] | None
    fault: str = ""


_WHOLES: Mapping[str, str] = {
    "input": "input", "input_tokens": "input", "prompt_tokens": "input", "prompttokens": "input", "prompt": "input",
    "output": "output", "output_tokens": "output", "completion_tokens": "output", "completiontokens": "output",
    "completion": "output",
}  # fmt: skip
_TOTALS = frozenset({"total", "total_tokens", "totaltokens"})
_OUTPUT_CLASSES = frozenset({"reasoning", "output_audio", "output_image"})


def langfuse_usage(details: Mapping[str, Any]) -> Counted:
    """Disjoint usage.

    A total of input plus output says that the parts lie inside; otherwise they stand beside, as Langfuse stores them, except under
    dotted names (`completion_details.reasoning`), which come from traces where they lie inside.
    """
    wholes: dict[str, int] = {}
    parts: dict[str, int] = {}
    dotted, total, unread = False, None, _unread(details)
    for key, value in details.items():
        quantity = _whole(value)
        lowered = key.lower()
        if quantity is None:
            continue
        if lowered in _TOTALS:
            total = quantity
        elif lowered in _WHOLES:
            wholes[_WHOLES[lowered]] = quantity
        elif (name := _class_of(lowered)) is not None:
            parts[name] = parts.get(name, 0) + quantity
            dotted = dotted or "details" in lowered
    if not wholes or not (any(wholes.values()) or any(parts.values())) or unread:
        return Counted(None, unread)
    beside = sum(wholes.values()) + sum(parts.values())
    inside = dotted if total is None else total == sum(wholes.values()) and total != beside
    usage = {"input": wholes.get("input", 0), "output": wholes.get("output", 0), **parts}
    if inside:
        for name, quantity in parts.items():
            usage["output" if name in _OUTPUT_CLASSES else "input"] -= quantity
    if min(usage.values()) < 0:
        return Counted(None, f"the parts of Langfuse's usage exceed the whole: {dict(details)}")
    return Counted({name: quantity for name, quantity in usage.items() if quantity or name in ("input", "output")})


def _unread(details: Mapping[str, Any]) -> str:
    """What is said of a class and is no count: without it the rest would pass for the whole."""
    for key, value in details.items():
        counts = key.lower() in _WHOLES or _class_of(key.lower()) is not None
        if counts and value not in (None, "") and _whole(value) is None:
            return f"{key} of Langfuse's usage is no whole number: {str(value)[:40]!r}"
    return ""


def _class_of(key: str) -> str | None:
    side = "output" if "output" in key or "completion" in key else "input"
    if "cache" in key:
        if "creation" in key or "write" in key:
            return "cache_write_1h" if "1h" in key else "cache_write_5m"
        return "cache_read"
    if "reasoning" in key or "thought" in key or "thinking" in key:
        return "reasoning"
    return next((f"{side}_{kind}" for kind in ("audio", "image") if kind in key), None)


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(value)  # type: ignore[call-overload,no-any-return] # what is no number raises
    except (TypeError, ValueError, OverflowError):
        return None
