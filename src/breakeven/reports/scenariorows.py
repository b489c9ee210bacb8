"""The scenario report as it is written: its structures are the JSON contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


class Amount(msgspec.Struct, frozen=True):
    """An amount of money with its 90% band, as digits."""

    point: str
    low: str
    high: str


class Part(msgspec.Struct, frozen=True):
    """A share or a change with its 90% band: 0.375 is 37.5%. Null where it is not defined."""

    point: float | None
    low: float | None
    high: float | None


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A feature so many months from now: figures of one month. Null where they are not known."""

    months: int
    tasks: float | None
    unit_cost: Amount | None
    cost: Amount
    value: Amount | None
    contribution: Amount | None
    margin: Part | None


class DriverRow(msgspec.Struct, frozen=True):
    """What is assumed of a driver: its change a year (−0.3 is −30%), where that comes from, and what history itself said."""

    driver: str
    change: Part
    origin: str
    rests_on: str
    history: Part | None


class MultiplierRow(msgspec.Struct, frozen=True):
    """At which factor on one driver the feature breaks even: `up to` it earns, `from` it on it earns; or never, or always."""

    driver: str
    side: str
    factor: float | None


class SwingRow(msgspec.Struct, frozen=True):
    """What a driver does to the last figure of the path at either end of its range."""

    driver: str
    at_low: float
    at_high: float
    assumed: bool


class ActRow(msgspec.Struct, frozen=True, kw_only=True):
    """Acting against waiting: what the moves save a month today, what a quarter's delay costs, and where either path ends.

    `declared` is false where the scenario moves nothing and the feature's own next rung is tried for comparison, unproven.
    """

    label: str
    declared: bool
    saves_per_month: str
    a_quarter_later: Amount
    unit_cost_now: str | None
    unit_cost_acting: str | None
    unit_cost_waiting: str | None
    margin_now: float | None
    margin_acting_now: float | None
    margin_acting: float | None
    margin_waiting: float | None


class ScenarioRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature. `kind` is group, unattributed or total (which has only its points).

    Changes are of a year, if nothing is done: `price_change` as the ledger saw it, `price_assumed` over all that the feature buys,
    `unit_cost_change` from both and from tokens and mix. `waiting_helps`: the cost of a task falls by itself.
    """

    feature: str | None
    kind: str
    label: str
    task: str
    points: Sequence[Point]
    stand_still: Part | None = None
    price_change: Part | None = None
    price_assumed: float | None = None
    unit_cost_change: float | None = None
    waiting_helps: bool | None = None
    break_even_within_a_year: float | None = None
    drivers: Sequence[DriverRow] = ()
    multipliers: Sequence[MultiplierRow] = ()
    act: ActRow | None = None
    tornado: Sequence[SwingRow] = ()
    tornado_of: str | None = None
    deflation: str | None = None
    chance_of_cheaper_tasks: float | None = None
    chance_of_red: float | None = None
    sentence: str = ""


class FigureRow(msgspec.Struct, frozen=True):
    """A public figure that an answer used."""

    id: str
    says: str
    low: float
    high: float
    published: str
    source: str
    scope: str


class ScenarioReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report. Money of a month, as digits; `months` are those of the points of each row."""

    name: str
    source: str
    why: str | None
    period: str
    label: str
    currency: str
    years: int
    seed: int
    draws: int
    rows: Sequence[ScenarioRow]
    total: ScenarioRow | None
    public_figures: Sequence[FigureRow]
    sentence: str
    trail: Mapping[str, Any]
