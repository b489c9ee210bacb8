"""Imports as a user makes them: one command line, its exit code, its summary and what it told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.ledger import open_ledger
from breakeven.ledger.verify import verify
from breakeven.pricebook import RateCard, open_card


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command answered."""

    code: int
    summary: Mapping[str, Any]
    told: str


class Desk:
    """A ledger of its own, and files written in the test as text."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.ledger = root / "ledger"
        self._capsys = capsys

    def file(self, name: str, content: str | bytes) -> str:
        """Write a file; returns its path."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """One command: exit code, standard output, standard error."""
        self._capsys.readouterr()
        code = run(arguments)
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def bring(self, format_: str, *arguments: str | Path) -> Answer:
        """`breakeven import FORMAT ... --json`."""
        code, out, told = self.run("import", format_, *map(str, arguments), "--json")
        return Answer(code, json.loads(out) if out.strip() else {}, told)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the ledger holds."""
        with open_ledger(self.ledger) as ledger:
            return ledger.query(sql)

    def holds(self) -> bool:
        """Whether `ledger verify` finds every hash, count and sum right."""
        return verify(self.ledger).holds


@pytest.fixture(scope="session")
def card() -> RateCard:
    """The installed catalogue with our corrections, compiled once for all tests."""
    return open_card(None, (), datetime(2026, 11, 1))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, card: RateCard) -> Desk:
    """A fresh ledger in a directory without any configuration."""
    monkeypatch.setattr("breakeven.app.open_card", lambda *_: card)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BREAKEVEN_CONFIG", raising=False)
    monkeypatch.setenv("BREAKEVEN_LEDGER", str(tmp_path / "ledger"))
    return Desk(tmp_path, capsys)
