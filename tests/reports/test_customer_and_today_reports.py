"""Customers, and today's answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

from breakeven.economics.periods import parse_period
from breakeven.reports import REPORTS
from breakeven.reports.customers import customers
from breakeven.reports.question import Question
from breakeven.reports.today import today
from breakeven.settings import Settings

NOW = datetime.fromisoformat("2026-11-23T11:00")
Build = Callable[[str], Any]
OCTOBER = Question(parse_period("2026-10", NOW))

LEDGER = """
time              feature  customer  model  cost
2026-10-01 09:00  support  acme      a      5
2026-10-01 10:00  support  beta      a      1
2026-10-02 09:00  extract  beta      new    ?
2026-10-02 09:00  -        -         a      2
2026-10-02 09:00  extract  dark      new    ?

outcomes
time              feature  customer
2026-10-01 09:01  support  acme

revenue
from        to          customer  plan  amount
2026-10-01  2026-11-01  acme      -     4
2026-09-16  2026-10-16  beta      -     20
2026-10-01  2026-11-01  quiet     -     9
2026-10-01  2026-11-01  -         team  100

customers
customer  plan  segment  signed_up_at
acme      pro   retail   2026-02-03
acme      max   retail   2026-02-03
"""


def test_each_customer_pays_costs_and_keeps(ledger_from_text: Build) -> None:
    """Dearest first; revenue prorated to the month; who pays without use is listed, and so is usage of nobody."""
    ledger = ledger_from_text(LEDGER)
    ledger.connection.execute("UPDATE sealed.customers SET recorded_at = '2026-05-01' WHERE plan = 'max'")
    found = customers(ledger, Settings(), OCTOBER)
    assert [(row.label, row.cost, row.revenue, row.keeps, row.margin) for row in found.rows] == [
        ("acme", "5", "4", "-1", -0.25),
        ("beta", "1", "10", "9", 0.9),
        ("quiet", "0", "9", "9", 1.0),
        ("dark", None, None, None, None),
        ("No customer", "2", None, None, None),
    ]
    assert (found.rows[0].plan, found.rows[0].signed_up) == ("max", "2026-02-03")
    assert (found.total.cost, found.total.revenue, found.customers, found.trail["revenue_of_plans"]) == ("8", "123", 4, "100")
    assert found.sentence == "In October 2026 4 customers cost $8.00 to serve and paid $123; 1 customer costs more than it pays."
    assert len(customers(ledger, Settings(), OCTOBER, limit=2).rows) == 2


def test_a_filter_by_customer_keeps_its_revenue_only(ledger_from_text: Build) -> None:
    """One customer's revenue is its own; filtered by feature, revenue is not known."""
    ledger = ledger_from_text(LEDGER)
    alone = customers(ledger, Settings(), Question(OCTOBER.period, filters=(("customer", "beta"),)))
    assert [(row.label, row.revenue) for row in alone.rows] == [("beta", "10")]
    by_feature = customers(ledger, Settings(), Question(OCTOBER.period, filters=(("feature", "support"),)))
    assert {row.revenue for row in by_feature.rows} == {None}


def test_customers_of_which_little_is_known(ledger_from_text: Build) -> None:
    """No customers, no prices and no revenue each have their sentence."""
    assert (
        customers(ledger_from_text(""), Settings(), OCTOBER).sentence
        == "No customer is known for any call or revenue in October 2026."
    )
    head = "time              customer  cost\n"
    unpriced = customers(ledger_from_text(head + "2026-10-01 09:00  acme      ?"), Settings(), OCTOBER)
    assert unpriced.sentence == "In October 2026 what 1 customer cost to serve is unknown: no call has a price."
    unpaid = customers(ledger_from_text(head + "2026-10-01 09:00  acme      3"), Settings(), OCTOBER)
    assert unpaid.sentence == "In October 2026 1 customer cost $3.00 to serve; what they pay is unknown: no revenue is recorded."


def test_the_dearest_twentieth_is_named_from_twenty_customers_on(ledger_from_text: Build) -> None:
    """Of 40 customers, the two dearest are 5%."""
    calls = "\n".join(f"2026-10-01 09:00  c{index:02}      {31 if index < 2 else 1}" for index in range(40))
    paid = "\n".join(f"2026-10-01  2026-11-01  c{index:02}      50" for index in range(40))
    text = f"time              customer  cost\n{calls}\nrevenue\nfrom        to          customer  amount\n{paid}"
    found = customers(ledger_from_text(text), Settings(), OCTOBER)
    assert found.sentence == (
        "In October 2026 40 customers cost $100 to serve and paid $2,000; none costs more than it pays. "
        "The dearest 5% of them are 62.0% of cost and 5.0% of revenue."
    )
    unpaid = customers(ledger_from_text(f"time              customer  cost\n{calls}"), Settings(), OCTOBER)
    assert unpaid.sentence.endswith("The dearest 5% of them are 62.0% of cost.")


def test_today_says_what_needs_attention(ledger_from_text: Build, settings_from_text: Callable[[str], Settings]) -> None:
    """A loser with its owner, cost of nobody and unpriced models, each with the command that helps."""
    settings = settings_from_text("features: {support: {owner: care, value: {kind: unit_price, price: 4}}}")
    found = today(ledger_from_text(LEDGER), settings, OCTOBER)
    assert (found.value, found.cost, found.contribution) == ("4", "8", "-4")
    assert [one.what for one in found.attention] == [
        "support costs more than it earns (unproven): $2.00, margin −50.0%, owner care",
        "1 call ($2.00) belong to no feature",
        "2 calls to new of unknown cost: no price for this model",
    ]
    assert all(one.next.startswith("breakeven ") for one in found.attention)


def test_today_without_value_asks_for_it(ledger_from_text: Build) -> None:
    """Without a value model the next step is to declare one; an empty ledger needs nothing."""
    ledger = ledger_from_text("time              feature  cost\n2026-10-01 09:00  support  3\n2026-10-01 09:00  -  ?")
    found = today(ledger, Settings(), OCTOBER)
    assert [one.what for one in found.attention] == [
        "1 call (of unknown cost) belong to no feature",
        "1 call to gpt-4o of unknown cost: no price for this model",
        "no value is known, so no margin",
    ]
    assert today(ledger_from_text(""), Settings(), OCTOBER).attention == []


def test_every_report_of_the_registry_exists() -> None:
    """Each entry of REPORTS names a function and the question it answers."""
    for report in REPORTS:
        module, _, name = report.target.partition(":")
        assert callable(getattr(import_module(module), name))
        assert report.question.endswith("?")
