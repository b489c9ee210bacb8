"""Why cost moved while a feature was taken up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.drivers import DRIVERS, INTENSITY, MIX, PRICE, TOKENS, USERS, Group, Served, Split, Uptake, moved

SERVED = st.builds(Served, st.floats(1, 1e6), st.floats(1, 1e9), st.floats(1e-3, 1e6))
UPTAKE = st.builds(
    Uptake, st.one_of(st.none(), st.floats(1, 1e5)), st.dictionaries(st.sampled_from([("a", ""), ("b", ""), ("c", "mid")]), SERVED)
)


@given(before=UPTAKE, now=UPTAKE)
def test_the_parts_sum_to_the_change_and_turn_with_time(before: Uptake, now: Uptake) -> None:
    """For any two periods the effects sum to the change of cost; from later to earlier they change sign."""
    forth, back = moved(before, now), moved(now, before)
    assert sum(forth.values()) == pytest.approx(now.cost - before.cost, rel=1e-9, abs=1e-6)
    assert [forth[name] for name in DRIVERS] == pytest.approx([-back[name] for name in DRIVERS], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("driver", "now"),
    [
        (USERS, Uptake(20, {("m", ""): Served(200, 2000, 20)})),
        (INTENSITY, Uptake(10, {("m", ""): Served(200, 2000, 20)})),
        (TOKENS, Uptake(10, {("m", ""): Served(100, 2000, 20)})),
        (PRICE, Uptake(10, {("m", ""): Served(100, 1000, 20)})),
        (MIX, Uptake(10, {("n", ""): Served(100, 1000, 20)})),
    ],
)
def test_one_driver_alone_carries_the_whole_change(driver: str, now: Uptake) -> None:
    """What alone has moved explains all of it, a new model as mix."""
    effects = moved(Uptake(10, {("m", ""): Served(100, 1000, 10)}), now)
    assert effects == pytest.approx({name: 10 if name == driver else 0 for name in DRIVERS})


def test_without_users_all_volume_is_calls() -> None:
    """Where nobody is known, twice the calls is intensity."""
    effects = moved(Uptake(None, {("m", ""): Served(1, 1, 1)}), Uptake(None, {("m", ""): Served(2, 2, 2)}))
    assert effects[INTENSITY] == pytest.approx(1)
    assert effects[USERS] == 0


def test_a_model_without_known_tokens_moves_as_mix() -> None:
    """Cost without tokens has no price per token."""
    effects = moved(Uptake(1, {("m", ""): Served(1, 0, 1)}), Uptake(1, {("m", ""): Served(1, 1, 3)}))
    assert effects[MIX] == pytest.approx(2)


def test_the_split_is_the_change() -> None:
    """Came − left + stayed + unknown, to the last digit."""
    split = Split(Group(2, 0, 30), Group(1, 7, 0), Group(5, 100, 90), Group(0, 3, 4))
    assert split.change == 30 - 7 - 10 + 1
