"""How unevenly cost and margin lie."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.concentration import curve, deciles, gini, top_share, whale, whale_curve
from breakeven.economics.mending import Use, mending
from breakeven.economics.portfolio import Finding, below_zero, loss_certainty, placed, popular, ranked
from breakeven.economics.verdict import Interval


def _random() -> np.random.Generator:
    return np.random.default_rng(1)


def test_gini_of_known_distributions() -> None:
    """All alike 0, one bears all 1 (with the correction exactly), an exponential one ½ within its interval."""
    alike, alone = gini([1.0] * 40, _random()), gini([0.0] * 39 + [5.0], _random())
    assert alike is not None
    assert alone is not None
    assert (round(alike.estimate, 12), round(alone.estimate, 12)) == (0, 1)
    spread = gini(list(_random().exponential(size=2000)), _random())
    assert spread is not None
    assert spread.low < 0.5 < spread.high


def test_gini_intervals_hold_the_truth() -> None:
    """Of 100 samples of 80 exponential costs, nine tenths or more of the intervals hold ½."""
    random = np.random.default_rng(5)
    found = [gini(list(random.exponential(size=80)), random) for _ in range(100)]
    assert sum(one is not None and one.low <= 0.5 <= one.high for one in found) >= 88


@pytest.mark.parametrize("amounts", [[1.0] * 29, [0.0] * 50, [-1.0] + [1.0] * 40])
def test_gini_is_refused(amounts: list[float]) -> None:
    """Below 30 subjects, of nothing at all, and where an amount is negative."""
    assert gini(amounts, _random()) is None


@given(st.lists(st.integers(0, 10**24), min_size=1, max_size=50))
def test_the_concentration_curve_rises_above_the_diagonal(amounts: list[int]) -> None:
    """From nothing to everything, dearest first, never below what an even division gives."""
    points = curve(amounts)
    if sum(amounts) == 0:
        assert points == []
        assert top_share(amounts, 0.1) is None
        return
    assert points[0] == (0, 0)
    assert points[-1] == pytest.approx((1, 1))
    assert all(part >= place - 1e-9 for place, part in points)
    assert top_share(amounts, 1) == 1


@given(st.lists(st.integers(-(10**20), 10**20), max_size=40))
def test_the_whale_curve_peaks_at_the_sum_of_gains(keeps: list[int]) -> None:
    """Its highest point is what the profitable keep, its end what is left."""
    found, points = whale(keeps), whale_curve(keeps, points=40)
    assert found.final == sum(keeps)
    assert found.peak >= max(found.final, 0)
    assert max((kept for _, kept in points), default=0) == found.peak
    assert (points[-1][1] if points else 0) == found.final


@given(st.integers(0, 500))
def test_deciles_are_as_even_as_can_be(count: int) -> None:
    """At most ten groups, whose sizes differ by one at most, in order."""
    groups = deciles(count)
    sizes = [groups.count(number) for number in sorted(set(groups))]
    assert len(groups) == count
    assert groups == sorted(groups)
    assert len(sizes) == min(10, count)
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_what_mends_a_loser() -> None:
    """The price that covers the cost, the calls that the price covers, and the cheaper rung: arithmetic."""
    uses = [Use(50, 90, Fraction(1, 2)), Use(50, 10, None)]
    found = mending(paid=40, cost=100, calls=100, uses=uses)
    assert (found.price, found.calls, found.on_cheapest_rungs, found.rung_is_enough) == (100, 40, 35, True)
    wanted = mending(paid=40, cost=100, calls=100, uses=uses, margin=Fraction(1, 2))
    assert (wanted.price, wanted.calls, wanted.rung_is_enough) == (200, 20, False)
    assert mending(paid=-1, cost=0, calls=1, uses=()).calls is None


def test_findings_are_ranked_by_money_and_certainty() -> None:
    """Certainty × middle of the worth; what has no worth comes last, the more certain first."""

    def one(name: str, worth: tuple[int, int] | None, certainty: float) -> Finding:
        return Finding(name, "", "", worth, certainty, "", "")

    findings = [one("unknown", None, 0.5), one("small", (9, 11), 1), one("unsure", (0, 100), 0.1), one("big", (0, 40), 1)]
    assert [each.id for each in ranked([*findings, one("sure", None, 1)])] == ["big", "small", "unsure", "sure", "unknown"]


def test_the_quadrants() -> None:
    """Popular by reach or by growth; profitable by contribution; cost only where value or cost is unknown."""
    assert popular(5, 10, None)
    assert popular(1, 10, 1.25)
    assert not popular(4, 10, 1.2)
    assert not popular(0, 0, None)
    places = [placed(is_popular=p, contribution=c, valued=True) for p in (True, False) for c in (1, -1)]
    assert places == ["popular, profitable", "popular, unprofitable", "niche, profitable", "niche, unprofitable"]
    assert placed(is_popular=True, contribution=1, valued=False) == "cost only"
    assert placed(is_popular=True, contribution=None, valued=True) == "cost only"


def test_how_certain_a_loss_is() -> None:
    """½ without an interval; 97.5% where its upper end is 0; symmetric around 0."""
    assert loss_certainty(None) == 0.5
    assert loss_certainty(Interval(0, 0, 0, 20)) == 0.5
    assert loss_certainty(Interval(-1, -2, 0, 30)) == pytest.approx(0.975, abs=1e-6)
    assert loss_certainty(Interval(1, 0, 2, 30)) == pytest.approx(0.025, abs=1e-6)
    assert below_zero(0, 9) == pytest.approx(0.5, abs=1e-6)
