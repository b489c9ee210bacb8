"""When a report is due, and which period it is about: the last whole day, week or month before it is due. All in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from breakeven.economics.periods import Period, month_of

Every = Literal["day", "week", "month"]
Form = Literal["html", "md", "json"]
REPORTS = ("board", "finance", "engineering")
"""What can be sent; composed in `reports/packs`."""
LATEST_DAY = 28
"""The last day that every month has."""
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Schedule:
    """One report that is sent regularly.

    `on` is the day of the month (1 to 28) or of the week (1 is Monday); a daily one has none. `minute` counts from midnight.
    """

    name: str
    report: str
    every: Every
    on: int
    minute: int
    to: tuple[str, ...]
    form: Form = "html"
    place: str = ""


def latest_due(schedule: Schedule, at: datetime) -> datetime:
    """The last instant up to `at` (naive UTC) at which the report was due."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    clock = timedelta(minutes=schedule.minute)
    if schedule.every == "day":
        due, before = midnight + clock, midnight - _DAY + clock
    elif schedule.every == "week":
        due = midnight - timedelta(days=midnight.isoweekday() - schedule.on) + clock
        before = due - _WEEK
    else:
        first = month_of(at).start
        days = timedelta(days=schedule.on - 1)
        due, before = first + days + clock, month_of(first - _DAY).start + days + clock
    return due if due <= at else before


def period_of(schedule: Schedule, due: datetime) -> Period:
    """What the report of an instant is about: the last whole day, ISO week or month before it."""
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    if schedule.every == "month":
        return month_of(month_of(due).start - _DAY)
    if schedule.every == "day":
        start = midnight - _DAY
        return Period(f"{start:%Y-%m-%d}", start, midnight)
    monday = midnight - timedelta(days=midnight.isoweekday() - 1)
    start = monday - _WEEK
    return Period(f"{start:%G-W%V}", start, monday)


def identity(schedule: Schedule, period: Period) -> str:
    """What a report is remembered by, so that it is sent once: a schedule that moves to another hour does not repeat a period."""
    return f"{schedule.name}|{schedule.report}|{period.name}"
