"""A forecast as a person reads it in a terminal: rows with bands, a fan of the period, the tries on the past."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import click

from breakeven.cli.drawing import heading
from breakeven.cli.tables import UNKNOWN, Column, draw, margin, money, number
from breakeven.reports.forecastrows import Estimate, FanPoint, Forecast, ForecastRow, TrialRow

_FAN_WIDTH = 46
_FAN_ROWS = 10


def draw_forecast(report: Forecast) -> None:
    """Rows and total, months where there are several, the fan, the backtest, the sentence."""
    heading("Forecast", report.label, report.currency, report.shares)
    if report.total is None:
        click.echo(report.sentence)
        return
    _draw_rows([*report.rows, report.total])
    months = [row for row in report.spans if row.kind == "total"]
    if months:
        click.echo("\nBy month:")
        _draw_rows(months, named_by_span=True)
    elif any(not point.known for point in report.fan):
        click.echo("\nCost by the end of the day (· band, ━ known, ─ forecast):")
        for line in fan_lines(report.fan):
            click.echo(line)
    if report.backtest is not None:
        click.echo("\nTried on the past (error = sum of |actual − forecast| / sum of actual):")
        _draw_trials(report.backtest)
    click.echo(("\n" if months or report.fan or report.backtest else "") + report.sentence)
    for note in dict.fromkeys(row.note for row in report.rows if row.note):
        click.echo(f"Note: {', '.join(row.label for row in report.rows if row.note == note)}: {note}.")
    click.echo(f"Next: {_next(report)}", err=True)


def _draw_rows(rows: Sequence[ForecastRow], *, named_by_span: bool = False) -> None:
    draw(
        [
            Column("", [(row.span or row.label) if named_by_span else row.label for row in rows], left=True),
            Column("so far", [money(row.cost_so_far) for row in rows], drop=4),
            Column("cost", [_point(row.cost) for row in rows]),
            Column("90% interval", [_interval(row.cost) for row in rows], drop=1),
            Column("value", [_point(row.value) for row in rows], drop=3),
            Column("90% interval", [_interval(row.value) for row in rows], drop=5),
            Column("keeps", [money(row.contribution) for row in rows], drop=2),
            Column("margin", [margin(row.margin.point if row.margin else None) for row in rows], drop=2),
            Column("90% interval", [_margins(row) for row in rows], drop=6),
            Column("prices", [_effect(row.price_effect) for row in rows], drop=6),
        ],
        marked={len(rows) - 1: "total"} if not named_by_span else {},
    )


def _point(found: Estimate | None) -> str:
    return UNKNOWN if found is None else money(found.point)


def _interval(found: Estimate | None) -> str:
    if found is None or found.low is None or found.high is None:
        return UNKNOWN
    return f"{money(found.low)}–{money(found.high)}" if found.low != found.high else "known"


def _margins(row: ForecastRow) -> str:
    if row.margin is None or row.margin.low is None:
        return UNKNOWN
    return f"{margin(row.margin.low)} to {margin(row.margin.high)}" if row.margin.low != row.margin.high else "known"


def _effect(share: float | None) -> str:
    return UNKNOWN if share is None else ("+" if share > 0 else "") + margin(share)


def _draw_trials(rows: Sequence[TrialRow]) -> None:
    draw(
        [
            Column("", [row.label for row in rows], left=True),
            Column("days ahead", [number(row.days) for row in rows]),
            Column("error", [margin(row.error) for row in rows]),
            Column("run rate", [margin(row.error_run_rate) for row in rows]),
            Column("seasonal naive", [margin(row.error_seasonal_naive) for row in rows]),
            Column("intervals held", [margin(row.coverage) for row in rows]),
            Column("of", [number(row.intervals) for row in rows], drop=1),
            Column("origins", [number(row.origins) for row in rows], drop=2),
        ]
    )


def fan_lines(fan: Sequence[FanPoint], rows: int = _FAN_ROWS, width: int = _FAN_WIDTH) -> list[str]:
    """A bar per day, at most `rows` of them, the last day always among them: ━ known, ─ forecast, · between low and high."""
    top = max((Decimal(point.high or point.point) for point in fan), default=Decimal(0))
    if top <= 0:
        return []
    step = -(-len(fan) // rows)
    picked = [point for index, point in enumerate(reversed(fan)) if index % step == 0][::-1]
    return [f"{point.day}  {_bar(point, top, width).ljust(width)}  {money(point.point)}{_edges(point)}" for point in picked]


def _bar(point: FanPoint, top: Decimal, width: int) -> str:
    low, middle, high = (int(Decimal(edge or point.point) / top * width) for edge in (point.low, point.point, point.high))
    if point.known:
        return "━" * middle
    return "─" * low + "·" * (high - low) if point.low is not None else "─" * middle


def _edges(point: FanPoint) -> str:
    return "" if point.low is None else f"  ({money(point.low)}–{money(point.high)})"


def _next(report: Forecast) -> str:
    if report.backtest is None:
        return (
            f"breakeven forecast --period {report.period} --backtest"
            if " " not in report.period
            else "breakeven forecast --backtest"
        )
    return "breakeven pnl --by day for what the forecast rests on"
