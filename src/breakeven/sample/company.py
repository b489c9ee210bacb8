"""The invented firm's customers and users: who they are, when they came, how much they use."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from breakeven.sample.truth import CUSTOMERS, MONTHS, USERS

PLANS_SOLD = (("starter", Decimal(79)), ("team", Decimal(290)), ("business", Decimal(890)), ("enterprise", Decimal(2900)))
"""The firm's plans and their flat monthly price: what a customer pays does not grow with its use."""
_PLANS_BY_DECILE = (
    (15, 4, 1, 0),
    (13, 5, 2, 0),
    (11, 6, 2, 1),
    (9, 7, 3, 1),
    (7, 8, 4, 1),
    (5, 8, 5, 2),
    (4, 8, 5, 3),
    (4, 8, 6, 2),
    (4, 7, 6, 3),
    (4, 7, 6, 3),
)
"""Customers by plan in each decile of engagement, the least engaged first: the keenest do not pay more than the next ones."""
_CUSTOMER_SPREAD, _USER_SPREAD = 1.3, 1.95
_BEFORE = 0.45  # of the customers were there before the first month
_CHURN = 0.008  # a month


@dataclass(frozen=True, slots=True)
class Company:
    """Customers by number: plan, first and last month (−1: before the first); users by number: their customer and appetite."""

    plan: NDArray[np.int64]
    joined: NDArray[np.int64]
    left: NDArray[np.int64]
    user_customer: NDArray[np.int64]
    user_appetite: NDArray[np.float64]

    def active(self, month: int) -> NDArray[np.bool_]:
        """Which customers use the product in a month."""
        return (self.joined <= month) & (month <= self.left)


def company(random: np.random.Generator) -> Company:
    """Two hundred customers of four plans, thousands of users, engagement with a heavy tail."""
    order = random.permutation(CUSTOMERS)  # from the least to the most engaged
    plan = np.empty(CUSTOMERS, dtype=np.int64)
    plan[order] = np.concatenate([random.permutation(np.repeat(np.arange(4), counts)) for counts in _PLANS_BY_DECILE])
    size = np.empty(CUSTOMERS)
    size[order] = _heavy_tail(CUSTOMERS, _CUSTOMER_SPREAD)
    joined = np.where(random.random(CUSTOMERS) < _BEFORE, -1, random.integers(0, MONTHS, CUSTOMERS))
    left = np.minimum(np.maximum(joined, 0) + random.geometric(_CHURN, CUSTOMERS), MONTHS)
    seats = np.maximum(1, np.round(USERS * size / size.sum())).astype(np.int64)
    user_customer = np.repeat(np.arange(CUSTOMERS), seats)
    appetite = random.permutation(_heavy_tail(user_customer.size, _USER_SPREAD))
    together = np.bincount(user_customer, appetite)  # a customer's users divide its size, so that its decile is the planted one
    return Company(plan, joined, left, user_customer, size[user_customer] * appetite / together[user_customer])


def customer_name(number: int) -> str:
    """How a customer is called in the files."""
    return f"customer-{number + 1:03d}"


def users_at_work(firm: Company, month: int, concentration: float, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """`count` users drawn by appetite among those of active customers; a higher `concentration` favours the keenest."""
    weight = np.where(firm.active(month)[firm.user_customer], firm.user_appetite**concentration, 0.0)
    return random.choice(weight.size, count, p=weight / weight.sum())


def _heavy_tail(count: int, spread: float) -> NDArray[np.float64]:
    """Log-normal quantiles in rising order: the tail is planted, so that no seed draws a tamer one."""
    normal = NormalDist()
    return np.exp(spread * np.array([normal.inv_cdf((number + 0.5) / count) for number in range(count)]))
