"""What an account is, and what an exchange does to it: pure, the definition that every store follows.

    room = limit - spent - outside - lent to others - held

A need is granted where it fits into the room, with some more to come (at most an eighth of the room); otherwise nothing is lent.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from breakeven.accounts.port import LEASE_SECONDS, REMEMBERED_SECONDS, SHARE, Entry, Grant
from breakeven.governance.spans import SLICES


class Lease(msgspec.Struct, array_like=True):
    """What one lease holds of an account, all that was told to be spent on it, and when it was last heard of."""

    held: int = 0
    spent: int = 0
    seen: float = 0.0
    number: int = 0


class AccountState(msgspec.Struct):
    """One account: spending by slice, what ledgers know besides, and leases by their ids."""

    slices: dict[int, int] = {}
    outside: dict[str, dict[int, int]] = {}
    leases: dict[str, Lease] = {}


def exchanged(state: AccountState, entry: Entry, now: float, *, opened: bool) -> Grant:
    """Apply one entry to the state, in place. `now` is a clock that all workers of the store share."""
    lease = state.leases.get(entry.lease) or Lease()
    if (
        entry.number <= lease.number and entry.lease in state.leases
    ):  # overtaken by what the worker has said since: it has no room to give and takes none
        return Grant(0, spending(state, entry.since), sum(each.held for each in state.leases.values()))
    _write_off_the_lost(state, entry, now)
    if not entry.in_flight and entry.spent > lease.spent:
        state.slices[entry.slice] = state.slices.get(entry.slice, 0) + entry.spent - lease.spent
    _drop_faded(state, entry)
    spent = spending(state, entry.since)
    others = sum(each.held for name, each in state.leases.items() if name != entry.lease)
    room = entry.limit - spent - others - entry.held
    opening = not opened and not entry.ready
    granted = 0
    frees = None
    if entry.need and not opening:
        if room >= entry.need:
            granted = max(entry.need, min(entry.want, room // SHARE))
        else:
            frees = freeing_slice(state.slices, entry.since, entry.need - room)
    state.leases[entry.lease] = Lease(entry.held + granted, max(entry.spent, lease.spent), now, entry.number)
    return Grant(granted, spent, others + entry.held + granted, opening, frees)


def spending(state: AccountState, since: int) -> int:
    """What counts as spent from a slice on, by gateways and outside of them."""
    inside = sum(amount for number, amount in state.slices.items() if number >= since)
    return inside + sum(amount for amounts in state.outside.values() for number, amount in amounts.items() if number >= since)


def freeing_slice(slices: Mapping[int, int], since: int, shortage: int) -> int | None:
    """The slice after whose fading a shortage is covered; None where no fading covers it."""
    for number in sorted(number for number in slices if number >= since):
        shortage -= slices[number]
        if shortage <= 0:
            return number
    return None


def _write_off_the_lost(state: AccountState, speaker: Entry, now: float) -> None:
    """A lost worker may have spent all that it held; of calls under way it has none any more. Leases that ended are forgotten."""
    for name, lease in list(state.leases.items()):
        silent = now - lease.seen
        if name == speaker.lease or 0 <= silent <= LEASE_SECONDS:
            continue
        if not lease.held:
            if not 0 <= silent <= REMEMBERED_SECONDS:
                del state.leases[name]
            continue
        lost = 0 if speaker.in_flight else lease.held
        if lost:
            state.slices[speaker.slice] = state.slices.get(speaker.slice, 0) + lost
        state.leases[name] = Lease(0, lease.spent + lost, now, lease.number)


def _drop_faded(state: AccountState, entry: Entry) -> None:
    if entry.since:
        for number in [number for number in state.slices if number < entry.since - SLICES]:
            del state.slices[number]
