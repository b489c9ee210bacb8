"""Rollouts widen while the evidence holds and go back when it does not; what has ended stays ended."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.alignment.rollout import Plan, State, advanced, words

NOW = datetime(2026, 11, 1)
SHARES = (0.05, 0.25, 1.0)
PLAN = Plan("contracts", "clause lookup", "small", shares=SHARES, checks=50, until=datetime(2026, 12, 1), certificate="m-1")


def test_a_rollout_widens_stage_by_stage_while_the_evidence_holds() -> None:
    """Fifty checks without a loss each lead from 5% over 25% to all calls, then it is adopted; every step says why."""
    state, steps = advanced(PLAN, State(), [0.0] * 150, NOW)
    assert [step.after for step in steps] == ["running at 25%", "running at 100%", "adopted at 100%"]
    assert (state.status, state.share(PLAN)) == ("adopted", 1.0)
    assert "50 checks lose 0.00% on average" in steps[0].why


def test_an_injected_quality_drop_rolls_back_within_the_declared_checks() -> None:
    """After 400 good checks the quality drops by 10 points: in 95% of 120 trials it is found within what the plan declares."""
    within = PLAN.found_within(0.1)
    assert within is not None
    random = np.random.default_rng(3)
    delays = []
    for _ in range(120):
        state, _ = advanced(PLAN, State(), [0.0] * 400, NOW)
        assert state.status == "adopted"
        after, steps = advanced(PLAN, state, -(random.random(within * 3) < 0.1).astype(float), NOW)
        assert (after.status, after.share(PLAN)) == ("rolled back", 0.0)
        assert "the alarm rang" in steps[-1].why
        delays.append(after.all_checks - state.all_checks)
    assert np.mean(np.array(delays) <= within) >= 0.93


def test_good_quality_is_not_rolled_back() -> None:
    """A rung that loses half of what is allowed is adopted, and stays so over 1,000 checks, in 60 of 60 trials."""
    random = np.random.default_rng(4)
    ended = [advanced(PLAN, State(), -(random.random(1_000) < 0.01).astype(float), NOW)[0].status for _ in range(60)]
    assert set(ended) == {"adopted"}


def test_a_stage_that_loses_too_much_on_average_does_not_widen() -> None:
    """Three of fifty checks lost are more than two points: it stays at 5% until the mean is back within the margin."""
    state, steps = advanced(PLAN, State(), [-1.0, 0.0, 0.0, 0.0] * 3 + [0.0] * 38, NOW)
    assert (steps, state.stage) == ([], 0)
    assert advanced(PLAN, state, [0.0] * 150, NOW)[0].stage > 0


def test_another_model_voids_the_certificate() -> None:
    """What was proven for one model says nothing of another: the calls go back at once."""
    state, steps = advanced(PLAN, State(), [], NOW, tested="m-2")
    assert (state.status, state.share(PLAN)) == ("void", 0.0)
    assert "given for m-1" in steps[0].why


def test_a_rollout_that_is_not_through_in_time_ends() -> None:
    """After its last day a running rollout expires, and an adopted one goes on."""
    late = datetime(2026, 12, 2)
    assert advanced(PLAN, State(), [0.0] * 10, late)[0].status == "expired"
    adopted, _ = advanced(PLAN, State(), [0.0] * 150, NOW)
    assert advanced(PLAN, adopted, [0.0], late)[0].status == "adopted"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([-1.0, 0.0, 0.0, 0.0, 1.0]), max_size=120), st.integers(0, 120))
def test_counting_in_pieces_is_counting_at_once(checks: list[float], cut: int) -> None:
    """A bookkeeper that was killed in between goes on where it was, and comes to the same state."""
    whole, steps = advanced(PLAN, State(), checks, NOW)
    first, before = advanced(PLAN, State(), checks[:cut], NOW)
    second, after = advanced(PLAN, first, checks[cut:], NOW)
    assert (second, [*before, *after]) == (whole, steps)


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=80))
def test_what_has_ended_never_begins_again(checks: list[float]) -> None:
    """A rolled-back rollout gets no call whatever comes later."""
    ended = State(status="rolled back")
    state, steps = advanced(PLAN, ended, checks, NOW, tested="m-2")
    assert (state, steps, words(PLAN, state)) == (ended, [], "rolled back")
