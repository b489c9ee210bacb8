"""How OpenAI-shaped usage objects count, declared as data: which field is the whole, which are its parts, which lie outside it.

Most vendors copied OpenAI's field names and not all of them OpenAI's meaning. What a vendor does otherwise is one field of its
`TokenRule`; `token_usage` is the same arithmetic for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from breakeven.providers.quantities import InputCounts, input_classes, output_classes
from breakeven.providers.reading import Node, Notes

_SPLIT_BY_TTL: Mapping[str, str] = MappingProxyType(
    {
        "5m": "cache_write_5m",
        "30m": "cache_write_30m",
        "1h": "cache_write_1h",
        "12h": "cache_write_12h",
    }
)
_WRITTEN = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")


@dataclass(frozen=True, slots=True)
class TokenRule:
    """One vendor's meaning of an OpenAI-shaped usage object.

    `reasoning`: *inside* the output count, *outside* it, or *by_total*: the vendor's total decides, and inside is the default.
    `cached_beside` names cache reads that stand beside the details object, most trusted first. `rest_of_total`: output that only
    the total shows is reasoning. `output_modality`: what the output is where no split is given. `output_optional`: the API
    generates nothing, so a missing output count is no gap.
    """

    input: tuple[str, ...] = ("prompt_tokens", "input_tokens")
    output: tuple[str, ...] = ("completion_tokens", "output_tokens")
    input_details: tuple[str, ...] = (
        "prompt_tokens_details",
        "input_tokens_details",
        "input_token_details",
        "prompt_token_details",
    )
    output_details: tuple[str, ...] = ("completion_tokens_details", "output_tokens_details", "output_token_details")
    cached_beside: tuple[str, ...] = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
    missed_beside: str = "prompt_cache_miss_tokens"
    reasoning: Literal["inside", "outside", "by_total"] = "inside"
    rest_of_total: bool = False
    output_modality: Literal["text", "audio", "image"] = "text"
    output_optional: bool = False


def token_usage(usage: Node, rule: TokenRule, notes: Notes) -> dict[str, int] | None:
    """Disjoint classes of a usage object; None where it does not say them. Faults go to `notes`."""
    tokens_in = notes.count(usage, *rule.input)
    tokens_out = _output(usage, rule, notes)
    total = notes.count(usage, "total_tokens")
    if tokens_in is None or tokens_out is None:
        missing = rule.input[0] if tokens_in is None else rule.output[0]
        notes.missing(f"the usage has no {missing}")
        return None
    details = notes.node(usage, *rule.output_details)
    reasoning = _reasoning(usage, details, notes)
    whole_out = _whole_output(tokens_in, tokens_out, reasoning, total, rule)
    if rule.rest_of_total and total is not None and total > tokens_in + whole_out:
        reasoning += total - tokens_in - whole_out
        whole_out = total - tokens_in
    counted = _input(usage, tokens_in, rule, notes) | output_classes(
        whole_out, _modalities(details, rule, whole_out, notes), reasoning, notes
    )
    notes.agree(tokens_in + whole_out, total, "total_tokens")
    return None if notes.impossible else counted


def _output(usage: Node, rule: TokenRule, notes: Notes) -> int | None:
    found = notes.count(usage, *rule.output)
    absent = not any(name in usage for name in rule.output)
    return 0 if found is None and absent and rule.output_optional else found


def _reasoning(usage: Node, details: Node, notes: Notes) -> int:
    beside = notes.total(usage, "reasoning_tokens")
    return notes.total(details, "reasoning_tokens", "thinking_tokens") or beside


def _whole_output(tokens_in: int, tokens_out: int, reasoning: int, total: int | None, rule: TokenRule) -> int:
    """The output with its reasoning. The vendor's own total is proof; without it the declared rule holds."""
    if rule.reasoning == "inside":
        return tokens_out
    if total == tokens_in + tokens_out + reasoning:
        return tokens_out + reasoning
    outside = rule.reasoning == "outside" and total != tokens_in + tokens_out
    return tokens_out + reasoning if outside else tokens_out


def _modalities(details: Node, rule: TokenRule, whole: int, notes: Notes) -> dict[str, int]:
    """What of the output is not text."""
    named = {modality: notes.total(details, f"{modality}_tokens") for modality in ("audio", "image", "video")}
    if rule.output_modality != "text" and not details:
        named[rule.output_modality] = whole
    return named


def _input(usage: Node, total: int, rule: TokenRule, notes: Notes) -> dict[str, int]:
    details = notes.node(usage, *rule.input_details)
    named = {modality: notes.total(details, f"{modality}_tokens") for modality in ("audio", "image", "video")}
    split = notes.node(details, "cached_tokens_details")
    cached_split = {modality: notes.total(split, f"{modality}_tokens") for modality in ("text", "audio", "image", "video")}
    counts = InputCounts(total, named, _cached(usage, details, total, rule, notes), cached_split, _written(usage, details, notes))
    text = notes.count(details, "text_tokens")
    if text is not None and any((text, *named.values())):
        notes.agree(text + sum(named.values()), total, "input count")
    return input_classes(counts, notes)


def _cached(usage: Node, details: Node, total: int, rule: TokenRule, notes: Notes) -> int:
    """Cache reads. Vendors repeat them under several names; the names must agree."""
    found = {name: value for name in rule.cached_beside if (value := notes.count(usage, name)) is not None}
    inner = notes.count(details, "cached_tokens")
    if inner is not None:
        found["cached_tokens of the details"] = inner
    if len(set(found.values())) > 1:
        told = ", ".join(f"{name} {value}" for name, value in found.items())
        notes.doubt(f"the cache reads differ: {told}; the largest is taken")
    missed = notes.count(usage, rule.missed_beside)
    cached = max(found.values(), default=0)
    if missed is not None:
        notes.agree(cached + missed, total, "input count")
    return cached


def _written(usage: Node, details: Node, notes: Notes) -> dict[str, int]:
    """Cache writes by class: the split by time to live where it is given; a plain count has the vendor's default lifetime."""
    split: dict[str, int] = {}
    for name, value in _by_ttl(details):
        quantity = notes.whole(f"cache writes of {name}", value)
        split[name] = split.get(name, 0) + (quantity or 0)
    plain = notes.count(details, *_WRITTEN)
    if plain is None:
        plain = notes.count(usage, *_WRITTEN)
    if plain and split:
        if not notes.within(sum(split.values()), "cache writes by lifetime", plain, "cache writes"):
            return {}
        notes.agree(sum(split.values()), plain, "count of cache writes")
        plain -= sum(split.values())
    return split | {"cache_write_5m": split.get("cache_write_5m", 0) + (plain or 0)}


def _by_ttl(details: Node) -> list[tuple[str, object]]:
    """(class, count) of every field that names a cache write and a lifetime, flat or one object deep."""
    found: list[tuple[str, object]] = []
    for name, value in details.items():
        if not name.startswith(("cache_write", "cache_creation", "ephemeral")):
            continue
        inner = value.items() if isinstance(value, Mapping) else ((name, value),)
        found += [(_SPLIT_BY_TTL[ttl], each) for key, each in inner if each is not None and (ttl := _ttl(key))]
    return found


def _ttl(name: str) -> str:
    return next((word for word in name.replace("-", "_").split("_") if word in _SPLIT_BY_TTL), "")
