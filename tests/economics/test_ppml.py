"""Poisson pseudo-maximum likelihood with customers and periods absorbed, against another's code and against known truth."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.ppml import Panel, fit
from breakeven.economics.scaling import response
from breakeven.testing.companies import Kind, company, held

KIND = Kind(customers=30, periods=8)


def _panel(seed: int = 3, elasticity: float = 1.2) -> Panel:
    return company(KIND, elasticity, np.random.default_rng(seed))[0]


def test_the_estimate_is_that_of_a_poisson_regression_with_dummies() -> None:
    """β and the fitted costs equal those of statsmodels' Poisson GLM with a dummy per customer and period."""
    panel = _panel()
    found = fit(panel)
    assert found is not None
    cells = found.cells
    unit, period = panel.unit[cells], panel.period[cells]
    dummies = [unit == each for each in np.unique(unit)] + [period == each for each in np.unique(period)[1:]]
    design = np.column_stack([np.log(panel.adoption[cells]), *dummies]).astype(float)
    oracle = sm.GLM(panel.cost[cells], design, family=sm.families.Poisson()).fit(tol=1e-12)
    assert found.elasticity == pytest.approx(oracle.params[0], rel=1e-6)
    assert found.fitted == pytest.approx(oracle.fittedvalues, rel=1e-5)


@given(seed=st.integers(0, 200))
def test_fitted_totals_are_the_recorded_ones(seed: int) -> None:
    """In each period, and for each customer, the fitted costs sum to what was recorded: books need that."""
    panel = _panel(seed)
    found = fit(panel)
    assert found is not None
    for group in (panel.unit[found.cells], panel.period[found.cells]):
        recorded = np.bincount(group, panel.cost[found.cells])
        assert np.bincount(group, found.fitted) == pytest.approx(recorded, rel=1e-6, abs=1e-9 * recorded.sum())


@given(factor=st.floats(1e-6, 1e6), units=st.floats(1e-3, 1e3))
def test_the_unit_of_money_and_of_adoption_does_not_matter(factor: float, units: float) -> None:
    """Costs in another currency and adoption in dozens give the same elasticity, as sure as before."""
    panel = _panel()
    first, again = fit(panel), fit(Panel(panel.cost * factor, panel.adoption * units, panel.unit, panel.period))
    assert first is not None
    assert again is not None
    assert again.elasticity == pytest.approx(first.elasticity, rel=1e-6)
    assert again.influence == pytest.approx(first.influence, rel=1e-4, abs=1e-9)


def test_a_cell_without_cost_stays_and_one_without_adoption_goes() -> None:
    """Zeros are data; a customer that never costs anything, and one seen once, say nothing."""
    panel = _panel()
    cost, adoption = panel.cost.copy(), panel.adoption.copy()
    cost[panel.unit == 0] = 0
    adoption[5], cost[9] = 0, 0
    found = fit(Panel(cost, adoption, panel.unit, panel.period))
    assert found is not None
    assert 0 not in found.unit
    assert 5 not in found.cells
    assert np.isfinite(found.elasticity)


@pytest.mark.parametrize(
    "panel",
    [
        Panel(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)),
        Panel(np.ones(4), np.ones(4), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])),
        Panel(np.array([1.0, 2, 3]), np.array([1.0, 2, 3]), np.zeros(3, dtype=np.int64), np.arange(3)),
        Panel(np.array([1.0, 2, 2, 4]), np.array([1.0, 2, 2, 4]), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])),
    ],
    ids=["nothing", "adoption that never moves", "one customer", "all grow alike"],
)
def test_what_cannot_be_told_is_none(panel: Panel) -> None:
    """No cells, no variation, one customer, or growth that all share: no elasticity, and no NaN."""
    assert fit(panel) is None


def test_customers_that_share_no_period_still_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two groups of customers at different times give one elasticity, as a power law without error has it; else a reason."""
    random = np.random.default_rng(2)
    unit, period = (each.ravel() for each in np.meshgrid(np.arange(12), np.arange(4), indexing="ij"))
    period = period + 4 * (unit % 2)
    adoption = random.uniform(1, 50, unit.size)
    panel = Panel(adoption**1.4 * (1 + unit) * (1 + period), adoption, unit, period)
    found = fit(panel)
    assert found is not None
    assert found.elasticity == pytest.approx(1.4, abs=1e-6)
    assert np.abs(found.influence).max() < 1e-6
    monkeypatch.setattr("breakeven.economics.ppml._MOST_STEPS", 1)
    assert fit(panel) is None
    assert response(panel, 0, 12) is None


@given(data=st.data())
def test_any_panel_gives_a_finite_answer_or_none(data: st.DataObject) -> None:
    """Whatever costs (nothing among them) and adoptions there are, the answer is a number with finite influences, or none."""
    size = data.draw(st.integers(1, 40))
    costs = data.draw(st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), min_size=size, max_size=size))
    adoption = data.draw(st.lists(st.floats(0, 1e6), min_size=size, max_size=size))
    places = data.draw(st.lists(st.integers(0, 39), min_size=size, max_size=size, unique=True))
    panel = Panel(np.array(costs), np.array(adoption), np.array(places) // 5, np.array(places) % 5)
    found = response(panel, 0, 8)
    if found is not None:
        assert np.isfinite([found.elasticity, found.degrees]).all()
        assert np.isfinite(found.slope).all()
        assert np.isfinite(found.level).all()


def test_a_period_that_cost_nothing_has_no_error_of_its_level() -> None:
    """The log of nothing moves by nothing."""
    found = response(_panel(), 99, KIND.customers)
    assert found is not None
    assert not found.level.any()


def test_few_customers_have_an_estimate_but_no_interval() -> None:
    """Below ten customers the elasticity has no interval, so that no pace is claimed."""
    panel = company(Kind(customers=6, periods=12), 1.3, np.random.default_rng(1))[0]
    found = response(panel, 11, 6)
    assert found is not None
    assert found.interval() is None


def test_a_panel_that_one_customer_dominates_is_worth_few() -> None:
    """The degrees of freedom count customers by what they tell, and never fewer than one."""
    panel = _panel()
    cost = np.where(panel.unit == 3, panel.cost * 1e4, panel.cost)
    even, uneven = fit(panel), fit(Panel(cost, panel.adoption, panel.unit, panel.period))
    assert even is not None
    assert uneven is not None
    assert 1 <= uneven.degrees < even.degrees < even.clusters


def test_intervals_hold_what_they_promise() -> None:
    """Of 300 companies of 40 customers 95% intervals of elasticity and break-even hold the truth (bench: 500 of 5 kinds)."""
    found = held(Kind(customers=40, periods=10), 300, seed=11)
    assert 0.92 <= found.elasticity <= 0.98
    assert 0.92 <= found.crossing <= 0.99
    assert 0.92 <= found.marginal <= 0.99
    assert found.stated > 0.4
