"""Scaling, engagement, cohorts and portfolio: what they say, and what they admit they cannot."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from breakeven.cli import reports, scaling

Build = Callable[[str], Any]
Run = Callable[..., Result]
NOW = datetime(2026, 10, 31, 12)
HEAD = "time  feature  customer  user  model  rung  tokens  count  cost"
PRICED = """
features:
  scan:
    owner: ops
    unit: page
    value: [{id: v, kind: unit_price, price: "0.30", counts: all, grade: A, owner: f, version: 1}]
"""


def _facts(months: int = 6, customers: int = 12, power: float = 1.3, *, outcomes: bool = True) -> str:
    """Customers whose cost is their pages to a power; every one grows at its own pace."""
    calls, delivered = [HEAD], ["time  feature  customer  user  quantity  unit"]
    for month in range(months):
        for number in range(customers):
            pages = round(20 * (1 + number) * (1 + 0.1 * (number % 5)) ** month)
            at = f"2026-{5 + month:02}-10 09:00"
            names = f"scan  c{number:02}  u{number:02}"
            cost = 0.01 * pages**power
            calls.append(f"{at}  {names}  gpt-4o  {'mid' if number % 3 else 'frontier'}  {pages * 1000}  {pages}  {cost:.6f}")
            delivered.append(f"{at}  {names}  {pages}  page")
    return "\n".join(["calls", *calls, *(["outcomes", *delivered] if outcomes else [])])


@pytest.fixture(scope="module")
def ledgers(ledger_from_text: Build) -> Build:
    """One ledger for all tests that read the same text."""
    return cache(ledger_from_text)


@pytest.fixture
def run(ledgers: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a text ledger, at the end of October 2026."""
    monkeypatch.setenv("COLUMNS", "250")

    def runner(text: str, command: Any, *arguments: str, settings: str = PRICED) -> Result:
        config = tmp_path / "breakeven.yaml"
        config.write_text(settings)
        ledger = ledgers(text)

        @contextmanager
        def opened(_path: Path, _settings: Any) -> Iterator[Any]:
            yield ledger

        monkeypatch.setattr(reports, "open_facts", opened)
        monkeypatch.setattr(reports, "now", lambda: NOW)
        options = [*arguments, "--config", str(config), "--ledger", str(tmp_path)]
        return CliRunner().invoke(command, options, catch_exceptions=False)

    return runner


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    _no_nan(found)
    return found


def _no_nan(found: Any) -> None:
    if isinstance(found, dict):
        for value in found.values():
            _no_nan(value)
    elif isinstance(found, list):
        for value in found:
            _no_nan(value)
    elif isinstance(found, float):
        assert math.isfinite(found)
    elif isinstance(found, str):
        assert "nan" not in found.lower().split()
        assert "inf" not in found.lower().split()


def test_the_elasticity_of_a_power_law_is_its_power(run: Run) -> None:
    """Cost that is pages^1.3 answers pages by 1.30, faster than adoption; the next page costs 1.3 times the average."""
    found = _json(run(_facts(), scaling.scaling, "--json"))
    (row,) = found["rows"]
    assert row["elasticity"]["estimate"] == pytest.approx(1.3, abs=1e-3)
    assert (row["pace"], row["unit"], row["customers"], row["cells"]) == ("faster", "page", 12, 72)
    assert Decimal(row["marginal_cost"]["estimate"]) / Decimal(row["average_cost"]) == pytest.approx(
        Decimal("1.3"), abs=Decimal("1e-3")
    )
    assert Decimal(row["marginal_value"]["estimate"]) == Decimal("0.3")
    assert "grows faster than its adoption" in found["sentence"]
    assert "not randomised" in found["sentence"]


def test_the_break_even_is_where_average_cost_is_the_price(run: Run) -> None:
    """At the stated adoption, scaled alike, the average cost by the power law is the price of a page."""
    (row,) = _json(run(_facts(), scaling.scaling, "--json", settings=PRICED.replace("0.30", "0.08")))["rows"]
    times = row["break_even"]["estimate"] / row["adoption"]
    assert float(row["average_cost"]) * times**0.3 == pytest.approx(0.08, rel=1e-3)
    assert row["break_even"]["low"] <= row["break_even"]["estimate"] <= row["break_even"]["high"]


def test_drivers_and_split_sum_to_the_change(run: Run) -> None:
    """For one feature, both splits of September to October are the change of cost to the last digit."""
    found = _json(run(_facts(), scaling.scaling, "--feature", "scan", "--json"))
    detail = found["detail"]
    change = Decimal(detail["steps"][-1]["cost"]) - Decimal(detail["steps"][-2]["cost"])
    assert sum(Decimal(one["effect"]) for one in detail["drivers"]) == change
    assert sum(Decimal(one["change"]) for one in detail["split"]) == change
    assert detail["compared"] == ["2026-09", "2026-10"]
    assert [one["driver"] for one in detail["drivers"]] == ["users", "calls per user", "mix", "tokens per call", "price per token"]
    assert len(detail["curve"]) == 17
    assert any("stayed" in sentence for sentence in detail["sentences"])


def test_csv_has_features_or_the_points_of_the_curve(run: Run) -> None:
    """`--csv` gives a row per feature; with `--feature` the curve, with its band and the value of a unit."""
    rows = list(csv.DictReader(io.StringIO(run(_facts(), scaling.scaling, "--csv").stdout)))
    assert [row["feature"] for row in rows] == ["scan"]
    points = list(csv.DictReader(io.StringIO(run(_facts(), scaling.scaling, "--feature", "scan", "--csv").stdout)))
    assert [float(point["times"]) for point in points][8] == 1
    assert all(Decimal(p["average_cost_low"]) <= Decimal(p["average_cost"]) <= Decimal(p["average_cost_high"]) for p in points)


def test_tables_are_drawn(run: Run) -> None:
    """Each command draws its table and says its sentence."""
    drawn = run(_facts(), scaling.scaling, "--feature", "scan").stdout
    assert "if adoption were" in drawn
    assert "1.30" in drawn
    assert "decile 10" in run(_facts(), scaling.engagement).stdout
    assert "signed up" in run(_facts(), scaling.cohorts, "--show", "cost-per-user").stdout
    assert "tokens per task by signup month" in run(_facts(), scaling.cohorts, "--show", "tokens-per-task").stdout
    assert "what to do first" in run(_facts(), scaling.portfolio, settings=PRICED.replace("0.30", "0.001")).stdout


def _calls(*rows: str) -> str:
    """A ledger of a few calls: each row without what all calls have in common."""
    return "\n".join(["calls", HEAD, *(row.replace("gpt", "gpt-4o  mid") for row in rows)])


DEGENERATE = {
    "no facts": "",
    "one day": _calls("2026-10-10 09:00  scan  c1  u1  gpt  1000  10  2.00"),
    "one customer": _facts(customers=1),
    "no value": _facts(outcomes=False),
    "no prices": _calls("2026-09-10 09:00  scan  c1  u1  gpt  1000  10  ?", "2026-10-10 09:00  scan  c2  u1  gpt  9  1  ?"),
    "nobody known": _calls("2026-10-10 09:00  -  -  -  gpt  1000  10  2.00"),
    "a month without calls": _calls("2026-08-10 09:00  scan  c1  u1  gpt  9  3  1", "2026-10-10 09:00  scan  c1  u1  gpt  9  4  2"),
    "nothing costs": _calls("2026-10-10 09:00  scan  c1  u1  gpt  9  3  0"),
}


@pytest.mark.parametrize("text", DEGENERATE.values(), ids=list(DEGENERATE))
@pytest.mark.parametrize("name", ["scaling", "scaling one", "engagement", "cohorts", "portfolio"])
def test_degenerate_facts_give_a_sentence_and_never_nan(run: Run, text: str, name: str) -> None:
    """Whatever is missing, each command ends well, draws, and says a sentence; no NaN, no infinity."""
    command = getattr(scaling, name.split(maxsplit=1)[0])
    options = ("--feature", "scan") if name == "scaling one" else ()
    for period in ("2026-10", "all"):
        found = _json(run(text, command, "--period", period, *options, "--json"))
        assert found["sentence"].endswith(".")
        drawn = run(text, command, "--period", period, *options)
        assert drawn.exit_code == 0
        assert "nan" not in drawn.output.lower().split()


@pytest.mark.parametrize(
    ("text", "command", "said"),
    [
        ("", "scaling", "nothing can be said"),
        (_facts(customers=1), "scaling", "cannot be said"),
        (_facts(customers=6), "scaling", "too few"),
        (DEGENERATE["no prices"], "scaling", "cannot be said"),
        (_facts(outcomes=False), "engagement", "What a customer earns is unknown"),
        (_facts(customers=6), "engagement", "Fewer than 30 of known cost have no Gini"),
        (DEGENERATE["no prices"], "engagement", "none of their calls has a known cost"),
        (DEGENERATE["one day"], "cohorts", "With one month of each nothing can be said of how they age"),
        (DEGENERATE["nobody known"], "cohorts", "No customer is known"),
        (DEGENERATE["nobody known"], "portfolio", "No feature is known"),
        (_facts(outcomes=False), "portfolio", "neither value created nor destroyed can be said"),
    ],
)
def test_what_cannot_be_said_is_said(run: Run, text: str, command: str, said: str) -> None:
    """One customer, few customers, no prices, no value, nobody known: the sentence says what is missing."""
    assert said in _json(run(text, getattr(scaling, command), "--period", "all", "--json"))["sentence"]


def test_a_negative_margin_everywhere_is_a_loss_in_every_decile(run: Run) -> None:
    """Where every page costs more than it earns, all deciles lose, and no customer keeps anything."""
    cheap = PRICED.replace("0.30", "0.001")
    section = _json(run(_facts(customers=40), scaling.engagement, "--by", "customer", "--json", settings=cheap))["sections"][0]
    assert [Decimal(one["keeps"]) < 0 for one in section["deciles"]] == [True] * 10
    assert (section["losing"], section["whale"]["peak"]) == (40, "0")
    assert section["gini"]["low"] <= section["gini"]["estimate"] <= section["gini"]["high"]


FEES = f"""
calls
{HEAD}
2026-10-01 09:00  scan  big    u1  gpt-4o  frontier  1000  100  90
2026-10-01 09:00  scan  big    u2  gpt-4o  mid       1000  100  10
2026-10-02 09:00  scan  small  u3  gpt-4o  mid       1000  10   1
revenue
from        to          customer  plan  feature  amount
2026-10-01  2026-11-01  big       pro   -        50
2026-10-01  2026-11-01  small     pro   -        50
"""


def test_who_is_served_at_a_loss_and_what_mends_it(run: Run) -> None:
    """A customer that costs 100 and pays 50: a price of 100, half of its calls, or the mid rung at about 20."""
    section = _json(run(FEES, scaling.engagement, "--by", "customer", "--json", settings="{}"))["sections"][0]
    (loser,) = section["losers"]
    assert (loser["name"], loser["loss"], loser["price_that_mends"], loser["calls_that_are_paid"]) == ("big", "50", "100", 100)
    assert (loser["cost_on_cheapest_rungs"], loser["cheapest_rungs_are_enough"]) == ("20", True)
    assert "mended by a price of $100" in loser["sentence"]
    assert section["earned_is"] == "revenue"
    users = _json(run(FEES, scaling.engagement, "--by", "user", "--json", settings="{}"))["sections"][0]
    assert [(one["name"], one["earned"]) for one in users["losers"]] == [("u1", "25")]


def test_an_assumed_fee_says_that_it_is_assumed(run: Run) -> None:
    """Without recorded revenue `--fee` stands in, and table, sentence and trail say so; a fee that is none is refused."""
    result = run(_facts(), scaling.engagement, "--fee", "$10", "--by", "customer", settings="{}")
    assert "Assumed, not recorded" in result.stdout
    assert "assumed fee" in result.stdout
    assert "assumed" in _json(run(_facts(), scaling.engagement, "--fee", "10", "--json", settings="{}"))["trail"]["assumed_fee"]
    with pytest.raises(Exception, match="not an amount"):
        run(_facts(), scaling.engagement, "--fee", "-3")


def test_unknown_earnings_are_no_loss(run: Run) -> None:
    """A customer whose revenue is not recorded is not counted as served at a loss."""
    text = FEES.replace("2026-10-01  2026-11-01  big       pro   -        50\n", "")
    section = _json(run(text, scaling.engagement, "--by", "customer", "--json", settings="{}"))["sections"][0]
    assert section["losing"] == 0


COHORTS = f"""
calls
{HEAD}
2026-08-05 09:00  scan  old    u1  gpt-4o  mid  1000  10  2
2026-09-05 09:00  scan  old    u1  gpt-4o  mid  2000  10  4
2026-10-05 09:00  scan  old    u1  gpt-4o  mid  3000  10  12
2026-10-05 09:00  scan  young  u2  gpt-4o  mid  500   5   1
revenue
from        to          customer  plan  feature  amount
2026-08-01  2026-09-01  old       pro   -        10
2026-09-01  2026-10-01  old       pro   -        10
2026-10-01  2026-11-01  old       pro   -        10
2026-10-01  2026-11-01  young     pro   -        10
customers
customer  plan  signed_up_at
old       pro   2026-07-15
"""


def test_cohorts_age_month_by_month(run: Run) -> None:
    """The July cohort's margin falls from 80% to −20% over ages 1 to 3; who has no signup starts with its first call."""
    found = _json(run(COHORTS, scaling.cohorts, "--period", "2026-08..2026-10", "--json", settings="{}"))
    cells = [
        (row["cohort"], row["age"], round(row["margin"], 6), row["cost_per_user"], row["tokens_per_task"]) for row in found["rows"]
    ]
    assert cells == [
        ("2026-07", 1, 0.8, "2", 100),
        ("2026-07", 2, 0.6, "4", 200),
        ("2026-07", 3, -0.2, "12", 300),
        ("2026-10", 0, 0.9, "1", 100),
    ]
    assert (found["earned_is"], found["signups"]) == ("revenue", 1)
    assert "1 cohort of 2 loses money" in found["sentence"]
    assert "tokens per task went from 100 to 300" in found["sentence"]


def test_the_portfolio_names_the_popular_and_unprofitable_first(run: Run) -> None:
    """A feature that everybody uses and that loses is named, and stands among what to do first."""
    found = _json(run(_facts(customers=40), scaling.portfolio, "--json", settings=PRICED.replace("0.30", "0.001")))
    (row,) = found["rows"]
    assert (row["place"], row["pace"], found["value_created"]) == ("popular, unprofitable", "faster", "0")
    assert "scan is popular" in found["sentence"]
    assert found["findings"][0]["id"] == "loss:scan"
    assert Decimal(found["value_destroyed"]) == -Decimal(row["contribution"])
    assert [one["rank"] for one in found["findings"]] == list(range(1, len(found["findings"]) + 1))


def test_unpriced_and_unowned_calls_are_findings(run: Run) -> None:
    """Calls of unknown cost have no worth and come last; cost that nobody owns is worth at most itself."""
    text = f"calls\n{HEAD}\n2026-10-10 09:00  -  c1  u1  gpt-4o  mid  9  1  5\n2026-10-10 09:00  scan  c1  u1  gpt-4o  mid  9  1  ?"
    found = _json(run(text, scaling.portfolio, "--json"))["findings"]
    assert [(one["id"], one["worth"]) for one in found] == [("cost:unattributed", ["0", "5"]), ("cost:unpriced", None)]


def test_a_feature_that_is_not_there_is_named(run: Run) -> None:
    """Asked about a feature without calls, the sentence says so, and not that no feature is known."""
    found = _json(run(_facts(), scaling.scaling, "--feature", "scam", "--json"))
    assert "There are no calls of scam" in found["sentence"]
    assert found["detail"] is None


def test_steps_are_months_weeks_or_days(run: Run) -> None:
    """The longest step of which there are four is taken, unless one is asked for."""
    assert _json(run(_facts(), scaling.scaling, "--json"))["step"] == "month"
    assert _json(run(_facts(months=2), scaling.scaling, "--period", "2026-06", "--json"))["step"] == "week"
    assert _json(run(DEGENERATE["one day"], scaling.scaling, "--period", "2026-10-10", "--json"))["step"] == "day"
    assert _json(run(_facts(), scaling.scaling, "--step", "week", "--json"))["now"] == "2026-W44"
