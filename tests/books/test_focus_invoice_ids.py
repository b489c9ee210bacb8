"""InvoiceId of FOCUS: which invoice bills a charge, filled in as far as invoices were posted, and not a row further."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from breakeven.cli.main import run
from breakeven.exchange.focusmodel import check, failures, load_model
from breakeven.sample.invoices import PLANTS, Draft

Answer = Callable[..., tuple[int, Any]]
Write = Callable[..., tuple[Path, Draft]]
ANTHROPIC, OPENAI = "INVENTED-anthropic-2026-10", "INVENTED-openai-2026-10"
CAUSES = ("batch", "unseen key", "credit", "rounding", "price")


@pytest.fixture
def exported(ledger: Path, tmp_path: Path) -> Callable[..., list[Mapping[str, str]]]:
    """The rows of a period as `export focus` writes them."""

    def rows(period: str = "2026-10", *options: str, name: str = "focus.csv") -> list[Mapping[str, str]]:
        path = tmp_path / name
        assert run(["export", "focus", "--period", period, "-o", str(path), "--ledger", str(ledger), *options]) == 0
        with duckdb.connect() as connection:
            found = connection.execute(f"SELECT * FROM read_csv('{path}', all_varchar = true)")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return rows


def _sums(*files: list[Mapping[str, str]]) -> dict[str | None, Decimal]:
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for rows in files:
        for row in rows:
            sums[row["InvoiceId"]] += Decimal(row["BilledCost"])
    return dict(sums)


def test_every_invoice_sums_to_what_it_bills(ledger: Path, invoice: Write, answer: Answer, exported: Any) -> None:
    """Per InvoiceId, BilledCost sums to the posted invoice, to the last digit; other vendors' rows name none."""
    assert {row["InvoiceId"] for row in exported()} == {None}
    report = answer("reconcile", str(invoice(*(PLANTS[cause] for cause in CAUSES))[0]), "--ledger", str(ledger), "--post")[1]
    rows = exported()
    assert _sums(rows)[ANTHROPIC] == Decimal(report["invoiced"])
    assert {(row["InvoiceIssuerName"], row["InvoiceId"]) for row in rows} == {("Anthropic", ANTHROPIC), ("OpenAI", None)}
    assert answer("reconcile", str(invoice(provider="openai")[0]), "--ledger", str(ledger), "--post")[0] == 0
    assert set(_sums(exported())) == {ANTHROPIC, OPENAI}
    assert {row["InvoiceId"] for row in exported("2026-11-01..2026-11-30")} == {None}


@pytest.mark.parametrize("kept", [False, True])
def test_tax_has_rows_of_its_own_and_the_invoice_ties_with_them(
    ledger: Path, invoice: Write, answer: Answer, exported: Any, *, kept: bool
) -> None:
    """Posted from its file or as it is kept: with its Tax row BilledCost sums to what is payable; no cost of ours changes."""
    path = invoice(*(PLANTS[cause] for cause in (*CAUSES, "tax")))[0]
    where = ("--ledger", str(ledger))
    assert not [row for row in exported() if row["ChargeCategory"] == "Tax"]
    if kept:
        assert run(["import", "invoice", str(path), *where]) == 0
        assert not [row for row in exported() if row["ChargeCategory"] == "Tax"], "it is held against nothing yet"
    report = answer("reconcile", *(("--invoice", ANTHROPIC) if kept else (str(path),)), *where, "--post")[1]
    rows = exported()
    (tax,) = [row for row in rows if row["ChargeCategory"] == "Tax"]
    assert [Decimal(tax[name]) for name in ("BilledCost", "ListCost", "ContractedCost", "EffectiveCost")] == [40] * 4
    assert (tax["InvoiceId"], tax["ChargeDescription"]) == (ANTHROPIC, f"Tax of invoice {ANTHROPIC}")
    assert (tax["ChargePeriodStart"][:10], tax["ChargeClass"], tax["Tags"]) == ("2026-10-31", None, None)
    assert _sums(rows)[ANTHROPIC] == Decimal(report["invoiced"])
    booked = answer("pnl", "--period", "2026-10", *where)[1]["total"]["cost"]
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal(booked) + 40
    assert not [row for row in exported("2026-11-01..2026-11-30") if row["ChargeCategory"] == "Tax"]


def test_what_was_posted_is_an_adjustment_and_a_credit_a_credit(
    ledger: Path, invoice: Write, answer: Answer, exported: Any
) -> None:
    """Lines that tie the books are never usage: each has the category Adjustment, or Credit where the vendor granted one."""
    code, report = answer("reconcile", str(invoice(*(PLANTS[cause] for cause in CAUSES))[0]), "--ledger", str(ledger), "--post")
    assert (code, report["remaining"]) == (0, "0")
    posted = [row for row in exported() if row["ChargeDescription"].startswith("Posted to tie with an invoice")]
    assert {row["ChargeCategory"] for row in posted} == {"Adjustment", "Credit"}
    assert {row["ChargeDescription"].split(": ")[1].split(",")[0] for row in posted} == set(CAUSES)
    assert sum(Decimal(row["BilledCost"]) for row in posted if row["ChargeCategory"] == "Credit") == -25


@pytest.mark.parametrize("profile", ["focus-1.2", "focus-1.4"])
def test_both_profiles_conform(
    ledger: Path, invoice: Write, exported: Any, shared_data: Path, tmp_path: Path, profile: str
) -> None:
    """With one vendor invoiced and one not, every requirement of the model that applies to a profile holds, and every law."""
    path = invoice(*(PLANTS[cause] for cause in (*CAUSES, "tax")))[0]
    assert run(["reconcile", str(path), "--ledger", str(ledger), "--post"]) == 0
    rows = exported("2026-10", "--profile", profile)
    assert {row["InvoiceId"] for row in rows} == {ANTHROPIC, None}
    assert {row["ChargeCategory"] for row in rows} == {"Usage", "Adjustment", "Credit", "Tax"}
    model = load_model(shared_data.parent / "reference" / "focus-1.2-requirements.json")
    path = tmp_path / "focus.csv"
    if profile == "focus-1.4":  # the model is 1.2's: it is asked by the names that 1.2 has for provider and publisher
        with duckdb.connect() as connection:
            named = "ServiceProviderName AS ProviderName, HostProviderName AS PublisherName"
            connection.execute(f"CREATE TABLE newer AS SELECT *, {named} FROM read_csv('{path}', all_varchar = true)")
            connection.execute(f"COPY newer TO '{tmp_path / 'named.csv'}' (HEADER true)")
        path = tmp_path / "named.csv"
    assert failures(check(path, model)) == []
    assert failures(check(tmp_path / "focus.csv", None)) == []


def test_a_late_invoice_keeps_its_number_in_the_next_period(ledger: Path, invoice: Write, answer: Answer, exported: Any) -> None:
    """Posted after the month was closed, its adjustments are corrections in the next month, under its number."""
    assert answer("close", "2026-10", "--unreconciled", "--ledger", str(ledger))[0] == 0
    report = answer("reconcile", str(invoice(PLANTS["credit"])[0]), "--ledger", str(ledger), "--post")[1]
    october, november = exported(), exported("2026-11-01..2026-11-30")
    assert _sums(october, november)[ANTHROPIC] == Decimal(report["invoiced"])
    named = [row for row in november if row["InvoiceId"]]
    assert {(row["InvoiceId"], row["ChargeClass"], row["ChargeCategory"]) for row in named} == {(ANTHROPIC, "Correction", "Credit")}


def test_an_invoice_that_takes_anothers_place_takes_its_rows(
    ledger: Path, invoice: Write, answer: Answer, exported: Any, tmp_path: Path
) -> None:
    """A corrected invoice under a new number bills every row; what the first one posted is taken back and bills nothing."""
    assert answer("reconcile", str(invoice(PLANTS["credit"])[0]), "--ledger", str(ledger), "--post")[0] == 0
    second = tmp_path / "second.csv"
    second.write_text(invoice(PLANTS["batch"], PLANTS["tax"])[0].read_text().replace(ANTHROPIC, "INV-B"))
    report = answer("reconcile", str(second), "--ledger", str(ledger), "--post")[1]
    assert {number: amount for number, amount in _sums(exported()).items() if number} == {"INV-B": Decimal(report["invoiced"])}


def test_an_invoice_of_another_account_bills_nothing_here(
    ledger: Path, invoice: Write, answer: Answer, exported: Any, tmp_path: Path
) -> None:
    """Rows have the BillingAccountId that their invoice names; where another account was said, they name no invoice."""
    path = tmp_path / "of-an-account.csv"
    header, *lines = invoice()[0].read_text().splitlines()
    path.write_text("\n".join([f"{header},BillingAccountId", *(f"{line},acct-1" for line in lines)]) + "\n")
    assert run(["import", "invoice", str(path), "--ledger", str(ledger)]) == 0
    assert answer("reconcile", str(path), "--ledger", str(ledger), "--post")[0] == 0

    def found(*options: str) -> set[tuple[str, str | None]]:
        rows = exported("2026-10", *options)
        return {(row["BillingAccountId"], row["InvoiceId"]) for row in rows if row["InvoiceIssuerName"] == "Anthropic"}

    assert found() == found("--account", "anthropic=acct-1") == {("acct-1", ANTHROPIC)}
    assert found("--account", "anthropic=acct-2") == {("acct-2", None)}
