"""Findings are accepted over HTTP: one class, or all of a feature that pays, in one change of the file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from breakeven.cli.main import run
from breakeven.ledger import decisions
from breakeven.ledger.layout import Layout
from breakeven.ledger.tokens import create_token
from breakeven.settings import load_settings

CLASSES = ("clauses", "headers")


def _csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return str(path)


def test_all_classes_of_a_feature_are_accepted_in_one_change(serve: Callable[[str], Any], tmp_path: Path) -> None:
    """Without a class the chosen policy of the feature is written: one difference, one decision a class; a dry run only tells."""
    site = serve("features:\n  contracts:\n    owner: legal\n    quality_floor: 0.95\n")
    where = ["--ledger", str(site.ledger)]
    calls = [
        (f"2026-10-{1 + at % 28:02d}T12:00:00Z", f"{name}{at}", "openai", "big", "frontier", "contracts", name, 1, "0.01")
        for name in CLASSES
        for at in range(500)
    ]
    header = ("time", "id", "provider", "model", "rung", "feature", "workflow", "input", "stated_cost")
    assert run(["import", "calls", _csv(tmp_path / "calls.csv", header, calls), *where]) == 0
    replays = [(f"{name}{at}", name, "yes", "0.001") for name in CLASSES for at in range(500)]
    file = _csv(tmp_path / "replays.csv", ("id", "kind", "same", "cost"), replays)
    columns = ["--class", "kind", "--id", "id", "--agreed", "same", "--cost", "cost", "--feature", "contracts"]
    rungs = ["--from", "frontier", "--to", "small", "--model", "little-1"]
    assert run(["audit", "import", file, *columns, *rungs, *where]) == 0
    before = site.config.read_text(encoding="utf-8")
    token = create_token(site.ledger, "ann", datetime.now(UTC).replace(tzinfo=None), 1)[1]
    with site.client(authorization=f"Bearer {token}") as client:
        asked = {"feature": "contracts", "period": "2026-10", "why": "proven"}
        told = client.post("/api/v1/audit/accept", json={**asked, "dry_run": True})
        assert (told.status_code, told.json()["written"], site.config.read_text(encoding="utf-8")) == (200, False, before)
        done = client.post("/api/v1/audit/accept", json=asked).json()
        assert done["written"] is True
        assert [done["difference"].count(f"class: {name}, to: small") for name in CLASSES] == [1, 1]
        again = client.post("/api/v1/audit/accept", json=asked)
        nothing = client.post("/api/v1/audit/accept", json={"period": "2026-10"})
        assert again.status_code >= 400
        assert "everything stays" in again.text
        assert nothing.status_code >= 400
        assert "nothing says what to move" in nothing.text
    assert {plan.task_class for plan in load_settings(site.config).features["contracts"].rollouts} == set(CLASSES)
    log, _ = decisions.read(Layout(site.ledger))
    moved = [(one.subject, one.after, one.why) for one in log if one.action == "move classes"]
    assert sorted(moved) == [(f"class contracts / {name}", "rollout to small", "proven") for name in CLASSES]
