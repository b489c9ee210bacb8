"""Who is signed in: sessions of browsers, in memory. A restart of the bookkeeper ends them all, which is a sign-in again.

A session's id is made when somebody has signed in and is known to nobody before (no fixation); it is told in a cookie that scripts
cannot read and other pages cannot send. Its `guard` goes with every change in a header, which only our own page knows.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from breakeven.governance.access import Person

MOST_SESSIONS = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in, until an instant (seconds of the clock given)."""

    id: str
    guard: str
    person: Person
    until: float


@dataclass(slots=True)
class Sessions:
    """All sessions of this process. Used by many threads."""

    now: Callable[[], float]
    _held: dict[str, Session] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, person: Person, seconds: float) -> Session:
        """Sign somebody in, always under a new id."""
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(24), person, self.now() + seconds)
        with self._lock:
            if len(self._held) >= MOST_SESSIONS:
                self._held = {each.id: each for each in self._held.values() if each.until > self.now()}
            if len(self._held) >= MOST_SESSIONS:
                self._held.pop(next(iter(self._held)))
            self._held[session.id] = session
        return session

    def find(self, identity: str | None) -> Session | None:
        """The session with this id, if it still lasts."""
        with self._lock:
            found = self._held.get(identity or "")
            if found is not None and found.until <= self.now():
                del self._held[found.id]
                return None
        return found

    def end(self, identity: str | None) -> None:
        """Sign out."""
        with self._lock:
            self._held.pop(identity or "", None)
