"""`breakeven forecast` and `breakeven watch` on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from breakeven.cli import forecast, reports, watch
from breakeven.cli.draw_forecast import fan_lines
from breakeven.errors import UsageError
from breakeven.reports.forecastrows import FanPoint

Build = Callable[[str], Any]
Run = Callable[..., Result]
NOW = datetime(2026, 10, 11, 8, 20)
WEEK = (10, 11, 12, 11, 10, 4, 3)


def _ledger(struck: float = 1) -> str:
    lines = ["time  feature  model  tokens  count  cost"]
    for day in range(69):
        at = datetime(2026, 8, 3) + timedelta(days=day)
        cost = WEEK[at.weekday()] * (struck if day == 66 else 1)
        lines.append(f"{at:%Y-%m-%d} 09:00  support  gpt-4o  {1000 * cost:.0f}  {WEEK[at.weekday()] * 100}  {cost:.2f}")
    return "\n".join(lines)


@pytest.fixture
def run(ledger_from_text: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command at 08:20 on 11 October on a ledger of ten weeks."""
    config = tmp_path / "breakeven.yaml"
    config.write_text("{}")
    monkeypatch.setenv("COLUMNS", "200")

    def runner(command: Any, *arguments: str, struck: float = 1) -> Result:
        ledger = ledger_from_text(_ledger(struck))

        @contextmanager
        def opened(_path: Path, _settings: Any) -> Iterator[Any]:
            yield ledger

        for module in (reports, forecast):
            monkeypatch.setattr(module, "open_facts", opened)
        for module in (reports, forecast, watch):
            monkeypatch.setattr(module, "now", lambda: NOW)
        options = [*arguments, "--config", str(config), "--ledger", str(tmp_path)]
        return CliRunner().invoke(command, options, catch_exceptions=True)

    return runner


def test_the_forecast_is_of_the_month_that_runs(run: Run) -> None:
    """Without a period the running month is forecast: a row, a total, a fan, the sentence with interval."""
    found = run(forecast.forecast)
    assert found.exit_code == 0
    assert found.output.startswith("Forecast · October 2026 · USD")
    assert "In October 2026 AI will cost about $2" in found.output
    assert "90% between" in found.output
    assert "2026-10-31  ─" in found.output
    assert "2026-10-07  ━" in found.output or "2026-10-06  ━" in found.output


def test_json_and_csv_carry_the_same_point(run: Run) -> None:
    """Money is strings of digits in both; null where unknown."""
    as_json = json.loads(run(forecast.forecast, "--json", "--limit", "150").stdout)
    rows = list(csv.DictReader(io.StringIO(run(forecast.forecast, "--csv").stdout)))
    assert as_json["rows"][0]["cost"]["point"] == rows[0]["cost_point"]
    assert as_json["rows"][0]["value"] is None
    assert as_json["run_out"]["expected"].startswith("2026-10-")
    assert as_json["trail"]["history"] == {"start": "2026-08-03", "days": 69, "origin": "2026-10-11"}


def test_a_horizon_is_told_by_month(run: Run) -> None:
    """Three months begin with the running one and are told each."""
    found = run(forecast.forecast, "--horizon", "3 months")
    assert [month in found.output for month in ("October 2026", "November 2026", "December 2026", "January 2027")] == [
        True,
        True,
        True,
        False,
    ]
    assert json.loads(run(forecast.forecast, "--horizon", "2 weeks", "--json").stdout)["end"] == "2026-10-25"


def test_the_backtest_is_a_table(run: Run) -> None:
    """--backtest shows error against both naive methods and how often intervals held."""
    found = run(forecast.forecast, "--backtest")
    assert "seasonal naive" in found.output
    assert "intervals held" in found.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--period", "2026-10", "--horizon", "3 months"), "exclude each other"),
        (("--horizon", "soon"), "is not understood"),
        (("--by", "day"), "cannot be grouped by day"),
        (("--limit", "much"), "is not an amount"),
        (("--limit", "-1"), "is not an amount"),
        (("--period", "all"), "has no end"),
    ],
)
def test_bad_options_are_explained(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """What is wrong, and what to write instead."""
    found = run(forecast.forecast, *arguments)
    assert isinstance(found.exception, UsageError)
    assert said in found.exception.what
    assert found.exception.remedy


def test_watch_tells_and_fails_only_when_asked(run: Run) -> None:
    """A tripled day is told with exit 0, and with exit 1 under --fail; a quiet ledger passes under --fail."""
    found = run(watch.watch, "--period", "2026-10", struck=3)
    assert found.exit_code == 0
    assert "support, 8 October 2026" in found.output
    assert run(watch.watch, "--period", "2026-10", "--fail", struck=3).exit_code == 1
    assert run(watch.watch, "--period", "2026-10", "--fail").exit_code == 0


def test_watch_in_json(run: Run) -> None:
    """Findings carry figures, cause and money as strings; --at and --floor are obeyed."""
    found = json.loads(run(watch.watch, "--period", "2026-10", "--json", struck=3).stdout)["findings"][0]
    assert found["cost"] == "33"
    assert found["cause"]["driver"] == "tokens per call"
    assert json.loads(run(watch.watch, "--period", "2026-10", "--json", "--at", "2026-10-08", struck=3).stdout)["findings"] == []
    assert json.loads(run(watch.watch, "--period", "2026-10", "--json", "--floor", "100", struck=3).stdout)["findings"] == []
    bad = run(watch.watch, "--floor", "low")
    assert isinstance(bad.exception, UsageError)


def test_a_fan_without_cost_is_empty() -> None:
    """Nothing spent and nothing to come draws nothing."""
    assert fan_lines([FanPoint("2026-10-01", "0", None, None, known=True)]) == []
