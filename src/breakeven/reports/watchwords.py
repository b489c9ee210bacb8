"""What was found, in words: who, when, how much, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from breakeven.economics.money import atto
from breakeven.economics.periods import MONTHS, Period
from breakeven.reports.words import count, dollars, number_word, percent, significant

if TYPE_CHECKING:
    from breakeven.reports.watch import Finding
    from breakeven.reports.watchcause import Cause

FORMULA: Mapping[str, str] = {
    "jump": "robust z of the log less weekday (and hour) profile and level over 8 weeks; Benjamini-Hochberg over a bucket's series",
    "shift": "CUSUM of the same z, for features",
    "at_stake": "cost - cost to be expected, by the cost where it is unusual, else by the dearest figure",
    "drivers": "log-mean Divisia against the same span of earlier weeks",
}
_WHY = {
    "volume": "more calls",
    "retries": "more attempts per call",
    "model mix": "another mix of models",
    "tokens per call": "more tokens per call",
    "token mix": "another mix of tokens (cache, output, reasoning)",
    "unit price": "higher unit prices",
}


def finding_sentence(found: Finding, start: datetime, end: datetime) -> str:
    """`Support answers, 14–15 July 2026: $386 more than expected ($890 instead of $504), by more attempts per call …`."""
    who = found.name or f"no {found.scope}"
    who = who if found.scope == "feature" else f"{found.scope.capitalize()} {who}"
    spent = f"{dollars(atto(found.cost))} instead of about {dollars(atto(found.expected_cost))}"
    figures = ", ".join(f"{figure} ×{significant(Decimal(str(ratio)), 2)}" for figure, ratio in found.ratios.items())
    why = _because(found.cause) if found.cause is not None else "; too little is known of earlier weeks to name a cause"
    return f"{who}, {when(start, end)}: {spent} ({figures}){why}."


def _because(cause: Cause) -> str:
    excess = sum(cause.drivers.values())
    part = cause.drivers[cause.driver]
    if excess <= 0 or part <= 0:
        return "; against the same days of earlier weeks the cost did not rise"
    share = f" ({percent(min(part / excess, 1.0), 0)} of the rise)" if part < excess else ""
    if not cause.carriers:
        return f": {_WHY[cause.driver]}{share}, everybody alike"
    carriers = " and ".join(f"{one.kind} {one.name or 'unknown'} ({_part(one.share_of_excess)})" for one in cause.carriers[:3])
    return f": {_WHY[cause.driver]}{share}, carried by {carriers}"


def _part(share: float) -> str:
    return "all of it" if share >= 1 else percent(share, 0)


def when(start: datetime, end: datetime) -> str:
    """`14 July 2026`, `14–15 July 2026`, `14 July 2026 09:00–11:00`."""
    if (end - start) % timedelta(days=1):
        closing = "24:00" if end.hour == 0 and end.date() != start.date() else f"{end:%H:%M}"
        return f"{start.day} {MONTHS[start.month - 1]} {start.year} {start:%H:%M}–{closing} UTC"
    return Period("", start, end).label if not _whole_month(start, end) else f"all of {Period('', start, end).label}"


def when_of(found: Finding) -> str:
    """The span of a finding, as `when` says it."""
    start, end = (datetime.fromisoformat(text.removesuffix("Z")) for text in (found.start, found.end))
    return when(start, end)


def _whole_month(start: datetime, end: datetime) -> bool:
    return start.day == 1 and end.day == 1


def watch_sentence(period: Period, told: Sequence[Finding], found: int, days: int, hours: int, judged: int) -> str:
    """How many findings, the dearest of them, or why nothing can be said."""
    looked = " and ".join(part for part in (count(days, "day") if days else "", count(hours, "hour") if hours else "") if part)
    if not looked:
        return f"There is no whole day or hour with calls in {period.label} to look at."
    if judged == 0:
        return f"Nothing can be judged in {period.label}: three weeks of calls are the fewest to know what is usual."
    if not told:
        return f"Nothing unusual in {period.label}: {count(judged, 'series', 'series')} over {looked}."
    verb = "was" if found == 1 else "were"
    more = f" The {number_word(len(told))} dearest are listed." if found > len(told) else ""
    return f"{count(found, 'thing')} {verb} unusual in {period.label}. The dearest: {told[0].sentence}{more}"
