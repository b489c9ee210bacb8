"""The invented firm's calls: when, by whom, on which model, with how many tokens, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from breakeven.sample.company import Company, users_at_work
from breakeven.sample.plans import FeaturePlan
from breakeven.sample.truth import FIRST_MONTH, INCIDENT_DAYS, SUPPORT, USAGE_MISSING_MONTH

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
_HOURS = np.array((1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 15, 17, 18, 17, 14, 10, 7, 5, 4, 3, 2, 1), dtype=float)
_WEEKDAYS = np.array((1.0, 1.08, 1.1, 1.06, 0.95, 0.32, 0.28))
_STARTS_WITHIN_US = HOUR_US * 5 // 6  # the steps of a trace end before its hour does
_STEP_US = (4_000_000, 40_000_000)
_REFUSED, _CUT_OFF, _RETRIED = 0.006, 0.004, 0.012
_INCIDENT_RETRIES = 0.65
_CACHE_MISSED = 0.15
_LARGEST = 3.0  # times the habit: no call reaches the vendors' dearer tier for long contexts
OK, FAILED, REFUSED, CUT_OFF = 0, 1, 2, 3

TOKEN_CLASSES = ("input", "cache_read", "cache_write_5m", "output", "reasoning")
INPUT_SIDE, OUTPUT, REASONING = (0, 1, 2), 3, 4


@dataclass(frozen=True, slots=True)
class Traffic:
    """The attempts of one feature in one month, a column each; `tokens` has one column per token class.

    `billed`: the vendor bills the attempt. `metered`: and says for how many tokens.
    """

    plan: FeaturePlan
    month: int
    occurred_us: Ints
    user: Ints
    workflow: Ints
    slot: Ints
    call: Ints
    attempt: Ints
    trace: Ints
    status: Ints
    billed: Bools
    metered: Bools
    latency_ms: Ints
    tokens: tuple[Ints, ...]

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


def traffic(plan: FeaturePlan, month: int, firm: Company, random: np.random.Generator) -> Traffic:
    """One feature's month of calls before calibration: retries are attempts of their own, refused calls are not billed."""
    count = plan.calls[month]
    trace, step = _traces(plan, count, random)
    started = _times(month, int(trace[-1]) + 1, _growth_a_day(plan, month), random)
    occurred = started[trace] + step * random.integers(*_STEP_US, count)
    user = users_at_work(firm, month, plan.engagement, started.size, random)[trace]
    workflow = random.permutation(np.repeat(np.arange(len(plan.workflows)), _split(count, [w.share for w in plan.workflows])))
    slot = _slots(plan, month, workflow, random)

    attempts = 1 + _retries(plan, occurred, random)
    call = np.repeat(np.arange(count), attempts)
    attempt = np.arange(call.size) - np.repeat(np.cumsum(attempts) - attempts, attempts)
    retried = attempt < attempts[call] - 1
    fate = random.random(call.size)
    refused = ~retried & (fate < _REFUSED)
    cut = ~retried & (fate > 1 - _CUT_OFF)
    billed = ~refused & (~retried | _during_incident(plan, occurred[call]))
    return Traffic(
        plan=plan,
        month=month,
        occurred_us=occurred[call],
        user=user[call],
        workflow=workflow[call],
        slot=slot[call],
        call=call,
        attempt=attempt,
        trace=trace[call],
        status=np.select([cut, refused, retried], [CUT_OFF, REFUSED, FAILED], OK),
        billed=billed,
        metered=billed & ~(cut & (month == USAGE_MISSING_MONTH)),
        latency_ms=random.lognormal(7.6, 0.55, call.size).astype(np.int64),
        tokens=_tokens(plan, workflow[call], slot[call], _adoption(plan, firm.user_customer[user])[call], random),
    )


def _split(count: int, shares: list[float] | tuple[float, ...]) -> Ints:
    """`count` divided in these proportions, exactly."""
    cumulated = np.cumsum(np.array(shares, dtype=float))
    edges: Ints = np.round(cumulated / cumulated[-1] * count).astype(np.int64)
    return edges - np.concatenate(([0], edges[:-1]))


def _traces(plan: FeaturePlan, count: int, random: np.random.Generator) -> tuple[Ints, Ints]:
    """For each call its trace and its place in it: a document's steps, or the answers of one conversation."""
    lengths = random.geometric(1 / plan.steps, count).clip(max=12) if plan.varied else np.full(-(-count // plan.steps), plan.steps)
    trace = np.repeat(np.arange(lengths.size), lengths)[:count]
    starts = np.cumsum(lengths) - lengths
    return trace, np.arange(count) - starts[trace]


def _growth_a_day(plan: FeaturePlan, month: int) -> float:
    """The factor by which use grows from day to day: the slope between the neighbouring months, so that months join smoothly."""
    before, after = max(month - 1, 0), min(month + 1, len(plan.calls) - 1)
    days = (month_start(after) - month_start(before)).days
    return float((plan.calls[after] / plan.calls[before]) ** (1 / days))


def _times(month: int, count: int, growth_a_day: float, random: np.random.Generator) -> Ints:
    """Instants with the week's and the day's rhythm, in order."""
    start, end = month_start(month), month_start(month + 1)
    days = np.arange((end - start).days)
    weight = _WEEKDAYS[(start.weekday() + days) % 7] * growth_a_day**days
    day = random.choice(days, count, p=weight / weight.sum())
    hour = random.choice(24, count, p=_HOURS / _HOURS.sum())
    return np.sort(microseconds(start) + day * DAY_US + hour * HOUR_US + random.integers(0, _STARTS_WITHIN_US, count))


def _slots(plan: FeaturePlan, month: int, workflow: Ints, random: np.random.Generator) -> Ints:
    """The rung that serves each call: every workflow has its own mix, which comes out exactly."""
    slot = np.empty(workflow.size, dtype=np.int64)
    for number, item in enumerate(plan.workflows):
        rows = np.flatnonzero(workflow == number)
        slot[rows] = random.permutation(np.repeat(np.arange(len(plan.slots)), _split(rows.size, item.mix(month))))
    return slot


def _during_incident(plan: FeaturePlan, occurred: Ints) -> Bools:
    first, last = (microseconds(day) for day in INCIDENT_DAYS)
    return (occurred >= first) & (occurred < last + DAY_US) & (plan.name == SUPPORT)


def _retries(plan: FeaturePlan, occurred: Ints, random: np.random.Generator) -> Ints:
    chance = np.where(_during_incident(plan, occurred), _INCIDENT_RETRIES, _RETRIED)
    return (random.random(occurred.size) < chance).astype(np.int64)


def _adoption(plan: FeaturePlan, customer: Ints) -> NDArray[np.float64]:
    """The factor on tokens that makes a customer's cost grow faster than its use, where the plan says so."""
    calls = np.bincount(customer)
    return np.asarray((calls[customer] / calls[customer].mean()) ** plan.scaling)


def _tokens(
    plan: FeaturePlan, workflow: Ints, slot: Ints, adoption: NDArray[np.float64], random: np.random.Generator
) -> tuple[Ints, ...]:
    """Tokens around each rung's habit: long tails, and a cache that is missed (and by one vendor then written) now and then."""
    task = np.array([item.size for item in plan.workflows])[workflow] * adoption
    size = task * random.lognormal(-0.08, 0.4, slot.size).clip(max=_LARGEST)
    missed = random.random(slot.size) < _CACHE_MISSED
    pays_for_writes = np.array([item.provider == "anthropic" for item in plan.slots])[slot]
    fresh, prefix, output, reasoning = (
        np.array([getattr(item, name) for item in plan.slots])[slot] for name in ("input", "cached", "output", "reasoning")
    )
    prefix = prefix * task  # instructions and manuals are the same for every call of a kind
    columns = (
        fresh * size + np.where(missed & ~pays_for_writes, prefix, 0),
        np.where(missed, 0, prefix),
        np.where(missed & pays_for_writes, prefix, 0),
        output * size,
        reasoning * size * random.lognormal(-0.02, 0.2, slot.size),
    )
    return tuple(np.round(column).astype(np.int64) for column in columns)
