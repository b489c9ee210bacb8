"""A small ledger with two vendors' calls in October, metered by the real price book."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

START, END = datetime(2026, 10, 1), datetime(2026, 11, 1)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month and a day on either side: a call every four hours, two models, two features; one call a day is cut off."""
    folder = tmp_path_factory.mktemp("books")
    rows = ["time,id,provider,model,feature,input,cache_read,output,status"]
    for hour in range(-24, 32 * 24, 4):
        day, model = hour // 24, ("claude-sonnet-4-5", "claude-haiku-4-5")[hour // 4 % 2]
        at = (START + timedelta(hours=hour)).isoformat()
        feature = ("Support answers", "Contract extraction")[hour // 8 % 2]
        rows.append(f"{at},a{hour},anthropic,{model},{feature},{90_000 + hour * 7},{40_000 + day * 3},{8_000 + hour},ok")
        rows.append(f"{at},o{hour},openai,gpt-4o,{feature},{50_000 + hour},{10_000},{3_000},ok")
    calls = folder / "calls.csv"
    calls.write_text("\n".join(rows) + "\n")
    ledger = folder / "ledger"
    assert run(["import", "calls", str(calls), "--ledger", str(ledger)]) == 0
    return ledger


@pytest.fixture
def ledger(original: Path, tmp_path: Path) -> Path:
    """A copy of the ledger that a test may change."""
    return Path(shutil.copytree(original, tmp_path / "ledger"))


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    """Runs a command with --json and returns its exit code and document."""

    def ask(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*arguments, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return ask
