"""A small ledger with two vendors' calls in October, metered by the real price book, and invented invoices for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.ledger import open_ledger
from breakeven.sample.invoices import Draft, honest, write_invoice

START, END = datetime(2026, 10, 1), datetime(2026, 11, 1)
CUT_OFF = datetime(2026, 10, 20)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October and a day on either side, a call of each vendor every two hours, of two features; two calls are cut off."""
    folder = tmp_path_factory.mktemp("books")
    rows = ["time,id,provider,model,feature,input,cache_read,output,status"]
    for hour in range(-24, 32 * 24, 2):
        at, model = (START + timedelta(hours=hour)).isoformat(), ("claude-sonnet-4-5", "claude-haiku-4-5")[hour // 2 % 2]
        feature = ("Support answers", "Contract extraction")[hour // 4 % 2]
        rows.append(f"{at},a{hour},anthropic,{model},{feature},{90_000 + hour * 7},{40_000 + hour},{8_000 + hour},ok")
        rows.append(f"{at},o{hour},openai,gpt-4o,{feature},{50_000 + hour},{10_000},{3_000},ok")
    rows += [f"{CUT_OFF.isoformat()},cut{number},anthropic,claude-haiku-4-5,Support answers,,,,cut_off" for number in range(2)]
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
def invoice(original: Path, tmp_path: Path) -> Callable[..., tuple[Path, Draft]]:
    """Writes October's invoice of a vendor with causes planted, and returns its file and what was planted."""

    def write(
        *plants: Callable[[Draft], Draft], provider: str = "anthropic", shift: int = 0, name: str = "invoice"
    ) -> tuple[Path, Draft]:
        with open_ledger(original) as facts:
            draft = honest(facts, provider, START, END, shift=shift)
        for plant in plants:
            draft = plant(draft)
        return write_invoice(tmp_path / f"{name}-{provider}.csv", draft, START, END), draft

    return write


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    """Runs a command with --json and returns its exit code and document."""

    def ask(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*arguments, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return ask
