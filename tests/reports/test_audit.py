"""The audit as a user runs it: replays in, verdicts, ranges and proposals out."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from breakeven.cli.main import run

CONFIG = """
prices:
  overlay: [prices.yaml]
features:
  contracts:
    owner: legal
    quality_floor: 0.95
"""
PRICES = """
version: 1
currency: USD
models:
  - {provider: openai, model: big, from: 2026-01-01, source: list, prices: {input: "10", output: "10"}}
"""
CALLS = [("clauses", "frontier", "big", 3_000), ("headers", "frontier", "big", 1_000), ("terms", "frontier", "big", 1_000)]


def _csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _replays(path: Path, classes: Sequence[tuple[str, int, int]], *, seed: int = 1, cost: str = "0.001") -> Path:
    """Rows of (class, replays, agreements), shuffled."""
    random = np.random.default_rng(seed)
    rows = [
        (f"{name}-{number}-{seed}", name, "yes" if one else "no", cost)
        for name, count, agreed in classes
        for number, one in enumerate(random.permutation(np.arange(count) < agreed))
    ]
    return _csv(path, ("task_id", "kind", "same", "cost"), rows)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger with a month of calls on the frontier rung, $0.01 each, and replays of three classes."""
    root = tmp_path / "ledger"
    root.mkdir()
    (root / "breakeven.yaml").write_text(CONFIG.replace("prices:\n  overlay: [prices.yaml]\n", ""), encoding="utf-8")
    rows = [
        (f"2026-10-{1 + number % 28:02d}T12:00:00Z", f"{name}-{number}", "openai", model, rung, "contracts", name, 1, "0.01")
        for name, rung, model, count in CALLS
        for number in range(count)
    ]
    header = ("time", "id", "provider", "model", "rung", "feature", "workflow", "input", "stated_cost")
    assert run(["import", "calls", str(_csv(tmp_path / "calls.csv", header, rows)), "--ledger", str(root)]) == 0
    file = _replays(tmp_path / "replays.csv", [("clauses", 600, 594), ("headers", 30, 30), ("terms", 300, 210)])
    assert run(_import(file, root)) == 0
    return root


def _import(file: Path, root: Path, *more: str) -> list[str]:
    options = ["--class", "kind", "--agreed", "same", "--id", "task_id", "--cost", "cost", "--feature", "contracts"]
    rungs = ["--from", "frontier", "--to", "small", "--model", "little-1"]
    return ["audit", "import", str(file), *options, *rungs, "--ledger", str(root), *more]


def _audit(root: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["audit", "--ledger", str(root), "--period", "2026-10", "--json", *more]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_verdicts_worth_and_needed_replays(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """594 of 600 is enough at a floor of 95%, 210 of 300 is not, 30 of 30 is too little; worth is a range."""
    report = _audit(ledger, capsys)
    found = {one["class"]: one for one in report["findings"]}
    assert {name: one["verdict"] for name, one in found.items()} == {
        "clauses": "enough", "terms": "not enough", "headers": "too little evidence",
    }  # fmt: skip
    clauses = found["clauses"]
    assert (clauses["calls"], clauses["spend"], clauses["paid_for"], clauses["enough"]) == (3_000, "30", "frontier", "small")
    assert clauses["agreement"] == pytest.approx(0.99)
    assert 0.95 <= clauses["lower_bound"] <= 0.99
    assert clauses["excess_per_month"] == ["27", "27"]  # 3,000 x (0.01 - 0.001), and every replay cost the same
    assert found["terms"]["excess_per_month"] == ["0", "0"]
    assert found["headers"]["replays_needed"] > 0
    assert found["headers"]["replays_cost"] is not None
    assert report["excess_per_month"] == ["27", "27"]
    assert {step["rung"]: (step["paid"], step["enough"]) for step in report["ladder"]} == {
        "small": ("0", "3"),
        "frontier": ("50", "20"),
    }
    assert "clauses of contracts, where small is enough" in report["sentence"]


def test_importing_again_changes_nothing_and_more_evidence_decides(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same file counts once; the replays that were asked for settle what was open."""
    before = _audit(ledger, capsys)
    assert run(_import(tmp_path / "replays.csv", ledger)) == 0
    assert _audit(ledger, capsys)["findings"] == before["findings"]
    needed = next(one["replays_needed"] for one in before["findings"] if one["class"] == "headers")
    more = _replays(tmp_path / "more.csv", [("headers", 2 * needed, 2 * needed)], seed=2)
    assert run(_import(more, ledger)) == 0
    assert next(one["verdict"] for one in _audit(ledger, capsys)["findings"] if one["class"] == "headers") == "enough"


def test_the_order_of_rows_in_a_file_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Replays of one import count in an order of their own, which does not depend on where they stand in the file."""
    file = _replays(tmp_path / "a.csv", [("clauses", 200, 190)])
    head, *rows = file.read_text(encoding="utf-8").splitlines()
    (tmp_path / "b.csv").write_text("\n".join([head, *reversed(rows)]) + "\n", encoding="utf-8")
    found = []
    for name in ("a", "b"):
        root = tmp_path / f"ledger-{name}"
        assert run(_import(tmp_path / f"{name}.csv", root)) == 0
        one = _audit(root, capsys)["findings"][0]
        for rung in one["rungs"]:
            del rung["last_at"]
        found.append(one)
    assert found[0] == found[1]


def test_another_model_is_other_evidence(ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once replays of another model on the rung come in, the old certificate does not count for it."""
    newer = _replays(tmp_path / "newer.csv", [("clauses", 20, 20)], seed=3)
    assert run([*_import(newer, ledger), "--model", "little-2"]) == 0
    found = next(one for one in _audit(ledger, capsys)["findings"] if one["class"] == "clauses")
    assert (found["verdict"], found["replays"], found["rungs"][0]["certificate"]) == ("too little evidence", 20, "little-2")


def test_scores_make_paired_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where both rungs were scored, what counts is the difference: equal quality with many differing answers is enough."""
    random = np.random.default_rng(5)
    luck = random.random(3_000)  # 3% only the strong one gets right, 3% only the weak one, 4% neither
    rows = [(at, "maths", int(one >= 0.07), int(one < 0.03 or one >= 0.1)) for at, one in enumerate(luck)]
    file = _csv(tmp_path / "scores.csv", ("question", "subject", "weak", "strong"), rows)
    root = tmp_path / "ledger"
    arguments = ["audit", "import", str(file), "--class", "subject", "--weak", "weak", "--strong", "strong", "--id", "question"]
    assert run([*arguments, "--ledger", str(root)]) == 0
    found = _audit(root, capsys)["findings"][0]
    assert (found["verdict"], found["rungs"][0]["basis"]) == ("enough", "paired scores")
    assert found["agreement"] == pytest.approx(np.mean([weak == strong for *_, weak, strong in rows]))
    assert found["rungs"][0]["difference"] == pytest.approx(np.mean([weak - strong for *_, weak, strong in rows]), abs=1e-6)
    assert found["excess_per_month"] == [None, None]


def test_bad_rows_are_set_aside_with_their_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A score above 1 and a missing one do not lose the other rows."""
    file = _csv(tmp_path / "bad.csv", ("subject", "weak", "strong"), [("a", 1, 1), ("a", 7, 1), ("a", "", 1), ("", 1, 1)])
    arguments = ["audit", "import", str(file), "--class", "subject", "--weak", "weak", "--strong", "strong"]
    assert run([*arguments, "--ledger", str(tmp_path / "ledger")]) == 3
    told = capsys.readouterr().err
    assert "1 replays added" in told
    assert "a score from 0 to 1" in told
    assert run(["audit", "import", str(file), "--class", "subject", "--weak", "weak", "--ledger", str(tmp_path / "ledger")]) == 2


def test_the_cost_of_an_error_is_priced_in(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong answer that costs $1 makes 1% of errors dearer than what is saved: the range goes below zero."""
    config = ledger / "breakeven.yaml"
    config.write_text(config.read_text(encoding="utf-8") + '    error_cost: "1"\n', encoding="utf-8")
    low, high = next(one["excess_per_month"] for one in _audit(ledger, capsys)["findings"] if one["class"] == "clauses")
    assert float(low) < float(high) < 0


def test_accepting_writes_a_rollout_and_rejecting_a_reason(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`audit accept` edits breakeven.yaml and says how soon a drop is found; what is not proven is refused with exit code 1."""
    asked = ["--ledger", str(ledger), "--period", "2026-10"]
    assert run(["audit", "accept", "terms", *asked]) == 1
    assert run(["audit", "accept", "clauses", *asked, "--dry-run"]) == 0
    assert "rollouts" not in (ledger / "breakeven.yaml").read_text(encoding="utf-8")
    assert run(["audit", "accept", "clauses", *asked, "--until", "2027-01-31", "--why", "proven"]) == 0
    assert "within" in capsys.readouterr().err
    text = (ledger / "breakeven.yaml").read_text(encoding="utf-8")
    assert "- {class: clauses, to: small, model: little-1, shares: [5%, 25%, 100%], checks: 200, checked: 10%, margin: 5%" in text
    assert run(["audit", "accept", "clauses", *asked]) == 2
    assert run(["audit", "reject", "headers", "--ledger", str(ledger), "--why", "they will go away"]) == 0
    states = {one["class"]: one["state"] for one in _audit(ledger, capsys)["findings"]}
    assert states == {"clauses": "accepted, not running yet", "terms": "open", "headers": "rejected"}
    log = (ledger / "decisions.ndjson").read_text(encoding="utf-8")
    assert "rollout to small" in log
    assert "they will go away" in log


def _more(ledger: Path, tmp_path: Path, rung: str, classes: Sequence[tuple[str, int, int]], *, seed: int, cost: str) -> None:
    file = _replays(tmp_path / f"{rung}.csv", classes, seed=seed, cost=cost)
    arguments = [rung if one == "small" else f"{rung}-1" if one == "little-1" else one for one in _import(file, ledger)]
    assert run(arguments) == 0


def test_a_feature_goes_by_the_policy_that_saves_most_after_its_checks(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each class goes to the proven rung that saves most, checks paid; `accept --feature` writes all of it and logs each move."""
    _more(ledger, tmp_path, "small", [("headers", 600, 600)], seed=7, cost="0.001")
    _more(ledger, tmp_path, "mid", [("clauses", 600, 598), ("headers", 600, 600), ("terms", 600, 599)], seed=8, cost="0.004")
    found = {one["policy"]: one for one in _audit(ledger, capsys)["policies"]}
    assert {name: (one["proven"], one["chosen"]) for name, one in found.items()} == {
        "stay": (True, False), "all on small": (False, False), "all on mid": (True, False), "class by class": (True, True),
    }  # fmt: skip
    best = found["class by class"]
    assert best["rungs"] == {"clauses": "small", "headers": "small", "terms": "mid"}
    # 4,000 x (0.01 - 0.001) + 1,000 x (0.01 - 0.004) - 10% of the $50 that the dear rung costs
    assert (best["saving_per_month"], best["checking_per_month"]) == (["37", "37"], "5")
    assert best["break_even_checked"] == pytest.approx(0.84)  # of 50, 42 are saved before checks
    asked = ["audit", "accept", "--ledger", str(ledger), "--period", "2026-10"]
    assert run(asked) == 2
    assert run([*asked, "--feature", "nobody"]) == 2
    assert run([*asked, "--feature", "contracts", "--why", "proven"]) == 0
    assert "$37.00 a month" in capsys.readouterr().err
    text = (ledger / "breakeven.yaml").read_text(encoding="utf-8")
    assert [text.count(f"class: {name}, to: {rung}") for name, rung in best["rungs"].items()] == [1, 1, 1]
    log = (ledger / "decisions.ndjson").read_text(encoding="utf-8")
    assert [log.count(f"class contracts / {name}") for name in best["rungs"]] == [1, 1, 1]
    assert run([*asked, "--feature", "contracts"]) == 1  # nothing is left to be decided


def test_a_feature_stays_where_errors_cost_more_than_is_saved(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Proven within the margin is not enough to move where what errors cost eats the saving: the policy is to stay."""
    config = ledger / "breakeven.yaml"
    config.write_text(config.read_text(encoding="utf-8") + '    error_cost: "1"\n', encoding="utf-8")
    assert [one["policy"] for one in _audit(ledger, capsys)["policies"] if one["chosen"]] == ["stay"]
    assert run(["audit", "accept", "--feature", "contracts", "--ledger", str(ledger), "--period", "2026-10"]) == 1
    assert "everything stays" in capsys.readouterr().err
    assert "rollouts" not in config.read_text(encoding="utf-8")


def test_the_next_step_of_an_open_finding_is_a_whole_command(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the rung as well, without which `audit run` asks for one."""
    following = {one["class"]: one["next"] for one in _audit(ledger, capsys)["findings"]}
    assert following["headers"].startswith("breakeven audit run headers --feature contracts --to small --replays ")


def test_the_table_and_one_finding_are_readable(
    ledger: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table names verdicts and evidence; `audit show` says what would overturn one."""
    monkeypatch.setenv("COLUMNS", "160")
    capsys.readouterr()
    assert run(["audit", "list", "--ledger", str(ledger), "--period", "2026-10"]) == 0
    table = capsys.readouterr().out
    assert "594 of 600 agree" in table
    assert "210 of 300 agree" in table
    assert "more would tell" in table
    assert run(["audit", "show", "clauses", "--ledger", str(ledger), "--period", "2026-10"]) == 0
    assert "would overturn this" in capsys.readouterr().out
    assert run(["audit", "--csv", "--ledger", str(ledger), "--period", "2026-10"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert {row["class"]: row["excess_per_month_high"] for row in rows}["clauses"] == "27"
    assert run(["audit", "show", "nothing", "--ledger", str(ledger), "--period", "2026-10"]) == 2
    assert run(["audit", "--margin", "nonsense", "--ledger", str(ledger)]) == 2


def test_replays_are_sealed_verified_and_rebuilt(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ledger verify` counts them, `ledger rebuild` restores them from the sealed files, to the same audit."""
    before = _audit(ledger, capsys)["findings"]
    assert run(["ledger", "verify", "--ledger", str(ledger)]) == 0
    assert "930  replays" in capsys.readouterr().out
    (ledger / "ledger.duckdb").unlink()
    assert run(["ledger", "rebuild", "--ledger", str(ledger)]) == 0
    assert _audit(ledger, capsys)["findings"] == before
