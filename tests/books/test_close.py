"""`breakeven close`: a month is locked with its prices, its statement is signed off, and what comes later is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.economics.money import atto
from breakeven.ledger import open_ledger
from breakeven.reports.words import dollars
from breakeven.sample.invoices import PLANTS, Draft, honest, write_invoice

Answer = Callable[..., tuple[int, Any]]
Write = Callable[..., tuple[Path, Draft]]
DEARER = """version: 1
currency: USD
sources: {fixed: {kind: contract, ref: invented, recorded: 2026-11-01, by: finance}}
adjustments:
  - id: dearer
    kind: uplift
    match: {provider: anthropic}
    multiply: "1.5"
    from: "2026-10-01T00:00:00Z"
    source: fixed
    why: invented
"""


def _cost(answer: Answer, ledger: Path, period: str) -> str:
    total: str = answer("pnl", "--ledger", str(ledger), "--period", period)[1]["total"]["cost"]
    return total


def _reconciled(answer: Answer, ledger: Path, invoice: Write) -> None:
    for vendor in ("anthropic", "openai"):
        assert answer("reconcile", str(invoice(provider=vendor)[0]), "--ledger", str(ledger), "--post")[0] == 0


def test_a_month_is_closed_when_it_is_reconciled(ledger: Path, answer: Answer, invoice: Write) -> None:
    """Not before; then the statement has figures, price versions and invoices, and its digest stands in the decisions log."""
    at = ("--ledger", str(ledger))
    assert answer("close", "2026-10", *at)[0] == 1
    _reconciled(answer, ledger, invoice)
    code, statement = answer("close", "2026-10", *at, "--why", "all invoices are here")
    assert code == 0
    assert statement["cost"] == _cost(answer, ledger, "2026-10")
    assert {row["provider"] for row in statement["invoices"]} == {"anthropic", "openai"}
    assert any("claude-sonnet-4-5" in (row["price_version"] or "") for row in statement["price_versions"])
    code, shown = answer("close", "2026-10", "--show", *at)
    assert (code, shown["unchanged"], shown["logged"], shown["why"]) == (0, True, True, "all invoices are here")
    last = answer("decisions", *at)[1]["rows"][-1]
    assert (last["action"], last["after"]) == ("close periods", shown["digest"])
    page = (ledger / "closes" / "2026-10.md").read_text()
    assert shown["digest"] in page
    assert answer("close", "--list", *at)[1]["rows"][0]["digest"] == shown["digest"]
    assert answer("close", "2026-10", *at)[0] == 1
    assert run(["ledger", "verify", *at]) == 0


def test_a_restatement_of_a_closed_month_is_booked_in_the_next(ledger: Path, answer: Answer) -> None:
    """October stays what was signed off; November carries the correction, named as one; twice is once."""
    at = ("--ledger", str(ledger))
    assert answer("close", "2026-10", *at, "--unreconciled")[0] == 0
    october, november = _cost(answer, ledger, "2026-10"), _cost(answer, ledger, "2026-11")
    (ledger / "prices.yaml").write_text(DEARER)
    (ledger / "breakeven.yaml").write_text("prices: {overlay: [prices.yaml]}\n")
    change = answer("prices", "restate", "--from", "2026-10-01", *at)[1]
    assert float(change["change"]) > 0
    assert _cost(answer, ledger, "2026-10") == october
    assert float(_cost(answer, ledger, "2026-11")) - float(november) - float(change["change"]) < 1e-9
    assert answer("close", "2026-10", "--show", *at)[0] == 0
    assert answer("prices", "restate", "--from", "2026-10-01", *at)[1]["new_lines"] == 0
    assert run(["ledger", "verify", *at]) == 0


def test_a_correction_is_said_and_is_on_no_invoice_of_the_next_month(
    ledger: Path, answer: Answer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Restating says how many lines go to November, November's books say how much that is, and its invoice ties without."""
    at = ("--ledger", str(ledger))
    days = datetime(2026, 11, 1), datetime(2026, 11, 2)
    with open_ledger(ledger) as facts:
        path = write_invoice(tmp_path / "november.csv", honest(facts, "anthropic", *days), *days)
    assert answer("close", "2026-10", *at, "--unreconciled")[0] == 0
    (ledger / "prices.yaml").write_text(DEARER.replace("    source: fixed", '    to: "2026-11-01T00:00:00Z"\n    source: fixed'))
    (ledger / "breakeven.yaml").write_text("prices: {overlay: [prices.yaml]}\n")
    change = answer("prices", "restate", "--from", "2026-10-01", "--dry-run", *at)[1]["change"]
    capsys.readouterr()
    assert run(["prices", "restate", "--from", "2026-10-01", *at]) == 0
    assert "of the lines concern a closed period and are booked after it" in capsys.readouterr().err
    said = answer("reconcile", "--period", "2026-11", *at)[1]["sentence"]
    assert f"+{dollars(atto(Decimal(change)))} of this is a correction of October 2026, closed before." in said
    found = answer("reconcile", str(path), "--period", "2026-11-01", *at)[1]
    assert (found["rows"], found["within"]) == ([], True)


def test_the_share_that_ties_is_one_figure_after_a_restatement(ledger: Path, answer: Answer, invoice: Write) -> None:
    """`pnl`, the books and the refusal to close say the same share, and lines that were reversed do not weigh in it."""
    at = ("--ledger", str(ledger))
    assert answer("reconcile", str(invoice(PLANTS["credit"])[0]), *at, "--post")[0] == 0
    before = answer("pnl", "--period", "2026-10", *at)[1]["shares"]["reconciled"]
    (ledger / "breakeven.yaml").write_text("prices: {overlay: [prices.yaml]}\n")
    for multiple in ("1.5", "1"):
        (ledger / "prices.yaml").write_text(DEARER.replace('"1.5"', f'"{multiple}"'))
        assert int(answer("prices", "restate", "--from", "2026-10-01", *at)[1]["new_lines"]) > 0
    shares = [
        answer("pnl", "--period", "2026-10", *at)[1]["shares"]["reconciled"],
        answer("reconcile", "--period", "2026-10", *at)[1]["reconciled"],
    ]
    assert shares == [before, before]
    assert 0.5 < before < 0.7


def test_both_months_of_a_correction_name_the_other(ledger: Path, answer: Answer) -> None:
    """`pnl` and `why` of either month, the statement and a call's receipt say it; a second one adds up, one taken back is none."""
    at = ("--ledger", str(ledger))
    first = answer("calls", *at, "--period", "2026-10", "--limit", "1", "provider:anthropic")[1]["rows"][0]["call_id"]
    assert answer("close", "2026-10", *at, "--unreconciled")[0] == 0
    (ledger / "breakeven.yaml").write_text("prices: {overlay: [prices.yaml]}\n")
    changed = Decimal(0)
    for multiple, booked in (("1.5", True), ("2", True), ("1", False)):
        october = DEARER.replace("    source: fixed", '    to: "2026-11-01T00:00:00Z"\n    source: fixed')
        (ledger / "prices.yaml").write_text(october.replace('"1.5"', f'"{multiple}"'))
        changed += Decimal(answer("prices", "restate", "--from", "2026-10-01", *at)[1]["change"])
        assert (changed > 0) == booked
        amount = f"+{dollars(atto(changed))}"
        later = f"Corrections of October 2026 of {amount} are booked in November 2026, because it was closed."
        earlier = f"{amount} of this is a correction of October 2026, closed before."
        told = [answer(*asked, *at)[1]["sentence"] for asked in (("pnl", "--period", "2026-10"), ("close", "2026-10", "--show"))]
        november = [
            answer(*asked, "--period", "2026-11", *at)[1]["sentence"]
            for asked in (("pnl",), ("why", "cost", "--vs", "2026-10"), ("reconcile",))
        ]
        assert [later in said for said in told] == [booked] * 2
        assert [earlier in said for said in november] == [booked] * 3
        assert (later in november[1]) == booked
        shown = answer("close", "2026-10", "--show", *at)[1]
        assert shown["corrections"] == ({"2026-11": str(changed.normalize())} if booked else {})
        receipt = answer("why", first, *at)[1]["sentence"]
        assert ("is a correction that is booked in November 2026: its own month was closed." in receipt) == booked
    support = answer("pnl", "--period", "2026-11", "--feature", "nobody", *at)[1]["sentence"]
    assert "correction" not in support
    assert run(["ledger", "verify", *at]) == 0


def test_an_invoice_for_a_closed_month_is_booked_in_the_next(ledger: Path, answer: Answer, invoice: Write) -> None:
    """A credit that comes late is posted in November, and the invoice ties all the same."""
    at = ("--ledger", str(ledger))
    assert answer("close", "2026-10", *at, "--unreconciled")[0] == 0
    october = _cost(answer, ledger, "2026-10")
    code, report = answer("reconcile", str(invoice(PLANTS["credit"])[0]), *at, "--post")
    assert (code, report["remaining"], _cost(answer, ledger, "2026-10")) == (0, "0", october)
    late = answer("pnl", *at, "--period", "2026-11-01", "--by", "provider")[1]
    assert "is a correction of October 2026, closed before." in late["sentence"]
    late = late["rows"]
    assert [float(row["cost"]) < 0 for row in late if row["provider"] == "anthropic"] == [True]
    assert answer("close", "2026-10", "--show", *at)[0] == 0


def test_late_calls_are_seen(ledger: Path, answer: Answer, tmp_path: Path) -> None:
    """Calls that are imported into a closed month do not change its statement, and --show says how much they are; exit code 1."""
    at = ("--ledger", str(ledger))
    assert answer("close", "2026-10", *at, "--unreconciled")[0] == 0
    late = tmp_path / "late.csv"
    late.write_text("time,id,provider,model,feature,input,output\n2026-10-05T10:00:00,late,openai,gpt-4o,late,1000000,0\n")
    assert run(["import", "calls", str(late), *at]) == 0
    code, shown = answer("close", "2026-10", "--show", *at)
    assert (code, shown["unchanged"], float(shown["cost_now"]) - float(shown["cost"]) > 2) == (1, False, True)


def test_an_altered_statement_is_told(ledger: Path, answer: Answer) -> None:
    """The decisions log has the digest: a statement that was changed afterwards is not the one that was signed off."""
    at = ("--ledger", str(ledger))
    assert answer("close", "2026-10", *at, "--unreconciled")[0] == 0
    path = ledger / "closes" / "2026-10.json"
    statement = json.loads(path.read_text())
    path.write_text(json.dumps(statement | {"by": "somebody else"}))
    code, shown = answer("close", "2026-10", "--show", *at)
    assert (code, shown["logged"]) == (1, False)


def test_only_finance_closes(ledger: Path, answer: Answer) -> None:
    """Where roles are declared an engineer may not close, and nothing is written."""
    (ledger / "breakeven.yaml").write_text("access: {default_role: engineer}\n")
    assert answer("close", "2026-10", "--ledger", str(ledger), "--unreconciled")[0] == 1
    assert not (ledger / "closes").exists()


def test_only_whole_months_that_are_over(ledger: Path) -> None:
    """A week, a month to come and a month without cost are refused as usage errors."""
    for period in ("2026-W41", "month+1", "2026-01"):
        assert run(["close", period, "--ledger", str(ledger), "--unreconciled"]) == 2
