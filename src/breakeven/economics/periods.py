"""Which days a question is about: the period grammar of the command line, the web and the configuration.

A period is whole days, half-open `[start, end)`, in UTC without zone, so that daily rollups answer it exactly.
"Now" is an argument: this module has no clock. The grammar:

    all                       every fact
    2026, 2026-Q4, 2026-10    a year, a quarter, a month
    2026-W41, 2026-10-07      an ISO week (Monday first), a day
    year quarter month week day, each also with -N or +N     relative to now: month-1 is last month
    today, yesterday
    A..B  or  A - B           from the start of A to the end of B, both included: 2026-10-01..2026-10-15, day-30 - day
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from breakeven.errors import UsageError

EARLIEST = datetime(1970, 1, 1)  # noqa: DTZ001 - facts are UTC without zone
LATEST = datetime(9999, 12, 31)  # noqa: DTZ001 - facts are UTC without zone
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_GRAMMAR = "Use all, 2026, 2026-Q4, 2026-10, 2026-W41, 2026-10-07, month, month-1, week, day, A..B or 'day-30 - day'."
_CALENDAR = re.compile(
    r"(?P<year>\d{4})(-Q(?P<quarter>[1-4])|-W(?P<week>\d{2})|-(?P<month>\d{2})(-(?P<day>\d{2}))?)?\Z", re.IGNORECASE
)
_RELATIVE = re.compile(r"(?P<unit>year|quarter|month|week|day)(?P<shift>[-+]\d{1,5})?\Z", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?P<first>\S+?)\s*(?:\.\.|\s-\s)\s*(?P<last>\S+)\s*\Z")
_DAY = timedelta(days=1)
_MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` (included) to `end` (excluded). `name` is how it was asked for, as the trail and the JSON repeat it."""

    name: str
    start: datetime
    end: datetime

    @property
    def unbounded(self) -> bool:
        """Whether this is `all`, whose true bounds only the ledger knows."""
        return self.start == EARLIEST and self.end == LATEST

    @property
    def whole_month(self) -> bool:
        """Whether this is one calendar month, from its first day to its last."""
        return self.start.day == 1 and self.end == _plus_months(self.start, 1)

    @property
    def label(self) -> str:
        """The period in words: `October 2026`, `Q4 2026`, `1–15 October 2026`, `all time`."""
        return "all time" if self.unbounded or self.start == self.end else _label(self.start, self.end)

    def within(self, first: datetime, last: datetime) -> Period:
        """The same question bounded to the days of the facts, `first` and `last` included."""
        return Period(self.name, max(self.start, _midnight(first)), min(self.end, _midnight(last) + _DAY))


def parse_period(text: str, now: datetime) -> Period:
    """The period that `text` names, seen from `now` (UTC). Raises UsageError."""
    name = text.strip()
    if name.lower() == "all":
        return Period("all", EARLIEST, LATEST)
    found = _RANGE.match(name)
    if found is None:
        start, end = _single(name, now)
        return Period(name, start, end)
    start, end = _single(found["first"], now)[0], _single(found["last"], now)[1]
    if end <= start:
        raise UsageError(f"period {name!r} ends before it starts", "Write the earlier date first.")
    return Period(name, start, end)


def parse_comparison(text: str, period: Period, now: datetime) -> Period:
    """What a period is compared with: `previous`, or any period of the grammar. Raises UsageError."""
    return previous(period) if text.strip().lower() == "previous" else parse_period(text, now)


def previous(period: Period) -> Period:
    """The period of equal length just before: whole months shift by months, others by days. Raises UsageError for `all`."""
    if period.unbounded:
        raise UsageError("there is no period before all time", "Choose a period, such as --period month-1 --vs previous.")
    if period.start.day == 1 and period.end.day == 1:
        months = (period.end.year - period.start.year) * 12 + period.end.month - period.start.month
        start = _plus_months(period.start, -months)
    else:
        start = period.start - (period.end - period.start)
    return Period(_name(start, period.start), start, period.start)


def month_of(instant: datetime) -> Period:
    """The calendar month that contains `instant`."""
    start = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(f"{start.year}-{start.month:02}", start, _plus_months(start, 1))


def by_month(period: Period) -> tuple[Period, ...]:
    """The period cut at the firsts of the months.

    What is shared or prorated is so month by month, so that a month's answer is the same alone and within a year.
    """
    parts: list[Period] = []
    start = period.start
    while start < period.end:
        month = month_of(start)
        end = min(month.end, period.end)
        parts.append(Period(month.name, start, end))
        start = end
    return tuple(parts)


def _single(text: str, now: datetime) -> tuple[datetime, datetime]:
    words = {"today": "day", "yesterday": "day-1"}
    text = words.get(text.lower(), text)
    relative = _RELATIVE.match(text)
    try:
        if relative is not None:
            return _relative(relative["unit"].lower(), int(relative["shift"] or 0), now)
        calendar = _CALENDAR.match(text)
        if calendar is not None:
            return _calendar(calendar)
    except (ValueError, OverflowError):
        raise UsageError(f"period {text!r} names a date that does not exist", _GRAMMAR) from None
    raise UsageError(f"period {text!r} is not understood", _GRAMMAR)


def _relative(unit: str, shift: int, now: datetime) -> tuple[datetime, datetime]:
    today = _midnight(now)
    if unit == "day":
        start = today + shift * _DAY
        return start, start + _DAY
    if unit == "week":
        start = today - today.weekday() * _DAY + 7 * shift * _DAY
        return start, start + 7 * _DAY
    months = _MONTHS_OF[unit]
    first = today.replace(day=1, month=(today.month - 1) // months * months + 1)
    start = _plus_months(first, shift * months)
    return start, _plus_months(start, months)


def _calendar(found: re.Match[str]) -> tuple[datetime, datetime]:
    year = int(found["year"])
    if found["week"]:
        start = datetime.fromisocalendar(year, int(found["week"]), 1)
        return start, start + 7 * _DAY
    if found["day"]:
        start = _first(year, int(found["month"])).replace(day=int(found["day"]))
        return start, start + _DAY
    if found["month"]:
        return _first(year, int(found["month"])), _plus_months(_first(year, int(found["month"])), 1)
    if found["quarter"]:
        start = _first(year, int(found["quarter"]) * 3 - 2)
        return start, _plus_months(start, 3)
    return _first(year, 1), _first(year + 1, 1)


def _first(year: int, month: int) -> datetime:
    return datetime(year, month, 1)  # noqa: DTZ001 - facts are UTC without zone


def _plus_months(first: datetime, months: int) -> datetime:
    index = first.year * 12 + first.month - 1 + months
    return _first(index // 12, index % 12 + 1)


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _name(start: datetime, end: datetime) -> str:
    """The name of computed bounds, in the grammar itself."""
    if start.day == 1 and end == _plus_months(start, 1):
        return f"{start.year}-{start.month:02}"
    if start.day == 1 and start.month % 3 == 1 and end == _plus_months(start, 3):
        return f"{start.year}-Q{(start.month + 2) // 3}"
    if start.day == 1 and start.month == 1 and end == _plus_months(start, 12):
        return f"{start.year}"
    last = end - _DAY
    return f"{start:%Y-%m-%d}" if last <= start else f"{start:%Y-%m-%d}..{last:%Y-%m-%d}"


def _label(start: datetime, end: datetime) -> str:
    name = _name(start, end)
    if "Q" in name:
        return f"{name[5:]} {name[:4]}"
    if len(name) == len("2026-10"):
        return f"{MONTHS[start.month - 1]} {start.year}"
    if len(name) == len("2026"):
        return name
    last = end - timedelta(microseconds=1)
    closing = f"{last.day} {MONTHS[last.month - 1]} {last.year}"
    if _midnight(start) == _midnight(last):
        return closing
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day}–{closing}"
    opening = f"{start.day} {MONTHS[start.month - 1]}"
    return f"{opening} – {closing}" if start.year == last.year else f"{opening} {start.year} – {closing}"
