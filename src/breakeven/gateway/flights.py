"""Identical calls at the same time: one of them is asked, all of them are answered.

Within a worker they wait for one another here. Among workers, of one host or of many, the one that asks claims the request in the
store of answers and renews its claim while it lives; the others look there again and again. A claim whose worker died lapses. A
call waits for two other workers at most, the second because the first may have died: where neither got anything to share, it asks
for itself. The wait is bounded by the asking calls' own time-outs. Those that waited count as answered by the cache.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from breakeven.gateway.caches import CacheStore, Claimed, Entry
    from breakeven.gateway.climbing import Climb

CLAIM_SECONDS = 3.0
"""Renewed every second; so long others wait for a worker that died."""
LOOK_SECONDS = 0.02
LONGEST_LOOK_SECONDS = 0.2
MOST_AWAITED = 2
_OWNER_BYTES = 12


class Flight:
    """One call that is asked on behalf of others; `awaited` are the claims of other workers that it waits for itself."""

    __slots__ = ("awaited", "claimed", "key", "looks", "owner", "space", "waiting")

    def __init__(self, space: str, key: bytes) -> None:
        self.space = space
        self.key = key
        self.owner = os.urandom(_OWNER_BYTES)
        self.claimed = False
        self.awaited: set[bytes] = set()
        self.looks = 0
        self.waiting: dict[Climb, None] = {}

    def claim(self, store: CacheStore, then: Claimed) -> None:
        """Claim the request among all workers, or claim it anew."""
        self.claimed = True
        store.claim(self.space, self.key, self.owner, CLAIM_SECONDS, then)

    def awaits(self, other: bytes) -> bool:
        """Whether it waits for this claim of another worker."""
        if other not in self.awaited and len(self.awaited) == MOST_AWAITED:
            return False
        self.awaited.add(other)
        return True

    def pause(self) -> float:
        """Seconds until it is looked for again: longer each time, so that a long answer is not asked for a thousand times."""
        self.looks += 1
        return min(LOOK_SECONDS * 1.2**self.looks, LONGEST_LOOK_SECONDS)


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

    def begin(self, space: str, key: bytes) -> Flight:
        """The same will be asked once, from now on."""
        flight = self._flying[key] = Flight(space, key)
        return flight

    def renew(self, store: CacheStore) -> None:
        """Say to all workers that what is being asked still is."""
        for flight in tuple(self._flying.values()):
            if flight.claimed and not flight.awaited:
                flight.claim(store, _ignored)

    def land(self, flight: Flight, entry: Entry) -> None:
        """The answer is there: everybody who waited has it."""
        for climb in self._emptied(flight):
            climb.replay(entry)

    def give_up(self, flight: Flight, *, gone: bool) -> None:
        """There is no answer to share. Where its caller has gone, the next one asks for the rest; else each asks for itself."""
        waiting = self._emptied(flight)
        if gone and waiting:
            first, *rest = waiting
            first.lead()
            for climb in rest:
                if not self.joins(flight.key, climb):
                    climb.alone()
        else:
            for climb in waiting:
                climb.alone()

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
