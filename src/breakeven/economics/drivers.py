"""Why a feature's cost moved while it was taken up: users × calls per user × mix × tokens per call × price per token.

    cost = Σ over models m of  users × calls/users × share of m × tokens of m/calls of m × cost of m/tokens of m

Log-mean Divisia (Ang 2005) as in `cause.py`: effect = Σ L(c₁, c₀)·ln(x₁/x₀). A model that begins or ends is mix. The parts sum to
the change. Beside it the split that needs no model at all: the cost of users who came, less that of users who left, plus what
those who stayed cost more; exact to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

from breakeven.economics.cause import log_mean

USERS, INTENSITY, MIX, TOKENS, PRICE = "users", "calls per user", "mix", "tokens per call", "price per token"
DRIVERS = (USERS, INTENSITY, MIX, TOKENS, PRICE)


@dataclass(frozen=True, slots=True)
class Served:
    """What one model on one rung did in a period: calls, tokens and cost (units of currency)."""

    calls: float
    tokens: float
    cost: float


@dataclass(frozen=True, slots=True)
class Uptake:
    """A feature's period: how many users (None: nobody knows them), and what each model served."""

    users: float | None = None
    served: Mapping[tuple[str, str], Served] = field(default_factory=dict)

    @property
    def calls(self) -> float:
        """All calls."""
        return sum(one.calls for one in self.served.values())

    @property
    def cost(self) -> float:
        """All known cost."""
        return sum(one.cost for one in self.served.values())


def moved(before: Uptake, now: Uptake) -> dict[str, float]:
    """What each driver adds to the cost between two periods. Without known users all volume stands under calls."""
    effects = dict.fromkeys(DRIVERS, 0.0)
    known = bool(before.users) and bool(now.users)
    for key in {*before.served, *now.served}:
        old, new = before.served.get(key), now.served.get(key)
        factors = None if old is None or new is None else _factors(before, old, known=known), _factors(now, new, known=known)
        if old is None or new is None or factors[0] is None or factors[1] is None:
            effects[MIX] += (new.cost if new else 0.0) - (old.cost if old else 0.0)
            continue
        weight = log_mean(new.cost, old.cost)
        for name, was, became in zip(DRIVERS, factors[0], factors[1], strict=True):
            effects[name] += weight * log(became / was)
    return effects


def _factors(uptake: Uptake, one: Served | None, *, known: bool) -> tuple[float, ...] | None:
    if one is None or min(uptake.calls, one.calls, one.tokens, one.cost) <= 0:
        return None
    users = float(uptake.users or 1) if known else 1.0
    return users, uptake.calls / users, one.calls / uptake.calls, one.tokens / one.calls, one.cost / one.tokens


@dataclass(frozen=True, slots=True)
class Group:
    """Users of one kind: how many, and what they cost (atto-units) before and now."""

    users: int = 0
    before: int = 0
    now: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """Users who came, left and stayed, and what no user is known for; `change` is their sum, exactly."""

    came: Group
    left: Group
    stayed: Group
    unknown: Group

    @property
    def change(self) -> int:
        """Cost now − cost before, atto-units."""
        return sum(group.now - group.before for group in (self.came, self.left, self.stayed, self.unknown))
