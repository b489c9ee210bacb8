"""Vendors' prompt caches, for features that opt in (`prompt_cache:`): what of a prompt was seen before, and told to the vendor.

A worker remembers digests of prefixes, never their text, for as long as the vendor keeps them. From this it knows how much of each
call could have been read from a cache (noted as a tag of the call), and where breakpoints pay. Callers' own are never touched.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

from breakeven.gateway.attribution import with_tag
from breakeven.providers.breakpoints import LIFETIMES, Prefix, prefixes, shortest, with_breakpoints
from breakeven.providers.translation import Untranslatable
from breakeven.providers.translation.notation import decoded, encoded

if TYPE_CHECKING:
    from breakeven.gateway.attribution import Attribution
    from breakeven.gateway.targets import Target

CACHEABLE = "cacheable_prefix_tokens"
"""The tag that says how many of a call's input tokens stood in a prefix seen before."""
_MOST_REMEMBERED = 20_000
_OF_OPENAI = frozenset({"openai_chat", "openai_responses"})
_KEYED = frozenset({"openai", "azure"})


class PrefixMemory:
    """Digests of prefixes and when they were seen last, the latest `_MOST_REMEMBERED` of them."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def seen(self, found: list[Prefix], lifetime: float, now: float) -> list[Prefix]:
        """Which of these prefixes were seen within the lifetime; all of them are seen now."""
        before: list[Prefix] = []
        for prefix in found:
            last = self._seen.pop(prefix.digest, None)
            if last is not None and now - last <= lifetime:
                before.append(prefix)
            self._seen[prefix.digest] = now
        while len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return before


def placed(body: bytes, target: Target, feature: str, lifetime: str, memory: PrefixMemory, now: float) -> tuple[bytes, int, int]:
    """The body as it goes to the vendor, and how many characters of its prompt were seen before, of how many.

    The body stays as it is where its caller has placed breakpoints or a key, or nothing is gained.
    """
    if target.api != "anthropic" and target.api not in _OF_OPENAI:
        return body, 0, 0
    try:
        request = decoded(body, "body")
        model = target.rename or str(request.get("model"))
        found = prefixes(request, f"{target.provider.name} {model}")
    except Untranslatable:
        return body, 0, 0
    before = memory.seen(found, LIFETIMES[lifetime], now)
    known, whole = (before[-1].characters if before else 0), (found[-1].characters if found else 0)
    if target.api in _OF_OPENAI:
        keyed = target.vendor in _KEYED and b'"prompt_cache_key"' not in body
        return (_with_key(body, feature, found) if keyed else body), known, whole
    if b'"cache_control"' in body or not before:
        return body, known, whole
    try:
        marked = with_breakpoints(request, before, lifetime, shortest(model))
    except (TypeError, AttributeError, KeyError, ValueError):  # not a request as the vendor expects it, which it will say itself
        return body, known, whole
    return (body if marked == request else encoded(marked)), known, whole


def _with_key(body: bytes, feature: str, found: list[Prefix]) -> bytes:
    """The body with a `prompt_cache_key`, so that calls of one feature with the same beginning meet the same cache."""
    digest = hashlib.blake2b(feature.encode() + (found[0].digest if found else b""), digest_size=8).hexdigest()
    start = body.index(b"{") + 1
    return body[:start] + b'"prompt_cache_key":"breakeven-%b",' % digest.encode() + body[start:]


def with_cacheable(who: Attribution, prefix: tuple[int, int], tokens: tuple[int | None, ...] | None) -> Attribution:
    """With the input tokens that stood in a prefix seen before, by its share of the prompt's characters; without where unknown."""
    known, whole = prefix
    read = [each for each in (tokens or ())[:3] if each is not None]
    return with_tag(who, CACHEABLE, str(sum(read) * known // whole)) if whole and read else who
