"""The facts that alerts look at, gathered from a ledger written as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period
from breakeven.governance.alerts import BudgetStatus, Facts, Projected, Rule, run_rate
from breakeven.reports.alertfacts import Asked, gathered, spending
from breakeven.reports.owners import coverage
from breakeven.reports.pnl import pnl
from breakeven.reports.question import Question
from breakeven.settings import Settings

AT = datetime(2026, 10, 20, 15)
CALLS = """
occurred_at       feature  customer  user  model   provider  team  cost
2026-09-20 23:59  chat     acme      u1    gpt-4o  openai    t1    50
2026-10-01 00:00  chat     acme      u1    gpt-4o  openai    t1    4
2026-10-06 12:00  chat     acme      u2    gpt-4o  openai    t1    3
2026-10-14 12:00  chat     bolt      u3    gpt-4o  openai    t2    2
2026-10-18 12:00  docs     acme      u1    gpt-4o  openai    t2    1
2026-10-19 08:00  -        acme      u1    gpt-4o  openai    -     1
2026-10-19 09:00  chat     acme      u1    m-7b    vllm      t1    ?
2026-10-20 09:00  docs     acme      u1    m-7b    vllm      t1    ?
outcomes
occurred_at       feature  customer  succeeded
2026-10-06 12:00  chat     acme      true
2026-10-14 12:00  chat     bolt      true
"""
CONFIG = """
attribution: {target: 0.9}
features:
  chat: {owner: support, margin_floor: 0.5, value: {kind: unit_price, price: "10"}}
  docs: {margin_floor: 0.2}
"""


@pytest.fixture
def facts(ledger_from_text: Any, settings_from_text: Callable[[str], Settings]) -> Callable[..., Facts]:
    """Gathers what rules look at, from the ledger and configuration above."""

    def gather(*rules: Rule, statuses: tuple[BudgetStatus, ...] = (), project: Any = run_rate) -> Facts:
        return gathered(Asked(ledger_from_text(CALLS), settings_from_text(CONFIG), rules, AT, statuses, project))

    return gather


def test_only_what_a_rule_looks_at_is_read(ledger_from_text: Any, settings_from_text: Callable[[str], Settings]) -> None:
    """No rule, no question to the ledger; a rule about gaps asks one."""
    ledger, settings = ledger_from_text(CALLS), settings_from_text(CONFIG)
    assert gathered(Asked(ledger, settings, (), AT, (), run_rate)) == Facts(owners={"chat": "support", "docs": None})
    assert ledger.reads == []
    gathered(Asked(ledger, settings, (Rule("gap", days=2),), AT, (), run_rate))
    assert len(ledger.reads) == 1


def test_a_margin_is_that_of_the_pnl(
    facts: Callable[..., Facts], ledger_from_text: Any, settings_from_text: Callable[[str], Settings]
) -> None:
    """The period of an alert, given to the P&L, shows the same margin, value and unknown calls."""
    chat, docs = facts(Rule("margin", days=30)).margins
    assert (chat.feature, chat.owner, chat.floor, chat.period) == ("chat", "support", Decimal("0.5"), "2026-09-21..2026-10-20")
    assert (chat.value, chat.contribution, chat.unknown_calls) == (20 * ATTO, 11 * ATTO, 1)
    assert (docs.value, docs.contribution) == (None, -ATTO)
    period = Period(chat.period, datetime(2026, 9, 21), datetime(2026, 10, 21))
    report = pnl(ledger_from_text(CALLS), settings_from_text(CONFIG), Question(period))
    [row] = [row for row in report.rows if row.feature == "chat"]
    assert row.margin == float(Fraction(chat.contribution or 0, chat.value or 1))


def test_customers_near_a_line_are_listed_with_their_month(facts: Callable[..., Facts]) -> None:
    """Known cost of October by customer: from 95% of the line on; a feature narrows the cost, a customer the list."""
    [acme] = facts(Rule("customer_cost", line=9 * ATTO)).customers
    assert (acme.customer, acme.cost, acme.calls, acme.unknown_calls, acme.month) == ("acme", 9 * ATTO, 6, 2, "2026-10")
    assert [one.customer for one in facts(Rule("customer_cost", line=ATTO)).customers] == ["acme", "bolt"]
    assert facts(Rule("customer_cost", line=10 * ATTO)).customers == ()
    [docs] = facts(Rule("customer_cost", line=ATTO, features=("docs",))).customers
    assert (docs.cost, docs.calls, docs.features) == (ATTO, 2, ("docs",))
    assert [one.customer for one in facts(Rule("customer_cost", line=ATTO, customers=("bolt",))).customers] == ["bolt"]


def test_coverage_is_that_of_the_owners_report(
    facts: Callable[..., Facts], ledger_from_text: Any, settings_from_text: Callable[[str], Settings]
) -> None:
    """Cost with an owner over seven days, and over the seven before; the declared target goes along."""
    [one] = facts(Rule("coverage", days=7)).coverage
    assert (one.cost, one.owned_cost, one.unowned_calls, one.period) == (4 * ATTO, 2 * ATTO, 3, "2026-10-14..2026-10-20")
    assert (one.cost_before, one.owned_before, one.target) == (0, 0, Decimal("0.9"))
    period = Period(one.period, datetime(2026, 10, 14), datetime(2026, 10, 21))
    assert coverage(ledger_from_text(CALLS), settings_from_text(CONFIG), period, 1).rows[0].coverage == 0.5


def test_unpriced_models_are_listed_with_their_days_and_features(facts: Callable[..., Facts]) -> None:
    """One row per provider and model; a shorter look back sees less."""
    [one] = facts(Rule("unpriced", days=30)).unpriced
    assert (one.provider, one.model, one.calls, one.features) == ("vllm", "m-7b", 2, ("chat", "docs"))
    assert (one.first_day, one.last_day) == (date(2026, 10, 19), date(2026, 10, 20))
    assert [each.calls for each in facts(Rule("unpriced", days=1)).unpriced] == [1]


def test_gaps_are_listed_by_provider_and_day(ledger_from_text: Any, settings_from_text: Callable[[str], Settings]) -> None:
    """Calls whose usage is unknown count where they happened; calls without a price are no gap."""
    ledger = ledger_from_text(CALLS)
    ledger.connection.execute("UPDATE sealed.calls SET state = 'usage_missing' WHERE model = 'm-7b' AND feature = 'docs'")
    [gap] = gathered(Asked(ledger, settings_from_text(CONFIG), (Rule("gap", days=2),), AT, (), run_rate)).gaps
    assert (gap.provider, gap.day, gap.calls, gap.features) == ("vllm", date(2026, 10, 20), 1, ("docs",))


def status(**more: Any) -> BudgetStatus:
    usual = {"budget": "b", "subject": "all", "measure": "usd", "limit": 100 * ATTO, "spent": 11 * ATTO}
    return BudgetStatus(**{**usual, "starts": datetime(2026, 10, 1), "resets_at": datetime(2026, 11, 1), **more})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {(): {1: 4, 6: 3, 14: 2, 18: 1, 19: 1}}),
        ({"per": (("team", "t1"),)}, {("t1",): {1: 4, 6: 3}, ("t2",): {14: 2, 18: 1}}),
        ({"scope": (("feature", ("docs", "other")),)}, {(): {18: 1}}),
        ({"per": (("user", "u"),), "scope": (("feature", ("chat",)),)}, {("u1",): {1: 4}, ("u2",): {6: 3}, ("u3",): {14: 2}}),
    ],
)
def test_what_a_budget_covers_is_summed_by_day(ledger_from_text: Any, asked: dict[str, Any], expected: Any) -> None:
    """The last four weeks without today, from rollups or (users, keys, models) from the calls; unknown cost adds nothing."""
    found = spending(ledger_from_text(CALLS), status(**asked), AT)
    known = {subject: {day.day: amount // ATTO for day, amount in days.items()} for subject, days in found.items()}
    assert known == expected


@pytest.mark.parametrize(("measure", "per_day"), [("tokens", 1000), ("calls", 1)])
@pytest.mark.parametrize("dimension", ["customer", "user"])
def test_tokens_and_calls_are_counted_where_they_have_no_price_too(
    ledger_from_text: Any, measure: str, per_day: int, dimension: str
) -> None:
    """A call of unknown cost is a call; by rollups and by calls alike."""
    wanted = status(measure=measure, per=((dimension, "x"),))
    found = spending(ledger_from_text(CALLS), wanted, AT)
    day = {subject: days.get(date(2026, 10, 19)) for subject, days in found.items()}
    nothing: dict[tuple[str, ...], int | None] = dict.fromkeys(day)
    assert day == nothing | {("acme",) if dimension == "customer" else ("u1",): 2 * per_day}


def test_each_account_is_projected_with_its_own_past(facts: Callable[..., Facts]) -> None:
    """The projection gets the days of the account's own values; accounts that never reset are not projected."""
    seen: list[tuple[str, int]] = []

    def project(one: BudgetStatus, history: Any, at: datetime) -> Projected | None:
        seen.append((one.subject, sum(history.values()) // ATTO))
        return None if at != AT else Projected(0, None, "test")

    accounts = tuple(status(subject=name, per=(("customer", name),)) for name in ("acme", "bolt", "new"))
    rolling = status(subject="rolling", starts=None, resets_at=None)
    found = facts(Rule("forecast", customers=("acme", "bolt", "new")), statuses=(*accounts, rolling), project=project)
    assert seen == [("acme", 9), ("bolt", 2), ("new", 0)]
    assert [one.projected for one in found.forecasts] == [Projected(0, None, "test")] * 3
