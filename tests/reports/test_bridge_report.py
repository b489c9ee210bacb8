"""The bridge of a ledger, and `breakeven why` on the command line."""

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

from breakeven.cli import main, reports, why
from breakeven.economics.periods import parse_period, previous
from breakeven.errors import UsageError
from breakeven.reports.bridge import Asked, Bridge, bridge
from breakeven.reports.bridgetree import Node
from breakeven.reports.pnl import pnl
from breakeven.reports.question import Question
from breakeven.settings import Settings

Build = Callable[[str], Any]
NOW = datetime(2026, 11, 1)
CALL = "00000000-0000-7000-8000-000000000001"
LEDGER = f"""
call    time              feature  customer  model  rung      status   count  tokens  cost
{CALL}  2026-09-03 09:00  extract  acme      small  small     ok       600    600000  60
-       2026-09-04 09:00  extract  beta      large  frontier  ok       400    400000  400
-       2026-10-03 09:00  extract  acme      small  small     ok       600    600000  60
-       2026-10-04 09:00  extract  acme      large  frontier  ok       900    900000  900
-       2026-10-05 09:00  extract  beta      large  frontier  cut_off  100    100000  100
-       2026-10-06 09:00  extract  beta      new    small     ok       50     50000   7.000000000000000001
-       2026-10-06 09:00  support  acme      small  small     ok       10     10000   1
-       2026-10-06 09:00  extract  beta      odd    small     ok       5      5000    ?

outcomes
time              feature  customer  succeeded  quantity
2026-09-03 09:00  extract  acme      true       100
2026-10-03 09:00  extract  acme      true       150

customers
customer  plan
acme      pro
beta      free
"""
CONFIG = """
features:
  extract: {owner: back, value: {kind: unit_price, price: "4", grade: A}}
fixed_costs:
  - {id: licence, amount: "90", per: month, from: 2026-10-01, cost_class: cost_of_revenue, driver: calls}
"""
OCTOBER = parse_period("2026-10", NOW)


def asked(period: str = "2026-10", **filters: str | None) -> Question:
    found = parse_period(period, NOW)
    return Question(found, filters=tuple(filters.items()), versus=previous(found))


@pytest.fixture
def found(ledger_from_text: Build) -> Callable[..., Bridge]:
    """Builds a ledger and bridges a period of it."""

    def report(text: str = LEDGER, period: str = "2026-10", settings: Settings | None = None, **wish: Any) -> Bridge:
        return bridge(ledger_from_text(text), settings or Settings(), asked(period), Asked(**wish))

    return report


def change(report: Bridge, bar: str) -> Decimal | None:
    return next((None if one.change is None else Decimal(one.change) for one in report.bars if one.name == bar), Decimal(0))


def nodes(tree: list[Node]) -> Iterator[Node]:
    for node in tree:
        yield node
        yield from nodes(list(node.children))


def test_bars_and_branches_sum_to_the_last_digit(found: Callable[..., Bridge]) -> None:
    """Cost rises by 608.000000000000000001; bars sum to it, and so do the branches at each of six levels."""
    report = found(depth=6)
    assert (report.before, report.after, report.change) == ("460", "1068.000000000000000001", "608.000000000000000001")
    assert sum(Decimal(bar.change) for bar in report.bars if bar.change is not None) == Decimal(report.change or 0)
    for node in nodes(list(report.tree)):
        assert sum(Decimal(bar.change or 0) for bar in node.bars) == Decimal(node.change)
        assert not node.children or sum(Decimal(child.change) for child in node.children) == Decimal(node.change)
        for bar in node.bars:
            assert sum(Decimal(part.change) for part in bar.drivers) == Decimal(bar.change or 0)


def test_new_items_and_missing_prices_are_bars_of_their_own(found: Callable[..., Bridge]) -> None:
    """A new model and a new feature are named; calls without a price are a bar without an amount, and said."""
    report = found()
    entered = next(bar for bar in report.bars if bar.name == "new and ended")
    assert {(part.driver, part.entry, part.item, part.change) for part in entered.drivers} >= {
        ("model", "new", "new", "7.000000000000000001"),
        ("feature", "new", "support", "1"),
    }
    last = report.bars[-1]
    assert (last.name, last.change) == ("unpriced", None)
    assert report.unpriced_calls == [0, 5]
    assert "5 calls without a price, 0 before" in report.sentence


def test_the_words_are_those_of_the_facts(found: Callable[..., Bridge]) -> None:
    """Outcomes, the share of the frontier and the failed attempts are told with both periods' figures."""
    words = {bar.name: bar.detail or "" for bar in found(where={"feature": "extract"}).bars}
    assert words["volume"] == "150 outcomes, up from 100"
    assert words["mix"].endswith("frontier share of calls 40% → 60%")
    assert words["calls per outcome"] == "10.00 → 10.37 calls an outcome"
    assert words["failure rate"] == "billed without an answer 0% → 6.0% of attempts"


def test_a_drill_down_changes_no_other_bar(found: Callable[..., Bridge]) -> None:
    """The bridge of one feature, plan or model is its branch of the bridge of everything, part by part."""
    whole = found(by=("feature", "model", "plan"), depth=3)
    feature = next(node for node in whole.tree if node.name == "extract")
    model = next(node for node in feature.children if node.name == "large")
    plan = next(node for node in model.children if node.name == "free")
    for node, where in (
        (feature, {"feature": "extract"}),
        (model, {"feature": "extract", "model": "large"}),
        (plan, {"feature": "extract", "model": "large", "plan": "free"}),
    ):
        drilled = found(where=where)
        assert drilled.change == node.change
        assert {bar.name: bar.change for bar in drilled.bars if bar.change} == {bar.name: bar.change for bar in node.bars}


def test_looking_back_flips_the_signs(found: Callable[..., Bridge], ledger_from_text: Build) -> None:
    """September against October is October against September with the signs flipped."""
    there = found()
    ledger = ledger_from_text(LEDGER)
    september = parse_period("2026-09", NOW)
    back = bridge(ledger, Settings(), Question(september, versus=OCTOBER), Asked())
    for bar in there.bars:
        if bar.change is not None:
            assert change(back, bar.name) == -Decimal(bar.change)


def test_cost_and_margin_tie_to_the_pnl(
    found: Callable[..., Bridge], ledger_from_text: Build, settings_from_text: Callable[[str], Settings]
) -> None:
    """The change of cost is the P&L's; that of margin is its contribution less fixed cost, which is a bar of its own."""
    settings = settings_from_text(CONFIG)
    books = pnl(ledger_from_text(LEDGER), settings, asked())
    assert found(settings=settings).change == books.total.cost_change
    margin = found(settings=settings, of="margin", by=("feature",))
    assert Decimal(margin.after or 0) == Decimal(books.total.contribution or 0) - 90
    assert change(margin, "fixed cost") == -90
    assert change(margin, "value volume") == 200
    assert Decimal(margin.change or 0) == sum(Decimal(bar.change) for bar in margin.bars if bar.change is not None)
    with_fixed = found(settings=settings, fixed=True, by=("feature",))
    assert Decimal(with_fixed.change or 0) == Decimal(books.total.cost_change or 0) + 90
    assert change(with_fixed, "fixed cost") == 90


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "AI has no calls in October 2026 nor in September 2026: there is nothing to explain."),
        ("time  cost\n2026-10-03  5", "AI cost $5.00 in October 2026, $5.00 more than in September 2026: new and ended +$5.00"),
        ("time  cost\n2026-09-03  5", "AI cost $0 in October 2026, $5.00 less than in September 2026: new and ended −$5.00"),
        ("time  cost\n2026-09-03  5\n2026-10-03  5", "AI cost $5.00 in October 2026, as much as in September 2026."),
        ("time  cost\n2026-09-03  5\n2026-10-03  ?", "cannot be said: none of its calls in October 2026 has a price."),
        (
            "time  cost\n2026-09-03  5\n2026-10-03  -3",
            "AI cost −$3.00 in October 2026, $8.00 less than in September 2026: price −$8.00",
        ),
    ],
)
def test_degenerate_periods_are_said_in_a_sentence(found: Callable[..., Bridge], text: str, words: str) -> None:
    """No calls, an empty month, nothing moved, no price, a credit: a sentence, exact parts, and never NaN."""
    report = found(text)
    assert words in report.sentence
    assert "nan" not in report.sentence.lower()
    if report.change is not None:
        assert sum(Decimal(bar.change) for bar in report.bars if bar.change is not None) == Decimal(report.change)


def test_one_customer_without_outcomes_is_calls_per_customer(found: Callable[..., Bridge]) -> None:
    """One customer twice as busy: calls per customer, nothing else."""
    report = found("time  customer  count  tokens  cost\n2026-09-03  acme  10  1000  5\n2026-10-03  acme  20  2000  10")
    assert [(part.driver, part.change) for bar in report.bars for part in bar.drivers] == [("calls per customer", "5")]


def test_a_price_step_is_told_with_its_day(found: Callable[..., Bridge]) -> None:
    """A price that fell by a fifth on 12 October is told as such; one that moved twice as an average."""
    days = "time  count  tokens  cost\n2026-09-03  10  1000  10\n2026-10-03  10  1000  10\n2026-10-12  10  1000  8"
    report = found(days)
    assert next(bar.detail for bar in report.bars if bar.name == "price") == "gpt-4o input −20% from 12 Oct"
    twice = found(f"{days}\n2026-10-20  10  1000  6")
    assert next(bar.detail for bar in twice.bars if bar.name == "price") == "gpt-4o input −20% on average"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"of": "margin", "by": ("model",)}, "a margin is not known by model"),
        ({"fixed": True, "by": ("model",)}, "fixed cost is not known by model"),
        ({"by": ("colour",)}, "a bridge has no level 'colour'"),
    ],
)
def test_levels_that_do_not_fit_are_refused(found: Callable[..., Bridge], wish: dict[str, Any], words: str) -> None:
    """What is asked for and cannot be is a usage error that names the levels there are."""
    with pytest.raises(UsageError, match=words):
        found(**wish)


@pytest.fixture
def run(ledger_from_text: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `breakeven why` on the ledger above."""
    ledger = ledger_from_text(LEDGER)
    config = tmp_path / "breakeven.yaml"
    config.write_text(CONFIG)

    @contextmanager
    def opened(_path: Path, _settings: Any) -> Iterator[Any]:
        yield ledger

    monkeypatch.setattr(reports, "open_facts", opened)

    def runner(*arguments: str) -> Result:
        return CliRunner().invoke(why.why, [*arguments, "--config", str(config)], env={"COLUMNS": "200"})

    return runner


def test_why_cost_is_drawn_with_bars_tree_and_sentence(run: Callable[..., Result]) -> None:
    """The terminal shows both amounts, a signed line per bar with its words, the branches, the sentence and the next command."""
    result = run("cost", "--period", "2026-10", "--feature", "extract", "--drivers", "--by", "model,class")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Why cost moved · extract · October 2026 against September 2026 · USD"
    assert lines[1] == "460 → 1,067  (+607)"
    assert any(line.split()[:1] == ["volume"] and line.endswith("150 outcomes, up from 100") for line in lines)
    assert any(line.strip().startswith("new model new") for line in lines)
    assert lines[-1].startswith("extract cost $1,067 in October 2026, $607 more than in September 2026: ")
    assert "Next: breakeven why cost --feature extract --model large" in result.stderr


def test_json_and_csv_carry_the_same_parts(run: Callable[..., Result]) -> None:
    """Money is strings of exact digits, unknown is null; the rows of each depth of the CSV sum to the change."""
    said = json.loads(run("cost", "--period", "2026-10", "--json", "--by", "feature,model").stdout)
    assert said["change"] == "608.000000000000000001"
    assert said["bars"][-1]["change"] is None
    assert said["by"] == ["feature", "model"]
    assert {"sentence", "trail"} <= set(said)
    rows = list(csv.DictReader(io.StringIO(run("cost", "--period", "2026-10", "--csv", "--by", "feature,model").stdout)))
    for depth in "012":
        assert sum(Decimal(row["change"]) for row in rows if row["depth"] == depth) == Decimal(said["change"])


def test_why_a_call_stays_the_receipt(run: Callable[..., Result]) -> None:
    """An id gives the receipt; options of the bridge do not go with it."""
    assert f"Receipt · call {CALL}" in run(CALL).stdout
    refused = run(CALL, "--by", "model")
    assert isinstance(refused.exception, UsageError)


def test_filters_outside_the_tree_ask_about_their_part(run: Callable[..., Result]) -> None:
    """--customer keeps one customer's calls; --vs names any period; `none` is what is not known."""
    said = json.loads(run("cost", "--period", "2026-10", "--vs", "2026-09", "--customer", "acme", "--json").stdout)
    assert said["change"] == "901"
    assert json.loads(run("cost", "--period", "2026-10", "--feature", "none", "--json").stdout)["after"] == "0"


INVENTED_PRICE = """
version: 1
currency: USD
sources: {invented: {kind: manual, ref: invented for this test, recorded: 2025-01-01, by: tests}}
prices: [{provider: alibaba, model: m-large, source: invented, units: {input: "0.35", output: "1.40"}}]
"""


def test_the_week_over_week_bridge_of_real_clients(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On two weeks of real clients, at an invented price, parts are exact, volume fell, and what has no usage is an unknown bar."""
    (tmp_path / "prices.yaml").write_text(INVENTED_PRICE)
    config = tmp_path / "breakeven.yaml"
    config.write_text("prices: {overlay: prices.yaml}\n")
    about = ["--config", str(config), "--ledger", str(tmp_path / "ledger")]
    trace = str(shared_data / "traces" / "servegen_client_hours.parquet")
    assert main.run(["import", "aggregates", trace, "--at-origin", "2025-09-01T00:00:00Z", "--provider", "alibaba", *about]) == 0
    capsys.readouterr()
    assert main.run(["why", "cost", "--period", "2025-W37", "--by", "model,class", "--json", *about]) == 0
    said = json.loads(capsys.readouterr().out)
    bars = {bar["name"]: bar["change"] for bar in said["bars"]}
    assert sum(Decimal(change) for change in bars.values() if change is not None) == Decimal(said["change"])
    assert Decimal(bars["volume"]) < 0
    assert bars["unpriced"] is None
    assert said["unpriced_calls"][1] > 40_000_000
    for node in said["tree"]:
        assert sum(Decimal(child["change"]) for child in node["children"]) == Decimal(node["change"])
