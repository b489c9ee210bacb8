"""`breakeven prices` as a user calls it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from breakeven.cli.main import run

ADD = (
    "prices",
    "add",
    "openai",
    "gpt-4o",
    "--from",
    "2026-01-01T00:00:00Z",
    "--input",
    "2.25",
    "--output",
    "9",
    "--source",
    "acme",
)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(arguments) == 0
    return capsys.readouterr().out


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BREAKEVEN_LEDGER", str(tmp_path / "ledger"))
    return tmp_path


def test_a_price_is_added_and_in_force(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`prices add` writes the row, and once the file is configured `prices show` quotes it with its source."""
    assert run([*ADD, "--reference", "MSA-2026-014"]) == 0
    assert "add 'prices: {overlay: prices.yaml}' to breakeven.yaml" in capsys.readouterr().err
    (here / "breakeven.yaml").write_text("prices: {overlay: prices.yaml}\n")
    shown = json.loads(said(capsys, "prices", "show", "openai", "gpt-4o", "--at", "2026-05-01T00:00:00Z", "--json"))
    price = next(line for line in shown["lines"] if line["class"] == "input")
    assert price["unit_price"] == "0.00000225"
    assert price["price_version"].startswith("overlay:prices.yaml/openai/gpt-4o/2026-01-01#")
    assert {row["layer"] for row in shown["rows"]} == {"overlay", "corrections", "base"}


def test_lists_are_tables_json_and_csv(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same list in three forms; prices per million tokens."""
    assert here.is_dir()
    rows = json.loads(said(capsys, "prices", "list", "gpt-4o-mini", "--provider", "openai", "--json"))["rows"]
    assert {row["model"]: row["prices"]["input"] for row in rows}["gpt-4o-mini"] == "0.15"
    assert "gpt-4o-mini" in said(capsys, "prices", "list", "gpt-4o-mini")
    assert said(capsys, "prices", "list", "gpt-4o-mini", "--csv").startswith("provider,model,input")
    assert "Dated rows" in said(capsys, "prices", "show", "deepseek", "deepseek-v4-flash")


def test_releases_are_recorded_compared_and_accepted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`prices update` records the installed release once; `prices diff` of a release with itself is empty."""
    assert "is recorded" in said(capsys, "prices", "update")
    assert "was recorded before" in said(capsys, "prices", "update")
    assert "accepted" in said(capsys, "prices", "update", "--accept", "--by", "finance")
    assert (here / "ledger" / "prices" / "accepted.jsonl").read_text().count("\n") == 1
    assert json.loads(said(capsys, "prices", "diff", "--json"))["rows"] == []
    assert "the same" in said(capsys, "prices", "diff")


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("prices", "show", "openai", "gpt-99"), 2, "no model"),
        (("prices", "list", "--at", "yesterday"), 2, "instant"),
        (("prices", "diff", "--from", "0.0.1"), 2, "not recorded"),
        ((*ADD[:6], "--source", "s"), 2, "no price"),
        ((*ADD[:6], "--source", "two words", "--input", "1"), 2, "name of a source"),
        ((*ADD[:6], "--source", "s", "--input", "-1"), 3, "negative"),
        ((*ADD[:6], "--source", "s", "--unit", "fish=1"), 3, "no field"),
        ((*ADD[:6], "--source", "s", "--unit", "fish"), 2, "KEY=VALUE"),
    ],
)
def test_bad_requests_are_explained(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, word: str
) -> None:
    """The message says what is wrong, the exit code is that of the contract, and nothing is written."""
    assert run(arguments) == code
    assert word in capsys.readouterr().err
    assert not (here / "prices.yaml").exists()


def test_a_price_fix_reaches_what_was_recorded(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`prices restate` shows the difference first and writes nothing, then restates once: both figures and versions stay."""
    (here / "calls.csv").write_text(
        "occurred_at,provider,model,input_tokens,output_tokens\n2026-10-01T09:00:00Z,openai,gpt-4o,1000000,0\n"
    )
    said(capsys, "import", "calls", "calls.csv")
    said(capsys, *ADD)
    (here / "breakeven.yaml").write_text("prices: {overlay: prices.yaml}\n")

    def restated(*options: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(said(capsys, "prices", "restate", "--from", "2026-10-01", "--json", *options))
        return {name: found[name] for name in ("calls", "before", "after")}

    def lines() -> list[tuple[str, bool]]:
        rows = json.loads(said(capsys, "query", "SELECT cost, price_version FROM cost_lines WHERE cost <> 0", "--json"))
        return sorted((str(Decimal(row["cost"]).normalize()), row["price_version"].startswith("overlay:")) for row in rows)

    change = {"calls": 1, "before": "2.5", "after": "2.25"}
    assert restated("--dry-run") == change
    assert lines() == [("2.5", False)]
    assert restated() == change
    assert lines() == [("-2.5", False), ("2.25", True), ("2.5", False)]
    assert restated()["calls"] == 0
    assert len(lines()) == 3
