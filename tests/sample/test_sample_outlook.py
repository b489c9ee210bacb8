"""Forecast and watch on the sample company: calibrated, better than naive, and the planted incident found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.sample.truth import CONTRACTS, INCIDENT_DAYS, SUPPORT

pytestmark = pytest.mark.slow


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(arguments) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_intervals_hold_and_errors_beat_naive_methods(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over the sample's year 85 to 95% of the total's 90% intervals hold, and it errs less than both naive methods."""
    found = _json(capsys, "forecast", "--period", "2026-11", "--backtest", "--json", "--ledger", str(demo))
    total = [row for row in found["backtest"] if row["label"] == "Total"]
    assert [row["days"] for row in total] == [1, 7, 14, 30]
    for row in total:
        assert 0.85 <= row["coverage"] <= 0.95
        assert row["error"] < min(row["error_run_rate"], row["error_seasonal_naive"])
    held = sum(row["coverage"] * row["intervals"] for row in found["backtest"]) / sum(row["intervals"] for row in found["backtest"])
    assert 0.85 <= held <= 0.95


def test_the_losing_feature_keeps_losing(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """November's forecast says that contract extraction will lose money."""
    found = _json(capsys, "forecast", "--period", "2026-11", "--json", "--ledger", str(demo))
    assert f"{CONTRACTS} will lose about" in found["sentence"]


def test_the_planted_incident_is_found_and_explained(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """July's dearest finding is the two days on which support answers were retried, by attempts per call, everybody alike."""
    first = _json(capsys, "watch", "--period", "2026-07", "--json", "--ledger", str(demo))["findings"][0]
    assert (first["name"], first["start"][:10], first["width"]) == (SUPPORT, f"{INCIDENT_DAYS[0]:%Y-%m-%d}", "day")
    assert first["end"][:10] == f"{INCIDENT_DAYS[1]:%Y-%m-}{INCIDENT_DAYS[1].day + 1}"
    assert first["cause"]["driver"] == "retries"
    assert first["cause"]["carriers"] == []


def test_the_incident_is_found_on_its_first_morning(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked at 11:10 of its first day, the incident is told by its hours, the last whole one among them."""
    at = f"{INCIDENT_DAYS[0]:%Y-%m-%d}T11:10:00Z"
    findings = _json(capsys, "watch", "--period", "2026-07", "--at", at, "--json", "--ledger", str(demo))["findings"]
    first = next(found for found in findings if found["name"] == SUPPORT)
    assert (first["width"], first["cause"]["driver"]) == ("hour", "retries")
    assert first["end"] == f"{INCIDENT_DAYS[0]:%Y-%m-%d}T11:00:00Z"


def test_the_sample_raises_few_other_alarms(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the four months before the incident, in which nothing of the kind is planted, under one alarm per feature and month."""
    alarms = [
        found
        for month in ("2026-03", "2026-04", "2026-05", "2026-06")
        for found in _json(capsys, "watch", "--period", month, "--json", "--ledger", str(demo))["findings"]
    ]
    assert len(alarms) < 4 * 4
