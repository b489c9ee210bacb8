"""The shapes that invoices come in: what they do not say is compared in one sum, and what cannot be read is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.exchange.invoices import Reading, read_invoice

Answer = Callable[..., tuple[int, Any]]


def test_vendor_cost_reports_are_invoices(shared_data: Path, tmp_path: Path) -> None:
    """Anthropic's cost report in cents and OpenAI's costs in dollars become lines with day, class and exact amount."""
    anthropic = json.loads((shared_data / "imports/anthropic_admin_shapes.json").read_text())["cost_report"]
    openai = json.loads((shared_data / "imports/openai_usage_costs_examples.json").read_text())["/organization/costs"]
    (tmp_path / "a.json").write_text(json.dumps(anthropic))
    (tmp_path / "o.json").write_text(json.dumps(openai))
    lines = read_invoice(tmp_path / "a.json", Reading()).lines
    assert [(line.usage_class, line.amount / 10**18, f"{line.day}") for line in lines] == [
        ("input", 3.0, "2026-03-01"),
        ("output", 0.75, "2026-03-01"),
        ("web_search", 0.12, "2026-03-01"),
    ]
    (line,) = read_invoice(tmp_path / "o.json", Reading()).lines
    assert (line.provider, line.amount, f"{line.day}") == ("openai", 6 * 10**16, "2024-11-01")


def test_a_report_of_usage_is_no_invoice(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says no amounts: the message says so and asks for the cost report; exit code 3."""
    usage = json.loads((shared_data / "imports/anthropic_admin_shapes.json").read_text())["usage_report_messages"]
    (tmp_path / "u.json").write_text(json.dumps(usage))
    assert run(["reconcile", str(tmp_path / "u.json"), "--ledger", str(tmp_path / "none")]) == 3
    assert "it says no amounts" in capsys.readouterr().err


def test_focus_invoice_detail_without_models_is_one_sum(original: Path, answer: Answer, tmp_path: Path) -> None:
    """Invoice Detail has neither model nor quantity: vendor by vendor, a small difference is rounding, another is unexplained."""
    metered = Decimal(answer("pnl", "--ledger", str(original), "--period", "2026-10", "--provider", "openai")[1]["total"]["cost"])
    head = "InvoiceIssuerName,InvoiceId,InvoiceDetailId,BilledCost,BillingCurrency,ChargeCategory,BillingPeriodStart,"
    head += "BillingPeriodEnd\n"
    path = tmp_path / "detail.csv"
    for more, causes in ((Decimal(0), ["rounding"]), (Decimal(7), ["unexplained"])):
        billed = round(metered, 2) + more
        path.write_text(f"{head}OpenAI,INV-7,1,{billed},USD,Usage,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z\n")
        _, report = answer("reconcile", str(path), "--ledger", str(original))
        assert ([row["cause"] for row in report["rows"]], report["invoice"], report["period"]) == (causes, "INV-7", "2026-10")


def test_columns_are_mapped_by_options(original: Path, answer: Answer, tmp_path: Path) -> None:
    """Any table will do: fields by --map, constants by --set, the vendor by --provider, foreign money by --rate."""
    path = tmp_path / "odd.csv"
    path.write_text("Wann;Betrag\n2026-10-01;10.00\n2026-10-31;5.50\n")
    code, report = answer(
        "reconcile", str(path), "--ledger", str(original), "--provider", "openai", "--map", "day=Wann", "--map", "amount=Betrag",
        "--set", "currency=EUR", "--rate", "EUR=1.10",
    )  # fmt: skip
    assert (code, report["invoiced"], report["period"]) == (1, "17.05", "2026-10")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("provider,day,amount\nopenai,2026-10-01,ten\n", 3, "bad.csv:2: amount 'ten' is not a number"),
        ("provider,day,amount\nopenai,someday,1\n", 3, "bad.csv:2: day 'someday' is not a date"),
        ("provider,day,amount,currency\nopenai,2026-10-01,1,EUR\n", 3, "the amount is in EUR (say --rate EUR=DOLLARS"),
        ("day,amount\n2026-10-01,1\n", 3, "no vendor is named"),
        ("provider,day\nopenai,2026-10-01\n", 3, "no column says the amount"),
        ("provider,amount\nopenai,1\n", 2, "the invoice does not say which days it bills"),
        ("provider,day,amount,category\nopenai,2026-10-01,1,gift\n", 3, "category 'gift' is none of"),
    ],
)
def test_bad_invoices_are_explained(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, said: str
) -> None:
    """Which file and row, what is wrong, what to do; no row is left out in silence."""
    path = tmp_path / "bad.csv"
    path.write_text(text)
    assert run(["reconcile", str(path), "--ledger", str(original)]) == code
    assert said in capsys.readouterr().err
