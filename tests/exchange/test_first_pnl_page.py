"""The page for those who come from LiteLLM or Langfuse, followed to the letter in an empty directory."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "first-pnl-behind-another-tool.md"
SPEND = [
    {
        "request_id": f"c{number}", "startTime": "2026-10-02T10:00:00Z", "endTime": "2026-10-02T10:00:02Z", "model": "gpt-4o",
        "custom_llm_provider": "openai", "prompt_tokens": 1000, "completion_tokens": 200, "end_user": f"acme-{number % 2}",
        "metadata": {"user_api_key_alias": "support-bot"}, "status": "success", "spend": 0.0045,
    }
    for number in range(4)
]  # fmt: skip
OBSERVATIONS = [
    {
        "id": "o1", "traceId": "t1", "type": "GENERATION", "startTime": "2026-10-02T10:00:00.000Z", "model": "gpt-4o",
        "usageDetails": {"input": 100, "output": 20, "total": 120}, "metadata": {"feature": "chat", "customer": "acme-1"},
    }
]  # fmt: skip
INVOICE = {
    "object": "invoice", "id": "in_1", "status": "paid", "currency": "usd", "customer": "cus_1",
    "metadata": {"breakeven_customer": "acme-1"}, "lines": {"object": "list", "has_more": False, "data": [
        {"object": "line_item", "id": "il_1", "amount": 12_000, "currency": "usd",
         "period": {"start": 1_790_812_800, "end": 1_793_491_200}, "price": {"lookup_key": "pro"}},
    ]},
}  # fmt: skip


def commands() -> list[list[str]]:
    """Every command of the page's shell blocks, in order."""
    blocks = PAGE.read_text("utf-8").split("```sh\n")[1:]
    lines = [line for block in blocks for line in block.split("```")[0].splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("breakeven ")]


def test_the_page_leads_to_a_first_pnl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command runs as it is written; features and customers have their cost, and customers what they paid."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BREAKEVEN_LEDGER", str(tmp_path / "ledger"))
    (tmp_path / "spend.json").write_text(json.dumps(SPEND))
    (tmp_path / "page-1.json").write_text(json.dumps({"data": OBSERVATIONS, "meta": {"page": 1, "totalPages": 1}}))
    (tmp_path / "invoices.json").write_text(json.dumps({"object": "list", "data": [INVOICE], "has_more": False}))
    found: dict[str, Any] = {}
    for command in commands():
        assert run(command) == 0, command
        capsys.readouterr()
        if command[0] in ("pnl", "customers"):
            assert run([*command, "--json"]) == 0
            found[" ".join(command)] = json.loads(capsys.readouterr().out)
    features = {row["feature"]: row["cost"] for row in found["pnl --period all"]["rows"] if row["feature"]}
    assert features == {"support-bot": "0.018", "chat": "0.00045"}
    paid = {row["customer"]: row["revenue"] for row in found["customers --period 2026-10"]["rows"]}
    assert paid["acme-1"] == "120"
