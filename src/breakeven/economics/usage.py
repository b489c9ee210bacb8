"""The usage vector: disjoint classes of what a vendor meters.

Classes never overlap, so a call's cost is the plain sum of quantity × unit price over them. Vendors report counts that overlap
(OpenAI's input contains cache reads, Anthropic's does not): `providers/` turns those into this vector by one declared rule each.
Direction and cache action are fields of their own because FOCUS 1.5 serialises them so (TokenDirection, TokenCacheAction).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["input", "output", "tool"]
CacheAction = Literal["none", "read", "write"]


@dataclass(frozen=True, slots=True)
class UsageClass:
    """One kind of metered quantity. `unit` is what is counted; `priced_per` is the quantity that list prices are quoted for."""

    name: str
    direction: Direction
    unit: str = "tokens"
    modality: str = "text"
    cache: CacheAction = "none"
    ttl: str = ""
    priced_per: int = 1_000_000


CLASSES: tuple[UsageClass, ...] = (
    UsageClass("input", "input"),
    UsageClass("cache_read", "input", cache="read"),
    UsageClass("cache_write_5m", "input", cache="write", ttl="5m"),
    UsageClass("cache_write_30m", "input", cache="write", ttl="30m"),
    UsageClass("cache_write_1h", "input", cache="write", ttl="1h"),
    UsageClass("cache_write_12h", "input", cache="write", ttl="12h"),
    UsageClass("input_audio", "input", modality="audio"),
    UsageClass("cache_read_audio", "input", modality="audio", cache="read"),
    UsageClass("input_image", "input", modality="image"),
    UsageClass("cache_read_image", "input", modality="image", cache="read"),
    UsageClass("input_video", "input", modality="video"),
    UsageClass("cache_read_video", "input", modality="video", cache="read"),
    UsageClass("output", "output"),
    UsageClass("reasoning", "output"),
    UsageClass("output_audio", "output", modality="audio"),
    UsageClass("output_image", "output", modality="image"),
    UsageClass("output_video", "output", modality="video"),
    UsageClass("web_search", "tool", unit="calls", priced_per=1_000),
    UsageClass("file_search", "tool", unit="calls", priced_per=1_000),
    UsageClass("web_fetch", "tool", unit="calls", priced_per=1_000),
    UsageClass("code_execution", "tool", unit="sessions", priced_per=1),
    UsageClass("search_unit", "tool", unit="search units", priced_per=1_000),
    UsageClass("input_audio_ms", "input", unit="milliseconds", modality="audio", priced_per=60_000),
    UsageClass("output_audio_ms", "output", unit="milliseconds", modality="audio", priced_per=60_000),
    UsageClass("input_characters", "input", unit="characters", priced_per=1_000_000),
    UsageClass("image", "output", unit="images", modality="image", priced_per=1),
)
CLASS_BY_NAME: Mapping[str, UsageClass] = {usage_class.name: usage_class for usage_class in CLASSES}
INPUT_TOKEN_CLASSES: frozenset[str] = frozenset(c.name for c in CLASSES if c.direction == "input" and c.unit == "tokens")

MeteringState = Literal["metered", "invoiced", "estimated", "stated", "unpriced", "usage_missing", "not_billed"]
"""State of a cost line (DESIGN section 4): NULL cost is never 0."""


@dataclass(frozen=True, slots=True)
class UsagePart:
    """Usage of one model iteration within one attempt (a compaction, an advisor and the answer are separate parts).

    `usage` maps class names of `CLASSES` to whole, non-negative quantities; zero classes are left out.
    """

    model: str
    usage: Mapping[str, int] = field(default_factory=dict)
    iteration: str = ""


def total_input_tokens(usage: Mapping[str, int]) -> int:
    """All input tokens of one iteration, cached ones included: what long-context tiers are measured on."""
    return sum(quantity for name, quantity in usage.items() if name in INPUT_TOKEN_CLASSES)
