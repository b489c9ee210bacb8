"""The sample company: reproducible, labelled, and with the planted truths of the documentation."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from breakeven.cli.main import run
from breakeven.pricebook import RateCard, open_card
from breakeven.sample import write_configuration, write_facts
from breakeven.sample.truth import CONTRACTS, INCIDENT_DAYS, INVOICES, SUPPORT

pytestmark = pytest.mark.slow
OCTOBER = {
    SUPPORT: ("52000", "14120", "37880", 0.728, 96_726, "0.146", "310", "creates"),
    INVOICES: ("30500", "6240", "24260", 0.795, 120_506, "0.0518", "-480", "creates"),
    CONTRACTS: ("18400", "20015", "-1615", -0.088, 41_200, "0.486", "10380", "destroys"),
}


@pytest.fixture(scope="module")
def card() -> RateCard:
    """The price book without any price file of the firm's own."""
    return open_card(None, [], datetime(2026, 11, 1))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger made by `breakeven demo`."""
    root = tmp_path_factory.mktemp("demo") / "ledger"
    assert run(["demo", "--ledger", str(root)]) == 0
    return root


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(arguments) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_october_is_what_the_documentation_says(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Value, cost, margin, outcomes, unit cost, change and verdict of each feature, to the displayed digit, by the real import."""
    found = _json(capsys, "pnl", "--ledger", str(demo), "--period", "2026-10", "--vs", "previous", "--json")
    rows = {row["feature"]: row for row in found["rows"]}
    for feature, (value, cost, keeps, margin, outcomes, each, change, verdict) in OCTOBER.items():
        row = rows[feature]
        shown = [f"{float(row[name]):.0f}" for name in ("value", "cost", "contribution", "cost_change")]
        assert (shown, row["outcomes"], round(row["margin"], 3)) == ([value, cost, keeps, change], outcomes, margin)
        assert f"{float(row['cost_per_outcome']):.3g}" == each
        assert row["verdict"] == verdict
    assert f"{float(rows[None]['cost']):.0f}" == "1335"
    assert found["sentence"] == (
        "In October 2026 AI earned $100,900 and cost $41,710: it created $59,190 (58.7 %). "
        "One feature of three destroys value. 3.2 % of cost has no owner."
    )


def test_building_it_again_adds_nothing(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The demo is idempotent, and its ledger verifies."""
    before = _json(capsys, "ledger", "info", "--ledger", str(demo), "--json")["facts"]
    assert run(["demo", "--ledger", str(demo)]) == 0
    assert _json(capsys, "ledger", "info", "--ledger", str(demo), "--json")["facts"] == before
    assert _json(capsys, "ledger", "verify", "--ledger", str(demo), "--json")["holds"]


def test_the_planted_truths_are_there(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The frontier share rises from 38 % to 55 %, the task classes have their sizes, and the pilot is listed as unpriced."""
    with duckdb.connect(str(demo / "ledger.duckdb"), read_only=True) as ledger:
        share = "avg((rung = 'frontier')::INT) FILTER (WHERE attempt = 0)"
        months = f"SELECT month(occurred_at), round(100 * {share}) FROM calls WHERE feature = '{CONTRACTS}' GROUP BY 1"
        mix = dict(ledger.execute(months).fetchall())
        classes = (
            "SELECT workflow, count(*) FROM calls WHERE feature = ? AND attempt = 0 AND occurred_at >= '2026-10-01' GROUP BY ALL"
        )
        sizes = dict(ledger.execute(classes, [CONTRACTS]).fetchall())
        day = f"count(*) FILTER (WHERE attempt > 0 AND occurred_at::DATE = DATE '{INCIDENT_DAYS[0]:%Y-%m-%d}')"
        retried, usual = ledger.execute(f"SELECT {day}, count(*) FILTER (WHERE attempt > 0) / 365 FROM calls").fetchall()[0]
    assert (mix[9], mix[10]) == (38, 55)
    assert sizes == {"clause lookup": 18_300, "header fields": 14_100, "cross-document terms": 6_100, "other": 2_700}
    assert retried > 10 * usual
    unpriced = _json(capsys, "unpriced", "--ledger", str(demo), "--period", "all", "--json")
    assert [row["model"] for row in unpriced["rows"]] == ["northwind-7b"]


def test_the_same_seed_writes_the_same_rows(tmp_path: Path, card: RateCard) -> None:
    """A seed decides every row; another seed writes other rows that cost the same to the dollar."""
    digests, costs = [], []
    for number, seed in enumerate((7, 7, 8)):
        files = write_facts(tmp_path / str(number), card, seed)
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in (*files["outcomes"], *files["customers"])])
        tokens = "SELECT sum(input), sum(output), count(*) FROM read_parquet(?)"
        costs.append(duckdb.execute(tokens, [str(files["calls"][-2])]).fetchall())
    assert (digests[0], costs[0]) == (digests[1], costs[1])
    assert digests[0] != digests[2]
    assert costs[0] != costs[2]


def test_everything_says_that_it_is_invented(tmp_path: Path) -> None:
    """Configuration, prices and read-me are labelled as invented in their first lines."""
    write_configuration(tmp_path)
    labelled = [
        path.name for path in tmp_path.iterdir() if "invented" in "".join(path.read_text().splitlines(keepends=True)[:3]).lower()
    ]
    assert sorted(labelled) == ["README.md", "breakeven.yaml", "prices.yaml"]
