"""All features side by side: popular or not, profitable or not; and what to do first, ranked by money and certainty.

A *finding* is something that can be done about money: what, worth how much a period (as a range), how certain, and the next
command. Any analysis may hand findings in (a verdict, customers served at a loss, an audit of capability, a budget); `ranked`
orders them by

    certainty × middle of the range,  largest first; those of unknown worth last

Worths of different findings may overlap and are not summed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from breakeven.economics.verdict import Interval, t_probability, t_quantile

GROWING = 1.25
"""Use that grew at least so many times against the period before makes a feature popular."""
REACHED = 0.5
"""So does reaching at least this share of the active customers."""

Place = Literal["popular, profitable", "popular, unprofitable", "niche, profitable", "niche, unprofitable", "cost only"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to do. Worth in atto-units a period, None where unknown; `certainty` from 0 to 1, and what it rests on."""

    id: str
    subject: str
    what: str
    worth: tuple[int, int] | None
    certainty: float
    evidence: str
    next: str

    @property
    def expected(self) -> float | None:
        """Certainty × the middle of the worth."""
        return None if self.worth is None else self.certainty * (self.worth[0] + self.worth[1]) / 2


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """What to do first: by expected worth, largest first; unknown worth last, by certainty."""
    return sorted(findings, key=lambda one: (one.expected is None, -(one.expected or 0.0), -one.certainty, one.id))


def popular(customers: int, active: int, growth: float | None) -> bool:
    """Whether a feature reaches half of the active customers, or its use grew by a quarter or more."""
    return (active > 0 and customers >= REACHED * active) or (growth is not None and growth >= GROWING)


def placed(*, is_popular: bool, contribution: int | None, valued: bool) -> Place:
    """The quadrant of a feature; without any value, or with unknown cost, it is cost only."""
    if not valued or contribution is None:
        return "cost only"
    if is_popular:
        return "popular, profitable" if contribution >= 0 else "popular, unprofitable"
    return "niche, profitable" if contribution >= 0 else "niche, unprofitable"


def loss_certainty(interval: Interval | None) -> float:
    """How certain it is that net value per outcome lies below 0: by the t distribution of its interval; ½ without one."""
    if interval is None or interval.high <= interval.low:
        return 0.5
    error = (interval.high - interval.low) / 2 / t_quantile(0.975, interval.clusters - 1)
    return below_zero(interval.estimate / error, interval.clusters - 1)


def below_zero(t: float, degrees: int) -> float:
    """P(T < −t) of Student's t."""
    within = t_probability(abs(t), degrees)
    return within if t < 0 else 1 - within
