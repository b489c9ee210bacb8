"""`breakeven forecast`: what a period will cost and earn, with intervals, and when a limit is reached."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import ledger_options, load, open_facts
from breakeven.cli.reports import _instant, _output, now, output_options, question_options
from breakeven.errors import DataError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from breakeven.economics.periods import Period
    from breakeven.pricebook import RateCard
    from breakeven.reports.question import Facts, Question
    from breakeven.settings import Settings

_AHEAD = re.compile(r"\s*(?P<count>\d{1,3})\s*(?P<unit>day|week|month)s?\s*\Z", re.IGNORECASE)


@click.command()
@click.option(
    "--period", help="What to forecast to its end: 2026-11, month, 2026-Q4, A..B. Default: the month of the first day to come."
)
@click.option("--horizon", metavar="SPAN", help="Instead of --period, what is coming: '12 months', '8 weeks' or '90 days'.")
@click.option(
    "--by", default="feature", show_default=True, help="feature, team, customer, user, workflow, model, provider or rung."
)
@click.option("--limit", "limit_text", metavar="AMOUNT", help="A spending limit of the period: when is it reached?")
@click.option("--backtest", is_flag=True, help="Try the method on the past: error against naive methods, coverage of intervals.")
@question_options
@output_options
@ledger_options
def forecast(
    *,
    ledger_path: Path | None,
    config: Path | None,
    as_json: bool,
    as_csv: bool,
    limit_text: str | None,
    backtest: bool,
    **asked: str | None,
) -> None:
    """What a period will cost and earn by its end, per feature, with 90% intervals from the method's own past errors.

    Known price changes come from the price book and are applied, not extrapolated. Too little history is said, not guessed over.
    """
    from breakeven.cli.draw_forecast import draw_forecast
    from breakeven.reports.forecast import Asked
    from breakeven.reports.forecast import forecast as report

    settings, path = load(config, ledger_path)
    known = _instant(asked["as_of"])
    at = now() if known is None else min(now(), known)  # what was known then is also all that had happened
    with open_facts(path, settings) as ledger:
        question = _question(ledger, at, **asked)
        found = report(ledger, settings, question, Asked(at, _limit(limit_text), backtest), _book(settings, path, at))
    rows = found.backtest if found.backtest is not None else found.spans or [*found.rows, *filter(None, [found.total])]
    _output(found, as_json=as_json, as_csv=as_csv, rows=rows, drawn=draw_forecast)


def _question(
    ledger: Facts,
    at: datetime,
    *,
    period: str | None = None,
    horizon: str | None = None,
    by: str | None = None,
    as_of: str | None = None,
    as_recorded: str | None = None,
    **filters: str | None,
) -> Question:
    from breakeven.reports.history import first_day_to_come
    from breakeven.reports.question import Question, grouping, wanted

    if period is not None and horizon is not None:
        raise UsageError("--period and --horizon exclude each other", "Choose one of them.")
    names = grouping(by or "feature")
    if {"day", "week", "month"} & set(names):
        raise UsageError("a forecast cannot be grouped by day or month", "Its months and days are in the JSON: spans and fan.")
    return Question(
        period=_period(period, horizon, first_day_to_come(ledger, at), at),
        by=names,
        filters=tuple((name, wanted(value)) for name, value in filters.items() if value is not None),
        as_of=_instant(as_of),
        as_recorded=bool(as_recorded),
    )


def _period(text: str | None, horizon: str | None, first: datetime, at: datetime) -> Period:
    """The period asked for; a horizon begins on the first day to come, in months with the month of that day."""
    from breakeven.economics.periods import Period, month_of, parse_period

    if text is not None:
        period = parse_period(text, at)
        if period.unbounded:
            raise UsageError("all time has no end to forecast", "Choose a period, such as --period month or --horizon '12 months'.")
        return period
    if horizon is None:
        return month_of(first)
    found = _AHEAD.match(horizon)
    if found is None or int(found["count"]) == 0:
        raise UsageError(f"--horizon {horizon!r} is not understood", "Write '12 months', '8 weeks' or '90 days'.")
    count, unit = int(found["count"]), found["unit"].lower()
    if unit != "month":
        end = first + timedelta(days=count * (7 if unit == "week" else 1))
        return Period(horizon.strip(), first, end)
    start = end = month_of(first).start
    for _ in range(count):
        end = month_of(end).end
    return Period(horizon.strip(), start, end)


def _limit(text: str | None) -> int | None:
    """A limit in atto-units."""
    from breakeven.economics.money import written

    return None if text is None else written(text, "--limit", "5000 or 1250.50")


def _book(settings: Settings, path: Path, at: datetime) -> RateCard:
    """The price book as it is known now; a report records nothing."""
    from breakeven.ledger.layout import Layout
    from breakeven.pricebook import card_of_texts

    try:
        texts = [(str(file), file.read_text("utf-8-sig")) for file in settings.overlays]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"a price file cannot be read: {error}", "Correct 'prices' in breakeven.yaml, or the file.") from None
    return card_of_texts(Layout(path).prices, texts, at)
