"""Forecasts on invented companies of known truth and on the real clients of ServeGen."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from breakeven.economics.forecast import DAY_OF_HOURS, WEEK, mixture, recent, run_rate, seasonal_naive
from breakeven.economics.intervals import ALPHA_LIMITS, FEWEST_ERRORS, online, widths
from breakeven.economics.outlook import Band, backtest, band, outlook, path, ratio_half, summed

Floats = NDArray[np.float64]
COMPANIES = 500
HOURS_OF_CLIENTS = 336


def company(number: int, days: int) -> Floats:
    """An invented daily cost: a week's rhythm, a level that wanders and drifts, noise; all of it drawn anew for each number."""
    random = np.random.default_rng(number)
    rhythm = np.array([1, 1.05, 1.1, 1.05, 0.95, 0.4, 0.35]) ** random.uniform(0, 1.5)
    drift, wander, noise = random.normal(0.002, 0.004), random.uniform(0.005, 0.03), random.uniform(0.05, 0.25)
    level = np.exp(np.cumsum(random.normal(drift, wander, days)))
    return np.asarray(100 * level * rhythm[np.arange(days) % WEEK] * np.exp(random.normal(0, noise, days)))


@pytest.fixture(scope="session")
def client_hours(shared_data: Path) -> list[Floats]:
    """Requests per hour of the 60 largest real clients of one model over 14 days."""
    query = "SELECT client, hour, requests FROM read_parquet(?) WHERE model = 'm-large'"
    rows = duckdb.execute(query, [str(shared_data / "traces" / "servegen_client_hours.parquet")]).fetchall()
    series: dict[int, Floats] = {}
    for client, hour, requests in rows:
        series.setdefault(client, np.zeros(HOURS_OF_CLIENTS))[hour] = requests
    return sorted(series.values(), key=lambda one: -one.sum())[:60]


@pytest.mark.parametrize(("known", "ahead"), [(14, 7), (45, 20), (90, 25), (120, 90)])
def test_intervals_hold_what_comes(known: int, ahead: int) -> None:
    """Over 500 invented companies the 90% interval holds the next sum in at least 85% of cases, and not in nearly all."""
    held = []
    for number in range(COMPANIES):
        days = company(number, known + ahead)
        seen = outlook(days[:known], ahead, WEEK)
        assert seen is not None
        found = band(seen, 0, ahead)
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= days[known:].sum() <= found.high)
    upper = 1.0 if known < 28 else 0.975
    assert 0.85 <= np.mean(held) <= upper


def test_it_beats_both_naive_methods_on_invented_companies() -> None:
    """Summed over invented companies and past origins it errs less than run rate and seasonal naive, at every horizon."""
    trials = [backtest(company(number, 180), (3, 10, 25), WEEK) for number in range(120)]
    for at in range(3):
        mean = np.mean([trial[at].error for trial in trials])
        assert mean < 0.95 * np.mean([trial[at].benchmarks["run rate"] for trial in trials])
        assert mean < 0.95 * np.mean([trial[at].benchmarks["seasonal naive"] for trial in trials])


@pytest.mark.parametrize("ahead", [1, 6, 24, 72])
def test_it_beats_seasonal_naive_on_real_clients(client_hours: list[Floats], ahead: int) -> None:
    """On the real clients the sum of errors is smaller than that of the last day again, and intervals hold 85 to 95%."""
    trials = [(backtest(hours, [ahead], DAY_OF_HOURS)[0], hours) for hours in client_hours]
    scored = [(trial.error, trial.benchmarks["seasonal naive"]) for trial, _ in trials]
    ours, naive = (np.array([pair[at] for pair in scored if None not in pair]) for at in (0, 1))
    assert np.median(ours) < np.median(naive)
    assert ours.mean() < naive.mean()
    held = np.average([t.coverage or 0.0 for t, _ in trials], weights=[t.intervals for t, _ in trials])
    assert 0.85 <= held <= 0.95


@pytest.mark.parametrize("ahead", [6, 24, 72])
def test_intervals_hold_on_real_clients_from_what_was_known_then(client_hours: list[Floats], ahead: int) -> None:
    """Cut off at many hours, the band of what was known then holds what came in 85 to 95% of cases."""
    held = []
    for hours in client_hours[:40]:
        for known in range(4 * DAY_OF_HOURS, len(hours) - ahead + 1, 17):
            seen = outlook(hours[:known], ahead, DAY_OF_HOURS)
            assert seen is not None
            found = band(seen, 0, ahead)
            if found.low is not None and found.high is not None:
                held.append(found.low <= hours[known : known + ahead].sum() <= found.high)
    assert len(held) > 300
    assert 0.85 <= np.mean(held) <= 0.95


def test_a_pure_rhythm_is_forecast_exactly() -> None:
    """A week that repeats itself without noise is forecast to the last digit that floats have."""
    week = np.array([5.0, 6, 7, 8, 9, 1, 2])
    series = np.tile(week, 8)
    forecast = mixture(series, np.arange(14, 57), 10, WEEK)[-1]
    assert forecast == pytest.approx(np.cumsum(np.tile(week, 2)[:10]))


def test_the_future_is_not_known_at_an_origin() -> None:
    """What comes after an origin changes nothing of its forecast, but for the scale below which sums are nothing."""
    series = company(3, 120)
    other = np.concatenate([series[:100], series[100:][::-1]])  # the same mean, so the same scale
    origins = np.arange(20, 101)
    assert mixture(series, origins, 14, WEEK)[-1] == pytest.approx(mixture(other, origins, 14, WEEK)[-1])


def test_an_incident_does_not_become_a_habit() -> None:
    """A day of ten times the cost seven weeks ago moves the rhythm by under 5%."""
    series = np.tile(np.array([5.0, 6, 7, 8, 9, 1, 2]), 8)
    spoiled = series.copy()
    spoiled[8] *= 10
    profiles = [recent(one, np.array([56]), WEEK).profile[0] for one in (series, spoiled)]
    assert np.abs(profiles[1] / profiles[0] - 1).max() < 0.05


def test_benchmarks_are_what_they_say() -> None:
    """Run rate is the mean of the last two weeks times days; seasonal naive the last week again."""
    series = np.arange(1.0, 29.0)
    seen = recent(series, np.array([28]), WEEK)
    assert run_rate(seen, 3)[0] == pytest.approx(series[-14:].mean() * np.arange(1, 4))
    assert seasonal_naive(seen, 9)[0] == pytest.approx(np.cumsum(np.concatenate([series[-7:], series[-7:-5]])))


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=80), st.integers(1, 60))
def test_any_series_has_a_finite_forecast(values: list[float], ahead: int) -> None:
    """Whatever was spent: the forecast is finite and not negative, grows with the horizon, and lies inside its band."""
    seen = outlook(np.array(values), ahead, WEEK)
    assert seen is not None
    assert np.isfinite(seen.point).all()
    assert (np.diff(seen.point, prepend=0.0) >= 0).all()
    found = band(seen, 0, ahead)
    assert found.low is None or (found.high is not None and 0 <= found.low <= found.point * (1 + 1e-9) + 1e-9 <= found.high + 2e-9)


def test_too_little_is_admitted() -> None:
    """One day allows no forecast, and fewer than five past errors no interval."""
    assert outlook(np.array([5.0]), 7, WEEK) is None
    seen = outlook(np.array([5.0, 6.0, 5.0]), 7, WEEK)
    assert seen is not None
    assert band(seen, 0, 7).low is None
    assert np.isnan(path(seen)[1]).all()
    assert backtest(np.array([5.0, 6.0]), [1], WEEK)[0].error is None


def test_nothing_spent_is_nothing_forecast() -> None:
    """A series of zeros is forecast as nothing, and errors against nothing are no division."""
    seen = outlook(np.zeros(60), 7, WEEK)
    assert seen is not None
    assert band(seen, 0, 7).point < 1e-9
    assert backtest(np.zeros(60), [7], WEEK)[0].error is None


def test_known_prices_are_applied() -> None:
    """A price that halves after three of six days takes half of the last three days' forecast away, no more."""
    series = company(1, 60)
    plain, cheaper = outlook(series, 6, WEEK), outlook(series, 6, WEEK, np.array([1, 1, 1, 0.5, 0.5, 0.5]))
    assert plain is not None
    assert cheaper is not None
    whole, first = band(plain, 0, 6).point, band(plain, 0, 3).point
    assert band(cheaper, 0, 6).point == pytest.approx(first + (whole - first) / 2)


def test_parts_sum_to_the_whole() -> None:
    """The point of a sum is the sum of the points, and its band is narrower than the parts' bands together."""
    parts = [outlook(company(number, 100), 20, WEEK) for number in range(5)]
    known = [part for part in parts if part is not None]
    whole = band(summed(known), 0, 20)
    bands = [band(part, 0, 20) for part in known]
    assert whole.point == pytest.approx(sum(part.point for part in bands))
    assert _width(whole) < sum(_width(part) for part in bands)


def _width(found: Band) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_series_that_err_together_have_a_narrow_ratio() -> None:
    """Cost that is always half of value has a margin without uncertainty, however uncertain both are."""
    value = company(9, 120)
    top, bottom = outlook(value / 2, 30, WEEK), outlook(value, 30, WEEK)
    assert top is not None
    assert bottom is not None
    half = ratio_half(top, bottom, 0, 30)
    assert half is not None
    assert half < 1e-6


def test_a_series_that_changed_gets_the_width_it_needs() -> None:
    """When errors grow fivefold, adaptive conformal inference widens; the share of misses stays near the level afterwards."""
    random = np.random.default_rng(4)
    calm, wild = random.normal(0, 0.1, 150), random.normal(0, 0.5, 150)
    before, after = online(calm, 1), online(np.concatenate([calm, wild]), 1)
    assert after.half > 3 * before.half
    assert after.hits / after.tried > 0.83


def test_widths_are_said_only_as_far_as_the_past_reaches() -> None:
    """Twenty past origins carry horizons up to 10 by their own errors and four times as far by carrying on; none beyond."""
    random = np.random.default_rng(2)
    errors = random.normal(0, 0.1, (20, 60))
    errors[np.arange(20)[:, None] + np.arange(1, 61)[None, :] > 20] = np.nan
    found = widths(errors)
    assert found.observed == 10
    assert np.isfinite(found.half[:40]).all()
    assert np.isnan(found.half[40:]).all()
    assert widths(errors[: FEWEST_ERRORS - 1]).observed == 0
    assert ALPHA_LIMITS[0] > 0
