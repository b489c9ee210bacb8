"""When a report is due and what it is about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.governance.schedule import Schedule, identity, latest_due, period_of

SCHEDULES = st.builds(
    Schedule,
    name=st.just("s"),
    report=st.just("board"),
    every=st.sampled_from(["day", "week", "month"]),
    on=st.integers(1, 7),
    minute=st.integers(0, 24 * 60 - 1),
    to=st.just(("mail",)),
)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 12, 31))
LONGEST = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31)}


def schedule(every: Any, on: int = 1, minute: int = 360) -> Schedule:
    return Schedule("s", "board", every, on, minute, ("mail",))


@pytest.mark.parametrize(
    ("every", "on", "at", "due", "period"),
    [
        ("month", 2, "2026-11-02T06:00", "2026-11-02T06:00", "2026-10"),
        ("month", 2, "2026-11-02T05:59", "2026-10-02T06:00", "2026-09"),
        ("month", 28, "2027-01-01T00:00", "2026-12-28T06:00", "2026-11"),
        ("week", 1, "2026-11-23T06:00", "2026-11-23T06:00", "2026-W47"),
        ("week", 3, "2026-11-24T12:00", "2026-11-18T06:00", "2026-W46"),
        ("week", 7, "2027-01-03T07:00", "2027-01-03T06:00", "2026-W52"),
        ("day", 1, "2026-03-01T06:00", "2026-03-01T06:00", "2026-02-28"),
        ("day", 1, "2026-03-01T00:00", "2026-02-28T06:00", "2026-02-27"),
    ],
)
def test_a_report_is_about_the_last_whole_period_before_it_is_due(every: str, on: int, at: str, due: str, period: str) -> None:
    """Calendar cases, over the ends of months, weeks and years."""
    found = latest_due(schedule(every, on), datetime.fromisoformat(at))
    assert found == datetime.fromisoformat(due)
    assert period_of(schedule(every, on), found).name == period


@given(SCHEDULES, INSTANTS)
def test_the_latest_due_instant_is_the_latest(each: Schedule, at: datetime) -> None:
    """It is not after the instant asked for, not longer ago than the longest period, and nothing is due in between."""
    due = latest_due(each, at)
    assert due <= at < due + LONGEST[each.every]
    assert latest_due(each, due) == due
    assert latest_due(each, due + (at - due) / 2) == due


@given(SCHEDULES, INSTANTS)
def test_a_period_is_whole_over_and_reported_once(each: Schedule, at: datetime) -> None:
    """The period ended when the report is due; the report before it is about the period that ends where this one starts."""
    due = latest_due(each, at)
    period = period_of(each, due)
    assert period.end <= due
    before = period_of(each, latest_due(each, due - timedelta(microseconds=1)))
    assert before.end == period.start
    assert identity(each, before) != identity(each, period)
