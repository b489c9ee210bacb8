"""The verdict and its interval."""

from __future__ import annotations

import random

import pytest

from breakeven.economics.value import Grade
from breakeven.economics.verdict import Cluster, Finding, Interval, judged, net_interval, t_quantile, widest

POSITIVE = Interval(0.5, 0.1, 0.9, 30)
NEGATIVE = Interval(-0.5, -0.9, -0.1, 30)
AROUND = Interval(0.1, -0.3, 0.5, 30)


@pytest.mark.parametrize(
    ("grade", "interval", "unknown", "expected"),
    [
        (None, POSITIVE, 0.0, "cost only"),
        ("A", None, 0.0, "unproven"),
        ("C", POSITIVE, 0.0, "unproven"),
        ("C", NEGATIVE, 0.0, "unproven"),
        ("A", POSITIVE, 0.0, "creates"),
        ("B", POSITIVE, 0.01, "creates"),
        ("A", POSITIVE, 0.02, "unproven"),
        ("A", NEGATIVE, 0.9, "destroys"),
        ("B", AROUND, 0.0, "unproven"),
    ],
)
def test_the_rule(grade: Grade | None, interval: Interval | None, unknown: float, expected: Finding) -> None:
    """Creates above 0, destroys below; unproven around it, on declared value, too little or unpriced cost."""
    verdict = judged(grade, interval, unknown)
    assert verdict.finding == expected
    assert verdict.reason


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (9, 2.2622), (10, 2.2281), (29, 2.0452), (120, 1.9799), (5000, 1.9600)],
)
def test_the_t_quantile_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    """The 97.5% quantiles agree with published tables to four digits."""
    assert t_quantile(0.975, degrees) == pytest.approx(quantile, abs=6e-5)


def test_too_few_clusters_give_no_interval() -> None:
    """Nine days say nothing, nor do days without outcomes; ten equal days are certain."""
    days = [Cluster(2.0, 4)] * 9
    assert net_interval(days) is None
    assert net_interval([Cluster(-1.0, 0)] * 30) is None
    certain = net_interval([*days, Cluster(2.0, 4)])
    assert certain is not None
    assert (certain.low, certain.high, certain.clusters) == (0.5, 0.5, 10)


def test_the_stronger_correlation_counts() -> None:
    """Of the clusterings with enough clusters the widest interval is taken; without any there is none."""
    calm = [Cluster(2.0, 4)] * 12
    wild = [Cluster(8.0, 4), Cluster(-4.0, 4)] * 6
    assert widest([calm, wild]) == net_interval(wild)
    assert widest([calm[:3], []]) is None


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """With 30 days whose level varies, the 95% interval covers the true net value per outcome in 93 to 97.5% of 1,500 trials."""
    chance = random.Random(7)
    covered = 0
    for _ in range(1_500):
        days = []
        for _ in range(30):
            outcomes = chance.randint(20, 60)
            level = chance.gauss(0.10, 0.30)
            days.append(Cluster(sum(chance.gauss(level, 0.5) for _ in range(outcomes)), outcomes))
        interval = net_interval(days)
        assert interval is not None
        covered += interval.low <= 0.10 <= interval.high
    assert 0.93 <= covered / 1_500 <= 0.975
