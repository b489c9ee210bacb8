"""The reports on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from breakeven.cli import reports
from breakeven.cli.tables import Column, badge, each, fitted, margin, money
from breakeven.cli.why import why
from breakeven.errors import BreakevenError, UsageError

Build = Callable[[str], Any]
Run = Callable[..., Result]

LEDGER = """
call                                  time              feature  customer  model   cost      status  trace
00000000-0000-7000-8000-000000000001  2026-10-01 09:00  support  acme      gpt-4o  14120.50  ok      t1
00000000-0000-7000-8000-000000000002  2026-10-01 10:00  extract  beta      small   0.0518    failed  t1
00000000-0000-7000-8000-000000000003  2026-10-02 09:00  extract  acme      new     ?         ok      -
00000000-0000-7000-8000-000000000004  2026-10-03 09:00  -        acme      gpt-4o  1335      ok      -
00000000-0000-7000-8000-000000000005  2026-09-03 09:00  support  acme      gpt-4o  14600.50  ok      -

outcomes
time              feature  succeeded
2026-10-01 09:00  support  true
2026-10-01 09:00  extract  true

revenue
from        to          customer  amount
2026-10-01  2026-11-01  acme      20000
"""
CONFIG = """
features:
  support: {owner: care, value: {kind: unit_price, price: 52000, grade: B}}
  extract: {owner: back, value: {kind: unit_price, price: "0.01", grade: B}}
"""


@pytest.fixture
def run(ledger_from_text: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the ledger above; the terminal is as wide as `columns`."""
    ledger = ledger_from_text(LEDGER)
    config = tmp_path / "breakeven.yaml"
    config.write_text(CONFIG)

    @contextmanager
    def opened(_path: Path, _settings: Any) -> Iterator[Any]:
        yield ledger

    monkeypatch.setattr(reports, "open_facts", opened)

    def runner(command: str, *arguments: str, columns: int = 300) -> Result:
        monkeypatch.setenv("COLUMNS", str(columns))
        found = why if command == "why" else getattr(reports, command)
        options = [*arguments, "--config", str(config), "--ledger", str(tmp_path)]
        return CliRunner().invoke(found, options, catch_exceptions=True)

    return runner


COMMANDS = {
    "pnl": ("--period", "2026-10"),
    "customers": ("--period", "2026-10"),
    "calls": ("--period", "2026-10"),
    "why": ("00000000-0000-7000-8000-000000000001",),
    "trace": ("t1",),
    "unpriced": (),
    "today": ("--period", "2026-10"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_report_is_a_table_json_and_csv(run: Run, command: str) -> None:
    """Each has a sentence and a trail in JSON, rows in CSV, and a table whose last line on stdout is prose."""
    table, as_json, as_csv = (run(command, *COMMANDS[command], *form) for form in ((), ("--json",), ("--csv",)))
    assert [one.exit_code for one in (table, as_json, as_csv)] == [0, 0, 0]
    document = json.loads(as_json.stdout)
    assert document["sentence"] in table.stdout
    assert document["trail"]
    assert list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert "\x1b" not in table.stdout


def test_the_table_of_the_pnl(run: Run) -> None:
    """Head line with badges, numbers to the right, true minus signs, unit costs to three digits, words beside each verdict."""
    lines = run("pnl", "--period", "2026-10", "--vs", "previous").stdout.splitlines()
    assert lines[0] == "Feature P&L · October 2026 · USD        priced 75% · attributed 91.4% · not reconciled"
    assert lines[1].split() == [
        "value",
        "cost",
        "keeps",
        "margin",
        "outcomes",
        "per",
        "outcome",
        "per",
        "success",
        "calls",
        "per",
        "call",
        "cost",
        "change",
        "owner",
        "verdict",
    ]
    cells = {line.split("  ")[0]: line.split() for line in lines[2:6]}
    assert cells["support"][1:6] == ["52,000", "14,120", "37,880", "72.8%", "1"]
    assert "−480" in cells["support"]
    assert cells["extract"][2:4] == ["0.0518", "−0.0418"]
    assert lines[4].endswith("no owner")
    assert [line.index("14,120") + 6 for line in lines if "14,120" in line] == [lines[1].index("cost") + 4]


def test_narrow_terminals_lose_columns_not_digits(run: Run) -> None:
    """At 60 columns every line fits, and every number that is left has all its digits."""
    lines = run("pnl", "--period", "2026-10", columns=60).stdout.splitlines()[1:6]
    assert all(len(line) <= 60 for line in lines)
    assert "14,120" in lines[1]
    assert "per call" not in lines[0]


def test_the_last_columns_never_go() -> None:
    """Columns that say what a row is stay even where they do not fit."""
    column = Column("name", ["a long name of a feature"], left=True)
    assert fitted([column, Column("x", ["1"], drop=3)], width=10) == [column]


def test_csv_has_raw_units(run: Run) -> None:
    """CSV shows exact decimals and leaves the unknown empty."""
    rows = {row["label"]: row for row in csv.DictReader(io.StringIO(run("pnl", "--period", "2026-10", "--csv").stdout))}
    assert (rows["support"]["cost"], rows["extract"]["cost"], rows["Unattributed"]["owner"]) == ("14120.5", "0.0518", "")


def test_without_a_period_the_latest_month_with_calls_is_shown_and_said(run: Run) -> None:
    """The prose goes to stderr, so that the data stays clean."""
    result = run("pnl", "--json")
    assert json.loads(result.stdout)["period"] == "2026-10"
    assert "latest month with calls" in result.stderr


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("pnl", ("--period", "octember")),
        ("pnl", ("--by", "colour")),
        ("pnl", ("--by", ",")),
        ("pnl", ("--vs", "previous", "--period", "all")),
        ("pnl", ("--as-of", "soon")),
        ("pnl", ("--json", "--csv")),
        ("why", ("nothing",)),
        ("trace", ("nothing",)),
        ("calls", ("colour:red",)),
    ],
)
def test_a_question_that_is_not_understood_is_explained(run: Run, command: str, arguments: tuple[str, ...]) -> None:
    """Each is a usage error with a remedy."""
    error = run(command, *arguments).exception
    assert isinstance(error, UsageError)
    assert isinstance(error, BreakevenError)
    assert error.remedy


def test_filters_and_dates_reach_the_question(run: Run) -> None:
    """`--feature none` asks for what nobody owns; `--as-of` before the calls were recorded finds none."""
    nobody = json.loads(run("pnl", "--period", "2026-10", "--feature", "none", "--json").stdout)
    assert nobody["total"]["cost"] == "1335"
    early = json.loads(run("pnl", "--period", "2026-10", "--as-of", "2026-09-30T02:00:00+02:00", "--json").stdout)
    assert early["sentence"].startswith("There are no calls") or early["total"]["calls"] == 0
    assert json.loads(run("pnl", "--period", "2026-10", "--as-of", "2026-09-30", "--json").stdout)["trail"]["read_from"] == "lines"


def test_more_pages_and_more_customers_are_pointed_to(run: Run) -> None:
    """A cut list says how to see the rest."""
    assert "--after" in run("calls", "--period", "2026-10", "--limit", "1").stderr
    assert "1 more customer" in run("customers", "--period", "2026-10", "--limit", "1").stderr
    assert "No call matches" in run("calls", "model:none", "--period", "2026-10").stdout


def test_an_empty_month_points_to_the_import(run: Run) -> None:
    """Where there is nothing, the next step is to bring something in."""
    assert "breakeven import" in run("pnl", "--period", "2025").stderr
    assert "no figures yet" in run("today", "--period", "2025").stdout
    assert "attributed to nobody" not in run("why", "00000000-0000-7000-8000-000000000001").stdout


@pytest.mark.parametrize(
    ("digits", "signed", "drawn"),
    [
        ("14120.5", False, "14,120"),
        ("12.345", False, "12.34"),
        ("0.0518", False, "0.0518"),
        ("-480", True, "−480"),
        ("5", True, "+5.00"),
        ("0", True, "0"),
        (None, False, "–"),
    ],
)
def test_money_in_a_table(digits: str | None, signed: bool, drawn: str) -> None:
    """Whole units from 100 on, cents below, three significant digits below one unit; unknown is a dash, never 0."""
    assert money(digits, signed=signed) == drawn


def test_other_cells() -> None:
    """Unit costs to three significant digits; a badge never rounds a gap away; unknown is a dash."""
    assert (each("0.14567"), each(None), margin(0.728), margin(None)) == ("0.146", "–", "72.8%", "–")
    assert (badge(1.0, "priced"), badge(0.9999, "priced"), badge(None, "priced")) == ("priced 100%", "priced 99.9%", "priced –")


def test_notes_remarks_and_the_next_step(run: Run) -> None:
    """By model a note says why value is not divided; with every price known, the next step is the feature that loses most."""
    assert "Note: value and outcomes are not recorded per model" in run("pnl", "--period", "2026-10", "--by", "model").stdout
    losing = run("pnl", "--period", "2026-10", "--model", "none")
    assert losing.exit_code == 0
    day = run("pnl", "--period", "2026-10-01")
    assert "Next: breakeven pnl --feature extract --by model --period 2026-10-01" in day.stderr
    assert "breakeven calls --period" in run("pnl", "--period", "2026-09").stderr


def test_a_receipt_of_nobodys_unpriced_call(run: Run) -> None:
    """What is unknown about one call is told line by line."""
    shown = run("why", "00000000-0000-7000-8000-000000000003").stdout
    assert "Problem: attempt 0, line 1 (input): no price for this model" in shown
