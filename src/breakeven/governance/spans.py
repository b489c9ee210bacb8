"""Over which time a limit holds: calendar periods in a time zone, rolling windows, or for ever.

A span turns an instant into the *window* in force: where its spending is counted. Spending goes into numbered slices; a window is
the slices from `since` on. Calendar windows and lifetimes have one slice; a rolling window of length W has `SLICES` slices of W/60
each, and counts every slice that overlaps the last W, so that at no moment more than the limit is spent within any W.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

Unit = Literal["hour", "day", "week", "month", "quarter", "year"]
UNITS: tuple[Unit, ...] = ("hour", "day", "week", "month", "quarter", "year")
SLICES = 60
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Window(NamedTuple):
    """Where spending of an instant is counted: `name` tells windows of one span apart; times are seconds since 1970.

    `ends` is when the spending of this window stops to count as a whole; None where it fades slice by slice, or never does.
    """

    name: str
    starts: float
    ends: float | None
    slice: int
    since: int
    slice_seconds: float


@dataclass(frozen=True, slots=True)
class Calendar:
    """Hours, days, weeks (Monday first), months, quarters or years of a time zone; a fiscal year begins in `first_month`."""

    unit: Unit
    zone: str = "UTC"
    first_month: int = 1

    def window(self, at: float) -> Window:
        """The period that an instant lies in."""
        local = datetime.fromtimestamp(at, ZoneInfo(self.zone))
        start = self._start(local)
        starts, ends = start.timestamp(), self._next(start).timestamp()
        if self.unit == "hour":  # an hour that a clock change repeats is two hours
            starts = at - at % 3600
            ends = starts + 3600
            start = datetime.fromtimestamp(starts, UTC)
        name = start.strftime("%Y-%m-%dT%H" if self.unit == "hour" else "%Y-%m-%d")
        return Window(name, starts, ends, 0, 0, 0.0)

    def _start(self, local: datetime) -> datetime:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if self.unit in ("hour", "day"):
            return midnight
        if self.unit == "week":
            return midnight - timedelta(days=midnight.weekday())
        months = _MONTHS[self.unit]
        return _shifted(midnight, -((midnight.month - self.first_month) % months))

    def _next(self, start: datetime) -> datetime:
        if self.unit in ("hour", "day"):
            return start + timedelta(days=1)
        return start + timedelta(days=7) if self.unit == "week" else _shifted(start, _MONTHS[self.unit])


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last `seconds`, at any moment."""

    seconds: float

    def window(self, at: float) -> Window:
        """The slices that overlap the last `seconds`."""
        width = self.seconds / SLICES
        now = int(at // width)
        return Window("rolling", at - self.seconds, None, now, now - SLICES, width)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """For ever."""

    def window(self, at: float) -> Window:
        """One window for all time."""
        del at
        return Window("lifetime", 0.0, None, 0, 0, 0.0)


Span = Calendar | Rolling | Lifetime


def in_words(span: Span) -> str:
    """The span as people say it: `month (Europe/Berlin)`, `7 days, rolling`, `lifetime`."""
    if isinstance(span, Lifetime):
        return "lifetime"
    if isinstance(span, Rolling):
        return f"{_length(span.seconds)}, rolling"
    fiscal = " (fiscal)" if span.first_month != 1 else ""
    return f"{span.unit}{fiscal}" if span.zone == "UTC" else f"{span.unit}{fiscal} ({span.zone})"


def _length(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = seconds / size
        if count >= 1 and count == int(count):
            return f"{int(count)} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"


def _shifted(start: datetime, months: int) -> datetime:
    index = start.year * 12 + start.month - 1 + months
    return start.replace(year=index // 12, month=index % 12 + 1, day=1)
