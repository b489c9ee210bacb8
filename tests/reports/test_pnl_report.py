"""The P&L report."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import combinations
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from breakeven.economics.periods import parse_period
from breakeven.reports.pnl import Pnl, PnlRow, pnl
from breakeven.reports.question import DIMENSIONS, Question, default_period, grouping
from breakeven.settings import Settings

NOW = datetime.fromisoformat("2026-11-23T11:00")
TextLedger = Any  # the class of conftest.py, which tests cannot import
Build = Callable[[str], TextLedger]

OCTOBER = """
time              feature   team   customer  user  model   cost  status
2026-10-01 09:00  support   care   acme      u1    gpt-4o  1.50  ok
2026-10-02 09:00  support   care   beta      u2    small   2.50  ok
2026-10-03 09:00  extract   back   acme      u1    gpt-4o  6.00  ok
2026-10-03 10:00  extract   back   acme      u3    new     ?     ok
2026-10-04 10:00  -         -      acme      u1    gpt-4o  0.25  ok
2026-09-04 10:00  support   care   acme      u1    gpt-4o  1.00  ok
2026-09-05 10:00  retired   care   acme      u1    gpt-4o  3.00  ok

outcomes
time              feature  customer  succeeded  value
2026-10-01 09:01  support  acme      true       -
2026-10-02 09:01  support  beta      false      -
2026-10-02 09:02  support  beta      -          -
2026-10-03 09:01  extract  acme      true       2.75

revenue
from        to          customer  plan  feature  amount
2026-10-01  2026-11-01  acme      -     -        31
2026-09-16  2026-10-16  -         pro   -        60
2026-10-01  2026-11-01  ghost     -     -        7

customers
customer  plan
acme      pro
beta      pro
"""
DECLARED = """
features:
  support:
    owner: care
    value:
      - {id: answer, kind: unit_price, price: "4", grade: B, owner: finance}
      - {kind: avoided_cost, avoided: "0.5", baseline: the large model, grade: B}
  extract:
    owner: back
    value: [{kind: revenue, share: cost, grade: A}, {kind: event_value, grade: B}]
fixed_costs:
  - {id: gpu, amount: "62", from: 2026-10-01, per: month, driver: cost}
  - {id: seats, amount: "10", from: 2026-10-01, per: month, driver: calls, provider: nobody, cost_class: operating}
"""


def ask(ledger: TextLedger, settings: Settings | None = None, period: str = "2026-10", by: str = "feature", **more: Any) -> Pnl:
    return pnl(ledger, settings or Settings(), Question(parse_period(period, NOW), by=grouping(by), **more))


def row(report: Pnl, label: str) -> PnlRow:
    return next(one for one in report.rows if one.label == label)


def test_the_contract_of_the_json(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings], golden: Callable[[str, object], None]
) -> None:
    """`pnl --json` has the fields of the contract, exact digits, and null where nothing is known."""
    report = ask(ledger_from_text(OCTOBER), settings_from_text(DECLARED), versus=parse_period("2026-09", NOW))
    golden("pnl", report)
    plain = json.loads(msgspec.json.encode(report))
    assert {"period", "currency", "rows", "total", "shares", "sentence", "trail"} <= plain.keys()
    fields = {"feature", "owner", "value", "cost", "contribution", "margin", "outcomes", "cost_per_outcome"}
    assert all(fields <= one.keys() for one in plain["rows"])
    assert plain["shares"] == {"priced": 0.8, "attributed": pytest.approx(1 - 0.25 / 10.25), "reconciled": None}


def test_each_value_model_values_what_it_declares(ledger_from_text: Build, settings_from_text: Callable[[str], Settings]) -> None:
    """Two delivered answers at $4; half of the plan's revenue, acme's own, and $2.75 carried by the event."""
    report = ask(ledger_from_text(OCTOBER), settings_from_text(DECLARED))
    support, extract = row(report, "support"), row(report, "extract")
    assert (support.value, support.avoided_cost, support.outcomes, support.successful_outcomes) == ("8", "1", 3, 1)
    assert (extract.value, extract.avoided_cost) == (str(Decimal(31) + Decimal(30) + Decimal("2.75")), None)
    assert report.trail.unshared_revenue == "7"


def test_fixed_costs_stand_apart_and_what_nothing_drives_is_visible(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings]
) -> None:
    """$62 are carried in proportion to cost, $10 of an unused provider stay unallocated; variable cost is untouched."""
    report = ask(ledger_from_text(OCTOBER), settings_from_text(DECLARED))
    fixed = [(one.label, Decimal(one.fixed_cost)) for one in report.rows if one.fixed_cost != "0"]
    assert sum(amount for _, amount in fixed) == Decimal(report.total.fixed_cost) == 72
    assert dict(fixed)["Unallocated fixed cost"] == 10
    assert dict(fixed)["extract"] == pytest.approx(62 * Decimal(6) / Decimal("10.25"))
    assert report.total.cost == "10.25"


def test_unattributed_cost_belongs_to_nobody(ledger_from_text: Build) -> None:
    """What has no feature is a row of its own, without owner, always shown."""
    nobody = row(ask(ledger_from_text(OCTOBER)), "Unattributed")
    assert (nobody.feature, nobody.owner, nobody.kind, nobody.cost, nobody.value) == (None, None, "unattributed", "0.25", None)
    september = row(ask(ledger_from_text(OCTOBER), period="2026-09"), "Unattributed")
    assert (september.cost, september.calls) == ("0", 0)


def test_unknown_cost_is_counted_and_never_zero(ledger_from_text: Build) -> None:
    """A model without a price has no cost; the feature's known cost is a lower bound and says so."""
    ledger = ledger_from_text(OCTOBER)
    assert (row(ask(ledger, by="model"), "new").cost, row(ask(ledger, by="model"), "new").unpriced_calls) == (None, 1)
    extract = row(ask(ledger), "extract")
    assert (extract.cost, extract.calls, extract.unpriced_calls, extract.cost_per_call) == ("6", 2, 1, "6")


def test_a_comparison_shows_what_ended_and_what_began(ledger_from_text: Build) -> None:
    """Rows of either period appear; what did not exist on one side counts as 0 there."""
    report = ask(ledger_from_text(OCTOBER), versus=parse_period("2026-09", NOW))
    changes = {one.label: one.cost_change for one in report.rows}
    assert changes == {"support": "3", "extract": "6", "retired": "-3", "Unattributed": "0.25"}
    assert report.total.cost_change == "6.25"


def test_users_are_read_from_the_lines(ledger_from_text: Build) -> None:
    """Rollups do not know users, so that a question per user reads the lines, with the same total."""
    ledger = ledger_from_text(OCTOBER)
    report = ask(ledger, by="user")
    assert ({one.label: one.cost for one in report.rows}, report.trail.read_from) == (
        {"u1": "7.75", "u2": "2.5", "u3": None, "No user": "0"},
        "lines",
    )
    assert any("FROM cost_lines" in sql for sql in ledger.reads)


def test_filters_narrow_rows_but_not_shares(ledger_from_text: Build, settings_from_text: Callable[[str], Settings]) -> None:
    """One feature alone shows the same value and fixed cost as among the others."""
    ledger, settings = ledger_from_text(OCTOBER), settings_from_text(DECLARED)
    alone = ask(ledger, settings, filters=(("feature", "extract"),))
    among = row(ask(ledger, settings), "extract")
    assert row(alone, "extract") == among
    assert (alone.total.value, alone.total.fixed_cost) == (among.value, among.fixed_cost)


def test_value_is_not_divided_by_what_outcomes_do_not_know(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings]
) -> None:
    """By model only the total has value; filtered to one model nothing has, and a note says why."""
    ledger, settings = ledger_from_text(OCTOBER), settings_from_text(DECLARED)
    by_model = ask(ledger, settings, by="model")
    assert {one.value for one in by_model.rows} == {None}
    assert by_model.total.value == ask(ledger, settings).total.value
    one_model = ask(ledger, settings, filters=(("model", "gpt-4o"),))
    assert one_model.total.value is None
    assert "only their total is known" in one_model.trail.notes[0]


def test_as_of_hides_what_was_recorded_later(ledger_from_text: Build) -> None:
    """A restatement recorded in November changes October's cost, but not the answer as of October or as recorded."""
    ledger = ledger_from_text(OCTOBER)
    call = ledger.query("SELECT call_id FROM calls WHERE feature = 'extract' AND model = 'gpt-4o'")[0][0]
    ledger.restate(call, "9")
    early = ask(ledger, as_of=datetime.fromisoformat("2026-11-01"))
    assert (row(ask(ledger), "extract").cost, row(early, "extract").cost) == ("9", "6")
    assert row(ask(ledger, as_recorded=True), "extract").cost == "6"
    assert early.trail.recorded_as_of == "2026-11-01T00:00:00Z"


def test_a_restatement_prices_what_was_unpriced(ledger_from_text: Build) -> None:
    """Once restated, a call counts as priced, its line once, and the replaced price version is gone from the trail."""
    ledger = ledger_from_text(OCTOBER)
    before = ask(ledger)
    for call, cost in ledger.query("SELECT CAST(call_id AS VARCHAR), coalesce(cost, 7) FROM cost_lines WHERE feature = 'extract'"):
        ledger.restate(call, str(cost))
    for after in (ask(ledger), ask(ledger, as_of=NOW)):
        assert (row(after, "extract").cost, after.shares.priced, after.trail.share_quantity_unpriced) == ("13", 1.0, 0.0)
        assert after.trail.rows.cost_lines == before.trail.rows.cost_lines
        assert list(after.trail.price_versions) == ["list-1", "list-2"]


def test_gross_margin_counts_cost_of_revenue_only(ledger_from_text: Build, settings_from_text: Callable[[str], Settings]) -> None:
    """Research calls lower contribution, not gross margin."""
    ledger = ledger_from_text("""
time              feature  cost  class
2026-10-01 09:00  support  1     cost_of_revenue
2026-10-01 10:00  support  2     research
outcomes
time              feature
2026-10-01 09:00  support
""")
    report = ask(ledger, settings_from_text("features: {support: {value: {kind: unit_price, price: 10}}}"))
    assert (row(report, "support").margin, row(report, "support").gross_margin) == (0.7, 0.9)


def verdict_ledger(build: Build, cost: str, days: int = 20) -> TextLedger:
    calls = "\n".join(f"2026-10-{day:02} 09:00  support  {cost}" for day in range(1, days + 1))
    outcomes = "\n".join(f"2026-10-{day:02} 09:00  support" for day in range(1, days + 1))
    return build(f"time              feature  cost\n{calls}\noutcomes\ntime              feature\n{outcomes}\n")


@pytest.mark.parametrize(
    ("cost", "days", "grade", "verdict"),
    [("1", 20, "A", "creates"), ("5", 20, "A", "destroys"), ("1", 20, "C", "unproven"), ("1", 9, "A", "unproven")],
)
def test_the_verdict_follows_the_rule(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings], cost: str, days: int, grade: str, verdict: str
) -> None:
    """Twenty days of measured value above cost create; below, they destroy; declared value or nine days prove nothing."""
    settings = settings_from_text(f"features: {{support: {{value: {{kind: unit_price, price: 4, grade: {grade}}}}}}}")
    support = row(ask(verdict_ledger(ledger_from_text, cost, days), settings), "support")
    assert support.verdict == verdict
    assert support.verdict_reason


def test_without_a_value_model_the_verdict_is_cost_only(ledger_from_text: Build) -> None:
    """Nothing is green by default."""
    assert row(ask(verdict_ledger(ledger_from_text, "1")), "support").verdict == "cost only"


def test_revenue_features_are_judged_by_customers(ledger_from_text: Build, settings_from_text: Callable[[str], Settings]) -> None:
    """Twelve customers who pay $4 and cost $1 each create; calls stand in where there are no outcomes."""
    calls = "\n".join(f"2026-10-01 09:00  support  c{index}  1" for index in range(12))
    paid = "\n".join(f"2026-10-01  2026-11-01  c{index}  4" for index in range(12))
    ledger = ledger_from_text(
        f"time              feature  customer  cost\n{calls}\nrevenue\nfrom        to          customer  amount\n{paid}\n"
    )
    support = row(ask(ledger, settings_from_text("features: {support: {value: {kind: revenue, grade: B}}}")), "support")
    assert (support.verdict, support.value, support.net_value_per_outcome) == ("creates", "48", ["3.000000", "3.000000"])


@pytest.mark.parametrize("share", ["weights", "even", "calls", "outcomes"])
def test_revenue_is_shared_by_the_declared_rule(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings], share: str
) -> None:
    """$30 of one customer over a feature with weight, calls and outcomes 2 and one with 1; evenly they earn $15 each."""
    ledger = ledger_from_text("""
time              feature  customer  cost
2026-10-01 09:00  a        acme      1
2026-10-01 10:00  a        acme      1
2026-10-01 11:00  b        acme      7
outcomes
time              feature  customer  quantity
2026-10-01 09:00  a        acme      4
2026-10-01 09:00  b        acme      2
revenue
from        to          customer  amount
2026-10-01  2026-11-01  acme      30
""")
    settings = settings_from_text(f"""
features:
  a: {{value: {{kind: revenue, share: {share}, weight: 2}}}}
  b: {{value: {{kind: revenue, share: {share}, weight: 1}}}}
  unused: {{value: {{kind: revenue, share: {share}, weight: 9}}}}
""")
    report = ask(ledger, settings)
    expected = ("15", "15") if share == "even" else ("20", "10")
    assert (row(report, "a").value, row(report, "b").value) == expected


def test_revenue_of_one_feature_and_of_some_plans(ledger_from_text: Build, settings_from_text: Callable[[str], Settings]) -> None:
    """Revenue of a feature is its own; a model of plan `pro` earns nothing of other plans, and half of its own is due to AI."""
    ledger = ledger_from_text("""
time              feature  customer  cost
2026-10-01 09:00  a        acme      1
2026-10-01 10:00  b        acme      1
2026-10-01 10:00  b        beta      1
revenue
from        to          customer  plan  feature  amount
2026-10-01  2026-11-01  acme      -     a        10
2026-10-01  2026-11-01  -         free  -        40
2026-10-01  2026-11-01  beta      -     -        100
customers
customer  plan
acme      free
beta      pro
""")
    settings = settings_from_text("""
features:
  a: {value: {kind: revenue}}
  b: {value: {kind: revenue, plans: pro, portion: 0.5}}
""")
    report = ask(ledger, settings)
    assert (row(report, "a").value, row(report, "b").value) == ("50", "50")


def test_revenue_before_its_model_holds_is_not_shared(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings]
) -> None:
    """A revenue model from October earns nothing in September."""
    settings = settings_from_text("features: {support: {value: {kind: revenue, from: 2026-10-01}}}")
    report = ask(ledger_from_text(OCTOBER), settings, period="2026-09")
    assert (report.total.value, report.trail.unshared_revenue) == (None, "30")


def test_a_month_is_the_same_alone_and_within_the_year(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings]
) -> None:
    """October's row of a report by month equals October's own report, prorated and shared amounts included."""
    ledger, settings = ledger_from_text(OCTOBER), settings_from_text(DECLARED)
    october = row(ask(ledger, settings, period="2026", by="month"), "2026-10")
    alone = ask(ledger, settings)
    assert (october.value, october.cost) == (alone.total.value, alone.total.cost)
    assert Decimal(october.fixed_cost) + 10 == Decimal(alone.total.fixed_cost)


GROUPS = [",".join(names) for size in (1, 2) for names in combinations(DIMENSIONS, size)]


@given(st.sampled_from(GROUPS))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parts_sum_to_the_total_however_grouped(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings], by: str
) -> None:
    """At any --by the rows' cost, calls, fixed cost, outcomes and (where it can be divided) value sum exactly to the same total."""
    ledger, settings = ledger_from_text(OCTOBER), settings_from_text(DECLARED)
    report, plain = ask(ledger, settings, by=by), ask(ledger, settings)
    for figure in ("cost", "fixed_cost", "calls", "unpriced_calls", "value", "outcomes", "avoided_cost"):
        known = [Decimal(getattr(one, figure)) for one in report.rows if getattr(one, figure) is not None]
        assert getattr(report.total, figure) == getattr(plain.total, figure)
        assert not known or sum(known) == Decimal(getattr(report.total, figure))


def test_all_time_is_the_days_of_the_facts(ledger_from_text: Build) -> None:
    """`all` runs from the first to the last day with facts."""
    report = ask(ledger_from_text(OCTOBER), period="all")
    assert (report.start, report.end, report.total.cost) == ("2026-09-04", "2026-10-05", "14.25")


def test_the_default_period_has_calls(ledger_from_text: Build) -> None:
    """Without a period: this month if it has calls, else the latest month that has some; an empty ledger shows this month."""
    ledger = ledger_from_text(OCTOBER)
    assert default_period(ledger, NOW).name == "2026-10"
    assert default_period(ledger, datetime.fromisoformat("2026-10-31")).name == "2026-10"
    assert default_period(ledger_from_text(""), NOW).name == "2026-11"


CALL = "time              feature  cost\n2026-10-01 09:00  support  "
OUTCOME = "\noutcomes\ntime              feature  succeeded\n2026-10-01 09:00  support  "
IN_OCTOBER = "In October 2026 "
EMPTY_AND_ODD = {
    "no facts": ("", "There are no calls in October 2026."),
    "all unpriced": (f"{CALL}?", f"{IN_OCTOBER}there was 1 call; what it cost is unknown, because it has no price."),
    "no value": (
        f"{CALL}2",
        f"{IN_OCTOBER}AI cost $2.00 over 1 call; what it earned is unknown: no value model with outcomes or revenue applies.",
    ),
    "zero value": (
        f"{CALL}2{OUTCOME}false",
        f"{IN_OCTOBER}AI earned $0 and cost $2.00: it destroyed $2.00. The only feature costs more than it earns, unproven.",
    ),
    "free and even": (f"{CALL}4{OUTCOME}-", f"{IN_OCTOBER}AI earned $4.00 and cost $4.00: it broke even."),
    "value of unpriced calls": (
        f"{CALL}?{OUTCOME}-",
        f"{IN_OCTOBER}AI earned $4.00; what it cost is unknown, because no call has a price.",
    ),
}


@pytest.mark.parametrize("case", EMPTY_AND_ODD)
def test_sentences_say_what_cannot_be_said(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings], case: str
) -> None:
    """Degenerate ledgers give a sentence, never NaN, never a made-up zero."""
    text, sentence = EMPTY_AND_ODD[case]
    report = ask(ledger_from_text(text), settings_from_text("features: {support: {value: {kind: unit_price, price: 4, grade: A}}}"))
    assert report.sentence == sentence
    assert b"NaN" not in msgspec.json.encode(report)


def test_value_without_any_calls_has_no_cost(ledger_from_text: Build, settings_from_text: Callable[[str], Settings]) -> None:
    """Outcomes whose calls were not imported earn something at an unknown cost, not at none."""
    ledger = ledger_from_text("outcomes\ntime              feature\n2026-10-01 09:00  support")
    report = ask(ledger, settings_from_text("features: {support: {value: {kind: unit_price, price: 4}}}"))
    assert report.sentence == "In October 2026 AI earned $4.00; what it cost is unknown, because no calls are recorded."
    assert (report.total.cost, report.total.margin) == (None, None)


def test_all_time_of_an_empty_ledger(ledger_from_text: Build) -> None:
    """An empty ledger has no rows, no shares and a sentence."""
    report = ask(ledger_from_text(""), period="all")
    assert (report.rows, report.shares.priced, report.shares.attributed, report.total.cost) == ([], None, None, None)
    assert report.sentence.startswith("There are no calls")


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("driver: tokens", {"a": "20", "b": "40"}),
        ("driver: calls", {"a": "40", "b": "20"}),
        ("driver: cost", {"a": "10", "b": "50"}),
        ("driver: outcomes", {"a": "45", "b": "15"}),
        ("driver: even", {"a": "30", "b": "30"}),
        ("driver: weights, weights: {a: 1, b: 2, idle: 3}", {"a": "10", "b": "20", "Unallocated fixed cost": "30"}),
        ("driver: cost, feature: b", {"a": "0", "b": "60"}),
        ("driver: outcomes, provider: openai", {"a": "0", "b": "0", "Unallocated fixed cost": "60"}),
    ],
)
def test_each_driver_carries_fixed_costs_its_own_way(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings], driver: str, expected: dict[str, str]
) -> None:
    """$60 by tokens, calls, cost, outcomes, evenly or by weights; outcomes know no provider, an idle feature carries nothing."""
    ledger = ledger_from_text("""
time              feature  cost  tokens
2026-10-01 09:00  a        1     100
2026-10-01 10:00  a        1     100
2026-10-01 11:00  b        10    400
outcomes
time              feature  quantity
2026-10-01 09:00  a        3
2026-10-01 09:00  b        1
""")
    settings = settings_from_text(f'fixed_costs: [{{id: gpu, amount: "60", from: 2026-10-01, to: 2026-11-01, {driver}}}]')
    rows = ask(ledger, settings).rows
    assert {one.label: one.fixed_cost for one in rows if one.label != "Unattributed"} == expected


@given(st.sampled_from(GROUPS))
@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rollups_and_lines_give_the_same_answer(
    ledger_from_text: Build, settings_from_text: Callable[[str], Settings], by: str
) -> None:
    """A report read from the rollups equals the same report read from the lines, retries included."""
    ledger, settings = ledger_from_text(OCTOBER), settings_from_text(DECLARED)
    first = ledger.query("SELECT CAST(call_id AS VARCHAR) FROM calls WHERE feature = 'support' LIMIT 1")[0][0]
    retried = "SELECT * REPLACE (1 AS attempt) FROM sealed.{0} WHERE call_id = '{1}'"
    for table in ("calls", "cost_lines"):
        ledger.connection.execute(f"INSERT INTO sealed.{table} {retried.format(table, first)}")
    ledger.roll_up()
    rolled, read = ask(ledger, settings, by=by), ask(ledger, settings, by=by, as_of=NOW)
    assert (list(rolled.rows), rolled.total, rolled.shares, rolled.sentence) == (
        list(read.rows),
        read.total,
        read.shares,
        read.sentence,
    )
