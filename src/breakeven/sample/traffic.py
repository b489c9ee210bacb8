"""The invented firm's calls: when, by whom, on which model, with how many tokens, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from breakeven.sample.company import Company, users_at_work
from breakeven.sample.truth import CONTRACTS, FIRST_MONTH, INCIDENT_DAYS, NOBODYS_CALLS, SUPPORT, FeaturePlan

Ints = NDArray[np.int64]
DAY_US = 86_400_000_000
_HOURS = np.array((1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 15, 17, 18, 17, 14, 10, 7, 5, 4, 3, 2, 1), dtype=float)
_WEEKDAYS = np.array((1.0, 1.08, 1.1, 1.06, 0.95, 0.32, 0.28))
_REFUSED, _CUT_OFF, _RETRIED = 0.006, 0.004, 0.012
_INCIDENT_RETRIES = 0.65
_CACHE_MISSED = 0.15
_DOCUMENT_CALLS = 3
OK, FAILED, CUT_OFF = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Traffic:
    """The attempts of one feature in one month, a column each. `tokens` are input, cache read, output, reasoning by row."""

    plan: FeaturePlan
    month: int
    occurred_us: Ints
    user: Ints
    workflow: Ints
    model: Ints
    call: Ints
    attempt: Ints
    trace: Ints
    status: Ints
    billed: NDArray[np.bool_]
    latency_ms: Ints
    tokens: tuple[Ints, Ints, Ints, Ints]

    @property
    def day(self) -> Ints:
        """Days since the month began."""
        return (self.occurred_us - microseconds(month_start(self.month))) // DAY_US


def month_start(month: int) -> datetime:
    """The first instant of the month with this number (0 is the first month)."""
    years, index = divmod(FIRST_MONTH.month - 1 + month, 12)
    return datetime(FIRST_MONTH.year + years, index + 1, 1)  # noqa: DTZ001 - naive UTC


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 of a naive UTC instant."""
    return (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001 - naive UTC


def calls_in(plan: FeaturePlan, month: int) -> int:
    """How many calls a feature makes in a month."""
    return NOBODYS_CALLS[month] if plan.name is None else -(-plan.outcomes[month] // plan.units_per_call)


def traffic(plan: FeaturePlan, month: int, firm: Company, random: np.random.Generator) -> Traffic:
    """One feature's month of calls before calibration: retries are attempts of their own, refused calls are not billed."""
    count = calls_in(plan, month)
    occurred = _times(month, count, random)
    trace = np.arange(count) // (_DOCUMENT_CALLS if plan.name == CONTRACTS else 1)
    user = users_at_work(firm, month, plan.engagement, int(trace[-1]) + 1, random)[trace]
    shares = np.array([share for _, share in plan.workflows])
    workflow = np.repeat(np.arange(shares.size), _split(count, shares))
    random.shuffle(workflow)
    mix = np.array([model.share(month) for model in plan.models])
    model = np.repeat(np.arange(mix.size), _split(count, mix))
    random.shuffle(model)
    attempts = 1 + _retries(plan, occurred, random)
    call = np.repeat(np.arange(count), attempts)
    attempt = np.arange(call.size) - np.repeat(np.cumsum(attempts) - attempts, attempts)
    retried = attempt < attempts[call] - 1
    fate = random.random(call.size)
    refused = ~retried & (fate < _REFUSED)
    cut = ~retried & (fate > 1 - _CUT_OFF)
    in_incident = _during_incident(plan, occurred[call])
    return Traffic(
        plan=plan,
        month=month,
        occurred_us=occurred[call] + attempt * 2_500_000,
        user=user[call],
        workflow=workflow[call],
        model=model[call],
        call=call,
        attempt=attempt,
        trace=trace[call],
        status=np.where(cut, CUT_OFF, np.where(retried | refused, FAILED, OK)),
        billed=~refused & (~retried | in_incident),
        latency_ms=random.lognormal(7.6, 0.55, call.size).astype(np.int64),
        tokens=_tokens(plan, model[call], call.size, random),
    )


def _split(count: int, shares: NDArray[np.float64]) -> Ints:
    """`count` divided in these proportions, exactly."""
    edges = np.round(np.cumsum(shares / shares.sum()) * count).astype(np.int64)
    return np.diff(edges, prepend=0)


def _times(month: int, count: int, random: np.random.Generator) -> Ints:
    """Instants with the week's and the day's rhythm, in order."""
    start, end = month_start(month), month_start(month + 1)
    days = np.arange((end - start).days)
    weight = _WEEKDAYS[(start.weekday() + days) % 7] * (1 + 0.01 * days)
    day = random.choice(days, count, p=weight / weight.sum())
    hour = random.choice(24, count, p=_HOURS / _HOURS.sum())
    within = random.integers(0, 3_600_000_000, count)
    return np.sort(microseconds(start) + day * DAY_US + hour * 3_600_000_000 + within)


def _during_incident(plan: FeaturePlan, occurred: Ints) -> NDArray[np.bool_]:
    if plan.name != SUPPORT:
        return np.zeros(occurred.size, dtype=bool)
    first, last = (microseconds(day) for day in INCIDENT_DAYS)
    return (occurred >= first) & (occurred < last + DAY_US)


def _retries(plan: FeaturePlan, occurred: Ints, random: np.random.Generator) -> Ints:
    chance = np.where(_during_incident(plan, occurred), _INCIDENT_RETRIES, _RETRIED)
    return (random.random(occurred.size) < chance).astype(np.int64)


def _tokens(plan: FeaturePlan, model: Ints, count: int, random: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """Tokens around each model's habit: long tails, and a cache that is missed now and then."""
    size = random.lognormal(-0.08, 0.4, count)
    missed = random.random(count) < _CACHE_MISSED
    habit = {
        name: np.array([getattr(entry, name) for entry in plan.models])[model]
        for name in ("input", "cached", "output", "reasoning")
    }
    cached = np.where(missed, 0, habit["cached"] * size)
    fresh = habit["input"] * size + np.where(missed, habit["cached"] * size, 0)
    thinking = habit["reasoning"] * size * random.lognormal(-0.02, 0.2, count)
    columns = (fresh, cached, habit["output"] * size, thinking)
    return tuple(np.round(column).astype(np.int64) for column in columns)  # type: ignore[return-value] # four columns in, four out
