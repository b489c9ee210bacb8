"""Invoices that the ledger keeps: taken once and whole, held against the books as their file would be, and written as FOCUS."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

Answer = Callable[..., tuple[int, Any]]
HEAD = (
    "InvoiceIssuerName,InvoiceId,InvoiceDetailId,BilledCost,BillingCurrency,PaymentCurrency,PaymentCurrencyBilledCost,ChargeCategory,"
    "BillingAccountId,BillingPeriodStart,BillingPeriodEnd,InvoiceDetailDescription\n"
)
PERIOD = "2026-10-01T00:00:00Z,2026-11-01T00:00:00Z"


@pytest.fixture
def detail(tmp_path: Path) -> Path:
    """An invoice in FOCUS 1.4's own shape: usage, a credit, tax, and a line that is paid in euros."""
    path = tmp_path / "detail.csv"
    path.write_text(
        f"{HEAD}OpenAI,INV-9,1,120.50,USD,USD,120.50,Usage,acct-1,{PERIOD},tokens\n"
        f"OpenAI,INV-9,2,-20.50,USD,USD,-20.50,Credit,acct-1,{PERIOD},goodwill\n"
        f"OpenAI,INV-9,3,9.00,USD,USD,9.00,Tax,acct-1,{PERIOD},\n"
        f"OpenAI,INV-9,4,10.00,USD,EUR,9.25,Usage,acct-1,{PERIOD},\n"
    )
    return path


def test_a_stored_invoice_is_judged_as_its_file_is(
    ledger: Path, invoice: Callable[..., tuple[Path, Any]], answer: Answer, detail: Path
) -> None:
    """Whatever the shape, `--invoice NUMBER` gives the report of the file itself, cause by cause and to the last digit."""
    file, _ = invoice()
    for path, more in ((file, ()), (detail, ("--rate", "EUR=1.08"))):
        sets = ("--set", "EUR=1.08") if more else ()
        assert run(["import", "invoice", str(path), "--ledger", str(ledger), *sets]) == 0
        told, direct = answer("reconcile", str(path), "--ledger", str(ledger), *more)
        again, stored = answer("reconcile", "--invoice", direct["invoice"], "--ledger", str(ledger))
        for report in (direct, stored):
            report["rows"] = [{**row, "remedy": ""} for row in report["rows"]]
        assert (told, direct) == (again, stored)


def test_the_same_file_is_taken_once_and_a_new_one_takes_its_place(ledger: Path, detail: Path, answer: Answer) -> None:
    """Importing again adds nothing; a corrected file under the same number is what counts from then on."""
    command = ("import", "invoice", str(detail), "--ledger", str(ledger), "--set", "EUR=1.08")
    assert answer(*command)[1]["facts_added"]["invoice_lines"] == 4
    assert answer(*command)[1]["facts_added"].get("invoice_lines", 0) == 0
    detail.write_text(detail.read_text().replace("120.50", "121.50"))
    assert answer(*command)[1]["facts_added"]["invoice_lines"] == 4
    report = answer("reconcile", "--invoice", "INV-9", "--ledger", str(ledger))[1]
    assert Decimal(report["invoiced"]) == Decimal("121.50") - Decimal("20.50") + 9 + Decimal("9.25") * Decimal("1.08")


def test_focus_shows_its_lines_as_invoice_detail(ledger: Path, detail: Path, tmp_path: Path) -> None:
    """focus-1.4 writes a row for each line: amounts in either currency, category, account and period, and an id of its own."""
    assert run(["import", "invoice", str(detail), "--ledger", str(ledger), "--set", "EUR=1.08"]) == 0
    out = tmp_path / "focus.csv"
    assert run(["export", "focus", "--profile", "focus-1.4", "--period", "2026-10", "-o", str(out), "--ledger", str(ledger)]) == 0
    with out.with_name("focus-invoice-detail.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    wanted = [
        ("120.5", "Usage", "USD", "120.5"),
        ("-20.5", "Credit", "USD", "-20.5"),
        ("9", "Tax", "USD", "9"),
        ("10", "Usage", "EUR", "9.25"),
    ]
    assert [
        (Decimal(row["BilledCost"]), row["ChargeCategory"], row["PaymentCurrency"], Decimal(row["PaymentCurrencyBilledCost"]))
        for row in rows
    ] == [(Decimal(cost), category, currency, Decimal(paid)) for cost, category, currency, paid in wanted]
    assert {(row["InvoiceId"], row["InvoiceIssuerName"], row["BillingAccountId"], row["BillingPeriodEnd"]) for row in rows} == {
        ("INV-9", "OpenAI", "acct-1", "2026-11-01T00:00:00Z")
    }
    assert len({row["InvoiceDetailId"] for row in rows}) == 4


def test_what_cannot_be_taken_is_said_and_nothing_is(
    ledger: Path, detail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line without a rate, days that are not said, an unknown number, a file and a number at once: a message, no line."""
    undated = tmp_path / "undated.csv"
    undated.write_text("provider,amount\nopenai,5\n")
    for command, said in (
        (("import", "invoice", str(detail)), "say --rate EUR=DOLLARS"),
        (("import", "invoice", str(undated)), "does not say which days it bills"),
        (("import", "invoice", str(detail), "--set", "EUR=much"), "EUR=much is not a rate"),
        (("reconcile", "--invoice", "INV-0"), "the ledger has no invoice 'INV-0'"),
        (("reconcile", str(detail), "--invoice", "INV-9"), "an invoice is a file or a number"),
    ):
        capsys.readouterr()
        assert run([*command, "--ledger", str(ledger)]) in (2, 3), command
        assert said in capsys.readouterr().err, command
    assert run(["query", "SELECT count(*) AS lines FROM invoice_lines", "--json", "--ledger", str(ledger)]) == 0
    assert json.loads(capsys.readouterr().out) == [{"lines": 0}]


def test_they_survive_a_rebuild_and_are_proven(
    ledger: Path, detail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sealed like every fact: the database made anew from the files has them, and `verify` sums them."""
    assert run(["import", "invoice", str(detail), "--ledger", str(ledger), "--set", "EUR=1.08"]) == 0
    moved = Path(shutil.copytree(ledger, tmp_path / "moved"))
    assert run(["ledger", "rebuild", "--ledger", str(moved)]) == 0
    capsys.readouterr()
    assert run(["ledger", "verify", "--json", "--ledger", str(moved)]) == 0
    assert '"invoice_lines"' in capsys.readouterr().out
    assert run(["reconcile", "--invoice", "INV-9", "--ledger", str(moved)]) == 1
