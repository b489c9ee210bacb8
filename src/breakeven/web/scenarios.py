"""Scenarios over HTTP: the dashboard's sliders are the options of the command line; the model runs here, not in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from breakeven.economics.periods import month_of, parse_period
from breakeven.ledger.layout import write_durably
from breakeven.reports.planwriting import plan_text
from breakeven.reports.question import Facts, Question
from breakeven.reports.scenario import monthly_plan
from breakeven.reports.scenario import scenario as scenario_report
from breakeven.reports.scenariofacts import default_span
from breakeven.reports.scenariolist import ScenarioList, scenario_list
from breakeven.reports.scenariomoves import Prices
from breakeven.reports.scenariorows import ScenarioReport
from breakeven.settings import Settings
from breakeven.settings.scenarios import FOLDER, Scenario, chosen_scenario
from breakeven.web.acting import acting
from breakeven.web.dependencies import AtDesk, Who
from breakeven.web.desk import Desk
from breakeven.web.readings import plan_path

_CHANGE = "A change a year: -30%, or a range -45%..0%; a price may be of one tier: frontier=0%."
Change = Annotated[str | None, QueryParameter(description=_CHANGE)]


class Assumed(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario assumes; what is left out is estimated from the ledger's history."""

    name: str | None = None
    price: str | None = None
    tokens: str | None = None
    volume: str | None = None
    seats: str | None = None
    own_price: str | None = None
    mix: str | None = None
    fixed_cost: str | None = None
    down: str | None = None
    feature: str | None = None
    years: int | None = None
    seed: int | None = None
    period: str | None = None


class Adopted(msgspec.Struct, frozen=True):
    """Where the plan was written, and how to hold the books against it."""

    path: str
    next: str


@dataclass(frozen=True, slots=True)
class _Run:
    """One scenario with the month that it starts from."""

    question: Question
    scenario: Scenario
    prices: Prices


@get("/scenarios", sync_to_thread=True)
def scenarios(desk: AtDesk) -> ScenarioList:
    """Scenario files beside the configuration, built-in ones, and the public figures that stand in."""
    return scenario_list(plan_path(desk).parent / FOLDER)


@get("/scenario", sync_to_thread=True)
def scenario(  # noqa: PLR0913 - one argument per slider
    *,
    desk: AtDesk,
    name: FromQuery[str | None] = None,
    price: Change = None,
    tokens: Change = None,
    volume: Change = None,
    seats: Change = None,
    own_price: Change = None,
    mix: Change = None,
    fixed_cost: Change = None,
    down: Annotated[
        str | None, QueryParameter(description="Share of the dearest rung's work that goes one rung down: 40%.")
    ] = None,
    feature: FromQuery[str | None] = None,
    years: Annotated[int | None, QueryParameter(ge=1, le=10)] = None,
    seed: Annotated[int | None, QueryParameter(ge=0, le=2**32 - 1)] = None,
    period: FromQuery[str | None] = None,
) -> ScenarioReport:
    """What happens to margin if prices, tokens, volume or mix move, and does waiting help?"""
    assumed = Assumed(
        name=name, price=price, tokens=tokens, volume=volume, seats=seats, own_price=own_price, mix=mix, fixed_cost=fixed_cost,
        down=down, feature=feature, years=years, seed=seed, period=period,
    )  # fmt: skip

    def report(ledger: Facts, settings: Settings) -> ScenarioReport:
        run = _run(desk, ledger, assumed)
        return scenario_report(ledger, settings, run.question, run.scenario, run.prices)

    return desk.answer(("scenario", assumed), report)


@post("/plan", status_code=200, sync_to_thread=True)
def adopt(desk: AtDesk, visitor: Who, data: JSONBody[Assumed]) -> Adopted:
    """Write a scenario's path as the plan; the one before is replaced, and version control remembers it."""
    path = plan_path(desk)
    with acting(desk, visitor.person, "adopt plans", "plan") as act, desk.books.reading() as ledger:
        run = _run(desk, ledger, data)
        months = monthly_plan(ledger, desk.settings(), run.question, run.scenario, run.prices)
        start = month_of(run.question.period.end).start
        write_durably(path, plan_text(run.scenario, months, start, desk.clock()).encode())
        act.after = run.scenario.name
    return Adopted(str(path), f"breakeven pnl --vs plan --period {start:%Y-%m}")


def _run(desk: Desk, ledger: Facts, assumed: Assumed) -> _Run:
    now = desk.clock()
    sliders = {driver: (text,) for driver in _DRIVERS if (text := getattr(assumed, driver)) is not None}
    chosen = chosen_scenario(
        assumed.name,
        plan_path(desk).parent / FOLDER,
        sliders,
        features=() if assumed.feature is None else (assumed.feature,),
        years=assumed.years,
        seed=assumed.seed,
        down=assumed.down,
    )
    period = default_span(ledger, now) if assumed.period is None else parse_period(assumed.period, now)
    return _Run(Question(period), chosen, Prices(desk.prices, now))


_DRIVERS = ("price", "tokens", "volume", "seats", "own_price", "mix", "fixed_cost")
SCENARIOS = (scenarios, scenario, adopt)
"""The routes of this module."""
