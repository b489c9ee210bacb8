"""What the ladders saved: every attempt counts, unknown stays unknown, and control calls measure it a second time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.economics.periods import parse_period
from breakeven.ledger import open_ledger
from breakeven.reports.ladder import ladders
from breakeven.settings import Settings
from breakeven.testing import FixedQuotes

OCTOBER = parse_period("2026-10", datetime(2026, 11, 2))
Build = Callable[[str], Any]

LEDGER = """
calls
time              call                                  attempt  feature  rung       status    cost  template  baseline_cost  rungs_tried
2026-10-01 10:00  00000000-0000-7000-8000-000000000001  0        docs     small      ok        1     t         10             []
2026-10-01 11:00  00000000-0000-7000-8000-000000000002  0        docs     small      rejected  2     t         -              -
2026-10-01 11:00  00000000-0000-7000-8000-000000000002  1        docs     top        ok        10    t         10             [["small","pattern: no"]]
2026-10-01 12:00  00000000-0000-7000-8000-000000000003  0        docs     top        ok        12    t         12             [["ladder","control"]]
2026-10-01 13:00  00000000-0000-7000-8000-000000000004  0        docs     handler:x  ok        0     t         -              [["cache","not there"]]
2026-10-01 14:00  00000000-0000-7000-8000-000000000005  0        docs     handler:x  ok        0     other     -              []
2026-10-01 15:00  00000000-0000-7000-8000-000000000006  0        docs     cache      ok        0     t         8              []
2026-10-01 16:00  00000000-0000-7000-8000-000000000007  0        docs     small      ok        ?     t         10             []
2026-10-01 17:00  00000000-0000-7000-8000-000000000008  0        chat     -          ok        5     -         -              -
2026-09-01 17:00  00000000-0000-7000-8000-000000000009  0        docs     small      ok        5     t         5              []
"""  # noqa: E501 - a table


def test_every_attempt_counts_and_unknown_stays_unknown(ledger_from_text: Build) -> None:
    """Rejected answers count against the saving; a handler's baseline is its template's median; what lacks a figure is left out."""
    found = ladders(ledger_from_text(LEDGER), Settings(), OCTOBER)
    (row,) = found.rows
    assert (row.feature, row.calls, row.cost, row.beside_cost) == ("docs", 7, "25", "2")
    assert (row.baseline, row.baseline_estimated, row.saving, row.uncompared_calls) == ("50", "10", "25", 2)
    assert row.without_model_share == 3 / 7
    assert (row.control_calls, row.control_cost_per_call, row.cost_per_call) == (1, "12", None)
    assert found.sentence == (
        "In October 2026 the ladders saved $25.00 (50.0%) against a baseline of $50.00, $10.00 of it estimated; $2.00 of what was "
        "spent went to answers nobody got. 2 calls cannot be compared."
    )


def test_rungs_and_reasons(ledger_from_text: Build) -> None:
    """Rung by rung: calls by the rung that answered; why others did not, digits folded."""
    found = ladders(ledger_from_text(LEDGER), Settings(), OCTOBER, "docs")
    rungs = {rung.rung: (rung.calls, rung.cost, rung.saving) for rung in found.rungs}
    assert rungs == {
        "top": (2, "24", "-2"), "small": (2, "1", "9"), "handler:x": (2, "0", "10"), "cache": (1, "0", "8"),
    }  # fmt: skip
    assert [(one.rung, one.why, one.calls) for one in found.reasons] == [
        ("cache", "not there", 1), ("ladder", "control", 1), ("small", "pattern: no", 1),
    ]  # fmt: skip


def test_control_measures_the_saving(ledger_from_text: Build) -> None:
    """The mean of control calls less that of the others, where every cost is known."""
    known = "\n".join(line for line in LEDGER.splitlines() if "?" not in line)
    (row,) = ladders(ledger_from_text(known), Settings(), OCTOBER).rows
    assert (row.control_cost_per_call, row.cost_per_call, row.measured_saving_per_call) == ("12", "2.6", "9.4")


def test_nothing_yet(ledger_from_text: Build, settings_from_text: Callable[[str], Settings]) -> None:
    """A declared ladder without calls is listed; an empty period says so."""
    settings = settings_from_text("features: {docs: {ladder: {rungs: [cache, asked]}}}")
    found = ladders(ledger_from_text(""), settings, OCTOBER)
    assert [(row.feature, row.declared, row.calls, row.saving) for row in found.rows] == [("docs", "cache → asked", 0, None)]
    assert found.sentence == "In October 2026 no call went through the ladders."


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ladder list` and `show` print tables, JSON with exact digits, and CSV; a feature without a ladder is told."""
    root = tmp_path / "ledger"
    row = {
        "occurred_at": "2026-10-01T10:00:00", "provider": "openai", "model": "gpt-4o", "input": 1000, "output": 0,
        "feature": "docs", "rung": "small", "rungs_tried": "[]", "baseline_cost": "0.01", "status": "ok", "template": "t",
    }  # fmt: skip
    quotes = FixedQuotes({"gpt-4o": {"input": "2.50", "output": "10"}})
    with (
        open_ledger(root, write=True, create=True) as ledger,
        ledger.intake(source="import:test", quotes=quotes, recorded_at=datetime(2026, 11, 1)) as intake,
    ):
        intake.stage_rows([row])
        intake.commit()
    asked = ["--ledger", str(root), "--period", "2026-10"]
    assert run(["ladder", "list", *asked, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["rows"][0]["saving"], said["rows"][0]["control_cost_per_call"]) == ("0.0075", None)
    assert run(["ladder", "show", "docs", *asked]) == 0
    assert "small" in capsys.readouterr().out
    assert run(["ladder", "show", "docs", *asked, "--csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("feature,rung,calls")
    assert run(["ladder", "show", "nothing", *asked]) == 2
    assert "ladder list" in capsys.readouterr().err
