"""The web API as a program sees it: the same reports as on the command line, faults that explain themselves."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from breakeven.cli.main import run

OCTOBER = {"period": "2026-10"}
SAME = [
    ("pnl", {**OCTOBER, "vs": "previous"}, ["pnl", "--period", "2026-10", "--vs", "previous"]),
    ("pnl", {**OCTOBER, "by": "model,workflow"}, ["pnl", "--period", "2026-10", "--by", "model,workflow"]),
    ("pnl", {**OCTOBER, "feature": "none"}, ["pnl", "--period", "2026-10", "--feature", "none"]),
    ("today", OCTOBER, []),
    ("customers", {**OCTOBER, "limit": "50"}, ["customers", "--period", "2026-10"]),
    ("calls", {**OCTOBER, "query": "cost>0.5 -status:ok"}, ["calls", "--period", "2026-10", "cost>0.5 -status:ok"]),
    ("unpriced", {"period": "all"}, ["unpriced", "--period", "all"]),
    ("owners", OCTOBER, ["owner", "list", "--period", "2026-10"]),
    ("coverage", OCTOBER, ["owner", "coverage", "--period", "2026-10"]),
    ("policies", OCTOBER, ["policy", "test", "--period", "2026-10"]),
    ("forecast", OCTOBER, ["forecast", "--period", "2026-10"]),
    ("watch", OCTOBER, ["watch", "--period", "2026-10"]),
]


@pytest.mark.parametrize(("path", "query", "command"), SAME, ids=lambda each: each if isinstance(each, str) else None)
def test_the_api_says_what_the_command_line_says(
    site: Any, answer: Callable[..., Any], capsys: pytest.CaptureFixture[str], path: str, query: dict[str, str], command: list[str]
) -> None:
    """Route and command give the same JSON for the same question: figures, sentence and trail."""
    told = answer(path, **query)
    capsys.readouterr()
    if command:
        assert run([*command, "--ledger", str(site.ledger), "--json"]) == 0
        said = msgspec.json.decode(capsys.readouterr().out)
        assert _without_moments(told) == _without_moments(said)
    else:
        assert told["sentence"].startswith("In October 2026 AI earned $100,900 and cost $41,710")


def _without_moments(report: dict[str, Any]) -> dict[str, Any]:
    """Where files lie is said relative to where one stands; the instant of asking differs by itself."""
    text = json.dumps({name: value for name, value in report.items() if name != "at"})
    return msgspec.json.decode(text)  # type: ignore[no-any-return]


def test_a_receipt_and_its_trace_are_found_from_the_list(answer: Callable[..., Any]) -> None:
    """The dearest call of October leads to its receipt, whose lines sum to its cost, and to the trace it belongs to."""
    dearest = answer("calls", **OCTOBER, limit="1")["rows"][0]
    receipt = answer(f"calls/{dearest['call_id']}")
    assert receipt["cost"] == dearest["cost"]
    assert answer(f"traces/{receipt['trace']}")["rows"]


def test_pages_follow_each_other_without_gap_or_repetition(answer: Callable[..., Any]) -> None:
    """Three pages of ten are the first thirty calls in their order."""
    whole = [row["call_id"] for row in answer("calls", **OCTOBER, limit="30")["rows"]]
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = answer("calls", **OCTOBER, limit="10", **cursor)
        found += [row["call_id"] for row in page["rows"]]
        cursor = {"after": page["next"]}
    assert found == whole


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("pnl?period=nonsense", 400, "not_understood"),
        ("pnl?by=colour", 400, "not_understood"),
        ("calls?limit=0", 400, "not_understood"),
        ("calls?query=colour:red", 400, "not_understood"),
        ("calls/no-such-call", 400, "not_understood"),
        ("nothing-of-the-kind", 404, "no_such_thing"),
        ("pnl?vs=plan", 404, "not_there"),
    ],
)
def test_faults_say_what_is_wrong_and_what_to_do(site: Any, path: str, status: int, code: str) -> None:
    """Every fault has the one shape, the status of its kind, and a message without a traceback."""
    with site.client() as client:
        found = client.get(f"/api/v1/{path}")
    said = found.json()["error"]
    assert (found.status_code, said["code"]) == (status, code)
    assert said["message"]
    assert "Traceback" not in found.text


def test_every_answer_forbids_what_the_page_does_not_need(site: Any) -> None:
    """Pages and faults alike: nothing from other hosts, no guessing of types, no frames, no referrer."""
    with site.client() as client:
        for path in ("/", "/pnl", "/api/v1/today", "/api/v1/nothing", "/assets/none.js"):
            headers = client.get(path).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_the_description_is_fresh(repository: Path, site: Any) -> None:
    """The description in the package is what the code says, and what the service serves."""
    spec = importlib.util.spec_from_file_location("api_description", repository / "scripts" / "api_description.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.TARGET.read_bytes() == module.description(), "run: make docs"
    with site.client() as client:
        assert client.get("/api/v1/openapi.json").json() == json.loads(module.TARGET.read_bytes())


def test_a_live_call_shows_within_two_seconds(serve: Callable[[str], Any]) -> None:
    """An outcome reported to the web port is in the ledger's count two seconds later, while the service goes on."""
    site = serve("features: {search: {owner: web, unit: query}}\n")
    row = {"id": "1", "unit": "query", "at": "2026-11-23T10:00:00Z", "feature": "search"}
    with site.client() as client:
        assert client.post("/api/v1/outcomes", json={"outcomes": [row]}).json()["accepted"] == 1
        until = time.monotonic() + 2.0
        while (found := client.get("/api/v1/pnl?period=all").json()["total"]["outcomes"]) != 1 and time.monotonic() < until:
            time.sleep(0.05)
        assert found == 1


def test_a_command_and_the_dashboard_share_the_ledger(serve: Callable[[str], Any], tmp_path: Path) -> None:
    """An import beside the running service is taken in, and the dashboard answers before, during and after it."""
    site = serve("{}\n")
    calls = tmp_path / "calls.csv"
    rows = [f"2026-11-20T10:{n % 60:02d}:00Z,openai,gpt-4o,{n + 1},5,search" for n in range(600)]
    calls.write_text("\n".join(["timestamp,provider,model,input_tokens,output_tokens,feature", *rows]) + "\n")
    with site.client() as client:
        assert client.get("/api/v1/pnl?period=2026-11").status_code == 200
        assert run(["import", "calls", str(calls), "--ledger", str(site.ledger), "--config", str(site.config)]) == 0
        assert client.get("/api/v1/pnl?period=2026-11").json()["total"]["calls"] == 600


def test_a_busy_ledger_is_said_to_be_busy(serve: Callable[[str], Any]) -> None:
    """While another command holds the ledger for writing, the answer is 503 with a time to come again, and then it is there."""
    from breakeven.ledger import open_ledger  # noqa: PLC0415 - only this test writes

    site = serve("{}\n")
    with site.client() as client:
        with open_ledger(site.ledger, write=True):
            found = client.get("/api/v1/pnl?period=2026-11")
            assert (found.status_code, found.json()["error"]["code"]) == (503, "ledger_busy")
            assert found.headers["retry-after"]
        assert client.get("/api/v1/pnl?period=2026-11").status_code == 200


def test_the_service_is_served_to_its_own_names_only(site: Any) -> None:
    """A browser that was led here under a foreign name gets nothing: its page could read the answers."""
    with site.client(host="evil.example") as client:
        assert client.get("/api/v1/today").status_code == 403
    with httpx.Client(base_url=site.url.replace("127.0.0.1", "localhost"), trust_env=False) as client:
        assert client.get("/api/v1/today").status_code == 200
