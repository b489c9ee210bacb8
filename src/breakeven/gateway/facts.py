"""The facts of live calls, in the shape of the ledger's NDJSON segments (`ledger/schema.py`).

Rows are typed structs, because encoding one costs a microsecond where a dictionary costs three. Money leaves as exact digits.
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from random import getrandbits
from uuid import UUID

import msgspec

from breakeven.economics.money import ATTO, SCALE
from breakeven.ledger.schema import LINE_NAMES

_ENCODER = msgspec.json.Encoder()
_SECOND = 1_000_000_000
_VERSION = 7 << 76
_VARIANT = 2 << 62


class Intent(msgspec.Struct, tag_field="fact", tag="intents", omit_defaults=True):
    """Written before an attempt is forwarded: whatever happens then, that it was made is known."""

    call_id: str
    attempt: int
    occurred_at: str
    provider: str
    api: str
    model_requested: str
    feature: str | None = None
    team: str | None = None
    customer: str | None = None
    user_id: str | None = None
    workflow: str | None = None
    environment: str | None = None
    trace_id: str | None = None
    tags: str | None = None


class Line(msgspec.Struct, omit_defaults=True, rename=LINE_NAMES):
    """One cost line of an attempt, under the short names of `ledger/schema.py`. Money is exact digits; None is unknown."""

    number: int
    model: str
    part: int = 0
    kind: str = "list"
    state: str = "metered"
    usage_class: str | None = None
    quantity: int | None = None
    unit_price: str | None = None
    cost: str | None = None
    price_version: str | None = None
    reason: str | None = None


class AttemptRow(msgspec.Struct, tag_field="fact", tag="attempts", omit_defaults=True):
    """How one attempt ended: the columns of a call, and its cost lines inside."""

    call_id: str
    attempt: int
    occurred_at: str
    recorded_at: str
    provider: str | None
    api: str | None
    model_requested: str | None
    model: str | None
    pricing_context: str
    status: str
    state: str
    source: str
    cost_class: str
    lines: list[Line]
    http_status: int | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_characters: int | None = None
    output_characters: int | None = None
    feature: str | None = None
    team: str | None = None
    customer: str | None = None
    user_id: str | None = None
    workflow: str | None = None
    environment: str | None = None
    trace_id: str | None = None
    tags: str | None = None
    attribution_sources: str | None = None
    rung: str | None = None
    stated_cost: str | None = None
    source_ref: str | None = None
    task_class: str | None = None
    template: str | None = None
    rungs_tried: str | None = None
    baseline_cost: str | None = None


def encoded(row: msgspec.Struct) -> bytes:
    """A row as one line of a segment."""
    return _ENCODER.encode(row) + b"\n"


class Clock:
    """Wall-clock time as the ledger writes it; the text of a second is made once."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, now_ns: int) -> str:
        """Naive UTC with microseconds, such as 2026-11-23T10:15:00.000123."""
        second, rest = divmod(now_ns, _SECOND)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{rest // 1000:06d}"


def new_call_id(now_ns: int) -> str:
    """A UUIDv7: milliseconds, then 74 random bits."""
    return _uuid(now_ns // 1_000_000, getrandbits(74))


def named_id(name: str) -> str:
    """A UUIDv8 that follows from a name alone, so that the same fact told twice, at whatever times, gets the same id."""
    hashed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])
    value = hashed & ~(0xF << 76) & ~(3 << 62) | 8 << 76 | _VARIANT
    return str(UUID(int=value))


def _uuid(milliseconds: int, random: int) -> str:
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | _VERSION | (random >> 62) << 64 | _VARIANT | (random & ((1 << 62) - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def money(atto: int) -> str:
    """Exact digits of atto-dollars; the same text as `economics.money.digits`, without the detour over `Decimal`."""
    sign = "-" if atto < 0 else ""
    whole, fraction = divmod(abs(atto), ATTO)
    return f"{sign}{whole}.{fraction:0{SCALE}d}".rstrip("0").rstrip(".") if fraction else f"{sign}{whole}"


def now_ns() -> int:
    """The wall clock."""
    return time.time_ns()
