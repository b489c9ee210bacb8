"""Scenarios on the sample company: waiting for deflation does not help contract extraction, and by how much acting does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.sample.truth import CONTRACTS, INVOICES, TASK_CLASSES, TOKENS_PER_TASK

pytestmark = pytest.mark.slow


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(arguments) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _moved(tmp_path: Path) -> Path:
    """The scenario that moves the task classes down the ladder as planted: each to the rung that is enough for it."""
    lines = ["scenario:", "  name: act on contracts", f"  features: [{CONTRACTS}]", "  moves:"]
    for one in TASK_CLASSES:
        if one.worth_per_month:
            saves = f"{one.worth_per_month / one.spend:.6%}"
            lines.append(f"    - {{workflow: {one.name}, to: {one.enough}, saves: {saves}}}")
    path = tmp_path / "act.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def _row(found: dict[str, Any], label: str) -> Any:
    return next(row for row in found["rows"] if row["label"] == label)


def test_waiting_does_not_help_and_acting_does(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Contract extraction is not saved by waiting; moving its task classes saves the planted $12,520 a month and makes it earn."""
    waits = _row(_json(capsys, "scenario", "--period", "2026-10", "--json", "--ledger", str(demo)), CONTRACTS)
    assert waits["deflation"] == "not saved"
    assert waits["waiting_helps"] is False
    assert waits["chance_of_red"] >= 0.95
    assert waits["price_change"]["point"] > 0
    found = _json(capsys, "scenario", "run", str(_moved(tmp_path)), "--period", "2026-10", "--json", "--ledger", str(demo))
    act = _row(found, CONTRACTS)["act"]
    worth = sum(one.worth_per_month for one in TASK_CLASSES)
    assert float(act["saves_per_month"]) == pytest.approx(worth, abs=1)
    assert float(act["a_quarter_later"]["low"]) > 3 * worth
    assert act["margin_now"] == pytest.approx(-0.088, abs=0.0005)
    assert act["margin_acting_now"] == pytest.approx(1 - (20_015 - worth) / 18_400, abs=0.001)
    assert "is not saved by waiting" in found["sentence"]
    assert "Acting (clause lookup to small, header fields to handler) saves $12,520 a month" in found["sentence"]


def test_tokens_per_task_have_grown_as_planted(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The planted growth of tokens per document lies in the estimated range, and its prices rose as it moved to new models."""
    row = _row(_json(capsys, "scenario", "--period", "2026-10", "--json", "--ledger", str(demo)), CONTRACTS)
    drivers = {one["driver"]: one for one in row["drivers"]}
    planted = (TOKENS_PER_TASK[-1] / TOKENS_PER_TASK[0]) ** (12 / 11) - 1
    assert drivers["tokens"]["change"]["low"] < planted < drivers["tokens"]["change"]["high"]
    assert drivers["tokens"]["origin"] == "ledger"
    assert drivers["price:frontier"]["change"]["point"] > 0.5
    assert drivers["mix"]["history"]["low"] > 0


def test_the_documented_sliders_on_invoice_capture(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Prices −30%, tokens +60%, volume +25% a year: the figures of the documentation to the displayed digit."""
    sliders = ("--price", "-30%", "--tokens", "+60%", "--volume", "+25%", "--feature", INVOICES)
    found = _json(capsys, "scenario", "run", *sliders, "--period", "2026-10", "--json", "--ledger", str(demo))
    points = [point for point in _row(found, INVOICES)["points"] if point["months"] % 12 == 0]
    assert [f"{float(point['unit_cost']['point']):.4f}" for point in points] == ["0.0518", "0.0580", "0.0650"]
    assert [f"{point['margin']['point']:.1%}" for point in points] == ["79.5%", "77.1%", "74.3%"]
    assert _row(found, INVOICES)["stand_still"]["point"] == pytest.approx(0.375)


def test_a_plan_made_in_september_is_what_october_is_held_against(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """September's scenario, adopted, makes October's P&L say by how much each feature missed it."""
    config = tmp_path / "breakeven.yaml"
    text = (demo / "breakeven.yaml").read_text().replace("[prices.yaml]", f"['{demo / 'prices.yaml'}']")
    config.write_text(text)
    place = ("--config", str(config), "--ledger", str(demo))
    assert (
        run(["scenario", "run", "--price", "0%", "--tokens", "0%", "--volume", "0%", "--adopt", "--period", "2026-09", *place]) == 0
    )
    found = _json(capsys, "pnl", "--vs", "plan", "--period", "2026-10", "--json", *place)
    assert found["versus"] == "plan"
    assert float(_row(found, CONTRACTS)["cost_change"]) == pytest.approx(10_380, abs=1)
