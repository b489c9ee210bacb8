"""`breakeven budget`: what is declared, how it stands, and a new limit."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from breakeven.cli.main import cli, exit_code
from breakeven.errors import BreakevenError
from breakeven.governance.budgets import Budget
from breakeven.governance.spans import Rolling
from breakeven.ledger import open_ledger
from breakeven.reports.drawn import daily

CONFIG = """# kept
features:
  search: {owner: web, budget: {limit: "$2", period: month}}
budgets:
  per-customer:   # watched
    per: customer
    limit: 3 calls
    period: lifetime
    enforce: false
    thresholds: [{at: 50%, do: notify}]
  all-tokens: {limit: 1M tokens, period: rolling 30d}
limits:
  burst: {calls: 10 per minute}
"""
CALLS = """call_id,occurred_at,provider,model,feature,customer,input,output
a,2026-10-01T00:00:00Z,openai,gpt-4o-mini,search,Acme,1000,1000
b,2026-10-02T00:00:00Z,openai,gpt-4o-mini,search,Acme,1000000,1000000
c,2026-10-03T00:00:00Z,openai,gpt-4o-mini,other,Beta,1000,0
d,2026-09-30T00:00:00Z,openai,gpt-4o-mini,search,Acme,1000000,0
"""


class Run:
    """The command line on a ledger of its own."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "breakeven.yaml"
        self.config.write_text(CONFIG)
        (folder / "calls.csv").write_text(CALLS)
        self.ledger = folder / "ledger"
        assert self("import", "calls", str(folder / "calls.csv")).startswith("")

    def __call__(self, *words: str) -> str:
        """What a command prints to stdout."""
        place = ["--ledger", str(self.ledger), "--config", str(self.config)]
        found = CliRunner().invoke(cli, [*words, *place], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.stdout


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A ledger with four calls, three of them in October 2026."""
    return Run(tmp_path)


def status(run: Run, *words: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of the status at the end of October, by budget and account."""
    rows = json.loads(run("budget", "status", "--at", "2026-10-31T12:00:00Z", "--json", *words))["rows"]
    return {(row["budget"], row["subject"]): row for row in rows}


def test_the_ledger_says_what_was_spent_before_any_gateway(run: Run) -> None:
    """Dollars of the month, calls of each customer for ever, tokens of the last thirty days: exactly, and by account."""
    rows = status(run)
    assert {name: (row["spent"], row["limit"]) for name, row in rows.items()} == {
        ("feature search", "all"): ("0.75075", "2"),
        ("per-customer", "customer Acme"): ("3", "3"),
        ("per-customer", "customer Beta"): ("1", "3"),
        ("all-tokens", "all"): ("2001000", "1000000"),
    }
    assert rows["per-customer", "customer Acme"]["next_action"] == "watched only"
    assert rows["per-customer", "customer Beta"]["next_action"] == "notify at 50%"
    assert rows["all-tokens", "all"]["next_action"] == "refusing"
    assert rows["feature search", "all"]["owner"] == "web"


def test_the_fullest_comes_first_and_the_sentence_names_it(run: Run) -> None:
    """Whoever reads one line reads the most urgent one."""
    found = json.loads(run("budget", "status", "--at", "2026-10-31T12:00:00Z", "--json"))
    assert found["rows"][0]["budget"] == "all-tokens"
    assert found["sentence"].startswith("4 accounts of 3 budgets; the fullest, all-tokens, stands at 200%; 2 accounts spent")


def test_what_is_declared_in_words(run: Run) -> None:
    """Every limit with its owner and line, in a sentence that needs no manual."""
    rows = {row["budget"]: row["words"] for row in json.loads(run("budget", "list", "--json"))["rows"]}
    assert rows == {
        "per-customer": "3 calls in lifetime for each customer, strict, watched only",
        "all-tokens": "1,000,000 tokens in 30 days, rolling, strict",
        "feature search": "$2.00 in month for feature search, strict",
        "burst/calls": "10 calls in 1 minute, rolling",
    }


@pytest.mark.parametrize(
    ("name", "before", "after"), [("per-customer", "3 calls", '"5 calls"'), ("feature search", '"$2"', '"$7"')]
)
def test_a_new_limit_changes_one_word_of_the_file(run: Run, name: str, before: str, after: str) -> None:
    """Comments, order and everything else stay; the difference is shown."""
    shown = run("budget", "set", name, "--limit", after.strip('"'))
    assert run.config.read_text() == CONFIG.replace(f"limit: {before}", f"limit: {after}")
    assert f"limit: {after}" in shown


def test_a_dry_run_writes_nothing(run: Run) -> None:
    """The difference is shown and the file stays."""
    assert "9 calls" in run("budget", "set", "per-customer", "--limit", "9 calls", "--dry-run")
    assert run.config.read_text() == CONFIG


@pytest.mark.parametrize(
    ("words", "code"),
    [(("set", "nobody", "--limit", "5"), 2), (("set", "per-customer", "--limit", "much"), 3), (("status", "nobody"), 2)],
)
def test_what_cannot_be_done_is_refused(run: Run, words: tuple[str, ...], code: int) -> None:
    """An unknown budget, or a limit that is none, leaves the file as it was."""
    with pytest.raises(BreakevenError) as fault:
        run("budget", *words)
    assert exit_code(fault.value) == code
    assert run.config.read_text() == CONFIG


def test_a_forecast_starts_from_what_the_calls_of_each_day_cost(run: Run) -> None:
    """What budgets of money are forecast from, read from daily sums, is the cost of the account's own calls, day by day."""
    budget = Budget("each", "usd", 1, Rolling(86_400), scope=(("feature", ("search",)),), per=("customer",))
    since, until = datetime(2026, 9, 1), datetime(2026, 11, 1)
    with open_ledger(run.ledger) as ledger:
        found = daily(ledger, budget, since, until)
        lines = ledger.query("SELECT occurred_at, cost FROM cost_lines WHERE feature = 'search' AND customer = 'Acme'")
    expected = [0.0] * 61
    for at, cost in lines:
        expected[(at - since).days] += float(cost)
    assert found == {("Acme",): pytest.approx(expected)}
    assert sum(map(bool, expected)) == 3
