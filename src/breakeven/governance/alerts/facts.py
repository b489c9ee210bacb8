"""What alerts are told about and what an alert says: small aggregated facts in, `Alert`s out.

Instants are naive UTC. Amounts are atto-dollars where a measure is `usd`, else whole numbers. None is unknown, never 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from breakeven.governance.budgets import Measure

Severity = Literal["info", "warning", "critical"]
Figure = str | int | float | None
"""A figure of an alert: money as exact digits, shares as numbers from 0 to 1, counts, or unknown."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that goes with what is told, such as a scheduled report."""

    name: str
    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that an owner must know: what happened in one sentence with its figures, and what to do next.

    `crossing` names the crossing that it tells of, and `id` this telling of it: a receiver that has seen an id may ignore it.
    """

    kind: str
    subject: str
    severity: Severity
    what: str
    next_step: str
    owner: str | None
    crossing: str
    at: datetime
    figures: Mapping[str, Figure] = field(default_factory=dict)
    document: Document | None = None

    @property
    def id(self) -> str:
        """The same for every attempt to send this alert, another when the crossing happens again."""
        return hashlib.sha256(f"{self.crossing}\n{self.at.isoformat()}".encode()).hexdigest()[:20]


def crossing_id(kind: str, *parts: str) -> str:
    """What a crossing is remembered by: its kind, its subject, and the period or threshold. Different parts never give one id."""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in (kind, *parts))


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """One account of a budget now: whose it is, what is spent of what, and until when.

    `subject` is the account in words (`customer Acme`, or `all`). `per` are its values, `scope` what the budget covers. `starts`
    and `resets_at` bound a calendar period; both are None for a rolling window and for a lifetime. `thresholds` are shares of the
    limit in basis points, the limit itself left out. `place` is file and line of the declaration.
    """

    budget: str
    subject: str
    measure: Measure
    limit: int
    spent: int
    reserved: int = 0
    owner: str | None = None
    starts: datetime | None = None
    resets_at: datetime | None = None
    thresholds: tuple[int, ...] = ()
    per: tuple[tuple[str, str], ...] = ()
    scope: tuple[tuple[str, tuple[str, ...]], ...] = ()
    place: str = ""

    @property
    def dimensions(self) -> dict[str, tuple[str, ...]]:
        """Every dimension that this account is narrowed to, with the values that it covers."""
        return {**dict(self.scope), **{name: (value,) for name, value in self.per}}


@dataclass(frozen=True, slots=True)
class Projected:
    """What a budget's account is expected to have spent when it resets, and when it is expected to reach its limit."""

    spent: int
    reaches_limit_at: datetime | None
    method: str


@dataclass(frozen=True, slots=True)
class BudgetForecast:
    """An account with its projection; None: too little is known to project it."""

    status: BudgetStatus
    projected: Projected | None


@dataclass(frozen=True, slots=True)
class FeatureMargin:
    """A feature's value and contribution over recent days, beside its floor. `unknown_calls` have a cost that is not known."""

    feature: str
    owner: str | None
    floor: Decimal
    value: int | None
    contribution: int | None
    calls: int
    unknown_calls: int
    days: int
    period: str


@dataclass(frozen=True, slots=True)
class CustomerCost:
    """What a customer has cost in the current month, over `features` (empty: all)."""

    customer: str
    cost: int
    calls: int
    unknown_calls: int
    month: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the known cost of recent days has an owner, and how much had in as many days before; `target` as declared."""

    cost: int
    owned_cost: int
    unowned_calls: int
    days: int
    period: str
    cost_before: int = 0
    owned_before: int = 0
    target: Decimal | None = None


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model that was called in recent days and has no price."""

    provider: str | None
    model: str | None
    calls: int
    first_day: date
    last_day: date
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeteringGap:
    """Calls of one day to one provider whose usage nobody knows: begun and never settled, or answered without usage."""

    provider: str | None
    day: date
    calls: int
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the kinds of alert look at. What no rule asks for is not gathered, and empty here.

    `owners` are those of the features.
    """

    budgets: tuple[BudgetStatus, ...] = ()
    forecasts: tuple[BudgetForecast, ...] = ()
    margins: tuple[FeatureMargin, ...] = ()
    customers: tuple[CustomerCost, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    unpriced: tuple[UnpricedModel, ...] = ()
    gaps: tuple[MeteringGap, ...] = ()
    owners: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the configuration: which kind, about whom, from which line on, over how many days, and to which sinks."""

    when: str
    to: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    line: int | None = None
    target: Decimal | None = None
    days: int | None = None
    place: str = ""

    def about(self, status: BudgetStatus) -> bool:
        """Whether an account of a budget is one that this rule is about."""
        covered = status.dimensions
        pairs = (("feature", self.features), ("customer", self.customers))
        return (not self.budgets or status.budget in self.budgets) and all(
            not wanted or bool(set(wanted) & set(covered.get(name, ()))) for name, wanted in pairs
        )

    def about_any(self, features: tuple[str, ...]) -> bool:
        """Whether one of these features is one that this rule is about."""
        return not self.features or bool(set(self.features) & set(features))


State = Literal["crossed", "between", "clear"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule sees of one crossing now.

    `between` lies inside the hysteresis, or is not known: an open crossing stays open and a closed one closed. `alert` is what to
    tell where it is crossed; a crossing without one opens silently, because another one says more. `ends` is when its period is
    over.
    """

    crossing: str
    state: State
    alert: Alert | None = None
    ends: datetime | None = None
