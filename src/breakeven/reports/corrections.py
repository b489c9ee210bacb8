"""What a period's cost corrects of months that were closed before, and where corrections of the period itself are booked.

A correction is never put into a closed month; it is booked at the beginning of the first open one. So whoever reads either month is
told of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from breakeven.economics.periods import Period
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.scalingwords import step_label
from breakeven.reports.words import prose, signed_dollars

_UNTOLD = "closed periods"


@dataclass(frozen=True, slots=True)
class Corrections:
    """Sums in atto-units: `carried` in the period, by the closed month that they correct; `later`: of it, by where booked."""

    carried: Mapping[str, int] = field(default_factory=dict)
    later: Mapping[str, int] = field(default_factory=dict)

    def sentence(self, label: str) -> str:
        """Both in words, or nothing where there is neither. `label` is the period's."""
        said = [
            f"{signed_dollars(cost)} of this is a correction of {step_label(month)}, closed before."
            for month, cost in self.carried.items()
        ]
        said += [
            f"Corrections of {label} of {signed_dollars(cost)} are booked in {step_label(month)}, because it was closed."
            for month, cost in self.later.items()
        ]
        return prose(*said)


def corrections(ledger: Facts, question: Question) -> Corrections:
    """The corrections that a question's cost holds, and those of its own months that are booked after it."""
    period = question.period
    if question.as_recorded or period.unbounded or period.start >= period.end:
        return Corrections()
    found = ask(ledger, "corrections", replace(question, by=(), versus=None), ())
    own = _months(period)
    carried: dict[str, int] = {}
    later: dict[str, int] = {}
    for month, booked, cost in found:
        inside = period.start.date() <= booked < period.end.date()
        if inside and month not in own:
            carried[month or _UNTOLD] = carried.get(month or _UNTOLD, 0) + whole(cost)
        elif not inside and month in own:
            at = f"{booked:%Y-%m}"
            later[at] = later.get(at, 0) + whole(cost)
    return Corrections({name: cost for name, cost in carried.items() if cost}, {name: cost for name, cost in later.items() if cost})


def _months(period: Period) -> frozenset[str]:
    """The months of which a period has a day."""
    first, last = (each.year * 12 + each.month - 1 for each in (period.start, period.end - timedelta(days=1)))
    return frozenset(f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, last + 1))
