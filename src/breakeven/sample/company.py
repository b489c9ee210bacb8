"""The invented firm's customers and users: who they are, when they came, how much they use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from breakeven.sample.truth import CUSTOMERS, MONTHS, USERS

_PLAN_SHARES = (0.38, 0.34, 0.2, 0.08)
_PLAN_APPETITE = np.array((0.5, 1.0, 2.4, 6.0))
_BEFORE = 0.45  # of the customers were there before the first month
_CHURN = 0.008  # a month
_KEENNESS = 1.1  # with this spread the keenest 5 % of users cause about two fifths of the cost


@dataclass(frozen=True, slots=True)
class Company:
    """Customers by number: plan, first and last month (−1: before the first), appetite; users by number: customer, appetite."""

    plan: NDArray[np.int64]
    joined: NDArray[np.int64]
    left: NDArray[np.int64]
    appetite: NDArray[np.float64]
    user_customer: NDArray[np.int64]
    user_appetite: NDArray[np.float64]

    def active(self, month: int) -> NDArray[np.bool_]:
        """Which customers use the product in a month."""
        return (self.joined <= month) & (month <= self.left)


def company(random: np.random.Generator) -> Company:
    """Two hundred customers of four plans, thousands of users, engagement with a heavy tail."""
    plan = random.choice(len(_PLAN_SHARES), CUSTOMERS, p=_PLAN_SHARES)
    joined = np.where(random.random(CUSTOMERS) < _BEFORE, -1, random.integers(0, MONTHS, CUSTOMERS))
    stays = random.geometric(_CHURN, CUSTOMERS)
    left = np.minimum(np.maximum(joined, 0) + stays, MONTHS)
    appetite = _PLAN_APPETITE[plan] * random.lognormal(0.0, 0.8, CUSTOMERS)
    seats = np.maximum(1, np.round(USERS * appetite / appetite.sum())).astype(np.int64)
    user_customer = np.repeat(np.arange(CUSTOMERS), seats)
    return Company(plan, joined, left, appetite, user_customer, random.lognormal(0.0, _KEENNESS, user_customer.size))


def users_at_work(firm: Company, month: int, concentration: float, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """`count` users drawn by appetite among those of active customers; a higher `concentration` favours the keenest."""
    weight = np.where(firm.active(month)[firm.user_customer], firm.user_appetite**concentration, 0.0)
    return random.choice(weight.size, count, p=weight / weight.sum())
