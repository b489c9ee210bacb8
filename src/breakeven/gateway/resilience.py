"""What stands between a call and an ailing vendor: bounded concurrency, a circuit breaker, and retries that wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Protocol

RETRYABLE = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""Statuses after which another try can help. 409 and 408 are tried again by both official SDKs too."""

FINAL = frozenset({"rung_timeout", "too_long"})
"""Failures after which the same target is not asked again."""
TOLD: Mapping[str, str] = {
    "rung_timeout": "the rung took too long",
    "queue_timeout": "no place among its calls became free in time",
    "connect_timeout": "no connection in time",
    "first_byte_timeout": "no answer in time",
    "chunk_timeout": "the answer stopped coming",
    "total_timeout": "the call took too long altogether",
}
"""What is said of each time-out."""
_LONGEST_WAIT = 60.0


class Waiting(Protocol):
    """Something that waits for a place in a lane."""

    def admitted(self) -> None:
        """Its turn has come; the place is taken."""


class Breaker:
    """Opens after too many failures in a row within a window, and lets one call try again after a pause.

    States: closed (calls flow), open (calls are turned away), half open (one call tries; its result decides).
    """

    __slots__ = ("_failures", "_first_at", "_limit", "_open_seconds", "_opened_at", "_trying", "_window")

    def __init__(self, failures: int, window: float, open_seconds: float) -> None:
        self._limit = failures
        self._window = window
        self._open_seconds = open_seconds
        self._failures = 0
        self._first_at = 0.0
        self._opened_at: float | None = None
        self._trying = False

    def allows(self, now: float) -> bool:
        """Whether a call may try. In the half-open state the first to ask is the one that tries."""
        if self._opened_at is None:
            return True
        if self._trying or now - self._opened_at < self._open_seconds:
            return False
        self._trying = True
        return True

    def wait(self, now: float) -> float:
        """Seconds until a call may try again."""
        return 0.0 if self._opened_at is None else max(0.0, self._open_seconds - (now - self._opened_at))

    def succeeded(self) -> None:
        """The vendor answered."""
        self._failures = 0
        self._opened_at = None
        self._trying = False

    def failed(self, now: float) -> None:
        """The vendor did not answer, or said that it cannot."""
        if self._failures == 0 or now - self._first_at > self._window:
            self._failures, self._first_at = 0, now
        self._failures += 1
        if self._trying or self._failures >= self._limit:
            self._opened_at = now
            self._trying = False

    def undecided(self) -> None:
        """A trying call ended without telling anything about the vendor; the next may try."""
        self._trying = False

    @property
    def state(self) -> str:
        """`closed`, `open` or `half_open`."""
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._trying else "open"


class Lane:
    """The places of one provider: so many calls at once, so many waiting, no more."""

    __slots__ = ("_limit", "_most_waiting", "_waiting", "active", "breaker")

    def __init__(self, limit: int, most_waiting: int, breaker: Breaker) -> None:
        self._limit = limit
        self._most_waiting = most_waiting
        self._waiting: deque[Waiting] = deque()
        self.active = 0
        self.breaker = breaker

    def enter(self, waiting: Waiting) -> bool | None:
        """True: a place is taken. None: it waits in the queue, `admitted` tells when. False: the queue is full."""
        if self.active < self._limit:
            self.active += 1
            return True
        if len(self._waiting) >= self._most_waiting:
            return False
        self._waiting.append(waiting)
        return None

    def leave(self) -> None:
        """A place is free; the first in the queue takes it."""
        if self._waiting:
            self._waiting.popleft().admitted()
        else:
            self.active -= 1

    def forget(self, waiting: Waiting) -> None:
        """It no longer waits."""
        self._waiting.remove(waiting)


def wait_before(attempt: int, backoff: float, most: float, headers: Mapping[bytes, bytes], now: float) -> float | None:
    """Seconds to wait before the next attempt: what the vendor asks for, else exponential with full jitter.

    None where the vendor asks for longer than a caller should be kept waiting: its answer is passed on instead.
    """
    asked = _asked(headers, now)
    if asked is None:
        return uniform(0, min(most, backoff * 2**attempt))  # noqa: S311 - jitter, no secret
    return None if asked > min(most, _LONGEST_WAIT) else asked


def _asked(headers: Mapping[bytes, bytes], now: float) -> float | None:
    for name, unit in ((b"retry-after-ms", 0.001), (b"retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) * unit)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value.decode("ascii", "replace")).timestamp() - now)
        except ValueError:
            continue
    return None
