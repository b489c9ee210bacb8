"""Identical calls at the same time: one of them is asked, all of them are answered.

Within a worker they wait for one another here. Among workers, of one host or of many, the one that asks claims the request in the
store of answers and renews its claim while it lives; the others look there again and again. A claim whose worker died lapses. A
call waits for two other workers at most, the second because the first may have died: where neither got anything to share, it asks
for itself. The wait is bounded by the asking calls' own time-outs. Those that waited count as answered by the cache.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from breakeven.gateway.caches import Entry

if TYPE_CHECKING:
    import asyncio

    from breakeven.gateway.caches import CacheStore, Claimed
    from breakeven.gateway.climbing import Climb

CLAIM_SECONDS = 3.0
"""Renewed every second; so long others wait for a worker that died."""
LOOK_SECONDS = 0.02
LONGEST_LOOK_SECONDS = 0.2
MOST_AWAITED = 2
NOT_THERE = "not there"
NOTHING_SHARED = "an identical call under way got no answer that can be kept"
_OWNER_BYTES = 12


class Claim:
    """What one call says to all workers about a request: that it asks it."""

    __slots__ = ("key", "made", "owner", "space", "store")

    def __init__(self, store: CacheStore, space: str, key: bytes) -> None:
        self.store = store
        self.space = space
        self.key = key
        self.owner = os.urandom(_OWNER_BYTES)
        self.made = False

    def make(self, then: Claimed) -> None:
        """Claim the request, or claim it anew."""
        self.made = True
        self.store.claim(self.space, self.key, self.owner, CLAIM_SECONDS, then)

    def keep(self, entry: Entry, ttl: float, size: int) -> None:
        """The answer is there for all workers."""
        self.store.keep(self.space, self.key, entry, ttl, size, self.owner)

    def release(self) -> None:
        """Other workers need not wait for this call."""
        if self.made:
            self.store.release(self.space, self.key, self.owner)


class Flight:
    """One call that is asked on behalf of others; `awaited` are the claims of other workers that it waits for itself."""

    __slots__ = ("_leader", "_looks", "_loop", "awaited", "claimed", "waiting")

    def __init__(self, leader: Climb, claimed: Claim, loop: asyncio.AbstractEventLoop) -> None:
        self._leader = leader
        self._loop = loop
        self._looks = 0
        self.claimed = claimed
        self.awaited: set[bytes] = set()
        self.waiting: dict[Climb, None] = {}

    @property
    def key(self) -> bytes:
        """The key of the request."""
        return self.claimed.key

    def claim(self) -> None:
        """Ask where nobody else does, or where enough others got nothing to share; else wait."""
        if self._leader.flight is self:
            self.claimed.make(self._told)

    def _told(self, found: Entry | bytes) -> None:
        if self._leader.flight is not self:  # the call ended meanwhile
            self.claimed.release()
        elif isinstance(found, Entry):
            self._leader.shared(found)
        elif found == self.claimed.owner:
            self.awaited.clear()
            self._leader.proceed(NOT_THERE)
        elif found in self.awaited or len(self.awaited) < MOST_AWAITED:
            self.awaited.add(found)
            self._loop.call_later(self._pause(), self.claim)
        else:
            self.claimed.made = False
            self._leader.proceed(NOTHING_SHARED)

    def _pause(self) -> float:
        """Seconds until it is looked for again: longer each time, so that a long answer is not asked for a thousand times."""
        self._looks += 1
        return min(LOOK_SECONDS * 1.2**self._looks, LONGEST_LOOK_SECONDS)

    def renew(self) -> None:
        """Say to all workers that this is still being asked."""
        if self.claimed.made and not self.awaited:
            self.claimed.make(_ignored)


class Flights:
    """The calls under way whose answers may be shared, by the key of their request."""

    def __init__(self) -> None:
        self._flying: dict[bytes, Flight] = {}
        self._followed: dict[Climb, Flight] = {}

    def joins(self, key: bytes, climb: Climb) -> bool:
        """Whether the same is being asked, so that this call waits for it."""
        flight = self._flying.get(key)
        if flight is None:
            return False
        flight.waiting[climb] = None
        self._followed[climb] = flight
        return True

    def begin(self, leader: Climb, claim: Claim, loop: asyncio.AbstractEventLoop) -> Flight:
        """The same will be asked once, from now on."""
        flight = self._flying[claim.key] = Flight(leader, claim, loop)
        return flight

    def renew(self) -> None:
        """Once a second: what is being asked still is."""
        for flight in tuple(self._flying.values()):
            flight.renew()

    def land(self, flight: Flight, entry: Entry) -> None:
        """The answer is there: everybody who waited has it."""
        for climb in self._emptied(flight):
            climb.replay(entry)

    def give_up(self, flight: Flight, *, gone: bool) -> None:
        """There is no answer to share. Where its caller has gone, the next one asks for the rest; else each asks for itself."""
        flight.claimed.release()
        waiting = self._emptied(flight)
        if gone and waiting:
            first, *rest = waiting
            first.lead()
            for climb in rest:
                if not self.joins(flight.key, climb):
                    climb.proceed(NOTHING_SHARED)
        else:
            for climb in waiting:
                climb.proceed(NOTHING_SHARED)

    def leave(self, climb: Climb) -> None:
        """This call waits no longer."""
        flight = self._followed.pop(climb, None)
        if flight is not None:
            flight.waiting.pop(climb, None)

    def _emptied(self, flight: Flight) -> list[Climb]:
        if self._flying.get(flight.key) is flight:
            del self._flying[flight.key]
        waiting, flight.waiting = list(flight.waiting), {}
        for climb in waiting:
            self._followed.pop(climb, None)
        return waiting


def _ignored(_: Entry | bytes) -> None:
    """A renewal asks nothing."""
