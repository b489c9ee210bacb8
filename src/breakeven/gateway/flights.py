"""Identical calls at the same time: one of them is asked, all of them are answered.

Within one worker; the others' wait is bounded by the asking call's own time-outs. Those that waited count as answered by the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from breakeven.gateway.caches import Entry
    from breakeven.gateway.climbing import Climb


class Flight:
    """One call that is asked on behalf of others."""

    __slots__ = ("key", "waiting")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.waiting: dict[Climb, None] = {}


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

    def begin(self, key: bytes) -> Flight:
        """The same will be asked once, from now on."""
        flight = self._flying[key] = Flight(key)
        return flight

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
