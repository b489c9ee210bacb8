"""What an audit rests on: what each task class costs on which rung, and its replays as evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from breakeven.alignment.audit import MARGIN, Evidence
from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period
from breakeven.governance.charter import RUNGS
from breakeven.ledger.taskclasses import Classes
from breakeven.reports.question import Facts, statement, whole
from breakeven.settings import Settings

ClassKey = tuple[str | None, str]
"""Feature and task class."""
MILLION = 1_000_000
Z95 = 1.96
"""Each side of an interval of 95% for a mean cost, whose replays are many."""


@dataclass(frozen=True, slots=True)
class Spend:
    """What one class costs in a period on one rung with one model, in atto-dollars."""

    rung: str | None
    model: str | None
    calls: int
    cost: int
    unknown: int


@dataclass(frozen=True, slots=True)
class ClassSpend:
    """What one class costs, by rung and model."""

    parts: tuple[Spend, ...] = ()

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(part.calls for part in self.parts)

    @property
    def cost(self) -> int:
        """All known cost."""
        return sum(part.cost for part in self.parts)

    @property
    def unknown(self) -> int:
        """Calls whose cost is not wholly known."""
        return sum(part.unknown for part in self.parts)

    def calls_by_rung(self) -> dict[str | None, int]:
        """Calls per rung, cheapest rung first."""
        found: dict[str | None, int] = defaultdict(int)
        for part in self.parts:
            found[part.rung] += part.calls
        return dict(sorted(found.items(), key=lambda item: rank(item[0])))

    def cost_by_rung(self) -> dict[str | None, int]:
        """Known cost per rung, cheapest rung first."""
        found: dict[str | None, int] = defaultdict(int)
        for part in self.parts:
            found[part.rung] += part.cost
        return dict(sorted(found.items(), key=lambda item: rank(item[0])))

    def above(self, rung: str, model: str | None) -> tuple[int, int]:
        """Calls and cost on rungs dearer than this one; where nothing says the rung, on other models than this one's."""
        dear = [part for part in self.parts if _dearer(part, rung, model)]
        return sum(part.calls for part in dear), sum(part.cost for part in dear)

    @property
    def paid_for(self) -> str | None:
        """The dearest rung in use where most calls are on it, else *mixed*; None without calls."""
        if not self.calls:
            return None
        rung, most = list(self.calls_by_rung().items())[-1]
        return (rung or "unknown") if 2 * most > self.calls else "mixed"


def rank(rung: str | None) -> int:
    """The place of a rung on the ladder, cheapest first; an unknown one is the dearest."""
    return RUNGS.index(rung) if rung in RUNGS else len(RUNGS)


def _dearer(part: Spend, rung: str, model: str | None) -> bool:
    if part.rung is None:
        return model is not None and part.model != model
    if part.rung in RUNGS and rung in RUNGS:
        return rank(part.rung) > rank(rung)
    return part.rung != rung


@dataclass(frozen=True, slots=True)
class Replayed:
    """The replays of one class on one rung, or policy: the evidence, what an answer there costs, and where it comes from.

    `by`: a single rung, a cascade of two, or a route; then `members` are its cheap rungs and their models, and `moved` the share of
    tasks that a cheap rung answers. `mean_cost` and `cost_error` (its standard error) are dollars and estimates; None where no
    replay says what it cost.
    """

    rung: str
    model: str | None
    tested: str
    from_rung: str | None
    evidence: Evidence
    mean_cost: float | None
    cost_error: float
    scored_by: tuple[str, ...]
    templates: tuple[str, ...]
    last_at: datetime
    agreed: int = 0
    by: str = "rung"
    members: tuple[tuple[str, str | None], ...] = ()
    moved: float = 1.0

    @property
    def top(self) -> tuple[str, str | None]:
        """The dearest of the cheap rungs, and its model: calls above it are what would move."""
        return self.members[-1] if self.members else (self.rung, self.model)


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """Spend and replays by class; `rows` are the replays that name their task, by class and rung (`audit_tasks.sql`)."""

    spend: Mapping[ClassKey, ClassSpend]
    replays: Mapping[ClassKey, Sequence[Replayed]]
    rows: Sequence[tuple[Any, ...]] = ()
    unclassed: Mapping[str | None, ClassSpend] = field(default_factory=dict)


def audit_facts(
    ledger: Facts, settings: Settings, period: Period, now: datetime, margin: Decimal | None, names: Classes
) -> AuditFacts:
    """All that an audit of a period needs. `names` are the classes found for calls that say none."""
    spend: dict[ClassKey, list[Spend]] = defaultdict(list)
    unclassed: dict[str | None, list[Spend]] = defaultdict(list)
    for feature, task_class, rung, model, calls, cost, unknown in _spend_rows(ledger, period, names):
        part = Spend(rung, model, calls or 0, whole(cost), unknown or 0)
        (unclassed[feature] if task_class is None else spend[feature, task_class]).append(part)
    replays: dict[ClassKey, list[Replayed]] = defaultdict(list)
    for row in ledger.query(statement("audit_replays"), {"now": now}):
        replays[row[0], row[1]].append(_replayed(row, margin_of(settings, row[0], margin)))
    return AuditFacts(
        {key: ClassSpend(tuple(parts)) for key, parts in spend.items()},
        {key: sorted(found, key=lambda one: rank(one.rung)) for key, found in replays.items()},
        ledger.query(statement("audit_tasks"), {"now": now}),
        {key: ClassSpend(tuple(parts)) for key, parts in unclassed.items()},
    )


def _spend_rows(ledger: Facts, period: Period, names: Classes) -> list[tuple[Any, ...]]:
    span = {"start": period.start, "end": period.end}
    if names.templates or names.calls or ledger.query(statement("audit_labelled")):
        named = {
            "templates": list(names.templates),
            "names": list(names.templates.values()),
            "found": list(names.calls),
            "found_as": list(names.calls.values()),
        }
        return ledger.query(statement("audit_spend_labelled"), {**span, **named})
    return ledger.query(statement("audit_spend"), span)


def margin_of(settings: Settings, feature: str | None, asked: Decimal | None) -> float:
    """How much quality may be lost: as asked, else what the feature's quality floor leaves, else `MARGIN`."""
    if asked is not None:
        return float(asked)
    declared = settings.features.get(feature) if feature is not None else None
    floor = None if declared is None else declared.quality_floor
    return MARGIN if floor is None else float(1 - floor)


def _replayed(row: tuple[Any, ...], margin: float) -> Replayed:
    (_, _, rung, model, tested, from_rung, differences, agreed, propensities, paired, judge_error) = row[:11]
    priced, mean, deviation, scored_by, templates, last_at = row[11:]
    told: NDArray[np.bool_] = np.array(agreed, dtype=np.bool_)
    return Replayed(
        rung=rung,
        model=model,
        tested=tested,
        from_rung=from_rung,
        evidence=Evidence(
            differences=np.array(differences, dtype=np.float64) / MILLION,
            agreed=told,
            weights=1.0 / np.array(propensities, dtype=np.float64),
            margin=margin,
            paired=bool(paired),
            slack=float(judge_error),
        ),
        mean_cost=None if mean is None else float(mean),
        cost_error=0.0 if not priced or deviation is None else float(deviation) / float(priced) ** 0.5,
        scored_by=tuple(one for one in scored_by if one),
        templates=tuple(one for one in templates if one),
        last_at=last_at,
        agreed=int(told.sum()),
    )


def worth(spend: ClassSpend, found: Replayed, months: float, error_cost: int, wrong: tuple[float, float]) -> tuple[int, int] | None:
    """What the class pays a month above what this rung would cost, in atto-dollars; None where the rung's cost is unknown.

    cost of the calls on dearer rungs − their number × mean cost of a replay, ± its interval of 95%, − what errors cost: their
    share (between `wrong`) × calls × the declared cost of one.
    """
    if found.mean_cost is None:
        return None
    calls, cost = spend.above(*found.top)
    ends = []
    for sign, share in ((1, wrong[1]), (-1, wrong[0])):
        each = max(found.mean_cost + sign * Z95 * found.cost_error, 0.0)
        lost = round(calls * share) * error_cost
        # The mean of a sample is an estimate and no amount that was paid: it enters the books rounded to a nano-dollar.
        ends.append(round((cost - calls * round(each * 10**9) * (ATTO // 10**9) - lost) / months))
    return ends[0], ends[1]
