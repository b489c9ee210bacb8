"""Sharing fixed costs and revenue."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.allocation import SPANS, Cell, FixedCost, Span, allocated, allocated_by_feature, fixed_within, prorated
from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period

START = datetime.fromisoformat("2026-01-01")
amounts = st.integers(-(10**24), 10**24)
days = st.integers(0, 900)


def period(first: int, last: int) -> Period:
    return Period("x", START + timedelta(days=first), START + timedelta(days=last))


@given(amounts, days, days, st.lists(days, max_size=6))
def test_the_parts_of_any_split_sum_to_the_whole(amount: int, first: int, last: int, cuts: list[int]) -> None:
    """Prorating a period in pieces gives exactly what prorating it whole gives, to the atto-unit."""
    span = (START + timedelta(days=30), START + timedelta(days=395))
    low, high = sorted((first, last))
    edges = [low, *sorted(cut for cut in cuts if low < cut < high), high]
    pieces = [prorated(amount, span, period(a, b)) for a, b in pairwise(edges)]
    assert sum(pieces) == prorated(amount, span, period(low, high))


@given(amounts)
def test_the_whole_span_carries_the_whole_amount(amount: int) -> None:
    """A period that contains the span carries all of the amount; one that misses it carries nothing."""
    span = (START + timedelta(days=30), START + timedelta(days=61))
    assert prorated(amount, span, period(0, 900)) == amount
    assert prorated(amount, span, period(61, 900)) == 0


@given(st.sampled_from(SPANS), st.integers(0, 10**24), st.integers(0, 400), st.integers(1, 500), st.integers(0, 900))
def test_a_fixed_cost_sums_over_any_split(per: Span, amount: int, begins: int, length: int, cut: int) -> None:
    """A fixed cost of a span, of each month or of each year is additive over adjacent periods."""
    cost = FixedCost("gpu", amount, START + timedelta(days=begins), START + timedelta(days=begins + length), per=per)
    assert fixed_within(cost, period(0, cut)) + fixed_within(cost, period(cut, 1000)) == fixed_within(cost, period(0, 1000))


@pytest.mark.parametrize(
    ("per", "first", "last", "expected"),
    [
        ("month", 0, 31, 31 * ATTO),
        ("month", 0, 59, 62 * ATTO),
        ("month", 0, 15, 15 * ATTO),
        ("year", 0, 365, 31 * ATTO),
        ("month", -60, -30, 0),
    ],
)
def test_a_monthly_amount_falls_due_each_month_by_its_days(per: Span, first: int, last: int, expected: int) -> None:
    """$31 a month is $31 in January and in February, and $15 in the first 15 days of January; nothing before it begins."""
    assert fixed_within(FixedCost("seat", 31 * ATTO, START, per=per), period(first, last)) == expected


def test_the_last_december_ends_in_january() -> None:
    """A monthly amount covers December to the first of January."""
    december = Period("2026-12", datetime.fromisoformat("2026-12-01"), datetime.fromisoformat("2027-01-01"))
    assert fixed_within(FixedCost("seat", 10, START, per="month"), december) == 10


cells = st.lists(st.builds(Cell, st.integers(0, 5), st.sampled_from(["a", "b", None]), st.integers(0, 10**9)), max_size=12)


@given(amounts, cells)
def test_shares_and_the_unallocated_rest_sum_to_the_amount(amount: int, usage: list[Cell[int]]) -> None:
    """Whatever the units, allocated parts plus the visible rest are the amount; without any unit all of it is the rest."""
    carried, rest = allocated(amount, usage)
    assert sum(carried.values()) + rest == amount
    assert rest == (0 if any(cell.units for cell in usage) else amount)


@given(amounts, cells, st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 9)))
def test_weighted_shares_and_the_rest_sum_to_the_amount(amount: int, usage: list[Cell[int]], weights: dict[str, int]) -> None:
    """A feature without usage leaves its part unallocated instead of burdening the others."""
    carried, rest = allocated_by_feature(amount, usage, weights)
    assert sum(carried.values()) + rest == amount


def test_an_unused_feature_leaves_its_part_visible() -> None:
    """Of $10 shared evenly over a used and an unused feature, $5 stay unallocated."""
    usage = [Cell("row a", "a", 7)]
    assert allocated_by_feature(10, usage, {"a": 1, "b": 1}) == ({"row a": 5}, 5)
