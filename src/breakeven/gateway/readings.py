"""Readings of attempts whose answer says nothing about what was used, and why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from breakeven.providers.reading import Reading, ReadingState

if TYPE_CHECKING:
    from breakeven.gateway.targets import Target

BACKGROUND = "a background response says what it used when it is fetched, which is not metered"
_FREE_METHODS = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS"})


def plain_reading(target: Target, model: str, state: ReadingState) -> Reading:
    """A reading without any usage."""
    return Reading(target.vendor, target.api, model, model, (), state, {})


def unmetered(target: Target, method: bytes) -> str | None:
    """Why the usage of an answer that nothing reads cannot be known; None where there is none."""
    if target.free or method in _FREE_METHODS:
        return None
    return f"unmetered: the usage of {target.path.split(b'?')[0].decode('ascii', 'replace')} is not known to Breakeven"
