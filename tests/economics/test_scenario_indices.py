"""Indices of price, tokens per task and mix: exact, chained, and untouched by what is not theirs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.scenario.indices import Cell, Month, indices, price_change

sizes = st.floats(0.1, 1000)


@st.composite
def months(draw: st.DrawFn) -> Month:
    cells = [
        Cell(tier, name, draw(sizes) * 1e-3 * (quantity := draw(sizes)), quantity)
        for tier in ("frontier", "mid")
        for name in ("input", "output")
    ]
    return Month(cells, {"frontier": draw(sizes), "mid": draw(sizes)}, draw(sizes))


@given(st.lists(months(), min_size=2, max_size=5))
def test_price_tokens_and_mix_make_up_the_cost_of_a_task(each: list[Month]) -> None:
    """The product of the three indices is the change of the cost of a task, exactly, in every month."""
    found = indices(each)
    first = sum(each[0].tiers.values()) / each[0].tasks
    for at, month in enumerate(each):
        unit = sum(month.tiers.values()) / month.tasks / first
        assert found.price[at] * found.tokens[at] * found.mix[at] == pytest.approx(unit, rel=1e-9)


@given(months(), st.floats(0.1, 10), st.floats(0.1, 10))
def test_a_price_cut_is_price_and_longer_prompts_are_tokens(month: Month, price: float, tokens: float) -> None:
    """Every unit price × p and every quantity × q moves the price index by p, tokens per task by q and the mix not at all."""
    later = Month(
        [Cell(one.tier, one.usage_class, one.cost * price * tokens, one.quantity * tokens) for one in month.cells],
        month.calls,
        month.tasks,
    )
    found = indices([month, later])
    assert (found.price[1], found.tokens[1], found.mix[1]) == pytest.approx((price, tokens, 1.0), rel=1e-6)
    assert found.prices["mid"][1] == pytest.approx(price, rel=1e-6)


def test_more_work_on_the_dear_tier_is_mix() -> None:
    """Calls that go to the dearer tier at unchanged prices and tokens per call move the mix alone."""
    before = Month([Cell("frontier", "input", 40, 400), Cell("mid", "input", 6, 600)], {"frontier": 40, "mid": 60}, 100)
    after = Month([Cell("frontier", "input", 80, 800), Cell("mid", "input", 2, 200)], {"frontier": 80, "mid": 20}, 100)
    found = indices([before, after])
    assert (found.price[1], found.tokens[1]) == pytest.approx((1.0, 1.0))
    assert found.mix[1] == pytest.approx(82 / 46)


def test_more_calls_for_a_task_are_tokens_per_task() -> None:
    """An agent that calls twice as often for each task doubles tokens per task."""
    before = Month([Cell("mid", "input", 10, 100)], {"mid": 10}, 10)
    after = Month([Cell("mid", "input", 20, 200)], {"mid": 20}, 10)
    assert indices([before, after]).tokens[1] == pytest.approx(2.0)


def test_a_month_of_nothing_ends_the_chain() -> None:
    """Across a month without cost nothing is compared: what came before says nothing of what comes after."""
    month = Month([Cell("mid", "input", 10, 100)], {"mid": 10}, 10)
    found = indices([month, Month([], {}, 0), month, month])
    assert math.isnan(found.price[0])
    assert math.isnan(found.price[1])
    assert found.price[2:] == (1.0, 1.0)


def test_a_class_bought_in_one_month_only_has_no_price_change() -> None:
    """Classes that were not bought in both months are not compared, and with none in common nothing is said."""
    before, after = Month([Cell("mid", "input", 10, 100)], {"mid": 1}, 1), Month([Cell("mid", "output", 10, 100)], {"mid": 1}, 1)
    assert price_change("mid", before, after) is None
    assert math.isnan(indices([before, after]).price[0])


def test_a_price_is_known_where_tasks_are_not() -> None:
    """Tiers keep their price path where tasks are unknown, as for prices over all features."""
    month = Month([Cell("mid", "input", 10, 100)], {}, 0)
    found = indices([month, Month([Cell("mid", "input", 5, 100)], {}, 0)])
    assert found.prices["mid"] == pytest.approx((1.0, 0.5))
    assert math.isnan(found.tokens[0])
