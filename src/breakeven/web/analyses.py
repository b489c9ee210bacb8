"""The analyses over HTTP: unit costs, adoption against cost, who is served at a loss, why an amount moved, what ladders save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Literal, TypeVar

from litestar import get
from litestar.params import FromPath, FromQuery, QueryParameter

from breakeven.economics.money import written
from breakeven.reports.bridge import Asked as BridgeAsked
from breakeven.reports.bridge import Bridge
from breakeven.reports.bridge import bridge as bridge_report
from breakeven.reports.bridgefacts import LEVELS
from breakeven.reports.cohorts import Cohorts
from breakeven.reports.cohorts import cohorts as cohorts_report
from breakeven.reports.engagement import SUBJECTS
from breakeven.reports.engagement import Asked as EngagementAsked
from breakeven.reports.engagement import engagement as engagement_report
from breakeven.reports.engagementrows import Engagement
from breakeven.reports.ladder import LadderReport
from breakeven.reports.ladder import ladders as ladder_report
from breakeven.reports.portfolio import Portfolio
from breakeven.reports.portfolio import portfolio as portfolio_report
from breakeven.reports.promptcache import CacheReport, prompt_cache
from breakeven.reports.question import Facts, wanted
from breakeven.reports.scaling import scaling as scaling_report
from breakeven.reports.scalingrows import Scaling
from breakeven.reports.units import Units
from breakeven.reports.units import units as units_report
from breakeven.settings import Settings
from breakeven.web.asked import Asked
from breakeven.web.dependencies import AtDesk, Question
from breakeven.web.desk import Desk

Found = TypeVar("Found")
_DEEPEST = 6


def _report(desk: Desk, name: str, asked: Asked, report: Callable[[Facts, Settings], Found], *more: object) -> Found:
    return desk.answer((name, asked, *more), report)


@get("/units", sync_to_thread=True)
def units(desk: AtDesk, asked: Question) -> Units:
    """What does one outcome, success, call, user or customer cost, and what does failure cost?"""
    return _report(
        desk, "units", asked, lambda ledger, settings: units_report(ledger, settings, asked.question(ledger, desk.clock()))
    )


@get("/scaling", sync_to_thread=True)
def scaling(desk: AtDesk, asked: Question, step: FromQuery[Literal["month", "week", "day"] | None] = None) -> Scaling:
    """Does cost grow faster than adoption, and where does it break even? With `feature` its curve, drivers and split too."""
    return _report(
        desk,
        "scaling",
        asked,
        lambda ledger, settings: scaling_report(ledger, settings, asked.question(ledger, desk.clock()), step),
        step,
    )


@get("/engagement", sync_to_thread=True)
def engagement(
    desk: AtDesk,
    asked: Question,
    subject: FromQuery[Literal["customer", "user"] | None] = None,
    fee: Annotated[str | None, QueryParameter(description="What a customer without recorded revenue is assumed to pay.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 10,
) -> Engagement:
    """Who uses most, who costs most, and who is served at a loss?"""
    assumed = None if fee is None else written(fee, "fee", "500 or 79.90")
    subjects = EngagementAsked((subject,) if subject else SUBJECTS, assumed, Fraction(0), limit)
    return _report(
        desk,
        "engagement",
        asked,
        lambda ledger, settings: engagement_report(ledger, settings, asked.question(ledger, desk.clock()), subjects),
        subjects,
    )


@get("/cohorts", sync_to_thread=True)
def cohorts(desk: AtDesk, asked: Question) -> Cohorts:
    """Do customers become dearer as they age?"""
    return _report(
        desk, "cohorts", asked, lambda ledger, settings: cohorts_report(ledger, settings, asked.question(ledger, desk.clock()))
    )


@get("/portfolio", sync_to_thread=True)
def portfolio(desk: AtDesk, asked: Question) -> Portfolio:
    """Which features are popular and unprofitable, and what comes first?"""
    return _report(
        desk, "portfolio", asked, lambda ledger, settings: portfolio_report(ledger, settings, asked.question(ledger, desk.clock()))
    )


@get("/bridge/{amount:str}", sync_to_thread=True)
def bridge(
    desk: AtDesk,
    asked: Question,
    amount: FromPath[Literal["cost", "margin"]],
    plan: FromQuery[str | None] = None,
    usage_class: Annotated[str | None, QueryParameter(name="class", description="Only this usage class.")] = None,
    depth: Annotated[int, QueryParameter(ge=0, le=_DEEPEST)] = 1,
) -> Bridge:
    """Why did cost or margin move, driver by driver? `by` names the levels of the tree; filters that are levels drill into it."""
    named = {**dict(asked.filters), "plan": plan, "class": usage_class}
    where = {level: wanted(value) for level in LEVELS if (value := named.get(level)) is not None}
    bare = replace(
        asked, vs=asked.vs or "previous", by="feature", filters=tuple(one for one in asked.filters if one[0] not in LEVELS)
    )
    levels = tuple(dict.fromkeys(part.strip().lower() for part in asked.by.split(",") if part.strip()))
    wish = BridgeAsked(amount, levels, depth, where)
    return _report(
        desk,
        "bridge",
        asked,
        lambda ledger, settings: bridge_report(ledger, settings, bare.question(ledger, desk.clock()), wish),
        (amount, plan, usage_class, depth),
    )


@get("/ladders", sync_to_thread=True)
def ladders(desk: AtDesk, asked: Question) -> LadderReport:
    """What do the ladders save, and which rung answers? With `feature`: rung by rung."""
    feature = dict(asked.filters).get("feature")
    return _report(
        desk,
        "ladders",
        asked,
        lambda ledger, settings: ladder_report(ledger, settings, asked.period_in(ledger, desk.clock()), feature),
    )


@get("/cache", sync_to_thread=True)
def cache(desk: AtDesk, asked: Question) -> CacheReport:
    """How much of the input could be read from vendors' caches?"""
    now = desk.clock()

    def report(ledger: Facts, settings: Settings) -> CacheReport:
        lifetimes = {name: feature.prompt_cache for name, feature in settings.features.items()}
        return prompt_cache(ledger, lifetimes, desk.prices(), asked.period_in(ledger, now), now)

    return _report(desk, "cache", asked, report)


ANALYSES = (units, scaling, engagement, cohorts, portfolio, bridge, ladders, cache)
"""The routes of this module."""
