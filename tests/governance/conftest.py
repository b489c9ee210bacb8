"""A git repository with a configuration, and a ledger of a month's traffic of its features."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

PERIOD = "2026-09"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Project:
    """A repository in a directory of its own, which is the working directory of the test."""

    def __init__(self, root: Path, ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.ledger = ledger
        self._capsys = capsys
        self._git("init", "-q", "-b", "main")

    def write(self, **files: str) -> None:
        """Write files; `breakeven` is breakeven.yaml, other names are paths with `/` as `__` and `.` as `_dot_`."""
        for name, text in files.items():
            path = self.root / ("breakeven.yaml" if name == "breakeven" else name.replace("__", "/").replace("_dot_", "."))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def commit(self) -> str:
        """Commit everything."""
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "state")
        return self._git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Switch to a new branch."""
        self._git("checkout", "-q", "-b", name, start)

    def switch(self, name: str) -> None:
        """Switch to a branch that there is."""
        self._git("checkout", "-q", name)

    def run(self, *words: str) -> Outcome:
        """One command line, with this ledger."""
        return self.without_ledger(*words, "--ledger", str(self.ledger))

    def without_ledger(self, *words: str) -> Outcome:
        """One command line as it stands."""
        self._capsys.readouterr()
        code = run(words)
        captured = self._capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def check(self, *words: str, base: str = "main") -> Outcome:
        """`breakeven check` on the traffic of the ledger's month."""
        return self.run("check", "--base", base, "--period", PERIOD, *words)

    def _git(self, *words: str) -> str:
        identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        identity |= {f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *words], cwd=self.root, env={**os.environ, **identity}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def bring(tmp_path: Path) -> Callable[[Path, str, str], None]:
    """Imports CSV text of one format into a ledger."""

    def importing(ledger: Path, kind: str, text: str) -> None:
        path = tmp_path / f"{kind}.csv"
        path.write_text(text)
        assert run(["import", kind, str(path), "--ledger", str(ledger)]) == 0

    return importing


CALLS = """occurred_at,identity,provider,model,feature,customer,input,output,input_text_characters
2026-09-01T10:00:00Z,a,openai,gpt-4o,support,acme,1000000,100000,2000000
2026-09-30T10:00:00Z,b,openai,gpt-4o,support,acme,1000000,100000,2000000
2026-09-15T10:00:00Z,c,openai,gpt-4o-mini,search,acme,1000000,0,
2026-09-16T10:00:00Z,d,openai,gpt-4o-mini,,acme,1000000,0,
"""
OUTCOMES = """occurred_at,identity,feature,unit,quantity,succeeded
2026-09-02T10:00:00Z,o1,support,answer,10,true
"""


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """September's ledger, built once: $7 of `support` (gpt-4o), $0.15 of `search` and $0.15 of nobody (gpt-4o-mini)."""
    home = tmp_path_factory.mktemp("recorded")
    for kind, text in (("calls", CALLS), ("outcomes", OUTCOMES)):
        (home / f"{kind}.csv").write_text(text)
        assert run(["import", kind, str(home / f"{kind}.csv"), "--ledger", str(home / "ledger")]) == 0
    return home / "ledger"


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, recorded: Path) -> Project:
    """An empty repository, which is the working directory, beside a copy of September's ledger."""
    root, ledger = tmp_path / "repository", tmp_path / "ledger"
    root.mkdir()
    shutil.copytree(recorded, ledger)
    monkeypatch.chdir(root)
    for name in ("BREAKEVEN_CONFIG", "BREAKEVEN_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    return Project(root, ledger, capsys)
