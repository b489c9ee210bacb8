"""Detectors against invented traffic: incidents are found, and where nothing is wrong little is said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit

from breakeven.economics.anomaly import DEGREES, Panel, Scores, false_discovery_rate, jumps, scores, shifts
from breakeven.reports.watchfacts import FIGURES, Grid, panel

Floats = NDArray[np.float64]
WEEKDAYS = np.array([1, 1.05, 1.1, 1.05, 0.95, 0.4, 0.35])
MONTH, PAST = 30, 63
START = datetime(2026, 7, 1)
RUNS = 500


def month(number: int, incident: Mapping[str, tuple[int, int, int, float]] | None = None, features: int = 4) -> Grid:
    """Invented traffic of nine weeks and a month; `{driver: (feature, day, days, factor)}` plants an incident into it."""
    random = np.random.default_rng(number)
    length = PAST + MONTH
    sums = {name: np.zeros((features, length)) for name in ("cost", "calls", "not_ok", "tokens", "input_side", "cache_read")}
    for feature in range(features):
        factor = {driver: np.ones(length) for driver in ("volume", "tokens", "price", "cold", "errors")}
        for driver, (where, day, days, by) in (incident or {}).items():
            if where == feature:
                factor[driver][PAST + day : PAST + day + days] *= by
        level = np.exp(np.cumsum(random.normal(random.normal(0.003, 0.004), 0.01, length)))
        rhythm = (WEEKDAYS ** random.uniform(0.2, 1.3))[np.arange(length) % 7]
        busy = np.exp(random.uniform(np.log(50), np.log(5000))) * level * rhythm
        calls = random.poisson(busy * np.exp(random.normal(0, random.uniform(0.03, 0.15), length)) * factor["volume"])
        some = np.maximum(calls, 1)
        tokens = calls * 1000 * np.exp(random.normal(0, 1 / np.sqrt(some)) + random.normal(0, 0.03, length)) * factor["tokens"]
        cold = np.clip(random.uniform(0.3, 0.6) * np.exp(random.normal(0, 0.03, length)) * factor["cold"], 0, 1)
        price = 1e-4 * np.exp(random.normal(0, 0.02, length)) * factor["price"]
        sums["calls"][feature] = calls
        sums["tokens"][feature], sums["input_side"][feature] = tokens, tokens * 0.8
        sums["cache_read"][feature] = tokens * 0.8 * (1 - cold)
        sums["cost"][feature] = tokens * price * (0.2 + 0.8 * (cold + 0.1 * (1 - cold)))
        sums["not_ok"][feature] = random.binomial(calls, np.clip(random.uniform(0.005, 0.05) * factor["errors"], 0, 0.9))
    subjects = tuple(("feature", str(at)) for at in range(features))
    return Grid(START - timedelta(days=PAST), timedelta(days=1), MONTH, subjects, sums)


def found(sums: Grid) -> NDArray[np.bool_]:
    """Features × days on which the detectors speak, with the relative floors of the report and no floor of money."""
    watched, _ = panel(sums)
    scored = scores(watched, sums.examined)
    features, moved = len(sums.subjects), np.abs(np.nan_to_num(scored.residual))
    everything = np.ones(scored.z.shape, dtype=bool)
    jump = jumps(scored, everything, false_discovery_rate(features, 1)) & (moved >= np.log(1.25))
    seen = jump | (shifts(scored, everything) & (moved >= np.log(1.1)))
    return np.asarray(seen.reshape(len(FIGURES), features, sums.examined).any(axis=0))


def test_false_alarms_are_bounded() -> None:
    """In 500 invented months of four features in which nothing is wrong, under one alarm per feature and month is given."""
    alarms = sum(int(found(month(number)).sum()) for number in range(RUNS))
    assert alarms / (RUNS * 4) <= 1.0


@pytest.mark.parametrize("driver", ["volume", "tokens", "price"])
def test_a_doubling_is_found_on_its_day(driver: str) -> None:
    """Of 500 doublings of one driver of one feature on one day, at least nine of ten are found on that day."""
    hits = 0
    for number in range(RUNS):
        feature, day = number % 4, number % (MONTH - 1)
        hits += bool(found(month(number, {driver: (feature, day, 1, 2.0)}))[feature, day])
    assert hits / RUNS >= 0.9


def test_a_cache_that_is_missed_is_found() -> None:
    """When twice as much input is read uncached on one day, at least nine of ten such days are found."""
    hits = [found(month(number, {"cold": (0, 9, 1, 1.6)}))[0, 9] for number in range(150)]
    assert np.mean(hits) >= 0.9


def test_a_step_that_lasts_is_found_within_a_week() -> None:
    """A lasting step of 30% in tokens per call is found within seven days, in at least nine of ten cases."""
    hits = [found(month(number, {"tokens": (1, 5, 25, 1.3)}))[1, 5:12].any() for number in range(150)]
    assert np.mean(hits) >= 0.9


def test_a_weekend_is_no_incident() -> None:
    """A rhythm that repeats without noise scores 0 on every day, however deep its weekends."""
    logs = np.log(np.tile(WEEKDAYS, 13))[None, :]
    scored = scores(Panel(logs, np.zeros(logs.shape), np.ones(1), 7), 28)
    assert np.abs(scored.z).max() < 1e-9


def test_less_history_than_three_weeks_says_nothing() -> None:
    """Without two whole seasons of residuals there is no score, and none of the detectors speaks."""
    logs = np.log(np.tile(WEEKDAYS, 3))[None, :-1]
    scored = scores(Panel(logs, np.zeros(logs.shape), np.ones(1), 7), 7)
    assert np.isnan(scored.z).all()
    everything = np.ones(scored.z.shape, dtype=bool)
    assert not jumps(scored, everything, 0.1).any()
    assert not shifts(scored, everything).any()


def test_few_calls_may_stray_further() -> None:
    """The same residual scores less where the sampling variance of its bucket is larger than usual."""
    random = np.random.default_rng(5)
    logs = np.repeat(random.normal(0, 0.1, (1, 70)), 2, axis=0)
    logs[:, -1] = 0.7
    noise = np.zeros(logs.shape)
    noise[1, -1] = 0.25
    scored = scores(Panel(logs, noise, np.ones(2), 7), 1)
    assert scored.z[0, 0] > 2 * scored.z[1, 0] > 0


def test_many_errors_are_not_the_more_certain_for_it() -> None:
    """The noise of an error rate goes by the errors that are usual, not by those of the bucket it judges."""
    sums = month(3)
    usual = panel(sums)[0].noise[FIGURES.index("error rate") * 4]
    sums.sums["not_ok"][0, -1] *= 3
    assert panel(sums)[0].noise[FIGURES.index("error rate") * 4][-1] == pytest.approx(usual[-1], rel=0.05)


def test_less_can_be_worse() -> None:
    """With direction −1 a fall scores up, as for a cache rate."""
    random = np.random.default_rng(6)
    logs = random.normal(0, 0.1, (1, 70))
    logs[0, -1] = -1.0
    assert scores(Panel(logs, np.zeros(logs.shape), -np.ones(1), 7), 1).z[0, 0] > 5


def test_hours_know_the_hour_of_the_week() -> None:
    """With hours as buckets a doubled hour is found, and an ordinary morning is not."""
    random = np.random.default_rng(7)
    rhythm = np.tile(np.repeat([0.2, 1.0, 1.5, 0.6], 6), 7)
    logs = np.log(np.tile(rhythm, 10)) + random.normal(0, 0.1, 1680)
    logs[-2] += np.log(2)
    scored = scores(Panel(logs[None, :], np.zeros((1, 1680)), np.ones(1), 168), 24)
    said = jumps(scored, np.ones((1, 24), dtype=bool), false_discovery_rate(1, 24))
    assert said[0, -2]
    assert said.sum() == 1


def test_hours_have_an_allowance_of_their_own() -> None:
    """The rates of all buckets of a month add up to 0.75 false jumps a feature for days, and to 0.5 more for hours."""
    assert false_discovery_rate(2, 1) * 30 / 2 == pytest.approx(0.75)
    assert false_discovery_rate(4, 24) * 30 * 24 / 4 == pytest.approx(0.5)


def test_benjamini_hochberg_takes_the_largest_step() -> None:
    """With p-values under their steps up to the third, all three are found though the second alone is not under its own."""
    p = np.array([0.001, 0.030, 0.036, 0.9])
    z = stdtrit(DEGREES, 1 - p)[:, None]
    scored = Scores(z, z, np.zeros(z.shape))
    assert jumps(scored, np.ones(z.shape, dtype=bool), 0.05)[:, 0].tolist() == [True, True, True, False]
    assert not jumps(scored, np.zeros(z.shape, dtype=bool), 0.05).any()
