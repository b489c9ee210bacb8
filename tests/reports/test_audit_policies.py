"""Cascades and routes beside single rungs, as a user runs it: one choice under one error budget, written as one change."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.settings import load_settings

CONFIG = "features:\n  contracts:\n    owner: legal\n    quality_floor: 0.95\n"
CALLS, DEAR = 3_000, "0.01"
HEADER = ("time", "id", "provider", "model", "rung", "feature", "workflow", "input", "stated_cost")


def _csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger with a month of calls of one class on the frontier rung, $0.01 each."""
    root = tmp_path / "ledger"
    root.mkdir()
    (root / "breakeven.yaml").write_text(CONFIG, encoding="utf-8")
    rows = [
        (f"2026-10-{1 + number % 28:02d}T12:00:00Z", f"c{number}", "openai", "big", "frontier", "contracts", "clauses", 1, DEAR)
        for number in range(CALLS)
    ]
    assert run(["import", "calls", str(_csv(tmp_path / "calls.csv", HEADER, rows)), "--ledger", str(root)]) == 0
    return root


def _replays(ledger: Path, rung: str, model: str, agreed: Sequence[bool], cost: str) -> None:
    rows = [(f"{rung}-{at}", f"task-{at}", "clauses", "yes" if same else "no", cost) for at, same in enumerate(agreed)]
    file = _csv(ledger.parent / f"{rung}.csv", ("id", "which", "kind", "same", "cost"), rows)
    columns = ["--class", "kind", "--id", "id", "--task", "which", "--agreed", "same", "--cost", "cost", "--feature", "contracts"]
    rungs = ["--from", "frontier", "--to", rung, "--model", model]
    assert run(["audit", "import", str(file), *columns, *rungs, "--ledger", str(ledger)]) == 0


def _audit(ledger: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["audit", "--ledger", str(ledger), "--period", "2026-10", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _answers(wrong: Callable[[int], bool], count: int = 900) -> list[bool]:
    return [not wrong(at) for at in range(count)]


def test_two_rungs_that_are_wrong_on_different_tasks_are_enough_together(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each alone errs on 20% of tasks, never on the same one: their agreement is proven, saves, is taken and written."""
    _replays(ledger, "small", "little-1", _answers(lambda at: at % 5 == 0), "0.001")
    _replays(ledger, "mid", "middle-1", _answers(lambda at: at % 5 == 1), "0.001")
    report = _audit(ledger, capsys)
    finding = report["findings"][0]
    assert {one["rung"]: one["verdict"] for one in finding["rungs"]} == {
        "small": "not enough", "mid": "not enough", "small + mid": "enough",
    }  # fmt: skip
    assert (finding["verdict"], finding["enough"]) == ("enough", "small + mid")
    both = next(one for one in finding["rungs"] if one["by"] == "cascade")
    assert (both["members"], both["models"], both["moved"]) == (["small", "mid"], ["little-1", "middle-1"], pytest.approx(0.6))
    assert float(both["cost_per_task"]) == pytest.approx(0.002 + 0.4 * 0.01)  # both answers, and the dear one where they differ
    chosen = next(one for one in report["policies"] if one["chosen"])
    assert (chosen["policy"], chosen["rungs"], chosen["proven"]) == ("all on small + mid", {"clauses": "small + mid"}, True)
    # 3,000 x (0.01 - 0.006) = 12 on average, less a tenth of 60% of the $30 for checks
    assert sum(map(float, chosen["saving_per_month"])) / 2 == pytest.approx(12 - 1.8, abs=0.1)
    asked = ["audit", "accept", "--feature", "contracts", "--ledger", str(ledger), "--period", "2026-10", "--why", "proven"]
    assert run(asked) == 0
    plan = load_settings(ledger / "breakeven.yaml").features["contracts"].rollouts[0]
    assert (plan.to, plan.model, plan.agree, plan.agree_model) == ("small", "little-1", "mid", "middle-1")
    assert plan.margin == pytest.approx(0.05 / 0.6, rel=1e-3)  # checks look only at what the two agreed on
    assert not load_settings(ledger / "breakeven.yaml").warnings


def test_rungs_that_err_on_the_same_tasks_are_not_flattered_by_asking_both(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether two wrong answers are the same is not known: they count as agreeing, so the pair is no better than its parts."""
    _replays(ledger, "small", "little-1", _answers(lambda at: at % 5 == 0), "0.001")
    _replays(ledger, "mid", "middle-1", _answers(lambda at: at % 5 == 0), "0.001")
    report = _audit(ledger, capsys)
    assert {one["verdict"] for one in report["findings"][0]["rungs"]} == {"not enough"}
    assert [one["policy"] for one in report["policies"] if one["chosen"]] == ["stay"]
    assert run(["audit", "accept", "--feature", "contracts", "--ledger", str(ledger), "--period", "2026-10"]) == 1


def test_a_cascade_that_loses_money_is_proven_and_not_taken(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two rungs that together cost as much as the dear one save nothing: the policy is to stay."""
    _replays(ledger, "small", "little-1", _answers(lambda at: at % 5 == 0), "0.005")
    _replays(ledger, "mid", "middle-1", _answers(lambda at: at % 5 == 1), "0.005")
    report = _audit(ledger, capsys)
    assert report["findings"][0]["enough"] == "small + mid"
    found = {one["policy"]: (one["proven"], one["chosen"]) for one in report["policies"]}
    assert (found["stay"], found["all on small + mid"]) == ((True, True), (True, False))
