"""`breakeven rate` on whole bodies and streams: the contract's JSON, to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

STATES = {"priced": "metered", "provider_stated": "stated"}
FIELDS = {"provider", "model", "price_version", "currency", "usage", "lines", "cost", "state", "problems"}


@pytest.fixture
def ledger(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the archived catalogue, so that each run opens it in milliseconds; no configuration is about."""
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "prices").symlink_to(archive)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BREAKEVEN_LEDGER", str(tmp_path / "ledger"))
    return tmp_path


def rated(capsys: pytest.CaptureFixture[str], file: Path, *options: str, code: int = 0) -> list[dict[str, Any]]:
    assert run(("rate", str(file), *options, "--json")) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def options_of(case: dict[str, Any]) -> list[str]:
    options = ["--provider", case["provider"], "--api", case["api"], "--at", case["at"]]
    model = case["model_requested"] or (case["model_returned"] if case["provider"] in ("bedrock", "google") else None)
    options += ["--model", model] if model else []
    options += ["--url", case["url"]] if case["url"] else []
    context = dict(case["context"])
    return [*options, *(part for key, value in context.items() for part in ("--context", f"{key}={value}"))]


def test_every_worked_body(ledger: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """State, cost, usage and lines of all worked bodies equal the figures worked by hand."""
    assert ledger.is_dir()
    wrong: dict[str, tuple[object, object]] = {}
    for line in (shared_data / "pricing" / "index.jsonl").read_text().splitlines():
        case = json.loads(line)
        expected = case["expected"]
        [result] = rated(capsys, shared_data / "pricing" / case["file"], *options_of(case))
        cost = expected.get("billed_usd", expected["total_usd"]) if case["state"] == "provider_stated" else expected["total_usd"]
        wanted = (STATES.get(case["state"], case["state"]), cost)
        if case["confidence"] != "disputed" and (result["state"], result["cost"]) != wanted:
            wrong[case["id"]] = ((result["state"], result["cost"], result["problems"]), wanted)
        if case["state"] in STATES:
            worked = [(x["cls"], x["qty"], Decimal(x["usd"])) for part in expected["parts"] for x in part["lines"]]
            found = [(x["class"], x["quantity"], Decimal(x["cost"])) for x in result["lines"]]
            if sorted(found) != sorted(worked) or result["usage"] != expected["classes"]:
                wrong[case["id"] + " lines"] = (found, worked)
        assert result.keys() >= FIELDS
    assert wrong == {}


def test_one_result_for_each_body(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of several bodies gives one JSON object a line; without --json it gives a receipt each."""
    body = {
        "object": "chat.completion",
        "model": "gpt-4o-mini",
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    (ledger / "bodies.jsonl").write_text(f"{json.dumps(body)}\n{json.dumps(body)}\n")
    results = rated(capsys, ledger / "bodies.jsonl", "--provider", "openai", "--api", "chat")
    assert [result["cost"] for result in results] == ["0.0000045", "0.0000045"]
    assert results[0]["lines"][0]["sku"] == "openai/gpt-4o-mini/input"
    assert results[0]["lines"][0]["unit_price"] == "0.00000015"
    assert run(("rate", str(ledger / "bodies.jsonl"), "--provider", "openai")) == 0
    assert "gpt-4o-mini · metered · $0.0000045" in capsys.readouterr().out


def test_what_is_unreadable_is_said_after_the_rest(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A truncated body ends with exit code 3, and the bodies before it are priced."""
    body = {
        "object": "chat.completion",
        "model": "gpt-4o-mini",
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    (ledger / "bodies.jsonl").write_text(json.dumps(body) + '\n{"model": "gpt-4o\n')
    assert run(("rate", str(ledger / "bodies.jsonl"), "--provider", "openai", "--json")) == 3
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[0])["cost"] == "0.0000045"
    assert "bodies.jsonl" in printed.err


@pytest.mark.parametrize(
    ("content", "options", "code", "word"),
    [
        (None, (), 4, "cannot be read"),
        ("", (), 3, "holds no response body"),
        ("{}", ("--at", "2026-01-01"), 2, "zone"),
        ("{}", ("--context", "batch"), 2, "KEY=VALUE"),
    ],
)
def test_bad_requests_are_explained(
    ledger: Path, capsys: pytest.CaptureFixture[str], content: str | None, options: tuple[str, ...], code: int, word: str
) -> None:
    """The message says what is wrong, with the exit code of the contract."""
    if content is not None:
        (ledger / "body.json").write_text(content)
    assert run(("rate", str(ledger / "body.json"), "--provider", "openai", *options)) == code
    assert word in capsys.readouterr().err


def test_an_attempt_that_a_fallback_replaced_is_billed_at_its_own_model(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer's totals alone are 41% low, and all at the answer's model 21% low: each attempt has its own price."""
    attempts = [
        {"type": "message", "model": "claude-fable-5", "input_tokens": 408, "cache_read_input_tokens": 500, "output_tokens": 29},
        {"type": "fallback_message", "model": "claude-opus-4-8", "input_tokens": 412, "output_tokens": 264},
    ]
    usage = {"input_tokens": 412, "output_tokens": 264, "iterations": attempts}
    (ledger / "body.json").write_text(json.dumps({"type": "message", "model": "claude-opus-4-8", "usage": usage}))
    [result] = rated(capsys, ledger / "body.json", "--provider", "anthropic", "--at", "2026-11-20T12:00:00Z")
    costs = {(line["sku"].split("/")[1], line["class"]): Decimal(line["cost"]) for line in result["lines"]}
    assert costs == {
        ("claude-opus-4-8", "input"): Decimal("0.00206"),  # 412 x 5 by the million
        ("claude-opus-4-8", "output"): Decimal("0.0066"),  # 264 x 25
        ("claude-fable-5", "input"): Decimal("0.00408"),  # 408 x 10
        ("claude-fable-5", "cache_read"): Decimal("0.0005"),  # 500 x 1
        ("claude-fable-5", "output"): Decimal("0.00145"),  # 29 x 50
    }
    assert Decimal(result["cost"]) == Decimal("0.01469")
