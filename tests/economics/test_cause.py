"""What drove an excess, and who carries it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.cause import MIX, PRICE, RETRIES, TOKENS, VOLUME, Use, contributors, drivers

positive = st.floats(0.01, 1e6)
BEFORE = Use(100, {"m": 110}, {("m", "input"): 1000, ("m", "output"): 200}, {("m", "input"): 10.0, ("m", "output"): 20.0})


def scaled(calls: float = 1, attempts: float = 1, tokens: float = 1, price: float = 1) -> Use:
    """BEFORE with one factor changed and everything that follows from it."""
    more = calls * attempts
    return Use(
        100 * calls,
        {"m": 110 * more},
        {cell: quantity * more * tokens for cell, quantity in BEFORE.quantity.items()},
        {cell: cost * more * tokens * price for cell, cost in BEFORE.cost.items()},
    )


@pytest.mark.parametrize(
    ("driver", "now"),
    [
        (VOLUME, scaled(calls=2)),
        (RETRIES, scaled(attempts=2)),
        (TOKENS, scaled(tokens=2)),
        (PRICE, scaled(price=2)),
    ],
)
def test_one_driver_that_doubles_carries_the_whole_excess(driver: str, now: Use) -> None:
    """When one factor doubles, its driver is the excess and every other is 0."""
    effects = drivers(BEFORE, now)
    assert effects.pop(driver) == pytest.approx(30.0)
    assert all(abs(effect) < 1e-9 for effect in effects.values())


def test_a_new_model_is_mix() -> None:
    """What a model costs that was not used before is the mix of models."""
    now = Use(100, {"m": 110, "new": 5}, dict(BEFORE.quantity) | {("new", "input"): 9}, dict(BEFORE.cost) | {("new", "input"): 7.0})
    assert drivers(BEFORE, now)[MIX] == pytest.approx(7.0, abs=2.0)
    assert sum(drivers(BEFORE, now).values()) == pytest.approx(7.0)


@given(st.lists(st.tuples(positive, positive, positive, positive, positive, positive), min_size=1, max_size=6), positive, positive)
def test_the_drivers_sum_to_the_excess(rows: list[tuple[float, ...]], calls: float, later: float) -> None:
    """Whatever was used before and now, the effects sum to the difference of the costs."""
    names = [f"m{at}" for at in range(len(rows))]
    before = Use(
        calls,
        {name: row[0] for name, row in zip(names, rows, strict=True)},
        {(name, "input"): row[1] for name, row in zip(names, rows, strict=True)},
        {(name, "input"): row[2] for name, row in zip(names, rows, strict=True)},
    )
    now = Use(
        later,
        {name: row[3] for name, row in zip(names[1:], rows[1:], strict=True)},
        {(name, "input"): row[4] for name, row in zip(names[1:], rows[1:], strict=True)},
        {(name, "input"): row[5] for name, row in zip(names[1:], rows[1:], strict=True)},
    )
    assert sum(drivers(before, now).values()) == pytest.approx(now.total - before.total, rel=1e-9, abs=1e-6)


def test_who_stands_out_is_named() -> None:
    """A customer that brings most of the excess with a small share before is named; a model that only keeps its share is not."""
    before: dict[tuple[str, str | None], float] = {
        ("customer", "a"): 10.0,
        ("customer", "b"): 90.0,
        ("model", "m"): 80.0,
        ("model", "n"): 20.0,
    }
    now: dict[tuple[str, str | None], float] = {
        ("customer", "a"): 60.0,
        ("customer", "b"): 95.0,
        ("model", "m"): 124.0,
        ("model", "n"): 31.0,
    }
    named = contributors(before, now)
    assert [(one.kind, one.name) for one in named] == [("customer", "a")]
    assert named[0].share_of_excess == pytest.approx(50 / 55)


def test_nobody_stands_out_where_nothing_rose() -> None:
    """Without an excess nobody carries it."""
    before: dict[tuple[str, str | None], float] = {("customer", "a"): 5.0, ("customer", "b"): 5.0}
    assert contributors(before, before | {("customer", "a"): 4.0}) == []
