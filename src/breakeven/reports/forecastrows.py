"""The shapes of a forecast: estimates with their band, rows, backtests, run-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from breakeven.reports.pricechanges import PriceChange
from breakeven.reports.trail import Shares


class Estimate(msgspec.Struct, frozen=True):
    """An amount to come, to millionths: `low`..`high` holds it with the level of the report; null where no interval can be said."""

    point: str
    low: str | None = None
    high: str | None = None


class Share(msgspec.Struct, frozen=True):
    """A margin to come, and its interval."""

    point: float
    low: float | None = None
    high: float | None = None


class ForecastRow(msgspec.Struct, frozen=True, kw_only=True):
    """One group over one span of the period, or over the whole of it (`span` null).

    `cost` and `value` are for the whole span: what is known of it, exactly (`cost_so_far`, `value_so_far`), plus what is to come.
    `kind`: group, unattributed (nobody is known), others (the smallest together) or total. `note` says why something is missing.
    """

    label: str
    kind: str
    span: str | None
    start: str
    end: str
    cost_so_far: str
    cost: Estimate | None
    value_so_far: str | None
    value: Estimate | None
    contribution: str | None
    margin: Share | None
    price_effect: float | None
    days_of_history: int
    note: str | None = None


class TrialRow(msgspec.Struct, frozen=True, kw_only=True):
    """How forecasts of the cost of the next `days` would have done: error = sum |actual − forecast| / sum actual.

    `coverage` is the share of intervals, each made from what was known then, that held what came.
    """

    label: str
    days: int
    origins: int
    error: float | None
    error_run_rate: float | None
    error_seasonal_naive: float | None
    intervals: int
    coverage: float | None


class RunOutRow(msgspec.Struct, frozen=True, kw_only=True):
    """When spending reaches a limit within the period; null where it does not."""

    limit: str
    left: str
    expected: str | None
    earliest: str | None
    latest: str | None
    already: bool


class FanPoint(msgspec.Struct, frozen=True):
    """The cost of the period up to the end of a day."""

    day: str
    point: str
    low: str | None
    high: str | None
    known: bool


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `rows` cover the whole period; `spans` are its months where it has several, per row and in total."""

    period: str
    label: str
    start: str
    end: str
    origin: str | None
    currency: str
    level: float
    by: tuple[str, ...]
    rows: Sequence[ForecastRow]
    total: ForecastRow | None
    spans: Sequence[ForecastRow]
    fan: Sequence[FanPoint]
    price_changes: Sequence[PriceChange]
    run_out: RunOutRow | None
    backtest: Sequence[TrialRow] | None
    shares: Shares
    sentence: str
    trail: Mapping[str, Any]
