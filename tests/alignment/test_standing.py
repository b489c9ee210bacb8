"""A handler's standing: bounds that may be looked at after every check, and a withdrawal that says why."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.standing import MODES, Standing, Terms, bounds, observed, part, patience, sentence

LIVE = Terms("live", floor=0.95)


def _run(agreement: float, checks: int, seed: int, change: tuple[int, float] | None = None) -> tuple[Standing, int]:
    draws = Random(seed)
    standing = Standing()
    for number in range(checks):
        share = agreement if change is None or number < change[0] else change[1]
        standing = observed(standing, LIVE, [draws.random() < share])
        if standing.withdrawn is not None:
            return standing, number + 1
    return standing, checks


def test_the_bounds_hold_at_every_look_at_once() -> None:
    """Looked at after each of 150 checks, the true share leaves the bounds, ever, in at most 5% of 300 runs."""
    for share in (0.5, 0.9, 0.98):
        left = 0
        for seed in range(300):
            draws, right = Random(seed), 0
            for checks in range(1, 151):
                right += draws.random() < share
                found = bounds(right, checks)
                if not found.low <= share <= found.high:
                    left += 1
                    break
        assert left <= 15


@given(st.integers(0, 500), st.integers(0, 500))
def test_bounds_enclose_what_was_seen(right: int, wrong: int) -> None:
    """They lie around the observed share, and one more agreement never lowers them."""
    found = bounds(right, right + wrong)
    if right + wrong:
        assert 0 <= found.low <= right / (right + wrong) <= found.high <= 1
    better = bounds(right + 1, right + wrong + 1)
    assert better.low >= found.low - 1e-9


def test_a_good_handler_stays() -> None:
    """At 99% and a floor of 95%, none of 30 handlers is withdrawn in 2,000 checks."""
    assert [seed for seed in range(30) if _run(0.99, 2_000, seed)[0].withdrawn is not None] == []


def test_a_handler_below_its_floor_goes() -> None:
    """At 90% each is withdrawn by the time it must have proven 95%, and the sentence gives the figures."""
    for seed in range(20):
        standing, checks = _run(0.90, 2_000, seed)
        assert checks <= patience(0.95)
        assert standing.withdrawn is not None
        assert "its floor is 95.0%" in standing.withdrawn
        assert sentence("fields", LIVE, standing) == f"fields is withdrawn: {standing.withdrawn}."


def test_a_change_is_found_however_long_the_good_past() -> None:
    """After 5,000 right answers, a handler that gets half of them wrong is withdrawn within 80 checks."""
    for seed in range(5):
        standing, checks = _run(1.0, 6_000, seed, change=(5_000, 0.5))
        assert standing.withdrawn is not None
        assert 5_000 < checks <= 5_080


def test_nonsense_is_stopped_at_once() -> None:
    """A new handler that is always wrong does not survive its third check."""
    assert _run(0.0, 10, 0)[1] <= 3


@given(st.lists(st.booleans(), max_size=400), st.integers(1, 50))
def test_batches_change_nothing(agreed: list[bool], size: int) -> None:
    """Checks told one by one or in batches leave the same standing."""
    one = observed(Standing(), LIVE, agreed)
    many = Standing()
    for start in range(0, len(agreed), size):
        many = observed(many, LIVE, agreed[start : start + size])
    assert one == many


def test_shadow_only_watches() -> None:
    """In the shadow nothing is withdrawn, because nothing was given."""
    assert observed(Standing(), Terms("shadow"), [False] * 50).withdrawn is None


@pytest.mark.parametrize("mode", MODES)
def test_what_a_mode_does(mode: str) -> None:
    """Shares of traffic are as declared, a withdrawn handler answers nobody, and what answers goes on being checked."""
    terms = Terms(mode, share=0.25, checked=0.1)  # type: ignore[arg-type]
    draws = Random(1)
    found = [part(terms, Standing(), draws.random(), draws.random()) for _ in range(20_000)]
    shares = {one: found.count(one) / len(found) for one in ("none", "shadow", "answer", "answer and check")}
    expected = {
        "off": (1, 0, 0, 0),
        "shadow": (0.75, 0.25, 0, 0),
        "trial": (0.675, 0.075, 0.225, 0.025),
        "live": (0, 0, 0.9, 0.1),
    }[mode]
    assert list(shares.values()) == pytest.approx(expected, abs=0.015)
    gone = {part(terms, Standing(withdrawn="why"), draws.random(), draws.random()) for _ in range(500)}
    assert gone <= {"none", "shadow"}
