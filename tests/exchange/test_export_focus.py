"""The ledger as FOCUS: exact to the last digit, held against the specification's own requirements model and against our laws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from breakeven.exchange.focusmodel import check, failures, load_model
from breakeven.ledger import open_ledger
from breakeven.ledger.restate import restate
from breakeven.testing import FixedQuotes

CALLS = """occurred_at,provider,model,input_tokens,output_tokens,cache_read_tokens,feature,team,user,customer,status,id
2026-10-01T09:00:00Z,anthropic,claude-sonnet-4-5,1000,200,300,support,care,ann,acme,ok,1
2026-10-01T10:00:00Z,anthropic,claude-sonnet-4-5,333,77,0,support,care,bob,acme,ok,2
2026-10-01T11:00:00Z,openai,gpt-5,1234567,891,11,search,,,,ok,3
2026-10-02T11:00:00Z,openai,gpt-5,7,3,0,,,,,ok,4
2026-10-02T11:30:00Z,nobody,model-without-a-price,70,30,0,search,,,,ok,5
2026-10-02T12:00:00Z,openai,gpt-5,,,,search,,,,ok,6
2026-10-31T23:59:59Z,openai,gpt-5,100,100,,search,,,,failed,7
2026-11-01T00:00:00Z,openai,gpt-5,100,100,,search,,,,ok,8
"""


def _written(desk: Any, name: str, *options: str) -> Path:
    """A small invented October as one FOCUS file."""
    if not desk.ledger.exists():
        assert desk.bring("calls", desk.file("calls.csv", CALLS)).code == 0
    path = Path(desk.root / name)
    code, _, told = desk.run("export", "focus", "--period", "2026-10", "-o", str(path), *options)
    assert code == 0, told
    return path


def _rows(path: Path, select: str) -> list[tuple[Any, ...]]:
    source = f"read_csv('{path}', all_varchar = true)" if path.suffix == ".csv" else f"read_parquet('{path}')"
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT {select} FROM {source}").fetchall()


@pytest.fixture
def model(shared_data: Path) -> Mapping[str, Any]:
    """The specification's requirements model of FOCUS 1.2."""
    return load_model(shared_data.parent / "reference" / "focus-1.2-requirements.json")


@pytest.mark.parametrize("name", ["focus.csv", "focus.parquet"])
def test_billed_cost_sums_to_the_ledger(desk: Any, name: str) -> None:
    """The sum of BilledCost is the ledger's for the period, to the last digit, and the next period's call is not in it."""
    path = _written(desk, name)
    booked = desk.rows("SELECT sum(cost) FROM cost_lines WHERE occurred_at < TIMESTAMP '2026-11-01'")[0][0]
    assert _rows(path, "sum(CAST(BilledCost AS DECIMAL(38,18)))") == [(booked,)]
    assert booked > 0


@pytest.mark.parametrize("name", ["focus.csv", "focus.parquet"])
def test_every_requirement_holds(desk: Any, model: Mapping[str, Any], name: str) -> None:
    """Every binding requirement of the model that applies holds, and what is not checked says why."""
    found = check(_written(desk, name), model)
    assert failures(found) == []
    assert sum(one.verdict == "holds" for one in found) > 190
    assert [one for one in found if one.verdict.startswith("not ") and not one.why] == []


def test_every_requirement_holds_for_the_sample_company(demo: Path, model: Mapping[str, Any], tmp_path: Path) -> None:
    """A company's month with discounts, a price change, unpriced models and failed calls conforms too, with money intact."""
    from breakeven.cli.main import run  # noqa: PLC0415 - only this test starts the command itself

    path = tmp_path / "focus.parquet"
    assert run(["export", "focus", "--ledger", str(demo), "--period", "2026-10", "-o", str(path)]) == 0
    assert failures(check(path, model)) == []
    assert _rows(path, "count(*) > 0, sum(ListCost) > sum(BilledCost)") == [(True, True)]


DEFECTS = {
    "list-product": "ListUnitPrice = '3.01'",
    "contracted-product": "ContractedCost = '0.000000000000000001'",
    "pricing-category": "PricingCategory = 'On-Demand'",
    "charge-frequency": "ChargeFrequency = 'Recurring'",
    "charge-period": "ChargePeriodEnd = ChargePeriodStart, ChargePeriodStart = ChargePeriodEnd",
    "billing-period": "BillingPeriodEnd = BillingPeriodStart, BillingPeriodStart = BillingPeriodEnd",
    "units": "PricingUnit = '1M tok'",
    "detail-keys": """SkuPriceDetails = '{"ModelName":"gpt-5"}'""",
}


@pytest.mark.parametrize("law", DEFECTS)
def test_a_planted_defect_is_caught(desk: Any, law: str) -> None:
    """One row made wrong in one of the eight ways that the public validator misses is found without any model, by exit code 1."""
    path = _written(desk, "focus.csv")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE bad AS SELECT * FROM read_csv('{path}', all_varchar = true)")
        connection.execute(f"UPDATE bad SET {DEFECTS[law]} WHERE rowid = 0")
        connection.execute(f"COPY bad TO '{path}' (HEADER true)")
    code, out, _ = desk.run("export", "check", str(path), "--json")
    assert code == 1
    assert law in [one["requirement"] for one in json.loads(out)["findings"] if one["verdict"] == "fails"]


def test_an_unknown_cost_says_so(desk: Any) -> None:
    """A call without a price or without usage is a row with its quantity, marked and described as unknown, not free."""
    path = _written(desk, "focus.csv")
    found = _rows(path, "x_MeteringState, CAST(ConsumedQuantity AS DECIMAL(38,0)), BilledCost, ChargeDescription")
    unknown = sorted((state, quantity) for state, quantity, *_ in found if state in ("unpriced", "usage_missing"))
    assert unknown == [("unpriced", 30), ("unpriced", 70), ("usage_missing", 1)]
    assert all("unknown and not 0" in words for state, _, _, words in found if state in ("unpriced", "usage_missing"))


def test_calls_add_up_and_users_stay_at_home(desk: Any) -> None:
    """x_CallCount sums to the calls of the period although a call has several rows, and no row names a user."""
    path = _written(desk, "focus.csv")
    assert _rows(path, "sum(CAST(x_CallCount AS INTEGER)), sum(CAST(x_FailedCallCount AS INTEGER))") == [(7, 1)]
    assert not {"ann", "bob"} & set(path.read_text().replace('"', ",").split(","))


def test_a_restatement_nets_out(desk: Any) -> None:
    """After a price is learned the file has the new charges alone: reversed lines and their reversals cancel out of it."""
    before = _rows(_written(desk, "focus.csv"), "count(*), sum(CAST(BilledCost AS DECIMAL(38,18)))")[0]
    learned = FixedQuotes({"model-without-a-price": {"input": "1", "output": "1"}, "gpt-5": {"input": "2", "output": "4"}})
    with open_ledger(desk.ledger, write=True) as ledger:
        restate(ledger, learned, datetime(2026, 10, 2), datetime(2026, 11, 20))
    after = _rows(_written(desk, "focus.csv"), "count(*), sum(CAST(BilledCost AS DECIMAL(38,18)))")[0]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert failures(check(desk.root / "focus.csv", None)) == []


def test_the_newer_profile_has_its_companions(desk: Any) -> None:
    """focus-1.4 says service and host provider instead of provider, and writes Invoice Detail and Billing Period beside it."""
    path = _written(desk, "new.csv", "--profile", "focus-1.4")
    header = path.read_text().splitlines()[0].split(",")
    assert {"ServiceProviderName", "HostProviderName", "InvoiceDetailId"} <= set(header)
    assert not {"ProviderName", "PublisherName"} & set(header)
    periods = _rows(path.with_name("new-billing-period.csv"), "DISTINCT BillingPeriodStart, BillingPeriodStatus")
    assert periods == [("2026-10-01T00:00:00Z", "Open")]
    assert len(path.with_name("new-invoice-detail.csv").read_text().splitlines()) == 1


def test_a_closed_month_is_a_closed_billing_period(desk: Any) -> None:
    """Once `breakeven close` has signed a month off, focus-1.4 calls its billing period closed, and updated then."""
    _written(desk, "before.csv", "--profile", "focus-1.4")
    code, _, told = desk.run("close", "2026-10", "--unreconciled")
    assert code == 0, told
    _written(desk, "after.csv", "--profile", "focus-1.4")
    columns = "DISTINCT InvoiceIssuerName, BillingPeriodStatus, BillingPeriodLastUpdated"
    open_, closed = (set(_rows(desk.root / f"{name}-billing-period.csv", columns)) for name in ("before", "after"))
    assert {status for _, status, _ in open_} == {"Open"}
    assert {status for _, status, _ in closed} == {"Closed"}
    signed = json.loads((desk.ledger / "closes" / "2026-10.json").read_bytes())["closed_at"]
    assert {updated for *_, updated in closed} == {signed}


def test_what_the_ledger_does_not_know_is_said(desk: Any) -> None:
    """The billing account is an option; without it a provider goes by its own name."""
    path = _written(desk, "focus.csv", "--account", "openai=org-123")
    assert sorted(_rows(path, "DISTINCT InvoiceIssuerName, BillingAccountId")) == [
        ("Anthropic", "anthropic"),
        ("OpenAI", "org-123"),
        ("nobody", "nobody"),
    ]


def test_bad_requests_are_explained(desk: Any) -> None:
    """A name without a known suffix, a format nobody knows, a file that is not there: exit code 2 and what to do."""
    desk.bring("calls", desk.file("calls.csv", CALLS))
    assert desk.run("export", "focus", "-o", "focus.xlsx")[0] == 2
    assert desk.run("export", "excel", "-o", "x.csv")[0] == 2
    code, _, told = desk.run("export", "check", "absent.csv")
    assert (code, "there is no file" in told) == (2, True)
