"""When a limit is reached."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.money import ATTO
from breakeven.economics.runout import SpendPath, run_out

START = datetime(2026, 11, 10)
DAY = timedelta(days=1)


def test_the_limit_is_reached_where_the_forecast_passes_it() -> None:
    """With 60 of 100 spent and 10 a day to come it is the end of the fourth day; the band gives earliest and latest."""
    found = run_out(SpendPath(START, [10, 20, 30, 40, 50], [5, 10, 15, 20, 25], [20, 40, 60, 80, 100]), 60 * ATTO, 100 * ATTO)
    assert (found.expected, found.earliest, found.latest) == (START + 4 * DAY, START + 2 * DAY, None)
    assert found.left == 40 * ATTO
    assert found.banded


def test_what_lies_beyond_the_reset_belongs_to_the_next_budget() -> None:
    """A limit that would be reached after the reset is not reached."""
    found = run_out(SpendPath(START, [10, 20, 30]), 0, 25 * ATTO, resets=START + 2 * DAY)
    assert found.expected is None
    assert found.until == START + 2 * DAY
    assert not found.banded


def test_a_limit_already_reached_is_said_so() -> None:
    """Overspent is overspent, whatever the forecast."""
    found = run_out(SpendPath(START, []), 120 * ATTO, 100 * ATTO)
    assert found.already
    assert found.left == -20 * ATTO


def test_half_a_day_is_half_a_day() -> None:
    """Within a step spending is taken as even."""
    assert run_out(SpendPath(START, [10, 20]), 0, 15 * ATTO).expected == START + 1.5 * DAY


def test_point_and_band_must_agree() -> None:
    """A band of another length than the point is a fault, not a guess."""
    with pytest.raises(ValueError, match="same length"):
        run_out(SpendPath(START, [10, 20], [5], [20]), 0, 15 * ATTO)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=40), st.integers(1, 20_000))
def test_more_room_never_ends_earlier(steps: list[float], limit: int) -> None:
    """A higher limit is reached no earlier, and the reached instant never lies beyond the forecast."""
    total, points = 0.0, []
    for step in steps:
        total += step
        points.append(total)
    path = SpendPath(START, points)
    lower, higher = run_out(path, 0, limit * ATTO).expected, run_out(path, 0, (limit + 1) * ATTO).expected
    assert higher is None or (lower is not None and lower <= higher <= START + len(points) * DAY)
