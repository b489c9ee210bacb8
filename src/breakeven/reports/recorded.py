"""Recorded traffic as a check of a change reads it: the last full month, token sums by class and model, tokens per character."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from breakeven.economics.periods import Period, month_of, previous
from breakeven.economics.pnl import Tally
from breakeven.governance.change import Cell, Context, Group, Ratio, Traffic, nearest
from breakeven.reports.question import Facts, Question, statement, whole
from breakeven.reports.tallies import sums
from breakeven.settings import Settings

DAYS_OF_A_MONTH = 30
"""What a period that is not a calendar month is scaled to."""
FEWEST_CHARACTERS = 10_000
"""Fewer metered characters than these teach no ratio."""


class Span(NamedTuple):
    """The period whose traffic stands for a month; `days` of it are scaled to 30 unless it is a calendar month (then 0)."""

    period: Period
    days: int = 0

    def scaled(self, amount: int) -> int:
        """A sum over the period as a sum over a month."""
        return nearest(amount * DAYS_OF_A_MONTH, self.days) if self.days else amount


def month_before(ledger: Facts, now: datetime) -> Span | None:
    """The last calendar month that has ended and whose last day is in the ledger; without one, the days that there are.

    A month that was imported half must not pass for a whole one. None: there are no calls at all.
    """
    first, last = ledger.query(statement("usage_days"))[0]
    if last is None:
        return None
    latest = month_of(datetime(last.year, last.month, last.day))  # noqa: DTZ001 - facts are UTC without zone
    complete = latest.end <= now and last == (latest.end - timedelta(days=1)).date()
    month = latest if complete else previous(latest)
    if first <= month.start.date():
        return Span(month)
    start = max(latest.start if complete else month.start, datetime(first.year, first.month, first.day))  # noqa: DTZ001 - as above
    end = datetime(last.year, last.month, last.day) + timedelta(days=1)  # noqa: DTZ001 - as above
    return span_of(Period(f"{start:%Y-%m-%d}..{last:%Y-%m-%d}", start, end))


def span_of(period: Period) -> Span:
    """A period that was asked for."""
    month = month_of(period.start)
    one_month = (month.start, month.end) == (period.start, period.end)
    return Span(period) if one_month else Span(period, (period.end - period.start).days)


def months(ledger: Facts, settings: Settings, span: Span) -> dict[str | None, Tally]:
    """What every feature cost and earned, by the value models of one configuration; None: no feature is known."""
    found = sums(ledger, settings, Question(span.period))
    return {key[0]: _scaled(tally, span) for key, tally in found.rows.items()}


def _scaled(tally: Tally, span: Span) -> Tally:
    def to_month(amount: int | None) -> int | None:
        return None if amount is None else span.scaled(amount)

    if not span.days:
        return tally
    return replace(
        tally,
        cost=to_month(tally.cost),
        value=to_month(tally.value),
        outcomes=to_month(tally.outcomes),
        successful=to_month(tally.successful),
        calls=span.scaled(tally.calls),
        unknown_calls=span.scaled(tally.unknown_calls),
    )


def traffic(ledger: Facts, features: Sequence[str | None], span: Span, thresholds: Sequence[int]) -> dict[str | None, Traffic]:
    """The traffic of some features by class, model, context and long-context band."""
    asked = {
        "features": [name or "" for name in features],
        "start": span.period.start,
        "end": span.period.end,
        "thresholds": list(thresholds),
    }
    cells: dict[str, list[Cell]] = defaultdict(list)
    for feature, provider, model, context, band, requested, usage_class, quantity, cost in ledger.query(
        statement("change_traffic"), asked
    ):
        known = None if cost is None else span.scaled(whole(cost))
        group = _group(provider, model, context, band, requested)
        cells[feature].append(Cell(group, usage_class, span.scaled(int(quantity)), known))
    requests: dict[str, dict[Group, int]] = defaultdict(dict)
    for feature, provider, model, context, band, requested, count in ledger.query(statement("change_requests"), asked):
        requests[feature][_group(provider, model, context, band, requested)] = span.scaled(count)
    return {name: Traffic(tuple(cells.get(name or "", ())), requests.get(name or "", {})) for name in features}


def _group(provider: str | None, model: str | None, context: str, band: int, requested: str) -> Group:
    served = model or ""
    return Group(provider or "", served, _context(context), band, "" if requested == served else requested)


@cache
def _context(text: str) -> Context:
    return tuple(sorted((name, str(value)) for name, value in json.loads(text).items()))


def learned_ratios(ledger: Facts) -> Callable[[str, str], Ratio]:
    """Tokens per character of each model, learned from metered calls where enough of them tell both."""
    rows = ledger.query(statement("tokens_per_character"))
    known = {
        (provider, model): Ratio(int(tokens), int(characters), learned=True)
        for provider, model, tokens, characters in rows
        if characters >= FEWEST_CHARACTERS and tokens > 0
    }
    return lambda provider, model: known.get((provider, model), Ratio())


def rungs_of_models(ledger: Facts) -> Mapping[str, str]:
    """The rung that each model was recorded on."""
    return {row[0]: row[1] for row in ledger.query(statement("rungs_of_models"))}
