"""Calls, receipts, traces and the unpriced work list."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from breakeven.economics.periods import parse_period
from breakeven.errors import UsageError
from breakeven.reports.callquery import conditions
from breakeven.reports.calls import SORTS, CallRow, Page, calls
from breakeven.reports.receipt import receipt
from breakeven.reports.trace import trace
from breakeven.reports.unpriced import unpriced

NOW = datetime.fromisoformat("2026-11-23T11:00")
OCTOBER = parse_period("2026-10", NOW)
Build = Callable[[str], Any]

LEDGER = """
call                                  time              feature  customer  model   cost    status  tokens  latency_ms  trace  tags            source_ref  attribution_sources
00000000-0000-7000-8000-000000000001  2026-10-01 09:00  support  acme      gpt-4o  0.50    ok      1000    300         t1     {"plan":"pro"}  resp-1      {"feature":"key"}
00000000-0000-7000-8000-000000000002  2026-10-01 10:00  support  beta      small   0.10    failed  200     -           t1     -               -           -
00000000-0000-7000-8000-000000000003  2026-10-02 09:00  extract  acme      gpt-4o  2.00    ok      9000    900         t1     -               same        -
00000000-0000-7000-8000-000000000004  2026-10-03 09:00  -        acme      new     ?       ok      50      100         t2     -               same        -
00000000-0000-7000-8000-000000000005  2026-11-03 09:00  support  acme      new     ?       ok      50      100         -      -               -           -
"""  # noqa: E501 - a table


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "3124"),
        ("feature:support", "12"),
        ("feature:none", "4"),
        ("-feature:none", "312"),
        ("feature=support status:ok", "1"),
        ("-status:ok", "2"),
        ("cost>0.10", "31"),
        ("cost>=$0.10", "312"),
        ("cost<0.5", "2"),
        ("-cost>0.10", "24"),
        ("cost:none", "4"),
        ("tokens>900", "31"),
        ("latency<=300", "14"),
        ("latency:none", "2"),
        ("model:gpt*", "31"),
        ("model:GPT*", ""),
        ("model:%", ""),
        ("tag.plan:pro", "1"),
        ("-tag.plan:pro", "324"),
        ("trace:t1 customer:acme", "31"),
        ("'feature:sup port'", ""),
        ("call:00000000-0000-7000-8000-000000000002", "2"),
        ("input=9000", "3"),
    ],
)
def test_a_query_finds_the_calls_that_meet_all_words(ledger_from_text: Build, query: str, found: str) -> None:
    """Words narrow; unknown values are found by `none` and by nothing else; the dearest come first, unknown cost last."""
    assert "".join(row.call_id[-1] for row in calls(ledger_from_text(LEDGER), OCTOBER, query).rows) == found


@pytest.mark.parametrize(
    "query", ["feature", "colour:red", "cost>dear", "cost>1e400", "cost>NaN", "feature>a", "'open", "cost:", "tag.x>3"]
)
def test_a_word_that_is_not_understood_is_named(query: str) -> None:
    """Bad queries are refused with the word and a remedy."""
    with pytest.raises(UsageError) as caught:
        conditions(query)
    assert caught.value.remedy


@given(st.text(max_size=30))
@example("feature:';DROP TABLE calls--")
@example('tag."$.x\\:a')
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_is_answered_or_refused(ledger_from_text: Build, query: str) -> None:
    """No text of a query reaches the engine as SQL."""
    ledger = ledger_from_text(LEDGER)
    with suppress(UsageError):
        calls(ledger, OCTOBER, query)


@pytest.mark.parametrize("sort", SORTS)
def test_pages_follow_each_other_without_gap_or_repeat(ledger_from_text: Build, sort: str) -> None:
    """Pages of one row, chained by `next`, are the same rows in the same order as one page of all; unknown figures come last."""
    ledger = ledger_from_text(LEDGER)
    whole = calls(ledger, OCTOBER, "", Page(sort, 50))
    assert whole.next is None
    seen: list[CallRow] = []
    after: str | None = None
    for _ in whole.rows:
        page = calls(ledger, OCTOBER, "", Page(sort, 1, after))
        seen += page.rows
        after = page.next
    assert (seen, after) == (list(whole.rows), None)


@pytest.mark.parametrize(
    "page", [Page("beauty"), Page(limit=0), Page(limit=10**6), Page(after="x"), Page(after="NaN,x,1"), Page("time", after="5,x,1")]
)
def test_a_page_that_does_not_exist_is_refused(ledger_from_text: Build, page: Page) -> None:
    """Sort, limit and cursor are checked before the engine sees them."""
    with pytest.raises(UsageError):
        calls(ledger_from_text(LEDGER), OCTOBER, "", page)


@pytest.mark.parametrize("after", ["NaN", "x", "2026-10-01", "1e999"])
@pytest.mark.parametrize("sort", SORTS)
def test_a_cursor_of_another_sort_is_refused_or_harmless(ledger_from_text: Build, sort: str, after: str) -> None:
    """A damaged cursor is a usage error, never an engine's."""
    cursor = f"{after},00000000-0000-7000-8000-000000000002,1"
    with suppress(UsageError):
        calls(ledger_from_text(LEDGER), OCTOBER, "", Page(sort, 5, cursor))


def test_the_list_says_what_is_unknown(ledger_from_text: Build) -> None:
    """The sentence sums what is known and counts what is not."""
    ledger = ledger_from_text(LEDGER)
    assert calls(ledger, OCTOBER).sentence == "4 attempts in October 2026 cost $2.60; the cost of 1 attempt is unknown."
    assert calls(ledger, OCTOBER, "model:new").sentence == "1 attempt in October 2026 has no known cost."
    assert calls(ledger, OCTOBER, "model:x").sentence == "No call matches in October 2026."
    assert calls(ledger, OCTOBER, "", Page("cost", 2)).sentence == "The first 2 attempts by cost in October 2026 cost $2.50."


def test_the_receipt_multiplies_out(ledger_from_text: Build) -> None:
    """Quantity × unit price = cost with the price version, the attribution with its source; found also by the vendor's id."""
    ledger = ledger_from_text(LEDGER)
    found = receipt(ledger, "resp-1")
    assert found == receipt(ledger, "00000000-0000-7000-8000-000000000001")
    line = found.attempts[0].lines[0]
    assert (line.quantity, line.unit_price, line.cost, line.price_version) == (1000, "0.0005", "0.5", "list-1")
    assert [(one.dimension, one.value, one.source) for one in found.attribution][:3] == [
        ("feature", "support", "key"),
        ("team", None, None),
        ("customer", "acme", None),
    ]
    assert (found.cost, found.complete, found.problems, found.tags) == ("0.5", True, [], {"plan": "pro"})
    assert found.sentence == "This call to gpt-4o of openai cost $0.50."


def test_a_receipt_without_a_price_says_why(ledger_from_text: Build) -> None:
    """An unpriced line is a problem with its reason, and the call has no cost."""
    found = receipt(ledger_from_text(LEDGER), "00000000-0000-7000-8000-000000000004")
    assert (found.cost, found.complete) == (None, False)
    assert found.problems == ["attempt 0, line 1 (input): no price for this model"]
    assert "no known cost" in found.sentence


def test_a_receipt_shows_retries_adjustments_and_the_stated_cost(ledger_from_text: Build) -> None:
    """A restated line replaces the unpriced one, a second attempt adds its cost, and a differing vendor's figure is a problem."""
    ledger = ledger_from_text(LEDGER)
    call = "00000000-0000-7000-8000-000000000004"
    ledger.restate(call, "3")
    again = {"call_id": call, "line": 1, "occurred_at": "2026-10-03 09:00", "recorded_at": "2026-11-01", "state": "metered"}
    second = {
        "call_id": call,
        "attempt": 1,
        "occurred_at": "2026-10-03 09:01",
        "call_count": 1,
        "state": "stated",
        "stated_cost": 2,
    }
    ledger.insert("calls", {**second, "tags": "[1", "pricing_context": "[]"})
    ledger.insert("cost_lines", {**again, "attempt": 1, "cost": 1})
    found = receipt(ledger, call)
    assert (found.cost, found.complete) == ("4", True)
    assert found.problems == ["attempt 1: the vendor states 2, the lines sum to 1"]
    assert found.attempts[1].context == {"unreadable": "[]"}
    assert receipt(ledger, call, datetime.fromisoformat("2026-10-15")).cost is None


def test_a_receipt_of_part_of_a_call_is_a_lower_bound(ledger_from_text: Build) -> None:
    """Where one line has no price the cost is at least the rest; a call without lines names its state."""
    ledger = ledger_from_text(LEDGER)
    call = "00000000-0000-7000-8000-000000000001"
    extra = {
        "call_id": call,
        "attempt": 0,
        "line": 2,
        "occurred_at": "2026-10-01 09:00",
        "recorded_at": "2026-10-01",
        "state": "unpriced",
    }
    ledger.insert("cost_lines", extra)
    assert "at least $0.50" in receipt(ledger, call).sentence
    ledger.insert(
        "calls", {"call_id": call, "attempt": 1, "occurred_at": "2026-10-01 09:01", "call_count": 1, "state": "usage_missing"}
    )
    assert "attempt 1: no cost line; state usage_missing" in receipt(ledger, call).problems


@pytest.mark.parametrize("call", ["nowhere", "same", "00000000-0000-7000-8000-00000000000f"])
def test_an_id_of_no_call_or_of_several_is_explained(ledger_from_text: Build, call: str) -> None:
    """The message says what to name instead."""
    with pytest.raises(UsageError) as caught:
        receipt(ledger_from_text(LEDGER), call)
    assert caught.value.remedy


def test_a_trace_sums_what_bought_nothing(ledger_from_text: Build) -> None:
    """Steps in order of time with running cost; the failed step's cost is named."""
    found = trace(ledger_from_text(LEDGER), "t1")
    assert [(row.cumulative, row.bought_nothing) for row in found.rows] == [("0.5", False), ("0.6", True), ("2.6", False)]
    assert found.rows[1].offset_ms == 3_600_000
    assert (found.cost, found.wasted) == ("2.6", "0.1")
    assert found.sentence == "3 attempts of 3 calls cost $2.60; $0.10 of $2.60 bought nothing."


def test_a_trace_without_prices_or_calls(ledger_from_text: Build) -> None:
    """Nothing known is said so; a trace that does not exist is a usage error."""
    ledger = ledger_from_text(LEDGER)
    assert (trace(ledger, "t2").cost, trace(ledger, "t2").sentence) == (None, "1 attempt of 1 call; none has a known cost.")
    ledger.connection.execute("UPDATE sealed.calls SET trace_id = 't3' WHERE trace_id = 't2' OR model = 'gpt-4o'")
    assert trace(ledger, "t3").sentence == (
        "3 attempts of 3 calls cost $2.50; nothing was spent on failed attempts; the cost of 1 attempt is unknown."
    )
    with pytest.raises(UsageError):
        trace(ledger, "nowhere")


def test_the_work_list_names_reason_and_remedy(ledger_from_text: Build) -> None:
    """Unpriced calls are grouped by model and reason with days, features and what to do."""
    ledger = ledger_from_text(LEDGER)
    found = unpriced(ledger, parse_period("all", NOW))
    (row,) = found.rows
    assert (row.model, row.state, row.reason, row.calls, row.quantity) == ("new", "unpriced", "no price for this model", 2, 100)
    assert (row.first_day, row.last_day, row.features, row.usage_classes) == ("2026-10-03", "2026-11-03", ["support"], ["input"])
    assert "prices add" in row.remedy
    assert found.sentence == "The cost of 2 calls (40.0%) of 1 model in all time is unknown."


def test_replaced_lines_leave_the_work_list_and_missing_usage_joins_it(ledger_from_text: Build) -> None:
    """A line that a later one replaced is done; a call without usage or without a model has its own remedy."""
    ledger = ledger_from_text(LEDGER)
    call = "00000000-0000-7000-8000-000000000004"
    ledger.restate(call, "1")
    for number, state in ((7, "usage_missing"), (8, "unpriced")):
        identity = f"00000000-0000-7000-8000-00000000000{number}"
        ledger.insert("calls", {"call_id": identity, "attempt": 0, "occurred_at": "2026-10-05", "call_count": 3, "state": state})
    ledger.roll_up()
    found = unpriced(ledger, OCTOBER)
    assert [(row.state, row.calls, row.reason) for row in found.rows] == [
        ("unpriced", 3, "no price is known"),
        ("usage_missing", 3, "the source did not record how much was used"),
    ]
    assert "Name the provider" in found.rows[0].remedy
    assert "include_usage" in found.rows[1].remedy


def test_a_fully_priced_or_empty_period_has_no_work(ledger_from_text: Build) -> None:
    """Nothing unpriced and nothing at all are told apart."""
    ledger = ledger_from_text(LEDGER)
    assert unpriced(ledger, parse_period("2026-10-01", NOW)).sentence == "Every call in 1 October 2026 has a known cost."
    assert unpriced(ledger, parse_period("2025", NOW)).sentence == "There are no calls in 2025."
