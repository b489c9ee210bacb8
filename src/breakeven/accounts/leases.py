"""A worker's own side of the accounts: what it holds of each, so that most calls ask nobody.

A lease is room that the store has lent. A call reserves from it and settles into it in memory; the journal notes both, so that a
kill loses nothing. `exchange`s tell the store what was spent, give back what lies idle, and borrow more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from breakeven.accounts.journal import Journal, Left
from breakeven.accounts.port import AccountStore, Entry, Grant
from breakeven.errors import Unreachable
from breakeven.governance.budgets import Account

AHEAD_CALLS = 32
"""A busy account borrows for so many calls at once, as far as its room allows."""
BUSY_SECONDS = 1.0
IDLE_SECONDS = 0.1
"""Room that no call has touched for so long goes back."""
TOLD_SECONDS = 0.25
"""What was spent is told to the store so often, or at once where an account is nearly spent or somebody was denied."""
HEARD_SECONDS = 60.0
FORGET_SECONDS = 30.0
_LAST_WORD = 2**52


class Lease:
    """What this worker holds of one account. `room` is free, `reserved` belongs to calls under way, `spent` is settled."""

    __slots__ = (
        "account", "base", "borrowed_at", "calls", "closed", "expires", "frees", "heard_at", "id", "in_flight", "key",
        "known_leased", "known_limit", "known_spent", "number", "opening", "place", "ready", "reserved", "room",
        "spent", "told", "told_at", "unsure", "used_at",
    )  # fmt: skip

    def __init__(self, account: Account, identity: str, place: int, now: float) -> None:
        self.account = account
        self.key = account.key
        self.id = identity
        self.place = place
        self.in_flight = account.budget.measure == "in_flight"
        self.ready = account.budget.kind != "budget"
        self.expires = account.window.ends
        self.room = 0
        self.reserved = 0
        self.spent = 0
        self.base = 0  # what was spent under another store, which the ledger tells the new one
        self.told = 0
        self.unsure = False
        self.calls = 0
        self.number = 0
        self.known_spent = 0
        self.known_leased = 0
        self.known_limit = 0
        self.opening = self.closed = False
        self.frees: int | None = None
        self.used_at = now
        self.told_at = self.heard_at = self.borrowed_at = now - FORGET_SECONDS

    @property
    def spent_by_all(self) -> int:
        """What is known to be spent on the account, by all workers."""
        return self.known_spent + self.spent - self.told

    @property
    def reserved_by_all(self) -> int:
        """What all workers hold for calls under way, as far as it is known."""
        return max(self.known_leased - self.room - (self.spent - self.told), self.reserved)


class Draw(NamedTuple):
    """An amount of one lease."""

    lease: Lease
    amount: int


Borrowed = Callable[[bool], None]
"""Told whether the store could be reached. Whether the room suffices now, the leases show."""


class Leases:
    """All leases of one worker."""

    def __init__(
        self, store: AccountStore, journal: Journal, worker: str, now: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._store = store
        self._journal = journal
        self.worker = self._name = worker
        self._now = now
        self._wall = wall
        self._leases: dict[str, Lease] = {}
        self._count = 0
        self._denials: int | None = None
        self._generation = ""
        self._renewals = 0
        self._waiting: deque[tuple[Callable[[], list[tuple[Lease, Entry]]], Borrowed]] = deque()
        self._speaking = False
        self.unreachable = False

    def lease(self, account: Account) -> Lease:
        """The lease of an account; a new one holds nothing yet."""
        found = self._leases.get(account.key)
        if found is None:
            self._count += 1
            identity = f"{self.worker}.{self._count}"
            in_flight = account.budget.measure == "in_flight"
            place = self._journal.open_slot(account.key, identity, in_flight=in_flight, slice_seconds=account.window.slice_seconds)
            found = self._leases[account.key] = Lease(account, identity, place, self._now())
            found.known_limit = account.budget.limit_at(self._wall())
        return found

    def reserve(self, draws: Sequence[tuple[Lease, int]]) -> bool:
        """Reserve all of the amounts or nothing; False where one of the leases has too little room."""
        for lease, amount in draws:
            if lease.room < amount:
                return False
        now = self._now()
        write = self._journal.write
        for lease, amount in draws:
            lease.room -= amount
            lease.reserved += amount
            lease.used_at = now
            write(lease.place, lease.spent - lease.base, lease.reserved)
        return True

    def settle(self, lease: Lease, reserved: int, spent: int, *, last: bool) -> None:
        """Turn a reservation, or a part of it, into what was spent; the rest is room again. `last`: the call is done with it.

        What was spent without a reservation, or beyond it, is spent all the same.
        """
        lease.reserved -= reserved
        lease.room = max(0, lease.room + reserved - spent)
        lease.spent += spent
        if last:
            lease.calls -= 1
        self._journal.write(lease.place, lease.spent - lease.base, lease.reserved)

    def borrow(self, draws: Sequence[Draw], then: Borrowed) -> None:
        """Ask the store for what the leases lack for these amounts, all in one exchange."""
        self._say(lambda: self._wishes(draws), then)

    def _wishes(self, draws: Sequence[Draw]) -> list[tuple[Lease, Entry]]:
        now = self._now()
        found = []
        for lease, amount in draws:
            if lease.room < amount:
                found.append((lease, self._entry(lease, amount - lease.room, self._wish(lease, amount, now))))
                lease.borrowed_at = lease.used_at = now
        return found

    def tick(self) -> None:
        """For the worker's timer: tell what was spent, give back what is idle, forget what is over."""
        self._store.denials(self._after_denials)

    def _after_denials(self, denials: int | None, generation: str) -> None:
        if generation and self._generation and generation != self._generation:
            self._renew(generation)
        denied = denials is not None and denials != self._denials
        self._denials = denials
        now = self._now()
        told = [lease for lease in self._leases.values() if self._must_tell(lease, now, denied=denied)]
        if told:
            self._say(lambda: [(lease, self._entry(lease, 0, 0)) for lease in told], _nothing)
        for lease in [each for each in self._leases.values() if self._is_over(each, now)]:
            lease.closed = True
            del self._leases[lease.key]
            self._journal.close_slot(lease.place)

    def _renew(self, generation: str) -> None:
        """The store was lost and begun anew. It hears under a new name what calls under way hold, and nothing else from us.

        What was spent is in the ledger, which tells of spending under names that the store does not know. Room is given up.
        """
        self._generation = "" if generation == "none" else generation
        self._journal.note_generation(self._generation)
        self._renewals += 1
        self.worker = f"{self._name}r{self._renewals}"
        for lease in self._leases.values():
            self._count += 1
            lease.id = f"{self.worker}.{self._count}"
            lease.number = 0
            lease.room = 0
            lease.base = lease.told = lease.spent
            lease.unsure = bool(lease.reserved)
            lease.known_spent = lease.known_leased = 0
            self._journal.rename(lease.place, lease.key, lease.id)
            self._journal.write(lease.place, 0, lease.reserved)

    def _must_tell(self, lease: Lease, now: float, *, denied: bool) -> bool:
        if lease.unsure:
            return True
        if lease.spent != lease.told and (denied or now - lease.told_at >= TOLD_SECONDS or self._is_tight(lease)):
            return True
        idle = now - lease.used_at >= IDLE_SECONDS
        if lease.room and (idle or denied):
            lease.room = 0
            return True
        return bool(lease.reserved or lease.room) and now - lease.heard_at >= HEARD_SECONDS

    def _is_tight(self, lease: Lease) -> bool:
        return lease.spent_by_all + lease.known_leased >= lease.known_limit

    def _is_over(self, lease: Lease, now: float) -> bool:
        if lease.calls or lease.reserved or lease.room or lease.unsure or lease.spent != lease.told:
            return False
        return now - max(lease.used_at, lease.heard_at) >= FORGET_SECONDS

    def _wish(self, lease: Lease, amount: int, now: float) -> int:
        """How much to borrow: for many calls where calls come one after the other, else for this one."""
        return amount * AHEAD_CALLS if now - lease.borrowed_at < BUSY_SECONDS else amount

    def _entry(self, lease: Lease, need: int, want: int) -> Entry:
        at = self._wall()
        budget = lease.account.budget
        window = budget.span.window(at) if lease.account.window.slice_seconds else lease.account.window
        lease.known_limit = limit = budget.limit_at(at)
        held = lease.reserved + lease.room
        lease.number += 1
        return Entry(
            lease.key, lease.id, lease.number, limit, lease.spent - lease.base, held, need, want, window.slice, window.since,
            lease.ready, lease.in_flight, lease.expires,
        )  # fmt: skip

    def _say(self, entries: Callable[[], list[tuple[Lease, Entry]]], then: Borrowed) -> None:
        """One exchange after the other: what a worker holds is told as it stands when the store has heard all before."""
        self._waiting.append((entries, then))
        if not self._speaking:
            self._speak()

    def _speak(self) -> None:
        while self._waiting and not self._speaking:
            entries, then = self._waiting.popleft()
            said = entries()
            if not said:
                then(True)  # noqa: FBT003 - the answer to the question whether the store was reached
                continue
            self._speaking = True
            for lease, _ in said:
                lease.unsure = True  # until it is answered, nobody knows what the store believes
            answered = partial(self._answered, said, then, self.worker)
            self._store.exchange(self.worker, self._generation, [entry for _, entry in said], answered)

    def _answered(
        self, said: Sequence[tuple[Lease, Entry]], then: Borrowed, name: str, grants: Sequence[Grant] | None, generation: str
    ) -> None:
        self._speaking = False
        if grants is None and generation and name == self.worker:
            self._renew(generation)
        if name != self.worker:  # said under the old name: what it was answered is not meant for the leases of now
            grants = None
        if generation and generation != self._generation:
            self._generation = generation
            self._journal.note_generation(generation)
        self.unreachable = grants is None and not generation
        now = self._now()
        for (lease, entry), grant in zip(said, grants or (), strict=grants is not None):
            lease.room += grant.granted
            lease.told = lease.base + entry.spent
            lease.unsure = False
            lease.told_at = lease.heard_at = now
            lease.known_spent, lease.known_leased = grant.spent, grant.leased
            lease.opening, lease.frees = grant.opening, grant.frees
            if grant.granted:
                lease.used_at = now
        then(grants is not None)
        self._speak()

    def close(self) -> None:
        """Tell everything and give back everything that no call holds."""
        for lease in self._leases.values():
            lease.room = 0
        self._say(lambda: [(lease, self._entry(lease, 0, 0)) for lease in self._leases.values()], _nothing)

    @property
    def clear(self) -> bool:
        """Whether everything is told and nothing is held."""
        return not self._speaking and all(each.spent == each.told and not each.reserved for each in self._leases.values())


def recover(store: AccountStore, path: Path, wall: float, then: Callable[[bool], None]) -> bool:
    """Settle what a dead worker left in its journal: the spent as spent, what its calls under way had reserved as spent too.

    Where the store was lost meanwhile, what was settled is the ledger's to tell, and only the rest is settled here. False where the
    worker lives. The file is removed when the store has taken everything; saying it twice changes nothing.
    """
    try:
        journal = Journal(path)
    except (BlockingIOError, Unreachable):
        return False
    left = list(journal.left())
    if not left:
        path.unlink(missing_ok=True)
        journal.close()
        then(True)  # noqa: FBT003 - the answer to the question whether it is done
        return True

    def answered(again: bool, grants: Sequence[Grant] | None, generation: str) -> None:  # noqa: FBT001 - bound below
        if grants is None and generation and not again:
            name = f"{left[0].lease.partition('.')[0]}x{generation}"
            rest = [_last_word(each._replace(spent=0, lease=f"{name}.{at}"), wall) for at, each in enumerate(left)]
            store.exchange(name, "", rest, partial(answered, True))  # noqa: FBT003 - again
            return
        if grants is not None:
            path.unlink(missing_ok=True)
        journal.close()
        then(grants is not None)

    name = left[0].lease.partition(".")[0]
    words = [_last_word(each, wall) for each in left]
    store.exchange(name, journal.generation, words, partial(answered, False))  # noqa: FBT003 - not again
    return True


def _last_word(left: Left, wall: float) -> Entry:
    slice_ = int(wall // left.slice_seconds) if left.slice_seconds else 0
    spent = left.spent + (0 if left.in_flight else left.reserved)
    return Entry(left.key, left.lease, _LAST_WORD, 0, spent, slice=slice_, ready=True, in_flight=left.in_flight)


def _nothing(reached: bool) -> None:  # noqa: FBT001 - it is a `Borrowed`
    """Nobody waits for the answer."""
    del reached
