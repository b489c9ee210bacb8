"""A rung that cannot take what its feature's calls need is refused when the configuration is read; what is unknown is told once."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.errors import ConfigError
from breakeven.settings import load_settings

CONFIG = """
providers:
  openai: {{base_url: "http://127.0.0.1:9/v1"}}
  anthropic: {{base_url: "http://127.0.0.1:9/v1"}}
routes:
  - {{model: "claude-*", to: anthropic}}
features:
  docs:
    needs: [{needs}]
    ladder:
      {more}
      rungs:
        - {{model: {model}, name: small{rung}}}
        - asked
"""


def _written(folder: Path, needs: str = "", more: str = "control: 0", rung: str = "", model: str = "gpt-4o-mini") -> Path:
    path = folder / "breakeven.yaml"
    path.write_text(CONFIG.format(needs=needs, more=more, rung=rung, model=model), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("needs", "more", "rung", "model", "said"),
    [
        ("images", "control: 0", ", takes: [tools]", "gpt-4o-mini", "takes no images, which calls need"),
        ("image_url", "control: 0", ", takes: []", "gpt-4o-mini", "takes no images, which calls need"),
        ("response_format, tools", "control: 0", ", takes: [files]", "gpt-4o-mini", "takes no tools and no structured"),
        ("", "context: 60000", ", context: 8192", "gpt-4o-mini", "takes 8,192 tokens, and calls need 60,000"),
        ("input_audio", "control: 0", "", "claude-haiku-4-5", "needs input_audio, which anthropic cannot be given"),
        ("", "control: 0", ", takes: [smells]", "gpt-4o-mini", "takes names 'smells'"),
    ],
)
def test_what_a_rung_cannot_take_is_refused_with_its_line(
    tmp_path: Path, needs: str, more: str, rung: str, model: str, said: str
) -> None:
    """Kinds of input, context and what cannot be said in the vendor's dialect: file, line and remedy, before any call."""
    with pytest.raises(ConfigError) as fault:
        load_settings(_written(tmp_path, needs, more, rung, model))
    problem = next(each for each in fault.value.problems if said in each.what)
    line = int(problem.where.rsplit(":", 1)[1])
    assert "name: small" in (tmp_path / "breakeven.yaml").read_text().splitlines()[line - 1]
    assert problem.remedy


def test_what_is_enough_or_unknown_is_not_refused(tmp_path: Path) -> None:
    """A rung that takes all that is needed is fine, and so is one that says nothing of itself."""
    load_settings(_written(tmp_path, "images, tools", "context: 8000", ", takes: [images, tools], context: 8192"))
    load_settings(_written(tmp_path, "images, tools", "context: 8000"))


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger in which the feature had a call of 9,000 tokens today."""
    root = tmp_path / "ledger"
    with (tmp_path / "calls.csv").open("w", newline="", encoding="utf-8") as stream:
        header = ("time", "id", "provider", "model", "feature", "input", "output")
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        csv.writer(stream).writerows([header, (now, "c1", "openai", "gpt-4o", "docs", 8_800, 200)])
    assert run(["import", "calls", str(tmp_path / "calls.csv"), "--ledger", str(root)]) == 0
    return root


def _doctor(ledger: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    run(["doctor", "--ledger", str(ledger), "--config", str(config)])
    return capsys.readouterr().out


def test_doctor_holds_the_price_book_and_past_calls_against_each_rung(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The context is the price book's where the rung says none; a call of the past that was longer than a rung takes is a fault."""
    told = _doctor(ledger, _written(tmp_path, more="context: 500000"), capsys)
    assert "rung small takes 128,000 tokens, and calls need 500,000" in told
    told = _doctor(ledger, _written(tmp_path, rung=", context: 8192"), capsys)
    assert "rung small takes 8,192 tokens, and a call of the last 90 days had 9,000" in told
    told = _doctor(ledger, _written(tmp_path), capsys)
    assert "tokens, and" not in told
    assert told.count("it is not known what these rungs can take") == 1
    assert "docs/small (takes)" in told
    told = _doctor(ledger, _written(tmp_path, rung=", takes: [tools]"), capsys)
    assert "it is not known" not in told
