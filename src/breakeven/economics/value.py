"""What a feature's work is worth: value models, declared per feature, each with owner, version, evidence grade and dates.

Five kinds. *Unit price*: price × units delivered. *Revenue*: the feature's share of what customers or plans pay. *Time saved*:
(baseline − AI − review minutes) × loaded rate × realisation. *Event value*: what the outcome events themselves carry. *Avoided
cost*: what a declared baseline would have cost; counterfactual, therefore a field of its own and never part of value or
contribution. Amounts are atto-units of the ledger's currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

Grade = Literal["A", "B", "C"]
"""Evidence: A measured by experiment or hold-out, B before and after, C declared."""
GRADES: tuple[Grade, ...] = ("A", "B", "C")
Counted = Literal["delivered", "successful", "all"]
"""Which outcomes are worth something: those not known to have failed, those known to have succeeded, or all of them."""
COUNTED: tuple[Counted, ...] = ("delivered", "successful", "all")
RevenueDriver = Literal["cost", "calls", "outcomes", "weights", "even"]
REVENUE_DRIVERS: tuple[RevenueDriver, ...] = ("cost", "calls", "outcomes", "weights", "even")

DEFAULT_REALISATION = Decimal("0.5")
"""Share of saved time that becomes money, where nothing is declared: saved minutes are rarely all used for other paid work."""
MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What every value model states about itself. It holds for outcomes in `[since, until)`; None is unlimited."""

    id: str
    feature: str
    owner: str | None = None
    version: str = "1"
    grade: Grade = "C"
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice(Declared):
    """A price (atto-units) earned per counted outcome."""

    price: int
    counted: Counted = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSaved(Declared):
    """Minutes of paid work that each counted outcome saves; `hourly_rate` is the loaded rate in atto-units."""

    baseline_minutes: Decimal
    ai_minutes: Decimal
    review_minutes: Decimal
    hourly_rate: int
    realisation: Decimal = DEFAULT_REALISATION
    counted: Counted = "delivered"

    @property
    def worth(self) -> int:
        """(baseline − AI − review minutes) / 60 × loaded rate × realisation per outcome, rounded half-even to the atto-unit.

        Negative where review takes longer than the work did.
        """
        minutes = self.baseline_minutes - self.ai_minutes - self.review_minutes
        return round(Fraction(minutes) * self.hourly_rate * Fraction(self.realisation) / MINUTES_PER_HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventValue(Declared):
    """The value that each outcome event carries; events without one are worth nothing known and are counted."""

    counted: Counted = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class AvoidedCost(Declared):
    """What each counted outcome would have cost by `baseline` (in words: the process or the model configured before)."""

    avoided: int
    baseline: str
    counted: Counted = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueShare(Declared):
    """The feature's share of revenue of `plans` (empty: all), by `driver`; of that share, `portion` (in 10⁻¹⁸) is due to AI."""

    driver: RevenueDriver = "cost"
    weight: int = 1
    portion: int = 10**18
    plans: tuple[str, ...] = ()


EARNING = (UnitPrice, TimeSaved, EventValue)
"""The models by which outcomes earn something; revenue is shared, and avoided cost is not earned."""
ValueModel = UnitPrice | TimeSaved | EventValue | AvoidedCost | RevenueShare


@dataclass(frozen=True, slots=True)
class Units:
    """Outcomes of one group: units in all, known to have failed, known to have succeeded; and the value that events carried."""

    everything: int = 0
    failed: int = 0
    successful: int = 0
    value_delivered: int = 0
    value_successful: int = 0
    value_everything: int = 0

    def counted(self, which: Counted) -> int:
        """How many units a model counts."""
        return {"all": self.everything, "successful": self.successful, "delivered": self.everything - self.failed}[which]

    def carried(self, which: Counted) -> int:
        """The value carried by the events a model counts, atto-units."""
        return {"all": self.value_everything, "successful": self.value_successful, "delivered": self.value_delivered}[which]


def earned(model: ValueModel, units: Units) -> int:
    """What `units` are worth by `model`; revenue is shared elsewhere (0 here) and avoided cost is not earned (0 here)."""
    if isinstance(model, UnitPrice):
        return model.price * units.counted(model.counted)
    if isinstance(model, TimeSaved):
        return model.worth * units.counted(model.counted)
    return units.carried(model.counted) if isinstance(model, EventValue) else 0


def avoided(model: ValueModel, units: Units) -> int:
    """What `units` would have cost by the model's declared baseline."""
    return model.avoided * units.counted(model.counted) if isinstance(model, AvoidedCost) else 0


def breakpoints(models: Iterable[ValueModel]) -> tuple[datetime, ...]:
    """The instants at which some model begins or ends: between two of them every outcome is valued alike."""
    return tuple(sorted({at for model in models for at in (model.since, model.until) if at is not None}))


def holds(model: ValueModel, window: int, breaks: Sequence[datetime]) -> bool:
    """Whether `model` holds in window number `window`: the time after `window` of the breakpoints and before the next."""
    begun = model.since is None or (window > 0 and model.since <= breaks[window - 1])
    return begun and (model.until is None or (window < len(breaks) and breaks[window] <= model.until))


def weakest_grade(models: Iterable[ValueModel]) -> Grade | None:
    """The weakest evidence among `models`; None without any."""
    return max((model.grade for model in models), default=None)
