"""Value models."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from breakeven.economics.money import ATTO
from breakeven.economics.value import (
    AvoidedCost,
    Counted,
    EventValue,
    RevenueShare,
    TimeSaved,
    UnitPrice,
    Units,
    avoided,
    breakpoints,
    earned,
    holds,
    weakest_grade,
)

UNITS = Units(everything=10, failed=2, successful=5, value_delivered=8 * ATTO, value_successful=6 * ATTO, value_everything=9 * ATTO)
OCTOBER = datetime.fromisoformat("2026-10-01")
NOVEMBER = datetime.fromisoformat("2026-11-01")


@pytest.mark.parametrize(("counted", "price", "carried"), [("all", 30, 9), ("delivered", 24, 8), ("successful", 15, 6)])
def test_a_model_counts_the_outcomes_it_declares(counted: Counted, price: int, carried: int) -> None:
    """All outcomes, those not known to have failed, or those known to have succeeded."""
    assert earned(UnitPrice(id="p", feature="f", price=3 * ATTO, counted=counted), UNITS) == price * ATTO
    assert earned(EventValue(id="e", feature="f", counted=counted), UNITS) == carried * ATTO


def test_time_saved_is_minutes_times_rate_times_realisation() -> None:
    """(12 − 1 − 3 minutes) / 60 × $45 × 0.5 = $3 per outcome, exactly."""
    model = TimeSaved(
        id="t", feature="f", baseline_minutes=Decimal(12), ai_minutes=Decimal(1), review_minutes=Decimal(3), hourly_rate=45 * ATTO
    )
    assert model.worth == 3 * ATTO
    assert earned(model, UNITS) == 24 * ATTO


def test_review_longer_than_the_work_is_a_loss() -> None:
    """Time saved may be negative: checking can take longer than doing."""
    model = TimeSaved(
        id="t", feature="f", baseline_minutes=Decimal(1), ai_minutes=Decimal(0), review_minutes=Decimal(3), hourly_rate=60 * ATTO
    )
    assert model.worth == -ATTO


def test_avoided_cost_is_never_earned() -> None:
    """What a baseline would have cost is a field of its own, and revenue is shared elsewhere."""
    model = AvoidedCost(id="a", feature="f", avoided=2 * ATTO, baseline="the model configured before")
    assert (earned(model, UNITS), avoided(model, UNITS)) == (0, 16 * ATTO)
    assert earned(RevenueShare(id="r", feature="f"), UNITS) == 0
    assert avoided(UnitPrice(id="p", feature="f", price=1), UNITS) == 0


def test_a_model_holds_from_its_first_day_until_before_its_last() -> None:
    """Between breakpoints every outcome is valued alike; versions follow each other without gap or overlap."""
    old = UnitPrice(id="p", feature="f", price=1, until=OCTOBER)
    new = UnitPrice(id="p", feature="f", price=2, version="2", since=OCTOBER, until=NOVEMBER)
    always = EventValue(id="e", feature="f")
    breaks = breakpoints([old, new, always])
    assert breaks == (OCTOBER, NOVEMBER)
    assert [[holds(model, window, breaks) for window in range(3)] for model in (old, new, always)] == [
        [True, False, False],
        [False, True, False],
        [True, True, True],
    ]


def test_the_weakest_evidence_counts() -> None:
    """One declared part makes the whole a declaration; no model has no grade."""
    strong, weak = EventValue(id="a", feature="f", grade="A"), EventValue(id="b", feature="f", grade="C")
    assert weakest_grade([strong, weak]) == "C"
    assert weakest_grade([]) is None
