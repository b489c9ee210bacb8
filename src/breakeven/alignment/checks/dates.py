"""Dates of an answer: real days, within bounds, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from breakeven.alignment.checks.options import Options
from breakeven.alignment.checks.port import Kind
from breakeven.alignment.checks.stated import NOTHING, date_of, each_at, value_of
from breakeven.alignment.task import Reply, Task


@dataclass(frozen=True, slots=True)
class DatesCheck:
    """What `fields` name are real days from `since` to `until`, both included; where `ordered`, none is before the last one."""

    fields: tuple[str, ...]
    since: date | None = None
    until: date | None = None
    ordered: bool = False
    day_first: bool = True
    optional: bool = False
    kind: str = "dates"

    def fault(self, task: Task, reply: Reply) -> str | None:
        """The first date that cannot be."""
        del task
        value = value_of(reply)
        found: list[tuple[str, date]] = []
        for field in self.fields:
            for where, one in each_at(value, field):
                if self.optional and (one is NOTHING or one in (None, "")):
                    continue
                day = date_of(one, day_first=self.day_first)
                if day is None:
                    return f"{where} is not there" if one is NOTHING else f"{where} is no date: {str(one)[:40]!r}"
                if self.since is not None and day < self.since:
                    return f"{where} is {day}, before {self.since}"
                if self.until is not None and day > self.until:
                    return f"{where} is {day}, after {self.until}"
                found.append((where, day))
        if not self.ordered:
            return None
        return next(
            (
                f"{later} ({after}) is before {earlier} ({before})"
                for (earlier, before), (later, after) in pairwise(found)
                if after < before
            ),
            None,
        )


def _make(options: object) -> DatesCheck:
    given = Options(options, "dates", ("fields", "from", "to", "ordered", "day_first", "optional"), main="fields")
    fields = given.texts("fields")
    if not fields:
        raise given.fault("fields", "fields names none", "Write `dates: [issued, due]`.")
    since, until = _day(given, "from"), _day(given, "to")
    if since is not None and until is not None and until < since:
        raise given.fault("to", "to is before from", "Write a later date.")
    return DatesCheck(
        fields,
        since,
        until,
        given.flag("ordered", default=False),
        given.flag("day_first", default=True),
        given.flag("optional", default=False),
    )


def _day(options: Options, name: str) -> date | None:
    if name not in options:
        return None
    try:
        return date.fromisoformat(options.text(name))
    except ValueError:
        raise options.fault(name, f"{name} is no date", f"Write `{name}: 2024-01-01`.") from None


KIND = Kind("dates", _make)
