"""Unit costs: ratios of sums, intervals that hold, and people's time."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.money import ATTO
from breakeven.economics.units import Review, gross_margin_effect, of_unsuccessful, unit_cost, with_people
from breakeven.economics.verdict import Cluster


@given(st.integers(0, 10**26), st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 120), st.integers(0, 120))
def test_cost_per_success_is_the_formula(cost: int, successes: int, failures: int, review: int, rework: int) -> None:
    """(attempt + review) / p + rework · (1 − p) / p, for any cost, success rate and minutes."""
    people = Review(Decimal(review), Decimal(rework), 48 * ATTO)
    outcomes = successes + failures
    p = Fraction(successes, outcomes)
    expected = (Fraction(cost, outcomes) + people.each) / p + people.redone * (1 - p) / p
    assert Fraction(with_people(cost, outcomes, failures, people), successes) == expected


def test_a_success_rate_of_one_half_doubles_the_cost() -> None:
    """100 runs at $0.086 of which 49 solve their task cost $0.1755 per solved task; review of 3 minutes at $48 adds $2.40 a run."""
    cost = 86 * ATTO // 10
    found = unit_cost(with_people(cost, 100, 51, None), 49, {})
    assert found is not None
    assert round(found.amount / ATTO, 4) == 0.1755
    reviewed = unit_cost(with_people(cost, 100, 51, Review(Decimal(3), Decimal(0), 48 * ATTO)), 49, {})
    assert reviewed is not None
    assert reviewed.amount - found.amount == pytest.approx(2.4 * 100 / 49 * ATTO, rel=1e-12)


def test_the_wider_clustering_counts() -> None:
    """Customers that differ more than days give the wider interval, which is told; without ten clusters there is none."""
    days = [Cluster(10.0 + day % 2, 100) for day in range(30)]
    customers = [Cluster(1.0 * (customer + 1), 100) for customer in range(30)]
    found = unit_cost(ATTO * 300, 3000, {"day": days, "customer": customers})
    assert found is not None
    assert found.interval is not None
    assert found.by == "customer"
    assert unit_cost(ATTO * 300, 3000, {"day": days[:9]}) == type(found)(ATTO // 10, 3000, None, None)


@pytest.mark.parametrize(("cost", "count"), [(None, 5), (5, None), (5, 0)])
def test_what_is_unknown_or_not_counted_has_no_cost(cost: int | None, count: int | None) -> None:
    """No known cost, no count or no units: no unit cost, not one of 0."""
    assert unit_cost(cost, count, {}) is None


def test_the_interval_holds_the_true_cost_of_a_unit() -> None:
    """Over 1,000 invented companies of 60 customers of very different size, 95% intervals hold the truth in 93 to 97%."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(1000):
        sizes = random.lognormal(3, 0.6, 60).astype(int) + 1
        each = random.lognormal(-0.5 * 0.3**2, 0.3, 60)
        clusters = [Cluster(float(size * one), int(size)) for size, one in zip(sizes, each, strict=True)]
        total = sum(cluster.net for cluster in clusters)
        found = unit_cost(int(total * 10**6) * 10**12, int(sizes.sum()), {"customer": clusters})
        assert found is not None
        assert found.interval is not None
        held += found.interval.low <= 1.0 <= found.interval.high
    assert 0.93 <= held / 1000 <= 0.97


def test_failed_attempts_are_not_counted_twice() -> None:
    """Of 100 outcomes at 10 of which 2 went to failed attempts, 25 failed outcomes cost a quarter of the other 8."""
    assert of_unsuccessful(10 * ATTO, 2 * ATTO, 100, 25) == 2 * ATTO
    assert of_unsuccessful(10 * ATTO, 2 * ATTO, 0, 0) == 0


def test_gross_margin_effect_is_points_of_revenue() -> None:
    """5 of cost of revenue on 100 of revenue lower the gross margin by five points; without revenue nothing can be said."""
    assert gross_margin_effect(5, 100) == -0.05
    assert gross_margin_effect(5, None) is None
