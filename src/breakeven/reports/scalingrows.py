"""The shape of the scaling report: what the JSON holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


class Span(msgspec.Struct, frozen=True):
    """A number and its 95% interval."""

    estimate: float
    low: float
    high: float


class Money(msgspec.Struct, frozen=True):
    """An amount and its 95% interval, as digits."""

    estimate: str
    low: str
    high: str


class Passed(msgspec.Struct, frozen=True):
    """Between which two steps the average cost of a unit last passed what it earns, and at which adoption it stood at each."""

    before: str
    after: str
    adoption_before: int
    adoption_after: int
    upwards: bool


class ScalingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature at the last step of its history. Adoption is counted in `measure` (outcomes, or calls where there are none).

    `elasticity`: per cent more cost for one per cent more adoption of a customer; null below ten customers. `pace`: faster, in
    step, slower or unknown, by that interval. `break_even`: adoption at which average cost meets average value, or `why_not`.
    """

    feature: str
    unit: str
    measure: str
    adoption: int
    customers: int
    cells: int
    cost: str | None
    value: str | None
    average_cost: str | None
    average_value: str | None
    incremental_cost: str | None
    elasticity: Span | None
    pace: str
    marginal_cost: Money | None
    marginal_value: Money | None
    break_even: Span | None
    marginal_break_even: Span | None
    why_not: str | None
    passed: Passed | None
    share_of_cost_used: float | None
    unpriced_calls: int
    sentence: str


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one feature, as recorded. `incremental_cost`: change of cost / change of adoption since the step before."""

    step: str
    adoption: int
    users: int | None
    customers: int
    cost: str | None
    value: str | None
    average_cost: str | None
    average_value: str | None
    incremental_cost: str | None


class CurveRow(msgspec.Struct, frozen=True, kw_only=True):
    """One point of the curve: figures of a unit if every customer used `times` as much as at the last step."""

    times: float
    adoption: float
    average_cost: str
    average_cost_low: str | None
    average_cost_high: str | None
    marginal_cost: str
    marginal_cost_low: str | None
    marginal_cost_high: str | None
    average_value: str | None


class Driver(msgspec.Struct, frozen=True):
    """What one driver added to the cost between the last two steps, and its factor's values where they are one number."""

    driver: str
    effect: str
    before: float | None
    now: float | None


class SplitRow(msgspec.Struct, frozen=True):
    """Users (or customers) who came, left or stayed, and what nobody is known for: how many, and what they changed in cost."""

    kind: str
    count: int
    before: str
    now: str
    change: str


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one feature besides: its steps, the curve, what a user adds, why cost moved."""

    steps: Sequence[StepRow]
    curve: Sequence[CurveRow]
    users_elasticity: Span | None
    marginal_cost_of_a_user: Money | None
    compared: Sequence[str]
    drivers: Sequence[Driver]
    split_by: str
    split: Sequence[SplitRow]
    sentences: Sequence[str]


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `start` and `end` (excluded) bound the history, `now` is its last step."""

    period: str
    label: str
    start: str | None
    end: str | None
    step: str | None
    now: str | None
    currency: str
    rows: Sequence[ScalingRow]
    detail: Detail | None
    sentence: str
    trail: Mapping[str, Any]
