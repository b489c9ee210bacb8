"""Money is exact: laws of atto-units, digits and shares."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.money import MAX_ATTO, amount, atto, digits, shares, shown

ATTOS = st.integers(min_value=-MAX_ATTO, max_value=MAX_ATTO)


@given(ATTOS)
def test_atto_and_amount_are_inverse(value: int) -> None:
    """Every amount that fits into DECIMAL(38,18) survives the way out and back, as Decimal and as printed digits."""
    printed = digits(value)
    assert printed is not None
    assert atto(amount(value)) == value == atto(printed)


@given(ATTOS)
def test_digits_have_no_exponent_and_no_idle_zeros(value: int) -> None:
    """Printed money is plain digits: no exponent, no trailing zero after the point, no negative zero."""
    printed = digits(value)
    assert printed is not None
    assert set(printed) <= set("-.0123456789")
    assert not ("." in printed and printed.endswith(("0", ".")))
    assert printed != "-0"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("NaN", "finite"),
        ("Infinity", "finite"),
        ("0.0000000000000000001", "18 decimal places"),
        ("1e21", "does not fit"),
        ("twelve", "not a decimal number"),
        ("1e999999999", "does not fit"),
    ],
)
def test_what_is_not_exact_money_is_refused(bad: str, why: str) -> None:
    """NaN, infinities, a 19th decimal place and amounts beyond 20 digits are refused with their reason, never rounded."""
    with pytest.raises(ValueError, match=why):
        atto(bad)


def test_unknown_stays_unknown() -> None:
    """The digits of an unknown amount are unknown, not zero."""
    assert digits(None) is None
    assert digits(0) == "0"
    assert digits(Decimal("-0.00")) == "0"


def test_rounding_is_half_even_and_only_for_show() -> None:
    """Shown money is rounded half to even, so that sums of halves do not drift upwards."""
    assert [str(shown(Decimal(text))) for text in ("0.125", "0.135", "-0.125", "2.5")] == ["0.12", "0.14", "-0.12", "2.50"]


@given(st.integers(-(10**24), 10**24), st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_shares_sum_exactly_and_stay_within_one_unit(total: int, weights: list[int]) -> None:
    """Parts by largest remainder sum to the total to the last unit, and each is within one unit of its exact quota."""
    parts = shares(total, weights)
    whole = sum(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        exact = (total * weight, whole) if whole else (total, len(weights))
        assert abs(part * exact[1] - exact[0]) < exact[1]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_shares_refuse_nonsense(weights: list[int]) -> None:
    """No parts, or a negative weight, cannot share anything."""
    with pytest.raises(ValueError, match="at least one weight"):
        shares(1, weights)
