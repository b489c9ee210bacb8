"""One card serves both ways of pricing: Python and SQL agree to the last digit, and buckets lose nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.money import amount
from breakeven.pricebook import PricingKey, Quote, QuoteLine, RateCard, rate
from breakeven.pricebook.rows import OVERLAY, Layer, PriceRow, Slot, UnitPrice, Window

START = datetime(2026, 1, 1)
PRICES = st.integers(0, 10**18)
INSTANTS = st.integers(0, 400 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))
WINDOWS = st.builds(
    Window,
    st.integers(0, 23).map(lambda hour: hour * 60),
    st.integers(0, 23).map(lambda hour: hour * 60),
    st.frozensets(st.integers(0, 6), min_size=1),
)
TIERS = st.lists(st.tuples(st.integers(0, 1000), PRICES), max_size=3, unique_by=lambda tier: tier[0])


@st.composite
def cards(draw: st.DrawFn) -> RateCard:
    """A card of one model with dated, tiered, scheduled rows."""
    edges = [None, *sorted(draw(st.lists(INSTANTS, max_size=3, unique=True))), None]
    rows = [
        PriceRow(
            "p",
            "m",
            f"v{number}",
            OVERLAY,
            start,
            end,
            {"input": UnitPrice(draw(PRICES), tuple(sorted(draw(TIERS)))), "output": UnitPrice(draw(PRICES))},
            schedule=tuple(Slot(draw(WINDOWS), Fraction(draw(st.integers(0, 30)), 10)) for _ in range(draw(st.integers(0, 2)))),
        )
        for number, (start, end) in enumerate(pairwise(edges))
    ]
    return RateCard((), [Layer(rows=tuple(rows))])


@given(st.lists(st.tuples(st.integers(0, 10**12), PRICES), min_size=1, max_size=20))
def test_python_and_sql_give_the_same_digits(pairs: list[tuple[int, int]]) -> None:
    """Quantity × unit price is the same exact decimal in Python integers and in DuckDB's DECIMAL arithmetic."""
    values = ", ".join(f"({quantity}, {amount(price)}::DECIMAL(21,18))" for quantity, price in pairs)
    with duckdb.connect() as connection:
        product = "quantity::DECIMAL(17,0) * unit_price::DECIMAL(21,18)"
        rows = connection.execute(
            f"SELECT ({product})::DECIMAL(38,18) FROM (VALUES {values}) AS line(quantity, unit_price)"
        ).fetchall()
    for (quantity, price), (cost,) in zip(pairs, rows, strict=True):
        quote = Quote("m", {"input": (QuoteLine("input", "list", price, "v"),)}, "v")
        [line] = rate(quote, {"input": quantity})
        assert line.cost is not None
        assert Decimal(cost) == amount(line.cost)


@given(cards(), INSTANTS, st.integers(0, 2000))
def test_a_bucket_has_one_price(card: RateCard, at: datetime, size: int) -> None:
    """Asking for the start of the bucket, and for the size that stands for its input band, gives the price of the call itself."""
    exact = card.quote(PricingKey("p", "m", at, (), size))
    band = max((over + 1 for over in card.thresholds if size > over), default=0)
    bucketed = card.quote(PricingKey("p", "m", card.bucket("p", "m", at), (), band))
    assert bucketed == exact


@given(cards(), INSTANTS)
def test_buckets_start_on_the_hour_or_at_a_breakpoint(card: RateCard, at: datetime) -> None:
    """A bucket lies within one hour, so that a month has few of them."""
    bucket = card.bucket("p", "m", at)
    assert bucket <= at < bucket + timedelta(hours=1)
    assert bucket in card.breakpoints("p", "m") or not (bucket.minute or bucket.second)


def test_half_hours_of_the_past_are_breakpoints(card: RateCard) -> None:
    """DeepSeek's discount of 2025 began at 16:30: the bucket of 16:45 is not that of 16:15."""
    at = datetime(2025, 7, 31, 16, 45)
    assert card.bucket("deepseek", "deepseek-chat", at) == at.replace(minute=30)
    assert card.bucket("deepseek", "deepseek-chat", at.replace(minute=15)) == at.replace(minute=0)
    assert card.bucket("deepseek", "deepseek-v4-flash", at) == at.replace(minute=0)
