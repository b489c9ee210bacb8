"""What replays prove: error rates under optional stopping, laws of the bounds, and the fast computation against the plain one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bench.evidence import alarm_delays, approvals, audited, broken_certificates, cascading, pairs, recorded, z_test_approvals
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.alignment.evidence.betting import Wealth, p_value, wealth_of
from breakeven.alignment.evidence.bounds import agreement_bounds, bounds, lower_bound
from breakeven.alignment.evidence.budget import e_bh, holm
from breakeven.alignment.evidence.certificate import certify, fingerprint, fixed_sequence
from breakeven.alignment.evidence.exact import share_at_least, share_at_most, tries_without_harm
from breakeven.alignment.evidence.monitoring import Alarm
from breakeven.alignment.evidence.paths import log_wealths
from breakeven.alignment.evidence.planning import Expected, replays_needed

ALPHA = 0.05
differences = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.0, 0.25, 1.0]), min_size=1, max_size=60)
means = st.floats(-0.9, 0.9)
QUICK = [(0.02, 0.02, 424), (0.02, 0.08, 1_329), (0.03, 0.04, 324), (0.05, 0.08, 201)]


@settings(max_examples=60, deadline=None)
@given(differences, means, st.data())
def test_the_fast_wealth_is_the_plain_one(drawn: list[float], mean: float, data: st.DataObject) -> None:
    """Numpy's paths and the bet settled one by one agree after every difference, with weights as well."""
    weights = data.draw(st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=len(drawn), max_size=len(drawn)))
    plain, logs = Wealth(mean, heaviest=max(weights)), []
    for value, weight in zip(drawn, weights, strict=True):
        plain.add(value, weight)
        logs.append(plain.log)
    assert log_wealths(drawn, mean, weights=weights)[0] == pytest.approx(logs, rel=1e-9, abs=1e-9)


@given(differences, means)
def test_wealth_never_becomes_negative(drawn: list[float], mean: float) -> None:
    """No sequence of differences ruins the bet, and the p-value lies in (0, 1]."""
    wealth = wealth_of(drawn, mean)
    assert math.isfinite(wealth.log)
    assert 0 < wealth.p_value <= 1
    assert wealth.e_value * wealth.p_value <= 1 + 1e-12


@settings(max_examples=40, deadline=None)
@given(differences, st.integers(2, 4))
def test_more_evidence_at_a_fixed_rate_never_widens_the_bounds(drawn: list[float], times: int) -> None:
    """The same differences again and again, at the same rate, only narrow what is plausible."""
    once, again = bounds(drawn, ALPHA), bounds(drawn * times, ALPHA)
    assert again.low >= once.low - 1e-3
    assert again.high <= once.high + 1e-3


@settings(max_examples=40, deadline=None)
@given(differences)
def test_the_bounds_enclose_the_mean_and_mirror_each_other(drawn: list[float]) -> None:
    """Low ≤ mean ≤ high, and turning every sign swaps the bounds."""
    found, turned = bounds(drawn, ALPHA), bounds([-value for value in drawn], ALPHA)
    assert -1 <= found.low <= found.mean <= found.high <= 1
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_nothing_is_known_without_evidence() -> None:
    """No replay: the mean is unknown and everything is plausible."""
    found = agreement_bounds([], ALPHA)
    assert math.isnan(found.mean)
    assert (found.low, found.high) == (0.0, 1.0)
    assert lower_bound([], ALPHA) == -1.0


def test_differences_beyond_their_span_are_refused() -> None:
    """A score outside of what was declared would break the guarantee, so it is an error."""
    with pytest.raises(ValueError, match="beyond what was declared"):
        Wealth(-0.02).add(-1.5)


@pytest.mark.parametrize(("better", "worse"), [(0.0, 0.02), (0.01, 0.03), (0.03, 0.05)])
def test_looking_after_every_pair_does_not_approve_what_is_too_bad(better: float, worse: float) -> None:
    """At the boundary, with a look after each of 2,000 pairs: at most 5% false approvals (z-test: 40% and more)."""
    drawn = pairs(np.random.default_rng(5), 600, 2_000, better, worse)
    assert np.mean(approvals(drawn, 0.02) > 0) <= ALPHA + 0.02  # 2 standard errors of 600 trials
    assert z_test_approvals(drawn, 0.02) > 0.3


@pytest.mark.parametrize(("margin", "discordant", "most"), QUICK)
def test_equal_quality_is_found_with_few_pairs(margin: float, discordant: float, most: int) -> None:
    """At equal quality the median number of pairs is that of a reference implementation or less, and the plan foresees it."""
    drawn = pairs(np.random.default_rng(8), 300, most * 6, discordant / 2, discordant / 2)
    first = approvals(drawn, margin)
    median = float(np.median(np.where(first > 0, first, drawn.shape[1])))
    assert median <= most * 1.15
    planned = replays_needed(margin, Expected(discordant / 2, discordant / 2), alpha=ALPHA, power=0.5)
    assert planned is not None
    assert 0.6 * planned <= median <= 1.3 * planned


def test_certificates_keep_their_margin() -> None:
    """A family of 41 policies on 200 pairs: at most 6% break a margin of 5 points, and calls are moved."""
    broken, moved = broken_certificates(np.random.default_rng(4), 300, 200, 0.05)
    assert broken <= 0.06
    assert moved >= 0.3


def test_the_fixed_sequence_stops_at_the_first_failure() -> None:
    """A bold policy that would pass is not reached behind one that fails."""
    assert fixed_sequence([0.01, 0.02, 0.3, 0.001], ALPHA) == 1
    assert fixed_sequence([0.3, 0.001], ALPHA) is None
    assert fixed_sequence([], ALPHA) is None
    harmless, harmful = np.zeros(400), np.tile([1.0, 0.0], 200)
    assert certify([harmless, harmful, harmless], 0.02, ALPHA).place == 0
    assert certify([harmful], 0.02, ALPHA).place is None


def test_the_lower_bound_on_agreement_holds_at_all_times() -> None:
    """Looked at after 40, 150 and 600 replays, the bound lies above the true share in at most 5% of 150 trials."""
    random = np.random.default_rng(2)
    for share in (0.8, 0.97):
        drawn = random.random((150, 600)) < share
        missed = [any(agreement_bounds(row[:count], ALPHA).low > share for count in (40, 150, 600)) for row in drawn]
        assert np.mean(missed) <= ALPHA + 0.035


def test_weights_of_the_sampling_design_correct_the_sample() -> None:
    """Dear tasks are sampled four times as often and agree less: weighted, the bound is about the class."""
    random = np.random.default_rng(3)
    dear = random.random(2_000) < 0.5  # a fifth of the class
    agreed = np.where(dear, random.random(2_000) < 0.5, True)
    weights = np.where(dear, 0.2 / 0.5, 0.8 / 0.5)
    found = agreement_bounds(agreed, ALPHA, weights=weights)
    assert found.mean == pytest.approx(0.9, abs=0.03)
    assert found.low < 0.9 < found.high
    assert agreement_bounds(agreed, ALPHA).mean < 0.8


def test_an_alarm_rings_for_a_drop_and_not_for_good_work() -> None:
    """Fifteen points worse: within 400 checks in 95% of trials; equal quality: not once in 2,000 checks of 40 trials."""
    random = np.random.default_rng(1)
    assert float(np.quantile(alarm_delays(random, 60, 0.16, 0.001, 2_000), 0.95)) <= 400
    assert min(alarm_delays(random, 40, 0.01, 0.001, 2_000)) > 2_000


def test_an_alarm_forgets_a_long_good_time() -> None:
    """After ten thousand good checks a drop is found as soon as after none."""
    fresh, old = Alarm(0.02, 0.001), Alarm(0.02, 0.001)
    for _ in range(10_000):
        old.add(0.0)
    delays = [next(count for count in range(1, 200) if alarm.add(-1.0)) for alarm in (fresh, old)]
    assert delays[1] <= delays[0] + 2


@given(st.lists(st.floats(-20, 200), min_size=1, max_size=30))
def test_one_budget_for_many_questions(logs: list[float]) -> None:
    """e-BH decides at least what Bonferroni on e-values would, in the order of the evidence, and never anything below 1/α."""
    decided = e_bh(logs, ALPHA)
    for value, is_decided in zip(logs, decided, strict=True):
        assert is_decided or value < math.log(len(logs) / ALPHA)
        assert not is_decided or value >= math.log(1 / ALPHA) - 1e-12
    assert all(not a or b for x, a in zip(logs, decided, strict=True) for y, b in zip(logs, decided, strict=True) if y >= x)


def test_holm_goes_from_the_smallest() -> None:
    """0.01 passes at α/3, 0.02 at α/2, 0.2 does not pass at α."""
    assert holm([0.2, 0.01, 0.02], ALPHA) == [False, True, True]
    assert holm([0.03, 0.04], ALPHA) == [False, False]


def test_exact_shares() -> None:
    """A harm of less than 1% takes 299 tries without harm; bounds are those of the beta distribution."""
    assert tries_without_harm(0.01) == 299
    assert share_at_most(0, 299) < 0.01 < share_at_most(0, 298)
    assert share_at_least(1_912, 1_930) == pytest.approx(0.98620, abs=1e-5)
    assert share_at_most(0, 0) == 1.0


def test_planning_says_never_where_what_is_expected_is_too_bad() -> None:
    """A rung that is expected to lose more than the margin cannot be shown to be enough; a wider margin needs fewer replays."""
    assert replays_needed(0.02, Expected(0.0, 0.05)) is None
    needed = [replays_needed(margin, Expected(0.01, 0.01)) for margin in (0.01, 0.02, 0.05)]
    assert needed == sorted(needed, key=lambda count: -(count or 0))


def test_a_fingerprint_changes_with_what_was_tested() -> None:
    """Model, prompt and settings make the fingerprint, in any order."""
    one = fingerprint({"model": "small-1", "template": "a", "temperature": 0})
    assert one == fingerprint({"temperature": 0, "template": "a", "model": "small-1"})
    assert one != fingerprint({"model": "small-2", "template": "a", "temperature": 0})
    assert p_value([0.0] * 400, 0.02) < ALPHA


def test_many_classes_share_one_error_budget_under_optional_stopping() -> None:
    """Thirty classes, ten at the boundary or below, a look after each of 300 replays: wrong among *enough* at most 5%."""
    random = np.random.default_rng(9)
    bad = [np.array([-1.0] * worse + [1.0] * 2 + [0.0] * (98 - worse)) for worse in range(8, 18)]
    good = [np.array([-1.0] * 2 + [1.0] * better + [0.0] * (98 - better)) for better in range(20)]
    result = audited(random, [recorded(values) for values in (*bad, *good)], 0.05, 100, 300)
    assert result.false_at_first <= ALPHA
    assert result.false_ever <= ALPHA
    assert result.found >= 15


def test_cascades_share_the_budget_of_single_rungs() -> None:
    """Two cheap rungs and their cascade in each of ten classes, judged on the same tasks: wrong among *enough* at most 5 %."""
    classes = [
        cascading((0.95, share, share - 0.05), alike, 0.8) for share in (0.95, 0.9, 0.88, 0.85, 0.75) for alike in (0.2, 0.9)
    ]
    truth = np.concatenate([mean for _, mean in classes])
    assert (truth < -0.05).sum() >= 10  # some of either kind
    result = audited(np.random.default_rng(11), classes, 0.05, 100, 400)
    assert result.false_at_first <= ALPHA
    assert result.false_ever <= ALPHA
    assert result.found >= 5
