"""What a prompt cache saves: reads against writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.promptcache import CachePrices, Reuse, bounds, break_even_share, saving, verdict

SONNET = CachePrices(3_000, 300, 3_750)
COUNTS = st.integers(0, 10**9)
PRICES = st.builds(CachePrices, st.integers(1, 10**12), st.integers(0, 10**12), st.integers(0, 10**13))


def test_reads_save_and_writes_cost() -> None:
    """Nine reads of a thousand tokens at a tenth, one write at a quarter more."""
    assert saving(9_000, 1_000, SONNET) == 9_000 * 2_700 - 1_000 * 750


@given(COUNTS, COUNTS, PRICES)
def test_a_saving_is_the_difference_of_two_bills(reads: int, writes: int, prices: CachePrices) -> None:
    """Exactly: the same tokens as plain input, less what reads and writes cost."""
    assert saving(reads, writes, prices) == (reads + writes) * prices.input - reads * prices.read - writes * prices.write


@given(COUNTS, COUNTS, COUNTS, PRICES)
def test_the_bounds_are_in_order_where_writing_is_dearer(readable: int, expired: int, new: int, prices: CachePrices) -> None:
    """What is really written lies between everything and nothing."""
    low, high = bounds(Reuse(readable + expired + new, readable, expired, new), prices)
    assert (low <= high) == (prices.write >= prices.input or not expired + new)


def test_the_break_even_share() -> None:
    """At the share itself nothing is gained or lost; a cache whose reads save nothing never pays."""
    share = break_even_share(SONNET)
    assert share == pytest.approx(0.25 / 1.15)
    assert saving(750, 2_700, SONNET) == 0
    assert break_even_share(CachePrices(3_000, 3_000, 3_750)) is None
    assert break_even_share(CachePrices(3_000, 1_500, 3_000)) == 0


@pytest.mark.parametrize(
    ("measured", "on", "used", "potential", "expected"),
    [
        (5, True, 1, 9, "keep"), (-5, True, 1, 9, "switch off"), (-5, False, 1, 9, "switch off"), (None, True, 1, 9, "unknown"),
        (0, True, 0, 9, "keep"), (0, False, 0, 9, "switch on"), (0, False, 0, -9, "keep"), (0, False, 0, None, "unknown"),
    ],
)  # fmt: skip
def test_what_is_proposed(measured: int | None, on: bool, used: int, potential: int | None, expected: str) -> None:
    """Off where it lost money, on where it would save some, else as it is; unknown is no advice."""
    assert verdict(measured, on=on, reads=used, writes=0, potential=potential) == expected
