"""What a person asks for in words (period, grouping, filters), made into a question: the same words for command line and web."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from breakeven.economics.periods import Period, parse_comparison, parse_period
from breakeven.errors import UsageError
from breakeven.reports.question import Facts, Question, default_period, grouping, wanted


def period_of(ledger: Facts, text: str | None, now: datetime) -> Period:
    """The period asked for; without one this month if it has calls, else the latest month that has some."""
    return default_period(ledger, now) if text is None else parse_period(text, now)


def instant_of(text: str | None, name: str = "as-of") -> datetime | None:
    """An instant as naive UTC. Raises UsageError."""
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name} {text!r} is not an instant", "Write 2026-10-15 or 2026-10-15T12:00:00Z.") from None
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def question_of(
    period: Period,
    now: datetime,
    *,
    vs: str | None = None,
    by: str = "feature",
    filters: Mapping[str, str | None] | None = None,
    as_of: str | None = None,
    as_recorded: bool = False,
) -> Question:
    """A question about a period. `filters` pair dimensions with the value wanted; `none` asks for what is not known."""
    return Question(
        period=period,
        by=grouping(by),
        filters=tuple((name, wanted(value)) for name, value in (filters or {}).items() if value is not None),
        versus=None if vs is None else parse_comparison(vs, period, now),
        as_of=instant_of(as_of, "as-of"),
        as_recorded=as_recorded,
    )
