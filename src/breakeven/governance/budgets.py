"""What a limit is: whose spending it covers, how much, over which time, and what happens at each threshold.

Budgets, rate limits and concurrency limits are one thing: an amount of a unit that calls draw on. A budget in money over a month, a
rate of calls over a rolling minute, and a number of calls in flight differ in unit and span only, and in how a refusal is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from breakeven.economics.money import digits
from breakeven.governance.spans import Rolling, Span, Window

Measure = Literal["usd", "tokens", "calls", "in_flight"]
Mode = Literal["strict", "bounded"]
UnknownPrice = Literal["refuse", "cap", "flag"]
Action = Literal["notify", "downgrade", "throttle", "refuse"]
Kind = Literal["budget", "rate", "concurrency"]

SCOPES = ("feature", "team", "customer", "user", "key", "model", "environment", "workflow", "provider")
"""The dimensions that a limit may be about."""
BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Threshold:
    """What happens when a share of the limit is spent. `share` is in basis points: 8,000 is 80%. `calls_per_minute` throttles."""

    share: int
    action: Action
    calls_per_minute: int = 0


@dataclass(frozen=True, slots=True)
class Raise:
    """A temporary raise by `amount`: why, by whom, from when (None: at once) until when, in seconds since 1970."""

    amount: int
    reason: str
    author: str
    until: float
    since: float | None = None

    def holds(self, at: float) -> bool:
        """Whether the raise is in force at an instant."""
        return (self.since is None or self.since <= at) and at < self.until


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit as it is declared. Amounts are atto-dollars where the measure is `usd`, else whole numbers.

    `scope` narrows whose calls count (dimension, values); `per` gives each value of a dimension an account of its own.
    Strict: the worst case of every call is reserved, so that `limit` is never exceeded. Bounded: an expected amount (the `quantile`
    of the feature's own history) is reserved, and the worst cases of all calls in flight never reach beyond `limit + overshoot`.
    """

    id: str
    measure: Measure
    limit: int
    span: Span
    kind: Kind = "budget"
    owner: str | None = None
    scope: tuple[tuple[str, tuple[str, ...]], ...] = ()
    per: tuple[str, ...] = ()
    mode: Mode = "strict"
    overshoot: int = 0
    quantile: float = 0.95
    unknown_price: UnknownPrice = "refuse"
    cap: int = 0
    enforced: bool = True
    thresholds: tuple[Threshold, ...] = ()
    raises: tuple[Raise, ...] = ()
    status: int = 402
    place: str = ""

    @property
    def identity(self) -> str:
        """The id with a hash of what is counted. A budget whose scope, measure or span changes counts anew, from the ledger."""
        counted = repr((self.measure, self.span, self.scope, self.per))
        return f"{self.id}#{hashlib.sha256(counted.encode()).hexdigest()[:8]}"

    def covers(self, dimensions: Mapping[str, str | None]) -> bool:
        """Whether a call of these dimensions draws on this limit. Where `per` has no value the call belongs to no account."""
        return all(dimensions.get(name) in values for name, values in self.scope) and all(
            dimensions.get(name) is not None for name in self.per
        )

    def subject(self, dimensions: Mapping[str, str | None]) -> tuple[str, ...]:
        """Whose account a call draws on: its values of the `per` dimensions."""
        return tuple(dimensions.get(name) or "" for name in self.per)

    def raised(self, at: float) -> int:
        """The limit with the raises in force."""
        return self.limit + sum(each.amount for each in self.raises if each.holds(at))

    def limit_at(self, at: float) -> int:
        """What may be spent: the raised limit, or the share of it at which the budget refuses."""
        limit = self.raised(at)
        shares = [each.share for each in self.thresholds if each.action == "refuse"]
        return limit * min(shares) // BASIS_POINTS if shares else limit


BOUND = "!"


def bound_of(budget: Budget) -> Budget:
    """The second account of a bounded budget: on it every call's worst case is reserved, up to limit and overshoot."""
    return replace(budget, id=budget.id + BOUND, limit=budget.limit + budget.overshoot, mode="strict", thresholds=())


def accounts_of(budget: Budget) -> tuple[Budget, ...]:
    """The budgets whose accounts are kept for this one: itself, and its bound."""
    return (budget, bound_of(budget)) if budget.mode == "bounded" else (budget,)


def throttle_of(budget: Budget, threshold: Threshold) -> Budget:
    """The rate that holds once a throttling threshold is crossed."""
    return Budget(
        f"{budget.id}/throttle-{threshold.share}", "calls", threshold.calls_per_minute, Rolling(60.0), "rate", budget.owner,
        budget.scope, budget.per, status=429, place=budget.place,
    )  # fmt: skip


class Account(NamedTuple):
    """Where the spending of one budget, subject and window is counted. `key` names it in the store."""

    key: str
    budget: Budget
    subject: tuple[str, ...]
    window: Window


def account_of(budget: Budget, subject: tuple[str, ...], at: float) -> Account:
    """The account of a subject at an instant."""
    window = budget.span.window(at)
    return Account(account_key(budget.identity, window.name, subject), budget, subject, window)


SEPARATOR = "\x1f"
LONGEST_KEY = 700
"""Bytes of an account's name; a longer subject is counted under its hash."""


def account_key(identity: str, window: str, subject: tuple[str, ...]) -> str:
    """The name of an account in the store; subjects may hold any text."""
    key = SEPARATOR.join((identity, window, *subject))
    if len(key.encode()) <= LONGEST_KEY:
        return key
    hashed = hashlib.sha256(key.encode()).hexdigest()
    return SEPARATOR.join((identity, window, *(f"{value[:20]}...{hashed}" for value in subject)))


def parsed_key(key: str) -> tuple[str, str, tuple[str, ...]]:
    """Identity of the budget, name of the window, and subject of an account's key."""
    identity, window, *subject = key.split(SEPARATOR)
    return identity, window, tuple(subject)


def subject_in_words(budget: Budget, subject: tuple[str, ...]) -> str:
    """Whose account it is: `customer Acme, user u1`; `all` where nothing divides it."""
    named = [f"{name} {value}" for name, value in zip(budget.per, subject, strict=True)]
    return ", ".join(named) or "all"


def amount_in_words(measure: Measure, amount: int) -> str:
    """An amount with its unit: `$20,003.10`, `5,000,000 tokens`. Dollars are rounded to cents, or to where digits begin."""
    if measure != "usd":
        noun = {"tokens": "token", "calls": "call", "in_flight": "call at once"}[measure]
        plural = "calls at once" if measure == "in_flight" else f"{noun}s"
        return f"{amount:,} {noun if amount == 1 else plural}"
    cents = 10**16
    sign = "-" if amount < 0 else ""
    if amount == 0 or abs(amount) >= cents:
        return f"{sign}${(abs(amount) + cents // 2) // cents / 100:,.2f}"
    return f"{sign}${abs(amount) / 10**18:.2g}"


def exact(measure: Measure, amount: int) -> str:
    """An amount as exact digits, for programs."""
    return (digits(amount) or "0") if measure == "usd" else str(amount)
