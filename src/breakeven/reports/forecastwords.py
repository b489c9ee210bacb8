"""What a forecast says in words: the sentence, the formula, and why something is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from breakeven.economics.intervals import LEVEL
from breakeven.economics.money import atto
from breakeven.economics.outlook import Band
from breakeven.economics.periods import MONTHS, Period
from breakeven.reports.forecastrows import Estimate, ForecastRow, RunOutRow, TrialRow
from breakeven.reports.pricechanges import PriceChange
from breakeven.reports.trail import Shares
from breakeven.reports.words import count, dollars, number_word, percent

FORMULA: Mapping[str, str] = {
    "cost": "known days + forecast of the rest; forecast = mixture of four level x weekday profile x trend forecasts of cost at "
    "the prices of the origin, x known price changes",
    "interval": "forecast x exp(+-half-width); half-width from the method's own past errors over the same span, adaptive conformal",
    "margin": "1 - cost / value",
    "error": "sum |actual - forecast| / sum actual, over past origins",
    "total": "points are the sums of the rows' points; the interval comes from the errors of the summed forecasts",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What the sentence is about."""

    total: ForecastRow
    rows: Sequence[ForecastRow]
    changes: Sequence[PriceChange]
    limit: RunOutRow | None
    tried: Sequence[TrialRow] | None
    badges: Shares


def forecast_sentence(period: Period, origin: datetime, said: Said) -> str:
    """In November AI will cost … and earn …; what changes prices; when a limit is reached; how it did before; what is unknown."""
    over = period.end <= origin
    parts = [
        _over(period, said.total) if over else _headline(period, origin, said.total),
        "" if over else _losers(said.rows),
        "" if over else _changes(said.changes, said.total),
        _limit(said.limit),
        _trials(said.tried),
        _unknown(said.badges),
    ]
    return " ".join(part for part in parts if part)


def _over(period: Period, total: ForecastRow) -> str:
    earned = f" and earned {dollars(atto(total.value_so_far))}" if total.value_so_far is not None else ""
    cost = dollars(atto(total.cost_so_far))
    return f"{period.label} is over: AI cost {cost}{earned}; nothing is left to forecast."


def _headline(period: Period, origin: datetime, total: ForecastRow) -> str:
    since = f"{origin.day} {MONTHS[origin.month - 1]} {origin.year}"
    if total.cost is None:
        days, verb = count(total.days_of_history, "day"), "is" if total.days_of_history == 1 else "are"
        return f"Nothing can be forecast for {period.label}: {days} with cost {verb} known, and two are the fewest."
    known = f", of which {dollars(atto(total.cost_so_far))} has been spent" if total.cost_so_far != "0" else ""
    what = f"{_opening(period)} AI will cost about {_amount(total.cost)}{known}"
    if total.value is not None:
        what += f", and earn about {_amount(total.value)}"
    margin = f": a margin of {percent(total.margin.point)}{_between(total)}" if total.margin is not None else ""
    return f"{what}{margin}, forecast from {since} on.{' ' + total.note + '.' if total.note else ''}"


def _between(row: ForecastRow) -> str:
    if row.margin is None or row.margin.low is None or row.margin.high is None:
        return ""
    return f" ({percent(row.margin.low)} to {percent(row.margin.high)})"


def _amount(found: Estimate) -> str:
    point = dollars(atto(found.point))
    if found.low is None or found.high is None:
        return point
    return f"{point} ({percent(LEVEL, 0)} between {dollars(atto(found.low))} and {dollars(atto(found.high))})"


def _losers(rows: Sequence[ForecastRow]) -> str:
    losing = [row for row in rows if row.contribution is not None and Decimal(row.contribution) < 0]
    if not losing:
        return ""
    worst = min(losing, key=lambda row: Decimal(row.contribution or 0))
    lost = dollars(-atto(worst.contribution or "0"))
    if len(losing) == 1:
        return f"{worst.label} will lose about {lost}."
    return f"{number_word(len(losing)).capitalize()} lose money, {worst.label} the most: about {lost}."


def _changes(changes: Sequence[PriceChange], total: ForecastRow) -> str:
    if not changes:
        return ""
    first = min(change.day for change in changes)
    more = count(len(changes), "known price change")
    if total.price_effect is None:
        return f"{more} from {first} on {'does' if len(changes) == 1 else 'do'} not touch this cost."
    way = "raise" if total.price_effect > 0 else "lower"
    verb = way + "s" if len(changes) == 1 else way
    return f"{more} from {first} on {verb} it by {percent(abs(total.price_effect))}."


def _limit(limit: RunOutRow | None) -> str:
    if limit is None:
        return ""
    amount = dollars(atto(limit.limit))
    if limit.already:
        return f"The limit of {amount} is reached already."
    if limit.expected is None:
        risk = f", but may be from {limit.earliest} on" if limit.earliest else ""
        return f"The limit of {amount} is not expected to be reached in this period{risk}."
    band = f" (at the earliest {limit.earliest}, at the latest {limit.latest or 'not in this period'})" if limit.earliest else ""
    return f"The limit of {amount} will be reached about {limit.expected}{band}."


def _trials(tried: Sequence[TrialRow] | None) -> str:
    if tried is None:
        return ""
    total = [row for row in tried if row.label == "Total" and row.error is not None]
    if not total:
        return "There is too little history to try the forecast on: three weeks are the fewest."
    last = total[-1]
    held = "" if last.coverage is None else f"; its {percent(LEVEL, 0)} intervals held {percent(last.coverage)} of the time"
    return (
        f"Tried on the past, {count(last.days, 'day')} ahead, it erred by {percent(last.error)} "
        f"(run rate {percent(last.error_run_rate)}, seasonal naive {percent(last.error_seasonal_naive)}){held}."
    )


def _unknown(badges: Shares) -> str:
    if badges.priced is None or badges.priced >= 1:
        return ""
    return f"The cost of {percent(1 - badges.priced)} of past calls is unknown and not in these figures."


def _opening(period: Period) -> str:
    """`In November 2026`, `Over 1 November 2026 – 31 October 2027`, `On 3 November 2026`."""
    if not period.label[0].isdigit() or period.label.isdigit():
        return f"In {period.label}"
    return f"{'Over' if '–' in period.label else 'On'} {period.label}"


def missing(days: int, found: Band | None, ahead: int) -> str | None:
    """Why a row has no forecast or no interval; None where both are there."""
    if found is None:
        return f"{count(days, 'day')} with cost: too few to forecast (two are the fewest)"
    if found.low is not None:
        return None
    if found.half is None and days:
        return f"No interval is given: {count(days, 'day')} of history are too few for {count(ahead, 'day')} ahead"
    return "No interval is given: past errors this far ahead allow more than four times the forecast, or less than a quarter"
