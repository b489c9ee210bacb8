"""The arithmetic of one row of the P&L."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.pnl import Tally, per, share, total

maybe = st.none() | st.integers(-(10**24), 10**24)
tallies = st.builds(Tally, cost=maybe, value=maybe, calls=st.integers(0, 10**6), fixed_cost=st.integers(0, 10**20))


@given(st.lists(tallies))
def test_order_and_grouping_do_not_change_the_total(rows: list[Tally]) -> None:
    """The total of all rows is the total of the totals of any two halves, in any order."""
    half = len(rows) // 2
    assert total(rows) == total(reversed(rows)) == total(rows[:half]) + total(rows[half:])


def test_an_unknown_cost_is_not_zero() -> None:
    """Calls without any price have no cost, no contribution and no margin."""
    row = Tally(value=10, calls=5, unknown_calls=5)
    assert (row.cost, row.contribution, row.margin, row.gross_margin, row.cost_per_call) == (None, None, None, None, None)


def test_contribution_margin_and_gross_margin() -> None:
    """Value 100, cost 40 of which 30 cost of revenue, 10 fixed cost of revenue: contribution 60, margin 60%, gross margin 60%."""
    row = Tally(value=100, cost=40, cost_of_revenue=30, fixed_cost=25, fixed_cost_of_revenue=10)
    assert (row.contribution, row.margin, row.gross_margin) == (60, 0.6, 0.6)


def test_without_value_the_cost_is_not_kept() -> None:
    """A row of cost alone contributes its cost, negated, and has no margin."""
    row = Tally(cost=7)
    assert (row.contribution, row.margin, row.gross_margin) == (-7, None, None)


def test_cost_per_outcome_is_a_ratio_of_sums() -> None:
    """$8.60 over 100 runs and 49 successes: failures are paid for by what succeeds; unpriced calls are no free calls."""
    row = Tally(cost=860, outcomes=100, successful=49, calls=12, unknown_calls=2)
    assert (row.cost_per_outcome, row.cost_per_success, row.cost_per_call) == (9, 18, 86)


@given(st.integers(-(10**24), 10**24), st.integers(1, 10**9))
def test_a_quotient_rounds_half_even(amount: int, count: int) -> None:
    """Quotients are those of exact decimal division rounded half-even to the atto-unit."""
    expected = (
        int((Decimal(amount) / Decimal(count)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)) if abs(amount) < 10**15 else None
    )
    assert expected is None or per(amount, count) == expected


def test_there_is_nothing_to_divide_by() -> None:
    """No outcomes, or an unknown number of them, give no cost per outcome; a whole of 0 or less has no shares."""
    assert (per(5, 0), per(5, None), per(None, 3), per(5, -1)) == (None, None, None, None)
    assert (share(1, 0), share(1, -2), share(None, 3), share(1, None), share(1, 4)) == (None, None, None, None, 0.25)
