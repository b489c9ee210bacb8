"""How figures are said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from breakeven.economics.money import atto
from breakeven.reports.words import count, dollars, number_word, percent, significant


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("41710", "$41,710"),
        ("41710.5", "$41,710"),
        ("99.994", "$99.99"),
        ("0.05", "$0.05"),
        ("0.004", "$0.004"),
        ("0.000001234", "$0.00000123"),
        ("0.0255975", "$0.0256"),
        ("0.1", "$0.10"),
        ("0", "$0"),
        ("-1615", "−$1,615"),
    ],
)
def test_money_is_said_with_as_many_digits_as_its_size_needs(amount: str, said: str) -> None:
    """Dollars from $100 on, cents below, three digits of what is less than a dollar: what was paid never reads as $0."""
    assert dollars(atto(amount)) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.587, "58.7%"),
        (1.0, "100.0%"),
        (0.99999, "over 99.9%"),
        (0.0, "0.0%"),
        (1e-9, "under 0.1%"),
        (-0.088, "−8.8%"),
        (None, "–"),
    ],
)
def test_a_share_never_rounds_a_gap_away(share: float | None, said: str) -> None:
    """Almost all is not all, and almost nothing is not nothing."""
    assert percent(share) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [("0.1456", "0.146"), ("0.05184", "0.0518"), ("1234.5", "1,234"), ("0", "0"), ("12", "12.0"), ("-0.5", "−0.500")],
)
def test_a_unit_cost_has_three_significant_digits(value: str, said: str) -> None:
    """Cost per outcome is said to three significant digits, without exponent."""
    assert significant(Decimal(value)) == said


def test_counts_are_said_in_words_of_their_number() -> None:
    """One call, two calls; small numbers as words."""
    assert (count(1, "call"), count(1234, "call"), count(2, "reply", "replies")) == ("1 call", "1,234 calls", "2 replies")
    assert (number_word(1), number_word(12), number_word(1300)) == ("one", "twelve", "1,300")
