"""Laws of reconciliation: whatever an invoice says, the parts sum to the difference and nothing is hidden."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.economics.invoicedays import best_shift
from breakeven.economics.reconciliation import InvoiceLine, Metered, Unknown, plainest, reconcile

START, END = datetime(2026, 10, 1), datetime(2026, 11, 1)
CLASSES = ("input", "cache_read", "cache_write_5m", "output", "reasoning")
AMOUNTS = st.integers(-(10**24), 10**24)
QUANTITIES = st.none() | st.integers(0, 10**9)
LINES = st.builds(
    InvoiceLine,
    provider=st.sampled_from(("a", "b")),
    category=st.sampled_from(("usage", "usage", "usage", "credit", "tax", "fee", "rounding")),
    amount=AMOUNTS,
    place=st.just("invoice:1"),
    day=st.none() | st.dates(date(2026, 9, 30), date(2026, 11, 1)),
    model=st.none() | st.sampled_from(("m", "n")),
    usage_class=st.none() | st.sampled_from(CLASSES),
    tier=st.sampled_from((None, None, "batch", "priority")),
    quantity=QUANTITIES,
    key=st.sampled_from((None, "k1", "k2")),
    exchange=st.sampled_from((0, 0, 12_345)),
    foreign=st.booleans(),
)
METERED = st.builds(
    Metered,
    provider=st.sampled_from(("a", "b")),
    model=st.sampled_from(("m", "n")),
    usage_class=st.sampled_from((*CLASSES, None)),
    tier=st.sampled_from(("", "batch")),
    hour=st.integers(-24, 32 * 24 - 1).map(lambda hours: START + timedelta(hours=hours)),
    quantity=st.integers(0, 10**9),
    cost=st.integers(-(10**22), 10**24),
    unpriced=st.sampled_from((0, 0, 5)),
)
GAPS = st.builds(
    Unknown,
    provider=st.sampled_from(("a", "b")),
    model=st.sampled_from(("m", "n")),
    day=st.dates(date(2026, 10, 1), date(2026, 10, 31)),
    calls=st.integers(1, 5),
    largest=st.dictionaries(st.sampled_from(CLASSES), st.integers(0, 10**6)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=12), st.lists(METERED, max_size=12), st.lists(GAPS, max_size=2), st.none() | st.integers(-14, 12))
def test_the_parts_sum_to_the_difference(lines: Any, metered: Any, unknown: Any, shift: Any) -> None:
    """Exactly, for any invoice: metered + parts = invoiced, with whatever keys, tiers, days, signs and unknowns."""
    billed = {line.provider for line in lines}
    metered = [row for row in metered if row.provider in billed]
    found = reconcile(lines, metered, unknown, (START, END), our_keys=(), shift=shift)
    assert found.metered + sum(part.amount for part in found.parts) == found.invoiced
    assert found.invoiced == sum(line.amount + line.exchange for line in lines)
    assert found.unexplained >= abs(sum(part.amount for part in found.parts if part.cause == "unexplained"))


@settings(max_examples=200, deadline=None)
@given(st.fractions(0, 50), st.fractions(0, 2))
def test_the_plainest_number_lies_between_and_none_is_plainer(low: Fraction, width: Fraction) -> None:
    """What is found lies in the room and has so few decimals that no fewer would do; None only where even the finest has none."""
    high, finest = low + width, 10_000
    found = plainest(low, high, finest)
    parts = next((parts for parts in (1, 10, 100, 1000, finest) if ceil(low * parts) <= high * parts), None)
    assert (found is None) == (parts is None)
    if found is not None and parts is not None:
        assert low <= found <= high
        assert (found * parts).denominator == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=10), st.lists(METERED, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(lines: Any, metered: Any, random: Any) -> None:
    """The same lines in another order give the same sums."""
    billed = {line.provider for line in lines}
    metered = [row for row in metered if row.provider in billed]
    sums = []
    for _ in range(2):
        found = reconcile(lines, metered, [], (START, END))
        causes: dict[str, int] = {}
        for part in found.parts:
            causes[part.cause] = causes.get(part.cause, 0) + part.amount
        sums.append((found.metered, found.invoiced, sum(causes.values())))
        random.shuffle(lines)
        random.shuffle(metered)
    assert sums[0] == sums[1]


def test_two_days_do_not_tell_a_time_zone() -> None:
    """A shift needs at least three days of quantities."""
    lines = [InvoiceLine("a", "usage", 1, "1", day=date(2026, 10, day), quantity=1) for day in (1, 2)]
    assert best_shift(lines, [], (START, END)) == 0
