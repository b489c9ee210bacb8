"""The check of a change on the sample company's year of traffic."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from breakeven.cli.main import run
from breakeven.sample import truth, write_configuration

OWN_MODELS = "    models: [gpt-5.4, gpt-5.5, gpt-5.5-pro]\n"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the sample company's configuration, and one model of contract extraction named."""
    write_configuration(tmp_path)
    file = tmp_path / "breakeven.yaml"
    file.write_text(file.read_text().replace(OWN_MODELS, "    models: [gpt-5.6-sol]\n"))
    identity = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "state")):
        subprocess.run(["git", *words], cwd=tmp_path, env={**os.environ, **identity}, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_raising_the_floor_of_the_losing_feature_says_what_it_loses(
    demo: Path, company: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A floor raised above what was broken already fails with October's planted loss: $1,615 a month, margin −8.8%, floor 35%."""
    file = company / "breakeven.yaml"
    file.write_text(file.read_text().replace("margin_floor: 0.3", "margin_floor: 0.35"))
    capsys.readouterr()
    assert run(["check", "--base", "main", "--period", "2026-10", "--ledger", str(demo), "--json"]) == 1
    found = msgspec.json.decode(capsys.readouterr().out)
    assert found["sentence"] == f"{truth.CONTRACTS} would lose $1,615 a month: margin −8.8%, floor 35%."


def test_moving_the_mid_rung_to_the_frontier_costs_the_difference(
    demo: Path, company: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tokens of gpt-5.6-sol at the price of gpt-5.5-pro cost more, and only its part of the feature's cost moves."""
    file = company / "breakeven.yaml"
    file.write_text(file.read_text().replace("[gpt-5.6-sol]", "[gpt-5.5-pro]"))
    capsys.readouterr()
    assert run(["check", "--base", "main", "--period", "2026-10", "--ledger", str(demo), "--json"]) == 1
    found = msgspec.json.decode(capsys.readouterr().out)
    row = found["features"][0]
    assert (len(found["features"]), row["feature"], [change["kind"] for change in row["changes"]]) == (
        1,
        truth.CONTRACTS,
        ["model"],
    )
    assert float(row["cost_after"]) == pytest.approx(float(row["cost_before"]) + float(row["changes"][0]["cost"]))
    assert float(row["changes"][0]["cost"]) > 10_000
