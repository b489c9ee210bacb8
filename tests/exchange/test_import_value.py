"""Outcomes, revenue and customers from tables."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest


def test_outcomes(desk: Any) -> None:
    """Units, success and value in the words that tables use; what is not said is unknown; a second import adds nothing."""
    table = (
        "date,feature,event,count,solved,amount,customer\n"
        "2026-01-01,support,ticket,3,yes,$1.50,acme\n"
        "2026-01-02,support,ticket,,no,,acme\n"
        "2026-01-03,support,,,,,\n"
    )
    path = desk.file("a.csv", table)
    answer = desk.bring("outcomes", path)
    assert (answer.code, answer.summary["facts_added"]) == (0, {"outcomes": 3})
    assert desk.rows("SELECT unit, quantity, succeeded, value, customer FROM outcomes ORDER BY occurred_at") == [
        ("ticket", 3, True, Decimal("1.5"), "acme"),
        ("ticket", 1, False, None, "acme"),
        ("outcome", 1, None, None, None),
    ]
    again = desk.bring("outcomes", path)
    assert (again.summary["facts_added"].get("outcomes", 0), again.summary["duplicates"]) == (0, 3)


def test_one_outcome_for_each_distinct_key(desk: Any) -> None:
    """--distinct makes one outcome of the rows that share a value, in JSON as in CSV, however often it is imported."""
    rows = [{"ts": "2026-01-01T00:00:00Z", "run": run, "reward": reward} for run, reward in (("a", 1), ("a", 1), ("b", 0))]
    for name, content in (("a.jsonl", "\n".join(map(json.dumps, rows))), ("a.json", json.dumps(rows))):
        desk.bring("outcomes", desk.file(name, content), "--distinct", "run", "--feature", "agent")
    assert desk.rows("SELECT trace_id, succeeded FROM outcomes ORDER BY 1") == [("a", True), ("b", False)]


def test_revenue(desk: Any) -> None:
    """Revenue per customer or plan: a month where no end is said, otherwise as said; amounts exact."""
    path = desk.file("a.csv", "month,customer,plan,mrr\n2026-01,acme,,1000.10\n2026-02-01,,pro,0.000000000000000001\n")
    answer = desk.bring("revenue", path)
    assert (answer.code, answer.summary["facts_added"]) == (0, {"revenue": 2}), answer.told
    columns = "period_start::VARCHAR, period_end::VARCHAR, customer, plan, amount"
    assert desk.rows(f"SELECT {columns} FROM revenue ORDER BY period_start") == [
        ("2026-01-01 00:00:00", "2026-02-01 00:00:00", "acme", None, Decimal("1000.1")),
        ("2026-02-01 00:00:00", "2026-03-01 00:00:00", None, "pro", Decimal("1e-18")),
    ]


def test_customers(desk: Any) -> None:
    """Customers with plan, segment and date of signup."""
    path = desk.file("a.jsonl", json.dumps({"id": "acme", "tier": "pro", "segment": "smb", "signup_date": "2025-06-01"}))
    assert desk.bring("customers", path).code == 0
    columns = "customer, plan, segment, signed_up_at::VARCHAR"
    assert desk.rows(f"SELECT {columns} FROM customers") == [("acme", "pro", "smb", "2025-06-01 00:00:00")]


@pytest.mark.parametrize(
    ("format_", "content", "what"),
    [
        ("outcomes", "date,solved\n2026-01-01,perhaps\n", "this is not yes or no"),
        ("outcomes", "date,amount\n2026-01-01,much\n", "this is not an exact amount"),
        ("outcomes", "date,count\n2026-01-01,-1\n", "this is negative"),
        ("revenue", "month,customer,mrr\n2026-01,acme,\n", "amount is missing"),
        ("revenue", "month,customer,mrr\n2026-01,,5\n", "neither customer nor plan is named"),
        ("revenue", "start,end,customer,mrr\n2026-02-01,2026-01-01,acme,5\n", "the period ends before it starts"),
        ("revenue", "month,customer,mrr\nJanuary,acme,5\n", "this is no instant"),
        ("customers", "customer,plan\n,pro\n", "customer is missing"),
        ("customers", "customer,signup_date\nacme,once\n", "this is no instant"),
    ],
)
def test_bad_rows(desk: Any, format_: str, content: str, what: str) -> None:
    """A bad row is told with its reason and set aside: exit code 3."""
    answer = desk.bring(format_, desk.file("a.csv", content))
    assert (answer.code, answer.summary["rejected"]) == (3, 1), answer.told
    assert what in answer.told


def test_revenue_of_nobody(desk: Any) -> None:
    """A table that says neither customer nor plan is refused as a whole, with what to do."""
    answer = desk.bring("revenue", desk.file("a.csv", "month,mrr\n2026-01,5\n"))
    assert answer.code == 3
    assert "--map customer=COLUMN or --map plan=COLUMN" in answer.told
    assert desk.bring("revenue", desk.file("a.csv", "month,mrr\n2026-01,5\n"), "--customer", "acme").code == 0
