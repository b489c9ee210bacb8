"""Watching a ledger: incidents with their cause, quiet months, and what cannot be judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from breakeven.economics.periods import parse_period
from breakeven.reports import watch as module
from breakeven.reports.question import Question
from breakeven.reports.watch import Asked, Watch, watch
from breakeven.reports.watchfacts import Grid

Build = Callable[[str], Any]
FIRST = datetime(2026, 8, 3)  # a Monday
WEEK = (10, 11, 12, 11, 10, 4, 3)
INCIDENT = datetime(2026, 10, 13)
NOW = datetime(2026, 10, 21)


def traffic(
    count: int = 79,
    *,
    dear: float = 1,
    more: float = 1,
    customer: str = "",
    retries: bool = False,
    hours: tuple[int, ...] = (9,),
) -> str:
    """Days of calls of two features and two customers; on the day of the incident one of them is dearer, busier or retried."""
    random = np.random.default_rng(1)
    lines = ["time  feature  customer  model  attempt  status  count  tokens  cost"]
    for day in range(count):
        at = FIRST + timedelta(days=day)
        for hour in hours:
            for feature, each in (("support", 8.0), ("extract", 3.0)):
                for name in ("acme", "beta"):
                    struck = at == INCIDENT and feature == "support" and (not customer or name == customer)
                    calls = round(WEEK[at.weekday()] * 10 * random.uniform(0.95, 1.05) * (more if struck else 1))
                    cost = calls / 100 * each * (dear if struck else 1)
                    tokens = round(1000 * calls * (dear if struck else 1))
                    row = f"{at:%Y-%m-%d} {hour:02}:30  {feature}  {name}  gpt-4o"
                    lines.append(f"{row}  0  ok  {calls}  {tokens}  {cost:.4f}")
                    if struck and retries:
                        lines.append(f"{row}  1  failed  {calls}  {tokens}  {cost:.4f}")
    return "\n".join(lines)


@pytest.fixture
def look(ledger_from_text: Build) -> Callable[..., Watch]:
    """Builds a ledger and watches a period of it."""

    def report(text: str, period: str = "2026-10", now: datetime = NOW, floor: float = 1.0) -> Watch:
        return watch(ledger_from_text(text), Question(parse_period(period, now)), Asked(now, floor))

    return report


@pytest.mark.parametrize(
    ("incident", "driver", "words"),
    [
        ({"dear": 2}, "tokens per call", "more tokens per call"),
        ({"more": 2}, "volume", "more calls"),
        ({"retries": True}, "retries", "more attempts per call"),
    ],
)
def test_an_incident_is_told_with_its_driver(look: Callable[..., Watch], incident: dict[str, Any], driver: str, words: str) -> None:
    """Doubled tokens, calls or attempts of one feature on one day are one finding of that day, with the driver named."""
    found = look(traffic(**incident))
    first = found.findings[0]
    assert (first.scope, first.name, first.start, first.end) == (
        "feature",
        "support",
        "2026-10-13T00:00:00Z",
        "2026-10-14T00:00:00Z",
    )
    assert first.cause is not None
    assert first.cause.driver == driver
    assert words in first.sentence
    assert sum(one.scope == "feature" for one in found.findings) == 1


def test_who_carries_it_is_named(look: Callable[..., Watch]) -> None:
    """When only one customer's calls doubled in price, it is named as the carrier of all of the excess."""
    first = look(traffic(dear=3, customer="beta")).findings[0]
    assert first.cause is not None
    assert [(one.kind, one.name) for one in first.cause.carriers] == [("customer", "beta")]
    assert "customer beta" in first.sentence


def test_the_version_of_the_prompt_is_named(look: Callable[..., Watch]) -> None:
    """When the calls of a new prompt version, tagged as such, use three times the tokens, the version carries the excess."""
    head, *rows = traffic(dear=3).splitlines()
    struck = f"{INCIDENT:%Y-%m-%d}"
    tagged = [f'{row}  {{"prompt_version":"{"v2" if struck in row else "v1"}"}}' for row in rows]
    first = look("\n".join([f"{head}  tags", *tagged])).findings[0]
    assert first.cause is not None
    assert first.cause.driver == "tokens per call"
    assert ("prompt version", "v2") in [(one.kind, one.name) for one in first.cause.carriers]
    assert "prompt version v2" in first.sentence


def test_a_model_that_took_over_is_named(look: Callable[..., Watch]) -> None:
    """When one customer's calls go to a dearer model for a day, model mix is the driver, and the model is named."""
    rows = traffic(dear=4, customer="acme").splitlines()
    moved = [
        row.replace("gpt-4o", "gpt-5") if "support  acme" in row and row.startswith(f"{INCIDENT:%Y-%m-%d}") else row for row in rows
    ]
    first = look("\n".join(moved)).findings[0]
    assert first.cause is not None
    assert first.cause.driver == "model mix"
    assert {("model", "gpt-5"), ("customer", "acme")} <= {(one.kind, one.name) for one in first.cause.carriers}


def test_drivers_sum_to_the_excess_over_earlier_weeks(look: Callable[..., Watch]) -> None:
    """The drivers sum to the day's cost less the mean of the same weekday of four earlier weeks."""
    first = look(traffic(dear=2)).findings[0]
    assert first.cause is not None
    assert sum(first.cause.drivers.values()) == pytest.approx(float(first.cost) / 2, rel=0.1)


def test_a_quiet_month_is_quiet(look: Callable[..., Watch]) -> None:
    """Where only noise moved, nothing is told, and it is said how much was looked at."""
    found = look(traffic())
    assert found.findings == []
    assert found.sentence.startswith("Nothing unusual in October 2026")


def test_the_floor_keeps_small_money_quiet(look: Callable[..., Watch]) -> None:
    """A doubling with less at stake than the floor is not told."""
    assert look(traffic(dear=2), floor=1000).findings == []


def test_the_present_hour_is_told(look: Callable[..., Watch]) -> None:
    """At 16:05 of the day itself the doubled hours before are found, without waiting for the day to end."""
    found = look(traffic(count=72, dear=2.5, hours=(9, 15)), now=datetime(2026, 10, 13, 16, 5))
    first = found.findings[0]
    assert (first.width, first.name) == ("hour", "support")
    assert first.start.startswith("2026-10-13T")
    assert found.hours > 0


@pytest.mark.parametrize(("width", "told"), [(timedelta(days=1), True), (timedelta(hours=1), False)])
def test_what_lasts_is_told_of_days_only(monkeypatch: pytest.MonkeyPatch, width: timedelta, told: bool) -> None:
    """A step of 20% that lasts is a shift of days; the same step over hours is none, because hours wander together."""
    random = np.random.default_rng(3)
    length, examined = 63 + 14, 14
    if width == timedelta(hours=1):
        length, examined = 63 * 24 + 24, 24
    cost = 1000 * np.exp(random.normal(0, 0.03, (1, length)))
    cost[:, -examined:] *= 1.2
    calls = np.full((1, length), 10_000.0)
    sums = {
        "cost": cost,
        "calls": calls,
        "not_ok": calls * 0,
        "tokens": calls * 0,
        "input_side": calls * 0,
        "cache_read": calls * 0,
    }
    made = Grid(INCIDENT, width, examined, (("feature", "support"),), sums)
    monkeypatch.setattr(module, "grid", lambda *_: made)
    nothing: Any = None  # the grid is given, so that no ledger is read
    question = Question(parse_period("2026-10", NOW))
    look = module._look(nothing, question, width, (), 1.0)  # noqa: SLF001 - hours of nine weeks as a ledger would take a minute
    assert look is not None
    assert bool(look.shift.any()) is told


@pytest.mark.parametrize(
    ("text", "period", "said"),
    [
        ("time  feature  cost", "2026-10", "no whole day or hour with calls"),
        (traffic(count=5), "2026-08", "three weeks of calls are the fewest"),
        (traffic(), "2026-03", "no whole day or hour with calls"),
        ("time  feature  cost\n2026-10-01 09:00  support  ?", "2026-10", "three weeks of calls are the fewest"),
    ],
)
def test_what_cannot_be_judged_is_said(look: Callable[..., Watch], text: str, period: str, said: str) -> None:
    """No facts, five days, a month before all calls, calls without price: a sentence, never NaN."""
    found = look(text, period)
    assert said in found.sentence
    assert found.findings == []
    assert "nan" not in repr(found).lower()
