"""Marginal figures, and the adoption at which cost meets value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from breakeven.economics.scaling import Bounds, Level, Response, crossing, curve, marginal_at, pace, proportional, quantile


def _sure(elasticity: float, error: float = 1e-6, clusters: int = 50) -> Response:
    """A response whose elasticity has this standard error, and whose level is known."""
    slope = np.full(clusters, error / np.sqrt(clusters))
    return Response(elasticity, slope, np.zeros(clusters), clusters - 1, clusters)


@given(elasticity=st.floats(1.05, 2), ratio=st.floats(0.8, 1.2))
def test_the_crossing_is_the_closed_form(elasticity: float, ratio: float) -> None:
    """With a sure elasticity, average cost meets a price at (V/C)^(1/(β−1)), marginal cost at (V/(βC))^(1/(β−1))."""
    cost = _sure(elasticity)
    level, value = Level(100, 1000, 100 * ratio), proportional(50, cost)
    for marginal, worth in ((False, ratio), (True, ratio / elasticity)):
        wanted = worth ** (1 / (elasticity - 1))
        meets = crossing(level, cost, value, marginal=marginal)
        if 0.06 < wanted < 15:
            assert meets.at is not None
            assert meets.at.estimate == pytest.approx(wanted, rel=1e-6)
            assert meets.at.low <= meets.at.estimate <= meets.at.high


@pytest.mark.parametrize(
    ("level", "cost", "value", "why"),
    [
        (Level(100, 10, None), _sure(1.2), _sure(1.0), "no value"),
        (Level(100, 10, 0), _sure(1.2), _sure(1.0), "no value"),
        (Level(100, 10, 90), _sure(1.2, clusters=5), _sure(1.0), "fewer than 10 customers"),
        (Level(100, 10, 90), _sure(1.2, 0.2), _sure(1.0), "may grow alike"),
        (Level(100, 10, 90), _sure(1.0, 0), _sure(1.0, 0), "may grow alike"),
        (Level(100, 10, 900), _sure(1.2), _sure(1.0), "do not meet"),
    ],
)
def test_a_crossing_that_cannot_be_stated_says_why(level: Level, cost: Response, value: Response, why: str) -> None:
    """No value, too few customers, growth that may be alike, or a point out of sight: no number, a reason."""
    meets = crossing(level, cost, value)
    assert meets.at is None
    assert why in meets.why


def test_value_that_falls_with_adoption_has_no_marginal_crossing() -> None:
    """Where value does not grow with adoption its logarithm says nothing."""
    meets = crossing(Level(100, 10, 90), _sure(1.2), _sure(-0.1), marginal=True)
    assert meets.at is None
    assert "does not grow" in meets.why


def test_faster_is_said_only_where_the_interval_says_so() -> None:
    """Faster above 1, slower below, in step around it, unknown without an interval."""
    spans = [Bounds(1.2, 1.1, 1.3), Bounds(0.8, 0.7, 0.9), Bounds(1.1, 0.9, 1.3), None]
    assert [pace(span) for span in spans] == ["faster", "slower", "in step", "unknown"]


def test_the_curve_passes_through_today_and_rises_by_the_elasticity() -> None:
    """At today's adoption the average is today's; at twice it is 2^(β−1) times that; the marginal cost is β times the average."""
    points = curve(Level(100, 1000, 80), _sure(1.5), _sure(1.0), (1.0, 2.0))
    assert [point.average.estimate for point in points] == pytest.approx([0.1, 0.1 * 2**0.5])
    assert [point.marginal.estimate for point in points] == pytest.approx([0.15, 0.15 * 2**0.5])
    assert all(point.average.low <= point.average.estimate <= point.average.high for point in points)
    assert [point.value.estimate for point in points if point.value] == pytest.approx([0.08, 0.08])
    assert curve(Level(100, 1000), _sure(1.5), None, (1.0,))[0].value is None


def test_a_cost_that_falls_with_adoption_has_a_negative_marginal() -> None:
    """An elasticity below 0 makes the next unit save money, with an interval all the same."""
    found = marginal_at(100, 1000, _sure(-0.2, 0.05))
    assert found.low < found.estimate == pytest.approx(-0.02)
    assert found.high < 0


@pytest.mark.parametrize("degrees", [1, 2, 5.7, 33.3, 400])
def test_quantiles_between_whole_degrees(degrees: float) -> None:
    """Student's t between whole degrees of freedom is right to a thousandth of its size, from five on."""
    assert quantile(degrees) == pytest.approx(t.ppf(0.975, degrees), rel=1e-3)
