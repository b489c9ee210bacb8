"""What the invented calls delivered: units by day, customer and success."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np

from breakeven.sample.company import Company, customer_name
from breakeven.sample.plans import SUPPORT_SUCCESSES
from breakeven.sample.traffic import Traffic, month_start
from breakeven.sample.truth import CUSTOMERS, OCTOBER, SUPPORT

_DELIVERED_AT = timedelta(hours=17)


def outcomes(made: Traffic, firm: Company, random: np.random.Generator) -> Iterator[Sequence[object]]:
    """Units delivered by the month's calls, by day, customer and success; the numbers of the month are exact."""
    plan, count = made.plan, made.plan.outcomes[made.month]
    if not count:
        return
    first = np.flatnonzero(made.attempt == 0)
    calls = np.repeat(first, -(-count // first.size))[:count]
    customers = firm.user_customer[made.user[calls]]
    succeeded = np.zeros(count, dtype=np.int64)
    planted = made.month == OCTOBER and plan.name == SUPPORT
    succeeded[random.choice(count, SUPPORT_SUCCESSES if planted else round(count * plan.success), replace=False)] = 1
    groups, quantities = np.unique((made.day[calls] * CUSTOMERS + customers) * 2 + succeeded, return_counts=True)
    for group, quantity in zip(groups.tolist(), quantities.tolist(), strict=True):
        day, customer, success = group // 2 // CUSTOMERS, group // 2 % CUSTOMERS, group % 2
        at = month_start(made.month) + timedelta(days=day) + _DELIVERED_AT
        identity = f"{plan.key}-{at:%Y%m%d}-{customer + 1}-{success}"
        yield at.isoformat(), identity, plan.name, plan.team, customer_name(customer), plan.unit, quantity, bool(success)
