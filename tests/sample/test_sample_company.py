"""The sample company as a user meets it: made by `breakeven demo`, imported like real data, read by the real reports."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from breakeven.cli.main import run
from breakeven.ledger import open_ledger
from breakeven.sample.truth import (
    BRIDGE,
    CONTRACTS,
    FIRM,
    FRONTIER_SHARE,
    INCIDENT_DAYS,
    INVENTED,
    INVOICES,
    LOSING_DECILE,
    OCTOBER,
    SEPTEMBER,
    SUPPORT,
    TASK_CLASSES,
    TOKENS_PER_TASK,
    TOP_USERS,
    TOP_USERS_COST,
)

pytestmark = pytest.mark.slow
PNL = {
    SUPPORT: ("52000", "14120", "37880", 0.728, 96_726, "0.146", "310", "creates"),
    INVOICES: ("30500", "6240", "24260", 0.795, 120_506, "0.0518", "-480", "creates"),
    CONTRACTS: ("18400", "20015", "-1615", -0.088, 41_200, "0.486", "10380", "destroys"),
}
IN_OCTOBER = "occurred_at >= TIMESTAMP '2026-10-01'"


@pytest.fixture
def ledger(demo: Path) -> Any:
    """The demo ledger's database, read-only; a service that has it makes room."""
    with open_ledger(demo) as opened:
        yield opened.connection


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(arguments) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_october_is_what_the_documentation_says(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Value, cost, margin, outcomes, unit cost, change and verdict of each feature, to the displayed digit, by the real import."""
    found = _json(capsys, "pnl", "--ledger", str(demo), "--period", "2026-10", "--vs", "previous", "--json")
    rows = {row["feature"]: row for row in found["rows"]}
    for feature, (value, cost, keeps, margin, outcomes, each, change, verdict) in PNL.items():
        row = rows[feature]
        shown = [f"{float(row[name]):.0f}" for name in ("value", "cost", "contribution", "cost_change")]
        assert (shown, row["outcomes"], round(row["margin"], 3)) == ([value, cost, keeps, change], outcomes, margin)
        assert f"{float(row['cost_per_outcome']):.3g}" == each
        assert row["verdict"] == verdict
    assert [f"{float(rows[None][name]):.0f}" for name in ("cost", "cost_change")] == ["1335", "500"]
    total = [f"{float(found['total'][name]):.0f}" for name in ("value", "cost", "contribution", "cost_change")]
    assert total == ["100900", "41710", "59190", "10710"]
    assert found["sentence"] == (
        "In October 2026 AI earned $100,900 and cost $41,710: it created $59,190 (58.7%). "
        "One feature of three destroys value. 3.2% of cost has no owner."
    )


def test_building_it_again_adds_nothing(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The demo is idempotent, and its ledger verifies."""
    before = _json(capsys, "ledger", "info", "--ledger", str(demo), "--json")["facts"]
    assert run(["demo", "--no-live", "--ledger", str(demo)]) == 0
    assert _json(capsys, "ledger", "info", "--ledger", str(demo), "--json")["facts"] == before
    assert _json(capsys, "ledger", "verify", "--ledger", str(demo), "--json")["holds"]


def test_everything_is_labelled_as_invented(demo: Path) -> None:
    """Every input file says so in its name, every text file of the ledger in its first lines, the firm in its name."""
    kept = [path.name for path in (demo / "input-invented").iterdir() if path.name != "README.md"]
    assert kept
    assert all("invented" in name for name in kept)
    texts = [demo / name for name in ("README.md", "breakeven.yaml", "prices.yaml", "input-invented/README.md")]
    assert all(FIRM in text.read_text() and INVENTED in text.read_text() for text in texts)
    assert "invented" in FIRM


def test_each_task_class_has_its_calls_and_its_spend(ledger: duckdb.DuckDBPyConnection) -> None:
    """The task classes of contract extraction cost what the excess-capability report is documented to show, to the dollar."""
    rows = ledger.execute(
        f"SELECT workflow, count(DISTINCT call_id), round(sum(cost))::INTEGER FROM cost_lines "
        f"WHERE feature = ? AND {IN_OCTOBER} GROUP BY 1",
        [CONTRACTS],
    ).fetchall()
    assert {name: (calls, spend) for name, calls, spend in rows} == {item.name: (item.calls, item.spend) for item in TASK_CLASSES}
    majority = ledger.execute(
        f"SELECT workflow, avg((rung = 'frontier')::INT) > 0.5 FROM calls "
        f"WHERE feature = ? AND attempt = 0 AND {IN_OCTOBER} GROUP BY 1",
        [CONTRACTS],
    ).fetchall()
    assert dict(majority) == {item.name: item.paid_for == "frontier" for item in TASK_CLASSES}


def test_what_moved_contract_extraction_is_the_planted_bridge(ledger: duckdb.DuckDBPyConnection) -> None:
    """Volume, mix of rungs, tokens per task and price, changed in this order, give the documented steps within 25 dollars."""
    found: dict[tuple[str, int], tuple[float, float, int]] = {
        (rung, month): (cost, listed, calls)
        for rung, month, cost, listed, calls in ledger.execute(
            "SELECT rung, month(occurred_at), sum(cost)::DOUBLE, (sum(cost) FILTER (WHERE kind = 'list'))::DOUBLE,"
            " count(DISTINCT call_id) FROM cost_lines WHERE feature = ? AND occurred_at >= '2026-09-01' GROUP BY ALL",
            [CONTRACTS],
        ).fetchall()
    }
    rungs = ("frontier", "mid")
    before, after = (sum(found[rung, month][0] for rung in rungs) for month in (9, 10))
    calls = {month: sum(found[rung, month][2] for rung in rungs) for month in (9, 10)}
    grown = before * calls[10] / calls[9]
    mixed = sum(found[rung, 10][2] * found[rung, 9][0] / found[rung, 9][2] for rung in rungs)
    listed = sum(found[rung, 10][1] for rung in rungs)
    steps = dict(zip(BRIDGE, (grown - before, mixed - grown, listed - mixed, after - listed), strict=True))
    assert steps == pytest.approx(BRIDGE, abs=25)
    shares = {month: found["frontier", month][2] / calls[month] for month in (9, 10)}
    assert shares == pytest.approx({9: FRONTIER_SHARE[SEPTEMBER], 10: FRONTIER_SHARE[OCTOBER]}, abs=0.005)


def test_tokens_per_document_grow_as_planted(ledger: duckdb.DuckDBPyConnection) -> None:
    """11.2 thousand tokens per document in September, 12.8 thousand in October, and most of the growth is reasoning."""
    kinds = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    every = " + ".join(f"coalesce({name}, 0)" for name in kinds)
    september, october = ledger.execute(
        f"SELECT sum({every}) / count(DISTINCT call_id), sum(reasoning_tokens) / count(DISTINCT call_id) FROM calls"
        " WHERE feature = ? AND occurred_at >= '2026-09-01' GROUP BY month(occurred_at) ORDER BY month(occurred_at)",
        [CONTRACTS],
    ).fetchall()
    assert [round(september[0], -2), round(october[0], -2)] == [TOKENS_PER_TASK[SEPTEMBER], TOKENS_PER_TASK[OCTOBER]]
    assert october[1] - september[1] > 0.6 * (october[0] - september[0])


def test_the_keenest_tenth_of_customers_is_served_at_a_loss(ledger: duckdb.DuckDBPyConnection) -> None:
    """Of the deciles of engagement in October, only the planted one costs more than it pays."""
    rows = ledger.execute(
        f"""
        WITH used AS (SELECT customer, count(*) AS calls FROM calls WHERE {IN_OCTOBER} AND customer IS NOT NULL GROUP BY 1),
        cost AS (SELECT customer, sum(cost) AS cost FROM cost_lines WHERE {IN_OCTOBER} GROUP BY 1),
        paid AS (SELECT customer, sum(amount) AS paid FROM revenue WHERE period_start = '2026-10-01' GROUP BY 1)
        SELECT decile, sum(paid) < sum(cost) FROM (
            SELECT *, ntile(10) OVER (ORDER BY calls, customer) AS decile
            FROM used JOIN cost USING (customer) LEFT JOIN paid USING (customer)
        ) GROUP BY 1"""
    ).fetchall()
    assert [decile for decile, loses in rows if loses] == [LOSING_DECILE]


def test_few_users_cause_much_of_the_cost(ledger: duckdb.DuckDBPyConnection) -> None:
    """The keenest twentieth of October's users causes the planted share of cost, within three points."""
    (share,) = ledger.execute(
        f"""
        WITH users AS (SELECT user_id, sum(cost) AS cost FROM cost_lines WHERE {IN_OCTOBER} AND user_id IS NOT NULL GROUP BY 1),
        ranked AS (SELECT cost, row_number() OVER (ORDER BY cost DESC) AS place, count(*) OVER () AS users FROM users)
        SELECT (sum(cost) FILTER (WHERE place <= users * {TOP_USERS}) / sum(cost))::DOUBLE FROM ranked"""
    ).fetchall()[0]
    assert share == pytest.approx(TOP_USERS_COST, abs=0.03)


def test_cost_of_contracts_grows_faster_than_use(ledger: duckdb.DuckDBPyConnection) -> None:
    """In October a customer with ten times the documents of another costs clearly more than ten times as much; support does not."""
    slopes = dict(
        ledger.execute(
            f"""
            SELECT feature, regr_slope(ln(cost), ln(calls)) FROM (
                SELECT feature, customer, count(DISTINCT call_id) AS calls, sum(cost)::DOUBLE AS cost
                FROM cost_lines WHERE {IN_OCTOBER} AND feature IS NOT NULL GROUP BY ALL HAVING calls >= 30
            ) GROUP BY 1"""
        ).fetchall()
    )
    assert slopes[CONTRACTS] == pytest.approx(1.15, abs=0.05)
    assert slopes[SUPPORT] == pytest.approx(1.0, abs=0.05)


def test_the_incident_stands_out(ledger: duckdb.DuckDBPyConnection) -> None:
    """On a day of the incident there are more than ten times as many retries as usual."""
    day = f"count(*) FILTER (WHERE attempt > 0 AND occurred_at::DATE = DATE '{INCIDENT_DAYS[0]:%Y-%m-%d}')"
    retried, usual = ledger.execute(f"SELECT {day}, count(*) FILTER (WHERE attempt > 0) / 365 FROM calls").fetchall()[0]
    assert retried > 10 * usual


def test_what_has_no_price_or_no_usage_is_listed(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The pilot of March has no price and the cut streams of June no usage; of October everything is known."""
    unpriced = _json(capsys, "unpriced", "--ledger", str(demo), "--period", "all", "--json")["rows"]
    assert [row["model"] for row in unpriced if row["state"] == "unpriced"] == ["northwind-7b"]
    assert {row["state"] for row in unpriced} == {"unpriced", "usage_missing"}
    assert not _json(capsys, "unpriced", "--ledger", str(demo), "--period", "2026-10", "--json")["rows"]


def test_the_audit_names_the_planted_classes(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each task class of contract extraction gets its planted verdict, and what is paid above need lies within the range."""
    asked = ["--ledger", str(demo), "--period", "2026-10", "--feature", CONTRACTS, "--json"]
    report = _json(capsys, "audit", *asked)
    found = {one["class"]: one for one in report["findings"]}
    assert {name: (one["verdict"], one["enough"], one["paid_for"]) for name, one in found.items()} == {
        "clause lookup": ("enough", "small", "frontier"),
        "header fields": ("enough", "handler", "frontier"),
        "cross-document terms": ("not enough", "frontier", "frontier"),
        "other": ("too little evidence", None, "mixed"),
    }
    for item in TASK_CLASSES:
        one = found[item.name]
        assert (one["calls"], one["replays"], one["agreed"]) == (item.calls, item.replayed, item.agreed)
        assert round(float(one["spend"])) == item.spend
        low, high = map(float, one["excess_per_month"])
        assert item.worth_per_month == 0 or low <= item.worth_per_month <= high
        assert (high - low) < 100 or item.enough is None
    assert found["other"]["replays_needed"] > 0
    low, high = map(float, report["excess_per_month"])
    assert low <= 12_520 <= high
    assert "clause lookup of Contract extraction, where small is enough" in report["sentence"]


def test_both_answers_of_some_replays_can_be_read(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What agreed and what did not, each of a call of October, kept under the charter, and marked as invented."""
    asked = ["--feature", CONTRACTS, "--ledger", str(demo), "--json"]
    for name, others, kept in (("clause lookup", 3, 9), ("header fields", 0, 4)):
        found = _json(capsys, "audit", "replays", name, *asked)
        planted = next(item for item in TASK_CLASSES if item.name == name)
        assert (found["replays"], found["replays"] - found["disagreements"], found["kept"]) == (
            planted.replayed,
            planted.agreed,
            kept,
        )
        assert [pair["agreed"] for pair in found["pairs"]] == [False] * others + [True] * (kept - others)
        assert all((pair["before"] == pair["again"]) == pair["agreed"] for pair in found["pairs"])
        assert all(pair["asked"].startswith("Invented") and '"invented": true' in pair["again"] for pair in found["pairs"])
        calls = [pair["call_id"] for pair in found["pairs"]]
        assert len(set(calls)) == kept
    asked = ["--ledger", str(demo), "--json"]
    charter = _json(capsys, "captures", "list", *asked)["features"]
    assert [row["feature"] for row in charter] == [CONTRACTS]


def test_building_the_sample_again_keeps_no_answer_twice(
    demo_original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`breakeven demo` on a ledger that holds the company already adds neither replays nor answers."""
    ledger = Path(shutil.copytree(demo_original, tmp_path / "ledger"))
    capsys.readouterr()
    assert run(["demo", "--no-live", "--ledger", str(ledger)]) == 0
    assert "kept both answers of 0 invented replays" in capsys.readouterr().err
    found = _json(capsys, "audit", "replays", "clause lookup", "--feature", CONTRACTS, "--ledger", str(ledger), "--json")
    assert (found["replays"], found["kept"]) == (1_930, 9)
