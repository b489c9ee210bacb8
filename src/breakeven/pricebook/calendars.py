"""Holidays on which a vendor's peak hours do not apply, by the name that a price file's `except_calendar` uses.

A price file may add dates under `calendars`. Days off that fall on a weekend are listed too, for completeness.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

# China's public holidays as the State Council announced them in November 2025; of 2027 only the statutory first day is known.
_CN = (
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
    ("2027-01-01", "2027-01-01"),
)


def _days(first: str, last: str) -> list[date]:
    start = date.fromisoformat(first)
    return [start + timedelta(days=offset) for offset in range((date.fromisoformat(last) - start).days + 1)]


BUILT_IN_CALENDARS: Mapping[str, frozenset[date]] = {"CN": frozenset(day for first, last in _CN for day in _days(first, last))}
