"""Ladders in operation: workers and Redis share answers, a reload changes rungs, keys skip them, and the report adds it up."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from breakeven.cli.main import run
from breakeven.testing import ScriptedUpstream

CONFIG = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY}}
gateway: {{workers: WORKERS CACHE}}
features:
  docs:
    ladder:
      rungs: [RUNGS]
      cache: {{per: feature}}
      skip: {{keys: [nightly]}}
      baseline: gpt-4.1
"""
USUAL = "cache, {{model: gpt-4o-mini, tier: small}}, {{model: asked, tier: frontier}}"


def _config(workers: int = 1, cache: str = "", rungs: str = USUAL) -> str:
    return CONFIG.replace("WORKERS", str(workers)).replace("CACHE", cache).replace("RUNGS", rungs)


def _ask(service: Any, text: str, **headers: str) -> httpx.Response:
    """One call on a connection of its own, so that any worker may answer it."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    sent = {"breakeven-feature": "docs"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=sent, timeout=20)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A redis-server of the test's own."""
    program = shutil.which("redis-server")
    assert program is not None, "no redis-server: run `make engines`"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    server.kill()
    server.wait()


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_workers_share_answers(own_service: Callable[..., Any], vendor: ScriptedUpstream, redis_url: str, kind: str) -> None:
    """Two workers, one store: what one has asked the other knows; a store that dies is a miss."""
    cache = f', cache: {{{{redis: "{redis_url}"}}}}' if kind == "redis" else ""
    service = own_service(_config(2, cache))
    text = uuid.uuid4().hex
    assert _ask(service, text).headers["breakeven-rung"] == "small"
    until = time.monotonic() + 10
    while {_ask(service, text).headers["breakeven-rung"] for _ in range(12)} != {"cache"}:  # a slow store is a miss
        assert time.monotonic() < until
    asked = len(vendor.journal)
    assert {_ask(service, text).headers["breakeven-rung"] for _ in range(12)} == {"cache"}
    assert len(vendor.journal) == asked
    if kind == "file":
        for path in service.ledger.glob("cache.sqlite*"):
            path.write_bytes(b"this is no database")
        assert _ask(service, text).status_code == 200


def test_a_reload_changes_the_ladder(own_service: Callable[..., Any]) -> None:
    """Another configuration holds for calls that begin after it; a faulty one leaves the old ladder in force."""
    service = own_service(_config())
    assert _ask(service, "one").headers["breakeven-rung"] == "small"
    other = _config(rungs="{{model: gpt-4.1-mini, name: other}}, asked").replace("      cache: {{per: feature}}\n", "")
    service.config.write_text(other.format(vendor=service.vendor.url))
    assert run(["reload", "--ledger", str(service.ledger)]) == 0
    assert _ask(service, "two").headers["breakeven-rung"] == "other"
    service.config.write_text(other.replace("asked]", "askd]").format(vendor=service.vendor.url))
    assert run(["reload", "--ledger", str(service.ledger)]) != 0
    assert _ask(service, "three").headers["breakeven-rung"] == "other"


def test_a_key_is_held_and_the_report_adds_up(own_service: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Calls of a key go to the last rung; `ladder show` states cost, baseline and saving to the last digit of the ledger."""
    service = own_service(_config())
    assert run(["keys", "create", "nightly", "--ledger", str(service.ledger), "--json"]) == 0
    secret = json.loads(capsys.readouterr().out)["key"]
    assert run(["reload", "--ledger", str(service.ledger)]) == 0
    capsys.readouterr()
    assert _ask(service, "held", authorization=f"Bearer {secret}").headers["breakeven-rung"] == "frontier"
    for _ in range(2):
        _ask(service, "twice")
    rows = service.calls(3)
    cost = sum(Decimal(service.cost(row) or 0) for row in rows)
    baseline = sum(row["baseline_cost"] for row in rows)
    assert run(["ladder", "list", "--ledger", str(service.ledger), "--period", "all", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["rows"]
    assert (Decimal(found["cost"]), Decimal(found["baseline"])) == (cost, baseline)
    assert Decimal(found["saving"]) == baseline - cost > 0
    assert found["calls"] == 3
