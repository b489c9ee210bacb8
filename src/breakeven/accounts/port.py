"""What every store of accounts offers: one operation, in which a worker tells what it has spent and holds, and asks for more.

Whatever a worker says is absolute ("so much in all", never "so much more"), so that saying it twice, after an answer that was lost
or a store that was restored, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

SHARE = 8
"""A lease is at most this part of the room left, unless one call needs more: near its limit a budget is lent call by call."""

REMEMBERED_SECONDS = 3600.0
"""A lease that holds nothing is forgotten after so long; until then a worker may say its last word again."""

LEASE_SECONDS = 900.0
"""A worker that has not been heard of for so long is lost: what it held counts as spent, because nobody can say that it was not."""


class Entry(NamedTuple):
    """What one worker says about one account. Amounts are whole numbers (atto-dollars, tokens, calls).

    `spent` is all that the worker has ever settled on the account, `held` what it keeps of its lease (reserved, and room for more),
    `need` what it must have more for a call that waits, `want` what it would like. `slice` is where spending goes now, `since` the
    first slice that counts. `ready`: the account needs no opening balance from the ledger. `in_flight`: it counts what is under way
    and nothing is ever spent. `expires`: when the account may be forgotten some time. A lease is one stretch of a worker's interest
    in an account; its id is never used again. What it says is numbered, so that a message that was delayed changes nothing.
    """

    key: str
    lease: str
    number: int
    limit: int
    spent: int = 0
    held: int = 0
    need: int = 0
    want: int = 0
    slice: int = 0
    since: int = 0
    ready: bool = False
    in_flight: bool = False
    expires: float | None = None


class Grant(NamedTuple):
    """The answer about one account: what was lent, and how it stands: spent so far, and lent to all workers together.

    `opening`: it is not known yet what was spent before. `frees`: the slice that must fade before the need fits, where that helps.
    """

    granted: int
    spent: int
    leased: int
    opening: bool = False
    frees: int | None = None


class Balance(NamedTuple):
    """How an account stands: spent by calls through gateways and outside of them, and lent to workers."""

    key: str
    slices: Mapping[int, int]
    outside: Mapping[int, int]
    leases: Mapping[str, int]


OPENING_AGE_SECONDS, SHARED_OPENING_AGE_SECONDS = 1.0, 4.0
"""So long after a store was begun anew its accounts stay closed: live workers need it to say what their calls hold, and where
several hosts share the store, each of their bookkeepers needs it to say what its ledger knows."""

Answer = Callable[[Sequence[Grant] | None, str], None]
"""Takes the grants, in the order of the entries, and the store's generation.

No grants with a generation: the store is another one than the worker believed, and nothing was done. Neither: it was not reached.
"""


class AccountStore(Protocol):
    """The accounts that all workers share."""

    def exchange(self, worker: str, generation: str, entries: Sequence[Entry], answer: Answer) -> None:
        """Take what a worker says, lend what it needs, all in one transaction. `answer` may be called at once or later.

        A store that was lost and begun anew has another generation; to a worker that names another one it does nothing. An empty
        name agrees with any.
        """

    def denials(self, answer: Callable[[int | None, str], None]) -> None:
        """How often any worker was denied anything, and the generation. When it grows, who has room to spare gives it back."""

    def close(self) -> None:
        """Let go of files and connections."""


class Books(Protocol):
    """What the bookkeeper and the reports do with the same accounts."""

    def workers(self) -> frozenset[str]:
        """Every worker whose spending the store has counted itself."""

    def generation(self) -> tuple[str, float]:
        """Which store this is, and how many seconds ago it was begun."""

    def opened(self) -> frozenset[str]:
        """The budgets whose accounts are open: what was spent on them before is known."""

    opening_age: float
    """How old the store must be before accounts are opened."""

    def set_outside(self, ledger: str, identity: str, amounts: Mapping[str, Mapping[int, int]], *, opened: bool = True) -> None:
        """What a ledger knows of spending on a budget's accounts that no worker here has counted: all of it, in place of before.

        With `opened` the budget's accounts are open from then on.
        """

    def balances(self, identity: str) -> Sequence[Balance]:
        """How the accounts of a budget stand."""

    def prune(self) -> int:
        """Drop accounts whose window ended long ago; returns how many."""

    def close(self) -> None:
        """Let go of files and connections."""
