"""`breakeven demo` ends with live calls: seen as they arrive, and in the P&L of this month."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


@pytest.mark.slow
def test_live_calls_arrive_in_the_pnl(tmp_path: Path) -> None:
    """The demo shows each live call with its cost, and this month's P&L has their features, with value."""
    ledger = tmp_path / "ledger"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    line = [sys.executable, "-m", "breakeven"]
    shown = subprocess.run(
        [*line, "demo", "--ledger", str(ledger), "--seconds", "3"],
        capture_output=True, text=True, timeout=600, env=environment, check=True,
    )  # fmt: skip
    lines = [each for each in shown.stdout.splitlines() if each.rstrip().endswith(" ms")]
    assert len(lines) >= 10
    assert all(" $0." in each for each in lines)
    assert "Feature P&L · October 2026" in shown.stdout
    assert "before: frontier model" in shown.stdout
    assert "were answered without a model" in shown.stdout
    asked = subprocess.run(
        [*line, "pnl", "--ledger", str(ledger), "--period", "month", "--json"],
        capture_output=True, text=True, timeout=60, env=environment, check=True,
    )  # fmt: skip
    rows = {row["feature"]: row for row in json.loads(asked.stdout)["rows"]}
    assert rows.keys() >= {"Support answers", "Invoice capture", "Contract extraction"}
    assert sum(row["calls"] for row in rows.values()) >= len(lines)
    assert rows["Support answers"]["value"] is not None
