"""The reports over HTTP: one route each, the same structures that the command line prints as JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery, QueryParameter

from breakeven.reports.budgets import Budgets, present
from breakeven.reports.budgets import budgets as budgets_report
from breakeven.reports.calls import CallList, Page
from breakeven.reports.calls import calls as calls_report
from breakeven.reports.callspread import CallSpread, call_spread
from breakeven.reports.customers import Customers
from breakeven.reports.customers import customers as customers_report
from breakeven.reports.decisions import Decisions, decision_list
from breakeven.reports.forecast import Asked as ForecastAsked
from breakeven.reports.forecast import forecast as forecast_report
from breakeven.reports.forecastrows import Forecast
from breakeven.reports.owners import Coverage, Owners
from breakeven.reports.owners import coverage as coverage_report
from breakeven.reports.owners import owners as owners_report
from breakeven.reports.pnl import Pnl
from breakeven.reports.pnl import pnl as pnl_report
from breakeven.reports.policies import PolicyTest, policy_test
from breakeven.reports.question import Facts
from breakeven.reports.receipt import Receipt
from breakeven.reports.receipt import receipt as receipt_report
from breakeven.reports.today import Today
from breakeven.reports.today import today as today_report
from breakeven.reports.trace import Trace
from breakeven.reports.trace import trace as trace_report
from breakeven.reports.unpriced import Unpriced
from breakeven.reports.unpriced import unpriced as unpriced_report
from breakeven.reports.watch import Asked as WatchAsked
from breakeven.reports.watch import Watch
from breakeven.reports.watch import watch as watch_report
from breakeven.settings import Settings
from breakeven.settings.plans import PLAN_NAME, load_plan
from breakeven.web.asked import Asked
from breakeven.web.dependencies import AtDesk, Question
from breakeven.web.desk import Desk

Found = TypeVar("Found")
_FLOOR = 5.0
_PLAN = "plan"


class Pulse(msgspec.Struct, frozen=True):
    """How often something new has come into the ledger since the service started: whoever sees it move asks again."""

    version: int


def _report(desk: Desk, name: str, asked: Asked, report: Callable[[Facts, Settings], Found], *more: object) -> Found:
    return desk.answer((name, asked, *more), report)


@get("/today", sync_to_thread=True)
def today(desk: AtDesk, asked: Question) -> Today:
    """Is AI creating or destroying value, and what needs attention?"""
    return _report(
        desk, "today", asked, lambda ledger, settings: today_report(ledger, settings, asked.question(ledger, desk.clock()))
    )


@get("/pnl", sync_to_thread=True)
def pnl(desk: AtDesk, asked: Question) -> Pnl:
    """What does each feature earn, cost and keep? `vs=plan` compares with the plan that was adopted."""
    if asked.vs == _PLAN:
        plan = load_plan(plan_path(desk))
        bare = Asked(asked.period, None, asked.by, asked.as_of, asked.filters)
        return _report(
            desk, "pnl", asked, lambda ledger, settings: pnl_report(ledger, settings, bare.question(ledger, desk.clock()), plan)
        )
    return _report(desk, "pnl", asked, lambda ledger, settings: pnl_report(ledger, settings, asked.question(ledger, desk.clock())))


@get("/customers", sync_to_thread=True)
def customers(desk: AtDesk, asked: Question, limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 200) -> Customers:
    """What does each customer pay, cost and keep?"""
    return _report(
        desk,
        "customers",
        asked,
        lambda ledger, settings: customers_report(ledger, settings, asked.question(ledger, desk.clock()), limit),
        limit,
    )


@get("/calls", sync_to_thread=True)
def calls(
    desk: AtDesk,
    asked: Question,
    words: Annotated[str, QueryParameter(name="query", description="Such as feature:support cost>0.50 -status:ok.")] = "",
    sort: FromQuery[str] = "cost",
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
    after: FromQuery[str | None] = None,
) -> CallList:
    """Which calls are dear? Words of `query` as on the command line; `after` is `next` of the page before."""
    page = Page(sort, limit, after)
    return _report(
        desk,
        "calls",
        asked,
        lambda ledger, _: calls_report(ledger, asked.period_in(ledger, desk.clock()), words, page),
        words,
        page,
    )


@get("/calls/spread", sync_to_thread=True)
def spread(
    desk: AtDesk,
    asked: Question,
    words: Annotated[str, QueryParameter(name="query", description="Such as feature:support cost>0.50 -status:ok.")] = "",
) -> CallSpread:
    """How is the cost of the calls that a query finds spread?"""
    return _report(
        desk, "spread", asked, lambda ledger, _: call_spread(ledger, asked.period_in(ledger, desk.clock()), words), words
    )


@get("/calls/{call_id:str}", sync_to_thread=True)
def receipt(desk: AtDesk, asked: Question, call_id: FromPath[str]) -> Receipt:
    """Why did this call cost that?"""
    return _report(desk, "receipt", asked, lambda ledger, _: receipt_report(ledger, call_id, asked.instant), call_id)


@get("/traces/{trace_id:str}", sync_to_thread=True)
def trace(desk: AtDesk, asked: Question, trace_id: FromPath[str]) -> Trace:
    """What did this piece of work cost, step by step?"""
    return _report(desk, "trace", asked, lambda ledger, _: trace_report(ledger, trace_id), trace_id)


@get("/forecast", sync_to_thread=True)
def forecast(desk: AtDesk, asked: Question) -> Forecast:
    """What will the period cost and earn by its end?"""
    now = desk.clock()

    def report(ledger: Facts, settings: Settings) -> Forecast:
        return forecast_report(ledger, settings, asked.question(ledger, now), ForecastAsked(now), desk.prices())

    return _report(desk, "forecast", asked, report)


@get("/watch", sync_to_thread=True)
def watch(desk: AtDesk, asked: Question) -> Watch:
    """What is unusual, what is at stake, and what caused it?"""
    now = desk.clock()
    return _report(
        desk, "watch", asked, lambda ledger, _: watch_report(ledger, asked.question(ledger, now), WatchAsked(now, _FLOOR))
    )


@get("/unpriced", sync_to_thread=True)
def unpriced(desk: AtDesk, asked: Question) -> Unpriced:
    """What has no price or no usage, and why?"""
    return _report(desk, "unpriced", asked, lambda ledger, _: unpriced_report(ledger, asked.period_in(ledger, desk.clock())))


@get("/budgets", sync_to_thread=True)
def budgets(desk: AtDesk, asked: Question) -> Budgets:
    """How does each budget stand, when does it run out, what happens then?"""

    def report(ledger: Facts, settings: Settings) -> Budgets:
        return budgets_report(ledger, settings, None, present(ledger, desk.clock()))

    return _report(desk, "budgets", asked, report)


@get("/policies", sync_to_thread=True)
def policies(desk: AtDesk, asked: Question) -> PolicyTest:
    """What would the policies have done?"""
    return _report(
        desk,
        "policies",
        asked,
        lambda ledger, settings: policy_test(ledger, settings, asked.period_in(ledger, desk.clock())),
    )


@get("/owners", sync_to_thread=True)
def owners(desk: AtDesk, asked: Question) -> Owners:
    """Which costs does nobody own?"""
    return _report(
        desk, "owners", asked, lambda ledger, settings: owners_report(ledger, settings, asked.period_in(ledger, desk.clock()))
    )


@get("/coverage", sync_to_thread=True)
def coverage(desk: AtDesk, asked: Question, periods: Annotated[int, QueryParameter(ge=1, le=60)] = 6) -> Coverage:
    """How much of all cost has an owner, period by period?"""
    return _report(
        desk,
        "coverage",
        asked,
        lambda ledger, settings: coverage_report(ledger, settings, asked.period_in(ledger, desk.clock()), periods),
        periods,
    )


@get("/decisions", sync_to_thread=True)
def decisions(
    desk: AtDesk, subject: FromQuery[str | None] = None, actor: FromQuery[str | None] = None, since: FromQuery[str | None] = None
) -> Decisions:
    """Who decided what, when, why and from where?"""
    return decision_list(desk.layout, subject=subject, actor=actor, since=since)[0]


@get("/pulse", sync_to_thread=False)
def pulse(desk: AtDesk) -> Pulse:
    """Has anything new come into the ledger? Cheap: no query is run."""
    return Pulse(desk.books.version)


def plan_path(desk: Desk) -> Path:
    """Where the plan lies: beside the configuration, else in the ledger's directory."""
    return (desk.ledger if desk.config is None else desk.config.parent) / PLAN_NAME


READINGS = (
    today, pnl, customers, calls, spread, receipt, trace, forecast, watch, unpriced, budgets, policies, owners, coverage, decisions,
    pulse,
)  # fmt: skip
"""Every route that only reads."""
