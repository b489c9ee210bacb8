"""What a route is worth on replays that it was not trained on: the whole curve, and the one point that is certified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from breakeven.alignment.routing.policies import LEAST_GAP, Curve, curve
from breakeven.alignment.task import Task

if TYPE_CHECKING:
    from breakeven.alignment.routing.pairs import Pair
    from breakeven.alignment.routing.route import Route

KEPT = (0.95, 0.98, 0.99)
"""Parts of the strong rung's score at which the share of weak is reported."""
CHECKED = Decimal("0.05")
"""Share of the weak rung's answers that the strong one gives too, so that a fall in quality is seen."""


class CallCosts(NamedTuple):
    """What a call costs on each rung, and which share of the weak rung's answers is checked by the strong one as well."""

    weak: Decimal
    strong: Decimal
    checked: Decimal = CHECKED


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy of the family: its share of weak, the score it keeps of the strong rung's, and its cost per 1,000 tasks."""

    policy: str
    weak_share: float
    quality_kept: float | None
    cost: Decimal | None
    saved: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A route on replays."""

    rows: int
    points: Curve
    weak_share: float
    quality_kept: float | None
    floor: float | None
    microseconds: float
    family: tuple[PolicyRow, ...]
    checks_break_even: float | None
    """The share of checks at which the saving is used up; None where costs are not known."""

    def figures(self) -> dict[str, object]:
        """The figures of the contract, with the sentence and the trail."""
        return {
            "rows": self.rows,
            "gap_recovered": self.points.gap_recovered(),
            "weak_share_at": {str(kept): self.points.weak_share_at(kept) for kept in KEPT},
            "floor": self.floor,
            "quality_kept": self.quality_kept,
            "microseconds_per_decision": self.microseconds,
            "weak_share": self.weak_share,
            "policies": [_row(one) for one in self.family],
            "checks_break_even": self.checks_break_even,
            "sentence": self.sentence,
            "trail": self.trail,
        }

    @property
    def sentence(self) -> str:
        """What the route does on these replays, in one sentence."""
        if not self.weak_share:
            return "Nothing is certified within the margin that was declared: every task stays on the strong rung."
        kept = "an unknown part" if self.quality_kept is None else f"{self.quality_kept:.1%}"
        sent = f"The certified route sends {self.weak_share:.1%} of these tasks to the weak rung"
        told = f"{sent} and keeps {kept} of the strong one's score"
        floor = "" if self.floor is None else f" (floor {self.floor:.1%})"
        row = next(one for one in self.family if one.policy == "route")
        if row.saved is None:
            return f"{told}{floor}."
        verdict = (
            f"{row.saved:.1%} of the strong rung's cost is saved" if row.saved > 0 else "it saves nothing: stay on the strong rung"
        )
        return f"{told}{floor}; {verdict}, checks included."

    @property
    def trail(self) -> str:
        """How the figures came about."""
        gap = self.points.gap
        if gap < LEAST_GAP:
            area = (
                f"the gap between the rungs is {100 * gap:.1f} points, below {100 * LEAST_GAP:.0f}: shares of it would say nothing"
            )
        else:
            area = "gap_recovered = area under (score − weak) / (strong − weak) over the share of weak; 0.5 is chance"
        return f"{self.rows:,} replays; {area}; floor = 1 − margin / strong score"


def evaluate(route: Route, pairs: Sequence[Pair], clock: Callable[[], int], costs: CallCosts | None = None) -> Evaluation:
    """Decide every replay. `clock` tells nanoseconds; only decisions are timed. Raises ValueError where there is no replay."""
    tag = route.file.tag
    tasks = [Task(one.text, tags={tag: one.tag} if tag and one.tag else {}) for one in pairs]
    began = clock()
    decisions = [route.decide(task) for task in tasks]
    spent = clock() - began
    points = [route.read(one.text, one.tag).points for one in pairs]
    weak, strong = [one.weak for one in pairs], [one.strong for one in pairs]
    found = curve(points, weak, strong)
    sent = [one.rung == route.file.weak for one in decisions]
    share = sum(sent) / len(sent)
    score = sum(low if to_weak else high for to_weak, low, high in zip(sent, weak, strong, strict=True)) / len(sent)
    kept = score / found.strong if found.strong else None
    floor = max(0.0, 1 - route.file.certificate.margin / found.strong) if found.strong else None
    family = (
        _policy("all strong", 0.0, 1.0 if found.strong else None, costs),
        _policy("route", share, kept, costs),
        _policy("all weak", 1.0, found.weak / found.strong if found.strong else None, costs),
    )
    break_even = float((costs.strong - costs.weak) / costs.strong) if costs is not None else None
    return Evaluation(len(pairs), found, share, kept, floor, spent / 1000 / len(pairs), family, break_even)


def _policy(name: str, share: float, kept: float | None, costs: CallCosts | None) -> PolicyRow:
    if costs is None:
        return PolicyRow(name, share, kept, None, None)
    weak = Decimal(str(round(share, 9)))
    cost = 1000 * (costs.strong * (1 - weak) + weak * (costs.weak + costs.checked * costs.strong))
    return PolicyRow(name, share, kept, cost, float(1 - cost / (1000 * costs.strong)))


def _row(one: PolicyRow) -> dict[str, object]:
    return {
        "policy": one.policy,
        "weak_share": one.weak_share,
        "quality_kept": one.quality_kept,
        "cost_per_1000": None if one.cost is None else format(one.cost.normalize(), "f"),
        "saved": one.saved,
    }
