"""Unit costs of a ledger, and `breakeven units` on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from breakeven.cli import reports
from breakeven.cli.units import units as command
from breakeven.economics.periods import parse_period
from breakeven.errors import ConfigError
from breakeven.reports.question import Question
from breakeven.reports.units import UnitRow, Units, units
from breakeven.settings import Settings

Build = Callable[[str], Any]
Read = Callable[[str], Settings]
OCTOBER = Question(parse_period("2026-10", datetime(2026, 11, 1)))
RETRIED = "00000000-0000-7000-8000-000000000001"
LEDGER = f"""
call       time              feature  customer  user  attempt  status   trace  state     cost
{RETRIED}  2026-10-01 09:00  extract  acme      ann   0        failed   t1     metered   1
{RETRIED}  2026-10-01 09:01  extract  acme      ann   1        ok       t1     metered   3
-          2026-10-02 09:00  extract  acme      bob   0        ok       t2     metered   5
-          2026-10-03 09:00  extract  beta      cid   0        ok       t3     metered   7
-          2026-10-04 09:00  extract  beta      cid   0        cut_off  t3     metered   2
-          2026-10-05 09:00  extract  beta      -     0        ok       -      metered   2
-          2026-10-05 09:00  other    beta      cid   0        ok       -      unpriced  ?

outcomes
time              feature  customer  succeeded  quantity  trace
2026-10-01 09:00  extract  acme      true       3         t1
2026-10-03 09:00  extract  beta      false      1         t3

revenue
from        to          customer  amount
2026-10-01  2026-11-01  acme      200
"""
CONFIG = """
features:
  extract:
    value: {kind: unit_price, price: "10", counts: successful, grade: A}
    review: {minutes: 3, rework_minutes: 10, hourly_rate: "60"}
fixed_costs:
  - {id: licence, amount: "4", per: month, from: 2026-10-01, driver: calls, cost_class: cost_of_revenue, feature: extract}
"""


@pytest.fixture
def found(ledger_from_text: Build, settings_from_text: Read) -> Units:
    """The units of the ledger above."""
    return units(ledger_from_text(LEDGER), settings_from_text(CONFIG), OCTOBER)


@pytest.fixture
def extract(found: Units) -> UnitRow:
    return next(row for row in found.rows if row.feature == "extract")


def test_each_unit_is_a_ratio_of_sums(extract: UnitRow) -> None:
    """20 of cost: 4 outcomes, 5 calls, 3 users (18 of cost is theirs), 2 customers; intervals need ten clusters."""
    assert extract.cost == "20"
    costs = {name: getattr(extract, f"per_{name}") for name in ("outcome", "call", "user", "customer")}
    assert {name: (unit.cost, unit.count) for name, unit in costs.items()} == {
        "outcome": ("5", 4),
        "call": ("4", 5),
        "user": ("6", 3),
        "customer": ("10", 2),
    }
    assert {unit.low for unit in costs.values()} == {None}


def test_a_success_carries_review_rework_and_failures(extract: UnitRow) -> None:
    """(20 + 4 reviews at 3 + 1 rework at 10) / 3 successes."""
    assert extract.people is not None
    assert (extract.people.review, extract.people.rework) == ("3", "10")
    assert extract.per_success is not None
    assert (extract.per_success.cost, extract.per_success.count) == ("14", 3)


def test_what_bought_nothing_is_counted_once(extract: UnitRow) -> None:
    """A failed attempt (1), a cut-off one (2), and the answered call of the failed outcome's trace (7): 10 of 20."""
    failure = extract.failure
    assert failure is not None
    assert {kind: (one.attempts, one.cost) for kind, one in failure.attempts.items()} == {"cut_off": (1, "2"), "failed": (1, "1")}
    assert (failure.unsuccessful_outcomes, failure.unsuccessful_cost, failure.basis) == (1, "7", "trace")
    assert (failure.cost, failure.share) == ("10", 0.5)


def test_failed_outcomes_without_a_trace_cost_the_average(ledger_from_text: Build, settings_from_text: Read) -> None:
    """Without a trace a failed outcome costs a quarter of what was not wasted already: (20 − 3) / 4, and the basis says so."""
    ledger = ledger_from_text(LEDGER.replace("1         t3", "1         -"))
    failure = units(ledger, settings_from_text(CONFIG), OCTOBER).rows[0].failure
    assert failure is not None
    assert (failure.unsuccessful_cost, failure.basis) == ("4.25", "average")


def test_contribution_margin_and_gross_margin(found: Units, extract: UnitRow) -> None:
    """30 earned, 20 spent, 4 fixed: keeps 10, 6 after fixed; 24 of cost of revenue are 12 points of 200 of revenue."""
    assert (extract.value, extract.contribution, extract.contribution_after_fixed) == ("30", "10", "6")
    assert extract.margin == pytest.approx(1 / 3)
    assert extract.margin_after_fixed == pytest.approx(0.2)
    assert found.revenue == "200"
    assert extract.gross_margin_effect == pytest.approx(-0.12)


def test_break_even_factors_are_those_of_the_scenario(extract: UnitRow) -> None:
    """It earns up to prices or tokens times (30 − 4) / 20, from usage times 4 / (30 − 20) on; more seats alone change nothing."""
    assert {name: one.side for name, one in extract.breakeven.items()} == {
        "price": "up to",
        "tokens per task": "up to",
        "usage": "from",
        "seats": "always",
    }
    for name, factor in (("price", 1.3), ("tokens per task", 1.3), ("usage", 0.4)):
        assert extract.breakeven[name].factor == pytest.approx(factor)


def test_a_run_has_a_median_and_high_percentiles(extract: UnitRow) -> None:
    """Three traces of 4, 5 and 9."""
    assert extract.run is not None
    assert (extract.run.count, extract.run.p50, extract.run.p90, extract.run.p95, extract.run.p99) == (3, "5", "9", "9", "9")


def test_unknown_cost_is_not_free(found: Units) -> None:
    """A feature whose only call has no price has no unit cost at all, and the sentence counts the call."""
    other = next(row for row in found.rows if row.feature == "other")
    assert (other.cost, other.per_call, other.per_user, other.per_customer, other.failure) == (None, None, None, None, None)
    assert "1 call without a price is not in these figures." in found.sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "There are no calls in October 2026."),
        ("time  cost\n2026-10-01  ?", "is unknown: none of 1 call has a price."),
        ("time  cost\n2026-10-01  5", "In October 2026 AI cost $5.00 a call."),
        ("time  customer  cost\n2026-10-01  acme  0", "In October 2026 AI cost $0 a call and $0 a customer."),
    ],
)
def test_degenerate_ledgers_are_said_in_a_sentence(ledger_from_text: Build, text: str, words: str) -> None:
    """Nothing, no price, one call, a free call: a sentence, never NaN."""
    found = units(ledger_from_text(text), Settings(), OCTOBER)
    assert words in found.sentence
    assert "nan" not in found.sentence.lower()


def test_many_days_give_an_interval(ledger_from_text: Build) -> None:
    """Twenty days of calls by twenty customers: the cost of a call with its interval and what it rests on."""
    lines = [f"2026-10-{day:02} 09:00  c{day}  {1 + day % 3}" for day in range(1, 21)]
    row = units(ledger_from_text("\n".join(["time  customer  cost", *lines])), Settings(), OCTOBER).total
    assert row.per_call is not None
    assert row.per_call.clusters == 20
    assert Decimal(row.per_call.low or 0) < Decimal(row.per_call.cost) < Decimal(row.per_call.high or 0)


@pytest.fixture
def run(ledger_from_text: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `breakeven units` on the ledger above."""
    ledger = ledger_from_text(LEDGER)
    config = tmp_path / "breakeven.yaml"
    config.write_text(CONFIG)

    @contextmanager
    def opened(_path: Path, _settings: Any) -> Iterator[Any]:
        yield ledger

    monkeypatch.setattr(reports, "open_facts", opened)

    def runner(*arguments: str) -> Result:
        return CliRunner().invoke(command, [*arguments, "--period", "2026-10", "--config", str(config)], env={"COLUMNS": "220"})

    return runner


def test_units_as_table_json_and_csv(run: Callable[..., Result]) -> None:
    """The table names the features and ends with the sentence; JSON and CSV carry exact strings."""
    shown = run()
    assert shown.exit_code == 0
    assert "≤ 1.30×" in shown.stdout
    assert "extract costs $5.00 an outcome and $14.00 a success, review included" in shown.stdout
    said = json.loads(run("--json").stdout)
    assert said["rows"][0]["per_success"]["cost"] == "14"
    assert {"sentence", "trail", "shares"} <= set(said)
    rows = list(csv.DictReader(io.StringIO(run("--csv").stdout)))
    assert [row["label"] for row in rows] == ["extract", "other", "Total"]
    assert rows[0]["per_outcome_cost"] == "5"


def test_review_without_a_rate_is_refused(settings_from_text: Read) -> None:
    """`review` without `hourly_rate` is a fault of the configuration, with its place."""
    with pytest.raises(ConfigError) as fault:
        settings_from_text("features:\n  extract:\n    review: {minutes: 3}\n")
    assert "hourly_rate" in " ".join(str(problem) for problem in fault.value.problems)
