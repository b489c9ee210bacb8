"""Blocks about what moved and what comes: the bridges, the forecast, scenarios."""

from __future__ import annotations

from breakeven.economics.periods import month_of
from breakeven.reports.bridge import Asked as BridgeAsked
from breakeven.reports.bridge import Bridge, Of, bridge
from breakeven.reports.forecast import Asked as ForecastAsked
from breakeven.reports.forecast import forecast as forecast_report
from breakeven.reports.forecastrows import ForecastRow
from breakeven.reports.history import first_day_to_come
from breakeven.reports.packs.sources import Sources
from breakeven.reports.packs.structure import Block, Cell, Chart, ChartPoint, Column
from breakeven.reports.question import Question
from breakeven.reports.scenario import scenario as scenario_report
from breakeven.reports.scenariomoves import Prices
from breakeven.reports.scenariorows import Point, ScenarioRow
from breakeven.reports.words import percent
from breakeven.settings.scenarios import Scenario

MOST_PRINTED = 8
YEAR, TWO_YEARS = 12, 24


def why_cost(sources: Sources) -> Block:
    """Why did cost move?"""
    return _bridge(sources, "cost", "Why did cost move?")


def why_margin(sources: Sources) -> Block:
    """Why did what is kept move?"""
    return _bridge(sources, "margin", "Why did what is kept move?")


def _bridge(sources: Sources, of: Of, question: str) -> Block:
    found = bridge(sources.facts, sources.settings, sources.question, BridgeAsked(of=of, by=("feature",)))
    return Block(
        id=f"why-{of}",
        title="Bridge of cost" if of == "cost" else "Bridge of contribution",
        question=question,
        sentence=found.sentence,
        columns=[Column("driver", "Driver"), Column("change", "Change", "change"), Column("detail", "What it was")],
        rows=[[bar.name, bar.change, bar.detail] for bar in found.bars],
        total=["all together", found.change, f"{found.versus_label} to {found.label}"],
        rows_printed=MOST_PRINTED,
        chart=_steps(found),
        more=sources.command(f"why {of}", versus=True),
        trail=found.trail,
    )


def _steps(found: Bridge) -> Chart | None:
    if found.before is None or found.after is None:
        return None
    points = [ChartPoint(found.versus_label, [found.before], whole=True)]
    points += [ChartPoint(bar.name, [bar.change]) for bar in found.bars if bar.change is not None]
    points.append(ChartPoint(found.label, [found.after], whole=True))
    return Chart(
        "waterfall", f"{found.of.capitalize()}, {found.versus_label} to {found.label}", found.sentence, ("change",), points
    )


def forecast(sources: Sources) -> Block:
    """What will the month to come cost and earn?"""
    month = month_of(first_day_to_come(sources.facts, sources.now))
    found = forecast_report(sources.facts, sources.settings, Question(month), ForecastAsked(sources.now), sources.book())
    within = f"{percent(found.level, 0)} interval"
    chart = Chart(
        "band",
        f"Cost over {found.label}, day by day",
        found.sentence,
        ("expected", within),
        [ChartPoint(_day(point.day), [point.point, point.low, point.high], known=point.known) for point in found.fan],
    )
    return Block(
        id="forecast",
        title=f"Forecast of {found.label}",
        question="What will the month to come cost and earn?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("cost", "Cost", "money"),
            Column("cost_range", within, "money_range"),
            Column("value", "Value", "money"),
            Column("margin", "Margin", "share"),
            Column("margin_range", "Interval", "share_range"),
        ],
        rows=[_forecast_cells(row) for row in found.rows],
        total=None if found.total is None else _forecast_cells(found.total),
        rows_printed=MOST_PRINTED,
        chart=chart if found.fan else None,
        more=f"breakeven forecast --period {found.period}",
        trail=found.trail,
    )


def _day(text: str) -> str:
    return text.removeprefix(text[:5])


def _forecast_cells(row: ForecastRow) -> list[Cell]:
    cost, value, margin = row.cost, row.value, row.margin
    return [
        row.label,
        None if cost is None else cost.point,
        None if cost is None else [cost.low, cost.high],
        None if value is None else value.point,
        None if margin is None else margin.point,
        None if margin is None else [margin.low, margin.high],
    ]


def scenarios(sources: Sources) -> Block:
    """Do falling prices save us, if nothing is done?"""
    asked = Scenario("as the ledger has it")
    found = scenario_report(sources.facts, sources.settings, Question(sources.month), asked, Prices(sources.book, sources.now))
    return Block(
        id="scenarios",
        title="If nothing is done",
        question="Do falling prices save us, if nothing is done?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("now", "Margin now", "share"),
            Column("year", "In 12 months", "share_range"),
            Column("two_years", "In 24 months", "share_range"),
            Column("stand_still", "Fall of prices needed to stand still, a year", "share"),
            Column("seen", "Change of prices seen, a year", "share"),
        ],
        rows=[_scenario_cells(row) for row in found.rows if row.kind == "group"],
        rows_printed=MOST_PRINTED,
        notes=[f"Each driver as the ledger's own history has it; {found.draws:,} draws, seed {found.seed}; 90% intervals."],
        more=f"breakeven scenario --period {found.period}",
        trail=found.trail,
    )


def _scenario_cells(row: ScenarioRow) -> list[Cell]:
    still = None if row.stand_still is None else row.stand_still.point
    seen = None if row.price_change is None else row.price_change.point
    now = _at(row, 0)
    margin = None if now is None or now.margin is None else now.margin.point
    return [row.label, margin, _margins(_at(row, YEAR)), _margins(_at(row, TWO_YEARS)), still, seen]


def _at(row: ScenarioRow, months: int) -> Point | None:
    return next((point for point in row.points if point.months == months), None)


def _margins(point: Point | None) -> list[float | None] | None:
    return None if point is None or point.margin is None else [point.margin.low, point.margin.high]
