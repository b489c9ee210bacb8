"""The books over HTTP: what an invoice says against them, and a month that is signed off once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from breakeven.cli.main import run

OCTOBER = {"period": "2026-10"}


@pytest.fixture
def own(demo_original: Path, serve_at: Callable[[Path, Path], Any], tmp_path: Path) -> Any:
    """The sample company, served from a copy that may be changed."""
    ledger = Path(shutil.copytree(demo_original, tmp_path / "ledger"))
    return serve_at(ledger, ledger / "breakeven.yaml")


def read(site: Any, path: str, **query: str) -> Any:
    with site.client() as client:
        return client.get(f"/api/v1/{path}", params=query).json()


def send(site: Any, path: str, **options: Any) -> httpx.Response:
    with site.client() as client:
        return client.post(f"/api/v1/{path}", headers={"x-breakeven-guard": "local"}, **options)  # type: ignore[no-any-return]


def test_an_invoice_is_judged_as_the_command_line_judges_it(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The posted file gives the very report of `breakeven reconcile`, and nothing is posted."""
    file = site.ledger / "invoice-anthropic-2026-10-invented.csv"
    told = send(site, "invoices/check", params={"name": file.name}, content=file.read_bytes()).json()
    capsys.readouterr()
    assert run(["reconcile", str(file), "--ledger", str(site.ledger), "--json"]) == 1
    said = msgspec.json.decode(capsys.readouterr().out)
    assert [{**row, "remedy": ""} for row in told["rows"]] == [{**row, "remedy": ""} for row in said["rows"]]
    assert {name: told[name] for name in ("invoice", "metered", "invoiced", "remaining", "within", "sentence", "cells")} == {
        name: said[name] for name in ("invoice", "metered", "invoiced", "remaining", "within", "sentence", "cells")
    }


def test_a_foreign_invoice_is_checked_at_the_books_rate_and_its_remedies_repeat_it(
    site: Any, demo_original: Path, tmp_path: Path
) -> None:
    """With `rate` a bill in euros is held in dollars; each printed command says what was asked, and runs as printed."""
    bill = (
        b"provider,day,amount,currency,category,description\nanthropic,2026-10-05,100.00,EUR,usage,x\n"
        b"anthropic,2026-10-06,-7.00,EUR,credit,y\n"
    )
    asked: dict[str, Any] = {"name": "bill.csv", "period": "2026-10", "provider": "anthropic", "tolerance": 0.01}
    refused = send(site, "invoices/check", params=asked, content=bill)
    assert "say --rate EUR=DOLLARS" in refused.text
    for wrong in ("EUR", "EUR=", "EUR=0", "EUR=much"):
        answer = send(site, "invoices/check", params={**asked, "rate": wrong}, content=bill)
        assert (answer.status_code, "is not a rate" in answer.text) == (400, True)
    told = send(site, "invoices/check", params={**asked, "rate": "eur=1.25"}, content=bill).json()
    assert Decimal(told["invoiced"]) == Decimal("116.25")
    (credit,) = [row["remedy"] for row in told["rows"] if row["cause"] == "credit"]
    assert credit == "breakeven reconcile bill.csv --tolerance 0.01 --period 2026-10 --provider anthropic --rate EUR=1.25 --post"
    (tmp_path / "bill.csv").write_bytes(bill)
    ledger = Path(shutil.copytree(demo_original, tmp_path / "ledger"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert run([*credit.split()[1:-1], "--ledger", str(ledger)]) == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "there is no invoice in the request"),
        ("a.csv", b"hello\nworld\n", "no column says the amount"),
        ("a.csv", b"provider,amount\nopenai,x\n", "1 of 1 rows cannot be read"),
        ("../../etc/a.csv", b"provider,amount\nopenai,1\n", "does not say which days it bills"),
        ("a.parquet", b"PAR1nonsense", ""),
    ],
)
def test_what_is_no_invoice_is_explained(site: Any, name: str, content: bytes, said: str) -> None:
    """A fault names what is wrong and what to do, with status 4xx and no traceback."""
    answer = send(site, "invoices/check", params={"name": name}, content=content)
    error = answer.json()["error"]
    assert 400 <= answer.status_code < 500
    assert said in str(error)
    assert "Traceback" not in answer.text


def test_a_month_is_closed_once_and_the_books_say_so(own: Any) -> None:
    """Refused without an invoice, closed when told to, refused the second time; the statement's digest is what `books` shows."""
    before = read(own, "books", **OCTOBER)
    assert (before["closable"], before["closed"], before["reconciled"], round(Decimal(before["booked"]))) == (True, None, 0, 41710)
    refused = send(own, "closes", json=OCTOBER)
    assert refused.status_code == 403
    assert "no invoice was posted for it" in refused.json()["error"]["message"]
    made = send(own, "closes", json={**OCTOBER, "unreconciled": True, "why": "year end"})
    assert made.status_code == 200
    again = send(own, "closes", json={**OCTOBER, "unreconciled": True})
    assert "is closed already" in again.json()["error"]["message"]
    after = read(own, "books", **OCTOBER)
    assert after["closed"]["digest"] == made.json()["digest"]
    assert after["closable"] is False
    assert after["sentence"].endswith("signed it off on " + after["closed"]["closed_at"][:10] + ".")
    noted = read(own, "decisions")["rows"][-1]
    assert (noted["action"], noted["subject"], noted["why"]) == ("close periods", "period 2026-10", "year end")


@pytest.mark.parametrize("period", ["2026-10-03", "2026-Q4", "2099-01", "nonsense", "2024-01"])
def test_only_a_whole_month_with_cost_that_is_over_can_be_closed(site: Any, period: str) -> None:
    """Anything else is refused in words, and nothing is written."""
    answer = send(site, "closes", json={"period": period, "unreconciled": True})
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"]
    assert not (site.ledger / "closes").exists()


def test_a_feature_has_its_part_of_the_books(answer: Callable[..., Any]) -> None:
    """Features' metered costs sum to the whole, vendor by vendor; part of a month says why it cannot be closed."""
    whole = answer("books", **OCTOBER)
    parts = [
        answer("books", **OCTOBER, feature=name) for name in ("Support answers", "Invoice capture", "Contract extraction", "none")
    ]
    assert sum(Decimal(one["metered"]) for one in parts) == Decimal(whole["metered"])
    assert sum(Decimal(row["metered"]) for row in whole["rows"]) == Decimal(whole["metered"])
    part = answer("books", period="2026-10-01..2026-10-09")
    assert (part["closable"], part["open_because"]) == (False, "Only a whole month can be closed.")
