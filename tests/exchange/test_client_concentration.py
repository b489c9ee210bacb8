"""The real clients of a model host: who carries the cost, what is unpriced, and who a flat fee would serve at a loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

START = "2026-10-19T00:00:00Z"
"""Assumed: the trace counts hours from a start that it does not tell."""


@pytest.fixture
def clients(desk: Any, shared_data: Path) -> Any:
    """The clients of `m-large`, at an assumed list price of $2.50 and $10 per million tokens."""
    source, chosen = shared_data / "traces" / "servegen_client_hours.parquet", desk.root / "m-large.parquet"
    duckdb.execute(f"COPY (SELECT * FROM '{source}' WHERE model = 'm-large') TO '{chosen}'")
    answer = desk.bring("aggregates", chosen, "--at-origin", START, "--provider", "openai", "--model", "gpt-4o")
    assert answer.code == 0
    return desk


def _json(desk: Any, *arguments: str) -> Any:
    code, out, told = desk.run(*arguments, "--json")
    assert code == 0, told
    return json.loads(out)


def test_a_tenth_of_the_clients_is_four_fifths_of_the_cost(clients: Any) -> None:
    """Of the clients of known cost the dearest tenth are 79%, the dearest one 40%; 37% of requests have no known usage."""
    report = _json(clients, "engagement", "--period", "all", "--by", "customer")
    (section,) = report["sections"]
    dearest = {part["who"]: round(part["share_of_cost"], 2) for part in section["dearest"]}
    assert (dearest["top 10%"], dearest["the dearest one"]) == (0.79, 0.40)
    assert (section["subjects"], section["unpriced_subjects"]) == (162, 15)
    assert round(report["trail"]["share_unpriced"], 2) == 0.37
    assert "The cost of 37.3% of the customers' calls is unknown and not in these figures." in section["sentence"]
    assert "What a customer earns is unknown" in section["sentence"]


def test_who_an_invented_flat_fee_serves_at_a_loss(clients: Any) -> None:
    """With a fee of $2,500, said to be assumed, the keenest cost more than they would pay: a few eat what the others keep."""
    section = _json(clients, "engagement", "--period", "all", "--by", "customer", "--fee", "2500", "--limit", "100")["sections"][0]
    assert section["earned_is"] == "assumed fee"
    assert 0 < section["losing"] < 40
    assert section["deciles"][-1]["margin"] < -5
    assert section["deciles"][0]["margin"] > 0.9
    assert all(float(one["cost"]) > 2500 for one in section["losers"])
    assert "Assumed, not recorded" in clients.run("engagement", "--period", "all", "--fee", "2500")[1]


def test_week_over_week(clients: Any) -> None:
    """Weeks are periods: the second ISO week against the first, and both as rows, sum to the whole."""
    report = _json(clients, "pnl", "--period", "2026-W44", "--vs", "previous")
    assert (report["start"], report["end"], report["versus"]) == ("2026-10-26", "2026-11-02", "2026-10-19..2026-10-25")
    rows = _json(clients, "pnl", "--period", "all", "--by", "week")["rows"]
    assert [row["week"] for row in rows] == ["2026-W43", "2026-W44"]
    change = float(rows[1]["cost"]) - float(rows[0]["cost"])
    assert float(report["total"]["cost_change"]) == pytest.approx(change)
    assert change < 0
