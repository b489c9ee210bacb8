"""The period grammar."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.periods import EARLIEST, Period, by_month, month_of, parse_comparison, parse_period, previous
from breakeven.errors import UsageError

NOW = datetime.fromisoformat("2026-11-23T11:00")  # a Monday


def bounds(text: str) -> str:
    period = parse_period(text, NOW)
    return f"{period.start:%Y-%m-%d} {period.end:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026", "2026-01-01 2027-01-01"),
        ("2026-Q4", "2026-10-01 2027-01-01"),
        ("2026-10", "2026-10-01 2026-11-01"),
        ("2026-12", "2026-12-01 2027-01-01"),
        ("2026-W41", "2026-10-05 2026-10-12"),
        ("2026-10-07", "2026-10-07 2026-10-08"),
        ("year", "2026-01-01 2027-01-01"),
        ("quarter-1", "2026-07-01 2026-10-01"),
        ("month", "2026-11-01 2026-12-01"),
        ("month-11", "2025-12-01 2026-01-01"),
        ("month+1", "2026-12-01 2027-01-01"),
        ("week", "2026-11-23 2026-11-30"),
        ("week-1", "2026-11-16 2026-11-23"),
        ("today", "2026-11-23 2026-11-24"),
        ("yesterday", "2026-11-22 2026-11-23"),
        ("day-30 - day", "2026-10-24 2026-11-24"),
        ("2026-10-01..2026-10-15", "2026-10-01 2026-10-16"),
        ("2026-07 .. 2026-Q4", "2026-07-01 2027-01-01"),
    ],
)
def test_each_form_of_the_grammar_names_its_days(text: str, expected: str) -> None:
    """A period is half-open: from the first day to the day after the last."""
    assert bounds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "october", "2026-13", "2026-02-30", "2026-W60", "2026-10..2026-09", "month-99999", "0000", "2026-10.."]
)
def test_what_is_not_a_period_is_refused_with_the_grammar(text: str) -> None:
    """A period that does not exist or is not understood raises a UsageError with a remedy."""
    with pytest.raises(UsageError) as caught:
        parse_period(text, NOW)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10", "2026-09"),
        ("2026-01", "2025-12"),
        ("2026-Q1", "2025-Q4"),
        ("2026", "2025"),
        ("2026-W41", "2026-09-28..2026-10-04"),
        ("2026-10-07", "2026-10-06"),
        ("2026-08..2026-09", "2026-06-01..2026-07-31"),
        ("2026-10-02..2026-10-15", "2026-09-18..2026-10-01"),
    ],
)
def test_previous_is_the_period_of_equal_length_before(text: str, expected: str) -> None:
    """Months, quarters and years step by the calendar, everything else by its days; the name is itself a period."""
    found = previous(parse_period(text, NOW))
    assert found.name == expected
    assert parse_period(found.name, NOW) == found


def test_nothing_is_before_all_time() -> None:
    """Comparing all time with the previous period is refused."""
    with pytest.raises(UsageError, match="before all time"):
        parse_comparison("previous", parse_period("all", NOW), NOW)


def test_a_comparison_may_be_any_period() -> None:
    """`--vs 2025-10` compares with that month."""
    assert parse_comparison("2025-10", parse_period("2026-10", NOW), NOW) == parse_period("2025-10", NOW)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("all", "all time"),
        ("2026", "2026"),
        ("2026-Q4", "Q4 2026"),
        ("2026-10", "October 2026"),
        ("2026-10-07", "7 October 2026"),
        ("2026-10-01..2026-10-15", "1–15 October 2026"),
        ("2026-09-28..2026-10-04", "28 September – 4 October 2026"),
        ("2025-12-30..2026-01-02", "30 December 2025 – 2 January 2026"),
    ],
)
def test_a_period_says_itself_in_words(text: str, label: str) -> None:
    """The label is what sentences and head lines use."""
    assert parse_period(text, NOW).label == label


def test_all_time_is_cut_to_the_days_of_the_facts() -> None:
    """`all` becomes the first to the last day with facts, both whole."""
    period = parse_period("all", NOW)
    first = datetime.fromisoformat("2026-03-05T10:00")
    assert period.unbounded
    assert period.start == EARLIEST
    assert period.within(first, first + timedelta(days=1)) == Period("all", datetime(2026, 3, 5), datetime(2026, 3, 7))


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(1, 800))
def test_months_cut_a_period_without_gap_or_overlap(start: datetime, days: int) -> None:
    """The monthly parts of a period follow each other and cover it, each within one month."""
    period = Period("x", start, start + timedelta(days=days))
    parts = by_month(period)
    assert (parts[0].start, parts[-1].end) == (period.start, period.end)
    assert all(left.end == right.start for left, right in pairwise(parts))
    assert all(month_of(part.start).end >= part.end for part in parts)
