"""The shape of the engagement report: what the JSON holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from breakeven.reports.trail import Shares


class Decile(msgspec.Struct, frozen=True, kw_only=True):
    """A tenth of the customers or users by calls; 10 is the keenest. `keeps` = earned − cost; `value` is what value models say."""

    decile: int
    subjects: int
    calls: int
    cost: str | None
    share_of_cost: float | None
    earned: str | None
    value: str | None
    keeps: str | None
    margin: float | None
    unpriced_calls: int


class GiniRow(msgspec.Struct, frozen=True):
    """Gini of cost, corrected by n/(n − 1), with its 95% bootstrap interval."""

    estimate: float
    low: float
    high: float


class Part(msgspec.Struct, frozen=True):
    """What the dearest ones are of known cost and of what is earned."""

    who: str
    subjects: int
    share_of_cost: float
    share_of_earned: float | None
    name: str | None


class Point(msgspec.Struct, frozen=True):
    """A point of a curve: share of subjects, and the share of cost or the cumulated profit (whole units) up to there."""

    subjects: float
    amount: float


class WhaleRow(msgspec.Struct, frozen=True):
    """Subjects whose profit is known, how many of them earn, what these earn together, and what is left after the others."""

    subjects: int
    earning: int
    peak: str
    final: str


class Loser(msgspec.Struct, frozen=True, kw_only=True):
    """A customer or user that costs more than it earns, and what would mend it."""

    name: str
    customer: str | None
    calls: int
    cost: str
    earned: str
    loss: str
    price_that_mends: str
    calls_that_are_paid: int | None
    cost_on_cheapest_rungs: str
    cheapest_rungs_are_enough: bool
    sentence: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of subject. `earned_is` says what earned means here; `unknown_cost`: of calls that name no such subject."""

    by: str
    subjects: int
    unpriced_subjects: int
    unknown_cost: str | None
    earned_is: str | None
    deciles: Sequence[Decile]
    gini: GiniRow | None
    dearest: Sequence[Part]
    curve: Sequence[Point]
    whale: WhaleRow | None
    whale_curve: Sequence[Point]
    losing: int
    losing_cost: str | None
    losers: Sequence[Loser]
    sentence: str


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """The report. Money is exact digits; null is unknown."""

    period: str
    label: str
    currency: str
    shares: Shares
    assumed_fee: str | None
    sections: Sequence[Section]
    sentence: str
    trail: Mapping[str, Any]
