"""`breakeven reconcile` against invented invoices: each planted cause is found with its amount, and the parts sum exactly."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.ledger import open_ledger
from breakeven.sample import invoices
from breakeven.sample.invoices import PLANTS, STRANGE_KEY, Draft

Answer = Callable[..., tuple[int, Any]]
Write = Callable[..., tuple[Path, Draft]]
CENT = Decimal("0.01")


def _planted(draft: Draft) -> dict[str, Decimal]:
    return {cause: Decimal(value).scaleb(-18) for cause, value in draft.planted}


def _found(report: Any) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in report["rows"]:
        found[row["cause"]] += Decimal(row["amount"])
    return dict(found)


def _sums_exactly(report: Any) -> bool:
    difference = Decimal(report["invoiced"]) - Decimal(report["metered"])
    return sum(_found(report).values()) == difference == Decimal(report["difference"])


def test_an_honest_invoice_ties(original: Path, answer: Answer, invoice: Write) -> None:
    """What was metered, billed as it is, leaves no difference and no row."""
    code, report = answer("reconcile", str(invoice()[0]), "--ledger", str(original))
    assert (code, report["difference"], report["rows"], report["period"]) == (0, "0", [], "2026-10")
    assert Decimal(report["metered"]) > 50


@pytest.mark.parametrize("cause", PLANTS)
def test_each_cause_is_found_with_its_amount(original: Path, answer: Answer, invoice: Write, cause: str) -> None:
    """One planted cause is the one row, to the last atto-dollar, with a remedy."""
    path, draft = invoice(PLANTS[cause])
    _, report = answer("reconcile", str(path), "--ledger", str(original), "--rate", "EUR=1.12")
    assert _found(report) == _planted(draft)
    assert _sums_exactly(report)
    assert all(row["remedy"] for row in report["rows"])


def test_the_invoice_day_of_another_time_zone_is_found(original: Path, answer: Answer, invoice: Write) -> None:
    """Days that start at eight in the morning UTC are told from daily quantities; only the month's two edges differ."""
    path, draft = invoice(shift=8)
    _, report = answer("reconcile", str(path), "--ledger", str(original))
    assert _found(report) == _planted(draft)
    assert report["trail"]["day_starts"]["anthropic"] in ("07:00 UTC", "08:00 UTC")  # there is a call every second hour


def test_calls_cut_off_before_they_told_their_usage(original: Path, answer: Answer, invoice: Write) -> None:
    """More output than was metered, on a day and model with calls of unknown usage that may have used so much."""
    path, draft = invoice(lambda made: invoices.cut_off(made, date(2026, 10, 20), "claude-haiku-4-5", 9_000))
    _, report = answer("reconcile", str(path), "--ledger", str(original))
    assert _found(report) == _planted(draft)
    assert report["rows"][0]["detail"] == "2 calls whose usage is not known"


def test_what_cut_off_calls_cannot_have_used_was_not_metered(original: Path, answer: Answer, invoice: Write) -> None:
    """A surplus beyond what those calls can have used at most is not blamed on them."""
    path, draft = invoice(lambda made: invoices.cut_off(made, date(2026, 10, 20), "claude-haiku-4-5", 900_000))
    _, report = answer("reconcile", str(path), "--ledger", str(original))
    assert _found(report) == {"not metered": _planted(draft)["disconnects"]}


def test_a_price_shows_the_command_that_enters_it(original: Path, answer: Answer, invoice: Write) -> None:
    """The remedy of another price names model, class, day and the price per million that the invoice shows."""
    _, report = answer("reconcile", str(invoice(PLANTS["price"])[0]), "--ledger", str(original))
    assert report["rows"][0]["remedy"] == (
        "breakeven prices add anthropic claude-haiku-4-5 --from 2026-10-01T00:00:00Z --output 5.5 --source invoice"
    )


def test_a_price_on_lines_of_whole_cents_is_one_price(original: Path, answer: Answer, invoice: Write) -> None:
    """31 days whose lines are rounded to cents are one row with one command, and the price in it is the vendor's own."""
    _, report = answer("reconcile", str(invoice(PLANTS["price"], PLANTS["rounding"])[0]), "--ledger", str(original))
    (row,) = [row for row in report["rows"] if row["cause"] == "price"]
    assert (row["detail"], row["first_day"], row["last_day"]) == ("1.1000 of our price", "2026-10-01", "2026-10-31")
    assert row["remedy"].endswith("--from 2026-10-01T00:00:00Z --output 5.5 --source invoice")
    assert _sums_exactly(report)


def test_a_price_that_changes_within_the_month_is_two(ledger: Path, answer: Answer, invoice: Write) -> None:
    """Each price has its own first day; entered as the rows say and restated, nothing of the prices is left."""

    def drift(draft: Draft) -> Draft:
        def cost(line: invoices.Billed) -> int:
            mine = (line.model, line.usage_class) == ("claude-haiku-4-5", "output")
            return line.cost * (12 if line.day > date(2026, 10, 12) else 11) // 10 if mine else line.cost

        return draft.with_cause("price", [replace(line, cost=cost(line)) for line in draft.lines])

    path = invoice(drift, PLANTS["rounding"])[0]
    _, report = answer("reconcile", str(path), "--ledger", str(ledger))
    remedies = [row["remedy"] for row in report["rows"] if row["cause"] == "price"]
    assert {(remedy.split("--from ")[1].split("T")[0], remedy.split("--output ")[1].split()[0]) for remedy in remedies} == {
        ("2026-10-01", "5.5"),
        ("2026-10-13", "6"),
    }
    (ledger / "breakeven.yaml").write_text("prices: {overlay: [prices.yaml]}\n")
    for remedy in sorted(remedies, key=lambda remedy: remedy.split("--from ")[1]):
        assert run([*shlex.split(remedy)[1:], "--file", str(ledger / "prices.yaml"), "--ledger", str(ledger)]) == 0
    assert run(["prices", "restate", "--from", "2026-10-01", "--ledger", str(ledger)]) == 0
    _, report = answer("reconcile", str(path), "--ledger", str(ledger))
    assert {row["cause"] for row in report["rows"]} == {"rounding"}


def test_the_remedy_of_an_unseen_key_takes_a_vendors_daily_usage(ledger: Path, answer: Answer, invoice: Write) -> None:
    """A table of days, models and tokens, without a number of calls, is taken as it is, once; then the invoice ties."""
    path = invoice(PLANTS["unseen key"])[0]
    _, report = answer("reconcile", str(path), "--ledger", str(ledger))
    (row,) = report["rows"]
    usage = ledger.parent / "USAGE.csv"
    usage.write_text(f"day,model,input_tokens,api_key\n{row['first_day']},{row['model']},{row['quantity']},sk-invented-4f2\n")
    remedy = row["remedy"].split("  (")[0].replace("USAGE.csv", str(usage)).split()[1:]
    for added in (1, 0):
        code, told = answer(*remedy, "--ledger", str(ledger))
        assert (code, told["calls_added"]) == (0, added)
    _, report = answer("reconcile", str(path), "--ledger", str(ledger))
    assert (report["rows"], report["remaining"]) == ([], "0")


ALL = ("price", "cache class", "batch", "served tier", "not metered", "unseen key", "unexplained", "credit", "tax")


def test_all_causes_at_once(original: Path, answer: Answer, invoice: Write) -> None:
    """Nine causes on one invoice are told apart, each to the last digit, and nothing else is found."""
    path, draft = invoice(*(PLANTS[cause] for cause in ALL))
    code, report = answer("reconcile", str(path), "--ledger", str(original), "--key", "sk-ours", "--tolerance", "0.1%")
    assert _found(report) == _planted(draft)
    assert set(_found(report)) == set(ALL)
    assert _sums_exactly(report)
    assert code == 1


def test_all_causes_at_once_rounded_to_cents(original: Path, answer: Answer, invoice: Write) -> None:
    """With every line rounded to cents each cause is right within the cents of its lines, and the parts still sum exactly."""
    path, draft = invoice(*(PLANTS[cause] for cause in (*ALL, "rounding")))
    _, report = answer("reconcile", str(path), "--ledger", str(original), "--key", "sk-ours")
    found, planted = _found(report), _planted(draft)
    assert _sums_exactly(report)
    assert set(found) == set(planted)
    assert all(abs(found[cause] - planted[cause]) <= 4 * CENT for cause in ALL)


def test_the_example_of_the_documentation(original: Path, invoice: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch metered at full price, a key never seen and rounding: both sides, three rows with remedies, exit code 1."""
    path, _ = invoice(lambda d: invoices.batch(d, 2), lambda d: invoices.unseen_key(d, 1), invoices.rounded)
    capsys.readouterr()
    assert run(["reconcile", str(path), "--ledger", str(original), "--tolerance", "0.1%"]) == 1
    out = capsys.readouterr().out
    assert "metered " in out
    assert "difference +" in out
    assert [
        word for word in ("batch anthropic", f"unseen key anthropic: {STRANGE_KEY}", "rounding anthropic") if word not in out
    ] == []
    assert "all of it explained" in out


def test_posting_ties_the_ledger_to_the_invoice(ledger: Path, answer: Answer, invoice: Write) -> None:
    """After --post the month's cost is what was invoiced, shared among features; what passed us by is nobody's; verify holds."""
    path, draft = invoice(lambda d: invoices.batch(d, 2), lambda d: invoices.unseen_key(d, 1), invoices.rounded)
    at = ("--ledger", str(ledger))
    code, report = answer("reconcile", str(path), *at, "--post", "--tolerance", "0.01%")
    assert (code, report["remaining"], report["within"]) == (0, "0", True)
    assert {row["remedy"] for row in report["rows"]} == {"none: it is posted"}
    cost = answer("pnl", *at, "--period", "2026-10", "--provider", "anthropic")[1]
    assert cost["total"]["cost"] == report["invoiced"]
    (nobodys,) = [Decimal(row["cost"]) for row in cost["rows"] if row["kind"] == "unattributed"]
    assert abs(nobodys - _planted(draft)["unseen key"]) <= CENT
    assert run(["ledger", "verify", *at]) == 0
    assert run(["ledger", "rebuild", *at]) == 0
    assert answer("pnl", *at, "--period", "2026-10", "--provider", "anthropic")[1]["total"] == cost["total"]


def test_posting_again_adds_nothing(ledger: Path, answer: Answer, invoice: Write) -> None:
    """The same invoice twice is once; a corrected one takes back what the first one posted."""
    at = ("--ledger", str(ledger))
    first, _ = invoice(PLANTS["discount"])
    for _ in range(2):
        assert answer("reconcile", str(first), *at, "--post")[0] == 0
    total = answer("pnl", *at, "--period", "2026-10", "--provider", "anthropic")[1]["total"]["cost"]
    corrected, _ = invoice(PLANTS["credit"], name="corrected")
    code, report = answer("reconcile", str(corrected), *at, "--post")
    assert (code, report["remaining"]) == (0, "0")
    after = answer("pnl", *at, "--period", "2026-10", "--provider", "anthropic")[1]["total"]["cost"]
    assert after == report["invoiced"] != total


def test_a_part_of_a_file_is_an_invoice_of_its_own(ledger: Path, answer: Answer, invoice: Write) -> None:
    """Halves of a month, posted one after the other from one file, tie each by itself and do not take each other back."""
    at = ("--ledger", str(ledger))
    path, _ = invoice(PLANTS["discount"])
    for half in ("2026-10-01..2026-10-15", "2026-10-16..2026-10-31"):
        assert answer("reconcile", str(path), *at, "--period", half, "--post")[0] == 0
    code, report = answer("reconcile", str(path), *at)
    assert (code, report["remaining"]) == (0, "0")


def test_what_is_unexplained_is_not_posted(ledger: Path, answer: Answer, invoice: Write) -> None:
    """More than the tolerance without a cause: nothing is posted, nothing counts as reconciled, exit code 1."""
    at = ("--ledger", str(ledger))
    path, _ = invoice(lambda d: invoices.not_billed(d, 2))
    code, report = answer("reconcile", str(path), *at, "--post", "--tolerance", "0.1%")
    assert (code, report["posted"], report["explained"]) == (1, "0", False)
    assert answer("pnl", *at, "--period", "2026-10")[1]["shares"]["reconciled"] is None


def test_reports_say_what_is_reconciled(ledger: Path, answer: Answer, invoice: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """With one vendor's invoice a share of the cost is reconciled; with both, all of it to the last day, and the badge says so."""
    at = ("--ledger", str(ledger))
    assert answer("pnl", *at, "--period", "2026-10")[1]["shares"]["reconciled"] is None
    assert answer("reconcile", str(invoice()[0]), *at, "--post")[0] == 0
    half = answer("pnl", *at, "--period", "2026-10")[1]["shares"]
    assert 0 < half["reconciled"] < 1
    assert "reconciled_through" not in half
    assert answer("reconcile", str(invoice(provider="openai")[0]), *at, "--post")[0] == 0
    whole = answer("pnl", *at, "--period", "2026-10")[1]["shares"]
    assert (whole["reconciled"], whole["reconciled_through"]) == (1, "2026-10-31")
    capsys.readouterr()
    assert run(["pnl", *at, "--period", "2026-10"]) == 0
    assert "reconciled to 31 Oct" in capsys.readouterr().out
    longer = answer("pnl", *at, "--period", "2026-10-01..2026-11-01")[1]["shares"]
    assert longer["reconciled"] < 1
    assert longer["reconciled_through"] == "2026-10-31"


def test_restating_leaves_adjustments_alone(ledger: Path, answer: Answer, invoice: Write) -> None:
    """An adjustment has no price: pricing October again changes nothing of it."""
    at = ("--ledger", str(ledger))
    assert answer("reconcile", str(invoice(PLANTS["discount"])[0]), *at, "--post")[0] == 0
    before = answer("pnl", *at, "--period", "2026-10")[1]["total"]
    assert answer("prices", "restate", "--from", "2026-10-01", *at)[1]["new_lines"] == 0
    assert answer("pnl", *at, "--period", "2026-10")[1]["total"] == before


def test_only_finance_posts(ledger: Path, answer: Answer, invoice: Write) -> None:
    """Where roles are declared an engineer may reconcile and not post; the refusal is in the decisions log."""
    (ledger / "breakeven.yaml").write_text("access: {default_role: engineer}\n")
    code, document = answer("reconcile", str(invoice()[0]), "--ledger", str(ledger), "--post")
    assert (code, document) == (1, None)
    refused = answer("decisions", "--ledger", str(ledger))[1]["rows"]
    assert [(row["action"], row["allowed"]) for row in refused][-1] == ("post invoices", False)


def _runs(remedy: str, ledger: Path) -> int:
    """The exit code of a remedy, typed as it was printed, up to the remark in brackets behind it."""
    command = shlex.split(remedy.split("  (", maxsplit=1)[0])
    assert command.pop(0) == "breakeven"
    return run([*command, "--ledger", str(ledger)])


@pytest.mark.parametrize("cause", ["batch", "served tier"])
def test_the_remedy_of_a_tier_runs_and_mends(ledger: Path, answer: Answer, invoice: Write, cause: str) -> None:
    """Calls in the ledger stay as they came, also when imported anew: the printed command posts what the tier costs."""
    path, _ = invoice(PLANTS[cause])
    asked = ("reconcile", str(path), "--ledger", str(ledger), "--tolerance", "0.01%")
    _, before = answer(*asked)
    assert Decimal(before["remaining"]) != 0
    assert _runs(before["rows"][0]["remedy"], ledger) == 0
    _, after = answer(*asked)
    assert Decimal(after["remaining"]) == 0


def test_the_remedy_of_a_currency_names_the_rate_that_fits(ledger: Path, answer: Answer, tmp_path: Path) -> None:
    """An invoice in euros at another rate than the books': the printed command repeats what was asked, at the rate that ties."""
    path = tmp_path / "bill in euro.csv"
    with open_ledger(ledger) as facts:
        cells = facts.query(
            "SELECT occurred_at::DATE, model, usage_class, sum(quantity), sum(cost) FROM cost_lines WHERE provider = 'openai'"
            " AND occurred_at >= '2026-10-01' AND occurred_at < '2026-11-01' GROUP BY ALL"
        )
    rows = [f"{day},{model},{kind},{quantity},{cost * Decimal('0.92')}" for day, model, kind, quantity, cost in cells]
    path.write_text("\n".join(["when,model,class,quantity,amount", *rows]) + "\n")
    given = ("--provider", "openai", "--map", "day=when", "--set", "currency=EUR", "--tolerance", "0.1%")
    code, report = answer("reconcile", str(path), *given, "--rate", "EUR=1.08", "--ledger", str(ledger))
    assert code == 1
    row = next(row for row in report["rows"] if row["cause"] == "currency")
    assert row["remedy"].endswith(" --rate EUR=1.086957")
    assert _runs(row["remedy"], ledger) == 0


def test_tax_is_said_beside_what_ties(original: Path, invoice: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """What is invoiced beyond what was metered because of tax is called tax, above the causes and in the sentence."""
    path, _ = invoice(PLANTS["tax"])
    capsys.readouterr()
    assert run(["reconcile", str(path), "--ledger", str(original)]) == 0
    out = capsys.readouterr().out
    assert ", 40.00 of it tax · difference 0.00" in out
    assert "invoiced, $40.00 of it tax: they tie." in out
