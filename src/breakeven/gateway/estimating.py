"""What one call can cost at most, before it is made.

A token stands for at least one byte of text, so that a body of n bytes is at most n tokens and what the vendor wraps around them.
An answer is at most as long as the call says, else as the model's context window. Prices are the dearest of the model, so that
neither cache writes nor reasoning can exceed them. What cannot be bounded (tools that the vendor runs, files and conversations
that it keeps, a model without a price or a window) is None, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from breakeven.gateway.costing import Rater
    from breakeven.gateway.dialects import Hints
    from breakeven.gateway.targets import Target

WRAPPING_TOKENS = 64
"""What a vendor adds to a conversation, beyond what the JSON around it has in bytes."""
TOOLS_TOKENS = 1_024
"""What a vendor adds to explain tools to the model; 313 to 804 tokens at Anthropic, the most that is documented."""
_KEPT_BY_THE_VENDOR = re.compile(
    b'"(?:previous_response_id"|conversation"|file_id"|file_url"|fileUri"|file_uri"|image_url"|type": ?"url"|s3Location"'
    b'|cachedContent"|container"|mcp_servers")'
)
"""One pass over the body, which stops at quotes only: a search for each name costs five times as much."""
_RUN_BY_THE_CALLER = frozenset({None, "function", "custom"})
_MOST_KNOWN = 4096


class Bound(NamedTuple):
    """The most that a call can use and cost: tokens, and atto-dollars. None: it cannot be bounded."""

    tokens: int | None
    cost: int | None


UNBOUNDED = Bound(None, None)


class _Tool(msgspec.Struct):
    type: str | None = None


_decode_tools = msgspec.json.Decoder(list[_Tool]).decode


class Estimator:
    """Bounds of calls at the prices of one configuration."""

    def __init__(self, rater: Rater, window: Callable[[str, str], int | None]) -> None:
        self._rater = rater
        self._window = window
        self._windows: dict[tuple[str, str], int | None] = {}

    def bound(self, target: Target, hints: Hints, body: bytes, at: datetime) -> Bound:
        """The most that a call to this target can use and cost at the prices of `at`, a whole second."""
        model = target.rename or target.model_in_url or hints.model
        if model is None or not target.metered:
            return UNBOUNDED
        window = self._known_window(target.vendor, model)
        tokens = len(body) + WRAPPING_TOKENS
        if hints.tools:
            if _runs_tools(hints.tools):
                return UNBOUNDED
            tokens += TOOLS_TOKENS
        if _leads_elsewhere(body):
            if window is None:
                return UNBOUNDED
            tokens = window
        elif window is not None and window < tokens:
            tokens = window
        dearest = self._rater.dearest(target.vendor, model, target.context, tokens, at)
        longest = 0 if dearest is not None and not dearest[1] else hints.most_output or _told_there(target) or window
        if longest is None:
            return UNBOUNDED
        if window is not None and window < longest:
            longest = window
        longest *= hints.choices
        return Bound(tokens + longest, None if dearest is None else tokens * dearest[0] + longest * dearest[1])

    def _known_window(self, provider: str, model: str) -> int | None:
        key = (provider, model)
        try:
            return self._windows[key]
        except KeyError:
            if len(self._windows) >= _MOST_KNOWN:
                self._windows.clear()
            found = self._windows[key] = self._window(provider, model)
            return found


def _told_there(target: Target) -> int | None:
    """The longest answer that is asked for where the caller says none: a translated call says one."""
    return target.longest if target.translation is not None and target.dialect == "anthropic" else None


def _leads_elsewhere(body: bytes) -> bool:
    """Whether a body names something that the vendor keeps or fetches, so that its own length bounds nothing."""
    return _KEPT_BY_THE_VENDOR.search(body) is not None


def _runs_tools(tools: bytes) -> bool:
    """Whether the vendor itself runs one of the tools, and then asks the model again, for as often as it takes."""
    if tools in (b"[]", b"null"):
        return False
    try:
        found = _decode_tools(tools)
    except msgspec.MsgspecError:
        return True
    return any(tool.type not in _RUN_BY_THE_CALLER for tool in found)


class History:
    """How much of their worst case calls have really cost, by a key such as (feature, model): for the quantile of a bounded budget.

    Kept as counts of 64 classes of the ratio, each 2^(1/4) wide; older calls fade, half of them with every 2,000 new ones.
    """

    _CLASSES = 64
    _FADE = 4_000
    _FEWEST = 30

    def __init__(self) -> None:
        self._counts: dict[object, list[int]] = {}
        self._totals: dict[object, int] = {}
        self._known: dict[tuple[object, float], tuple[int, int]] = {}

    def note(self, key: object, cost: int, worst: int) -> None:
        """One call has cost `cost` where `worst` was its bound."""
        if worst <= 0:
            return
        counts = self._counts.get(key)
        if counts is None:
            if len(self._counts) >= _MOST_KNOWN:
                self._counts.clear()
                self._totals.clear()
            counts = self._counts[key] = [0] * self._CLASSES
        counts[_ratio_class(cost, worst, self._CLASSES)] += 1
        total = self._totals.get(key, 0) + 1
        if total >= self._FADE:
            counts[:] = [count // 2 for count in counts]
            total = sum(counts)
        self._totals[key] = total

    def expected(self, key: object, quantile: float, worst: int) -> int:
        """What to expect of a call: the quantile of the ratio times its worst case, which it is itself while little is known."""
        total = self._totals.get(key, 0)
        if total < self._FEWEST:
            return worst
        known = self._known.get((key, quantile))
        if known is None or total - known[0] >= known[0] // 8 or total < known[0]:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[key, quantile] = (total, self._quantile(self._counts[key], quantile * total))
        return min(worst, (worst * _SHARES[known[1]] >> 32) + 1)

    def _quantile(self, counts: list[int], wanted: float) -> int:
        seen = 0
        for number in range(self._CLASSES - 1, -1, -1):  # from the smallest ratio up
            seen += counts[number]
            if seen >= wanted:
                return number
        return 0


def _ratio_class(cost: int, worst: int, classes: int) -> int:
    """Class 0 holds ratios from 2^(-1/4) up, class n those down to 2^(-(n+1)/4)."""
    if cost >= worst:
        return 0
    if cost <= 0:
        return classes - 1
    scaled = (worst << 8) // cost
    halvings = scaled.bit_length() - 9  # whole powers of two in worst / cost
    rest = scaled >> halvings if halvings > 0 else scaled  # 256 to 511: the ratio within this power of two
    quarter = 0 if rest < 305 else 1 if rest < 362 else 2 if rest < 431 else 3  # noqa: PLR2004 - 256 times 2^(1/4), 2^(1/2), 2^(3/4)
    return min(classes - 1, 4 * halvings + quarter)


_SHARES: Mapping[int, int] = {number: round(2**32 * 2 ** (-number / 4)) for number in range(64)}
"""The upper edge of each class, in units of 2^-32."""
