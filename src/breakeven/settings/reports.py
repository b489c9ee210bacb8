"""The section `reports`: which report is sent when, and to which sinks of `alerts`.

reports:
  board: {every: month, on: 2, at: "06:00", to: [leadership]}
  weekly: {report: engineering, every: week, on: monday, at: "07:30", to: team, format: md}
"""

from __future__ import annotations

import re
from pathlib import Path

from breakeven.governance.schedule import LATEST_DAY, REPORTS, Every, Form, Schedule
from breakeven.settings.quantities import whole
from breakeven.yamlfields import Fields, Problems, entries, suggestion
from breakeven.yamlfile import Node

SCHEDULE_FIELDS = ("report", "every", "on", "at", "to", "format")
EVERY: tuple[Every, ...] = ("month", "week", "day")
FORMS: tuple[Form, ...] = ("html", "md", "json")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
USUAL_DAY, USUAL_MINUTE = 2, 6 * 60
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


def schedules_of(top: Fields, sinks: tuple[str, ...], problems: Problems) -> tuple[Schedule, ...]:
    """The section, checked. `sinks` are the names of the file's alert sinks."""
    found = entries(top.get("reports"), "reports", problems) if top.get("reports") is not None else {}
    return tuple(_schedule(name, node, sinks, problems) for name, node in found.items())


def _schedule(name: str, node: Node, sinks: tuple[str, ...], problems: Problems) -> Schedule:
    fields = Fields(node, f"report {name}", SCHEDULE_FIELDS, problems)
    report = fields.text("report") or name
    if report not in REPORTS:
        fields.fault("report", f"there is no report {report!r}", suggestion(report, REPORTS))
    every = fields.choice("every", EVERY, "month")
    return Schedule(
        name=name,
        report=report,
        every=every,
        on=_on(fields, every),
        minute=_minute(fields),
        to=_to(fields, sinks),
        form=fields.choice("format", FORMS, "html"),
        place=f"{Path(node.file).name}:{node.line}",
    )


def _on(fields: Fields, every: Every) -> int:
    """The day: of the month, or of the week by its name."""
    if every == "month":
        return whole(fields, "on", USUAL_DAY, 1, LATEST_DAY)
    day = (fields.text("on") or WEEKDAYS[0]).lower()
    if every == "day":
        if "on" in fields:
            fields.fault("on", "on means nothing for a daily report", "Take it away, or write `every: week`.")
    elif day not in WEEKDAYS:
        fields.fault("on", f"on is {day[:40]!r}", suggestion(day, WEEKDAYS))
    return WEEKDAYS.index(day) + 1 if day in WEEKDAYS else 1


def _minute(fields: Fields) -> int:
    text = fields.text("at")
    if text is None:
        return USUAL_MINUTE
    found = _CLOCK.match(text)
    if found is None:
        fields.fault("at", f"at is {text[:40]!r}", 'Write hours and minutes in UTC, in quotes: at: "06:00".')
        return USUAL_MINUTE
    return int(found[1]) * 60 + int(found[2])


def _to(fields: Fields, sinks: tuple[str, ...]) -> tuple[str, ...]:
    words = fields.words("to")
    if not words:
        fields.fault("to", "it says no sink to send to", "Add `to: [NAME]`, a name under `alerts: sinks`.")
    for word in words:
        if word not in sinks:
            remedy = suggestion(word, sinks) if sinks else "Declare it: `alerts: {sinks: {mail: {kind: email, ...}}}`."
            fields.fault("to", f"there is no sink {word!r}", remedy)
    return tuple(word for word in words if word in sinks)
