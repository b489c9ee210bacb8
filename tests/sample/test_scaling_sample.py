"""On the sample company scaling, engagement, cohorts and portfolio find what is planted, and say it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.sample.truth import (
    CONTRACTS,
    COST_ELASTICITY,
    LOSING_DECILE,
    POPULAR_AND_LOSING,
    TOP_USERS_COST,
    VALUE_PER_DOCUMENT,
)


@pytest.fixture
def ask(demo: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """The JSON of one command on the sample company in October."""

    def asked(*arguments: str) -> Any:
        capsys.readouterr()
        assert run([*arguments, "--ledger", str(demo), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return asked


def test_contract_extraction_alone_grows_faster_than_adoption(ask: Any) -> None:
    """Each feature's interval holds its planted elasticity, and only that of contract extraction lies above 1."""
    rows = {row["feature"]: row for row in ask("scaling", "--period", "2026-10")["rows"]}
    for feature, planted in COST_ELASTICITY.items():
        found = rows[feature]["elasticity"]
        assert found["low"] <= planted <= found["high"]
        assert found["high"] - found["low"] < 0.12
    assert [name for name, row in rows.items() if row["pace"] == "faster"] == [CONTRACTS]


def test_from_which_adoption_on_a_document_costs_more_than_it_earns(ask: Any) -> None:
    """The average cost passed $0.4466 between 27,300 and 41,200 documents; the next one costs 1.15 times the average."""
    report = ask("scaling", "--period", "2026-10", "--feature", CONTRACTS)
    (row,) = report["rows"]
    assert Decimal(row["average_value"]) == Decimal(VALUE_PER_DOCUMENT)
    assert (row["passed"]["adoption_before"], row["passed"]["adoption_after"], row["passed"]["upwards"]) == (27_300, 41_200, True)
    assert Decimal(row["marginal_cost"]["low"]) > Decimal(row["average_cost"]) > Decimal(VALUE_PER_DOCUMENT)
    assert row["break_even"]["high"] < row["adoption"]
    assert "between 27,300 (September 2026) and 41,200 documents (October 2026)" in report["sentence"]
    change = Decimal(report["detail"]["steps"][-1]["cost"]) - Decimal(report["detail"]["steps"][-2]["cost"])
    assert round(change, -1) == 10_380
    assert sum(Decimal(one["effect"]) for one in report["detail"]["drivers"]) == change
    assert sum(Decimal(one["change"]) for one in report["detail"]["split"]) == change


def test_only_the_keenest_decile_of_customers_loses(ask: Any) -> None:
    """Of the deciles by calls only the planted one costs more than it pays; the keenest twentieth of users are 41% of cost."""
    customers, users = ask("engagement", "--period", "2026-10")["sections"]
    assert [one["decile"] for one in customers["deciles"] if Decimal(one["keeps"]) < 0] == [LOSING_DECILE]
    assert "the keenest decile of customers alone loses" in customers["sentence"]
    dearest = {part["who"]: part["share_of_cost"] for part in users["dearest"]}
    assert dearest["top 5%"] == pytest.approx(TOP_USERS_COST, abs=0.03)
    assert customers["gini"]["low"] < customers["gini"]["estimate"] < customers["gini"]["high"]
    assert all("mended by a price of" in one["sentence"] for one in customers["losers"])


def test_cohorts_turn_dearer_as_they_age(ask: Any) -> None:
    """Tokens per task of the oldest cohort in sight grow over the year, and its cost per user does too."""
    report = ask("cohorts", "--period", "all")
    oldest = [row for row in report["rows"] if row["cohort"] == report["rows"][0]["cohort"]]
    assert oldest[-1]["tokens_per_task"] > oldest[0]["tokens_per_task"]
    assert Decimal(oldest[-1]["cost_per_user"]) > Decimal(oldest[0]["cost_per_user"])
    assert report["earned_is"] == "revenue"


def test_the_portfolio_names_contract_extraction(ask: Any) -> None:
    """It is the only popular and unprofitable feature: $1,615 of value destroyed, $62,140 created by the others."""
    report = ask("portfolio", "--period", "2026-10")
    assert [row["feature"] for row in report["rows"] if row["place"] == "popular, unprofitable"] == [POPULAR_AND_LOSING]
    assert (round(Decimal(report["value_destroyed"])), round(Decimal(report["value_created"]))) == (1_615, 62_140)
    assert f"{POPULAR_AND_LOSING} is popular" in report["sentence"]
    finding = next(one for one in report["findings"] if one["id"] == f"loss:{POPULAR_AND_LOSING}")
    assert finding["certainty"] > 0.95
