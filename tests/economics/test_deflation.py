"""Deflation: what a fixed capability costs over time, beside always taking the best model."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.deflation import Result, deflation, trend

DAY = date(2025, 1, 1)


def _result(day: int, score: float, cost: float | None, model: str = "m") -> Result:
    return Result(model, DAY + timedelta(days=day), score, cost)


results = st.builds(_result, st.integers(0, 700), st.floats(0.01, 1), st.none() | st.floats(0.01, 100))


@given(st.lists(results, max_size=30))
def test_paths_only_ever_improve(table: list[Result]) -> None:
    """The fixed capability never gets dearer, the best model never worse, and no unpriced result is on a path."""
    found = deflation(table)
    if found is None:
        assert not any(one.priced for one in table)
        return
    for path in (found.fixed, found.best):
        assert all(one.priced for one in path)
        assert [one.day for one in path] == sorted(one.day for one in path)
    assert [one.per_success for one in found.fixed] == sorted((one.per_success for one in found.fixed), reverse=True)
    assert [one.score for one in found.best] == sorted(one.score for one in found.best)
    assert found.fold >= 1
    assert found.unpriced == sum(not one.priced for one in table)


def test_a_capability_that_nobody_reaches_is_not_said() -> None:
    """Without a priced result at that score there is no path."""
    assert deflation([_result(0, 0.5, 1.0)], 0.9) is None
    assert deflation([_result(0, 0.5, 0.0)]) is None


def test_the_trend_of_a_steady_fall() -> None:
    """A path that halves every year has a factor of a half with an interval around it; four steps on one day have none."""
    path = [_result(int(365.25 * year), 0.5, 0.5**year) for year in range(6)]
    found = trend(path)
    assert found is not None
    assert found.factor == pytest.approx(0.5, rel=0.01)
    assert found.low <= found.factor <= found.high < 1
    assert trend(path[:3]) is None
    assert trend([_result(0, 0.5, 1.0)] * 4) is None


def test_the_best_model_that_gets_cheaper_is_said_to() -> None:
    """Where the best model falls steadily everybody is reached; with few records nothing is said."""
    falling = [_result(300 * step, 0.5 + step / 20, 0.3**step) for step in range(6)]
    found = deflation(falling)
    assert found is not None
    assert found.cheaper is True
    assert found.best_ratio < 1
    few = deflation(falling[:2])
    assert few is not None
    assert few.cheaper is None
