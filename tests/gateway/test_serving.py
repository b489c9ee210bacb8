"""`breakeven serve`: several workers, a clean end, reloads that drop nothing, kills after which nothing is lost or repeated."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}'
SOURCE = Path(__file__).parents[2] / "src"


def ask(service: Any, feature: str = "serving", script: str = "{}", **headers: str) -> int:
    """One chat call; its status, 0 where the connection broke."""
    given = {"content-type": "application/json", "breakeven-feature": feature, "x-script": script} | headers
    request = urllib.request.Request(f"{service.url}/v1/chat/completions", BODY, given)  # noqa: S310 - our own gateway
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def ask_often(service: Any, count: int, feature: str, answered: list[int], script: str = "{}", pause: float = 0.0) -> None:
    """Many calls, one after the other; their statuses go to `answered`."""
    for _ in range(count):
        answered.append(ask(service, feature, script))
        time.sleep(pause)


def get(service: Any, path: str, **headers: str) -> tuple[int, str]:
    """Status and text of one of the gateway's own paths."""
    try:
        with urllib.request.urlopen(urllib.request.Request(service.url + path, headers=headers), timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def command(service: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another command on the same ledger."""
    line = [sys.executable, "-m", "breakeven", *arguments, "--ledger", str(service.ledger), "--config", str(service.config)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "VENDOR_KEY": "x"}
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment, check=False)


def test_health_and_metrics(own_service: Callable[..., Any]) -> None:
    """Two workers answer for their health, and their metrics add up whichever of them is asked."""
    running = own_service()
    assert get(running, "/health/live") == (200, "live\n")
    assert get(running, "/health/ready") == (200, "ready\n")
    assert [ask(running) for _ in range(6)] == [200] * 6
    _, text = get(running, "/metrics")
    assert 'breakeven_attempts_total{provider="openai",status="ok"} 6' in text
    assert "sk-the-vendors-secret" not in text


def test_the_web_port(own_service: Callable[..., Any]) -> None:
    """Outcomes and health are on a port of their own too, and no vendor is reached from there."""
    service = own_service()
    service.url = json.loads((service.ledger / "run" / "serve.json").read_bytes())["web"]
    assert get(service, "/health/ready") == (200, "ready\n")
    row = b'{"outcomes":[{"unit":"lead","at":"2026-11-23T10:00:00Z"}]}'
    with urllib.request.urlopen(f"{service.url}/api/v1/outcomes", row, timeout=5) as answer:  # noqa: S310 - our own service
        assert json.loads(answer.read())["accepted"] == 1
    assert ask(service) == 404


def test_workers_share_one_port(own_service: Callable[..., Any], usual_config: str) -> None:
    """With `--workers 2` there are two processes behind one port, and every call is in the ledger once."""
    service = own_service(usual_config, "--workers", "2")
    assert len(service.children("gateway.worker")) == 2
    threads = [threading.Thread(target=lambda: [ask(service) for _ in range(10)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(service.calls(80)) == 80


def test_stopping_loses_nothing(own_service: Callable[..., Any]) -> None:
    """SIGTERM during calls: those under way are answered, new ones are turned away, and the ledger has every answered one."""
    service = own_service()
    results: list[int] = []
    slow = threading.Thread(target=lambda: results.append(ask(service, "slow", '{"delay": 0.7}')))
    slow.start()
    time.sleep(0.3)
    service.stop()
    slow.join()
    assert results == [200]
    assert ask(service) == 0
    assert service.calls(1, "feature = 'slow'")[0]["state"] == "metered"
    assert not list((service.ledger / "segments").rglob("*.ndjson"))


def test_reloading_drops_no_request(own_service: Callable[..., Any]) -> None:
    """While calls run, a changed configuration is taken up; a faulty one is told with its line, and the old one stays."""
    service = own_service()
    results: list[int] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            results.append(ask(service))

    caller = threading.Thread(target=run)
    caller.start()
    good = service.config.read_text()
    service.config.write_text(good + "gateway: {environment: staging}\n")
    assert command(service, "reload").returncode == 0
    assert ask(service, "after") == 200
    service.config.write_text(good + "gateway: {workers: none}\n")
    refused = command(service, "reload")
    assert refused.returncode == 3
    assert "breakeven.yaml:" in refused.stderr
    assert ask(service, "still") == 200
    stop.set()
    caller.join()
    assert set(results) == {200}
    assert [call["environment"] for call in service.calls(2, "feature IN ('after', 'still')")] == ["staging", "staging"]
    assert len(service.calls(len(results), "feature = 'serving'")) == len(results)


def test_keys_of_a_running_gateway(own_service: Callable[..., Any]) -> None:
    """A key made while it runs works after a reload: its dimensions hold against headers; revoked, it is refused."""
    service = own_service()
    made = command(
        service, "keys", "create", "app", "--feature", "search", "--team", "web", "--default", "team", "--model", "gpt-4o*"
    )
    key = made.stdout.strip()
    assert key.startswith("bek-")
    assert ask(service, "other", authorization=f"Bearer {key}") == 401
    assert command(service, "reload").returncode == 0
    assert ask(service, "other", authorization=f"Bearer {key}", **{"breakeven-team": "mobile"}) == 200
    (call,) = service.calls(1, "team = 'mobile'")
    assert call["feature"] == "search"
    assert json.loads(call["attribution_sources"]) == {"feature": "key", "team": "header:breakeven-team"}
    assert ask(service, authorization=f"Bearer {key}x") == 401
    narrow = command(service, "keys", "create", "narrow", "--feature", "narrow", "--require", "customer", "--model", "gpt-5*")
    assert command(service, "reload").returncode == 0
    assert ask(service, authorization=f"Bearer {narrow.stdout.strip()}") == 400
    assert ask(service, authorization=f"Bearer {narrow.stdout.strip()}", **{"breakeven-customer": "acme"}) == 403
    refused = service.calls(2, "feature = 'narrow'")
    assert [(each["status"], each["state"], service.cost(each)) for each in refused] == [("refused", "not_billed", "0")] * 2
    assert command(service, "keys", "revoke", "app").returncode == 0
    assert command(service, "reload").returncode == 0
    assert ask(service, authorization=f"Bearer {key}") == 401
    everything = b"".join(path.read_bytes() for path in service.ledger.rglob("*") if path.is_file()).decode("latin-1")
    assert key not in everything + service.log.read_text()
    assert "sk-the-vendors-secret" not in everything + service.log.read_text()


def test_one_service_for_a_ledger(own_service: Callable[..., Any]) -> None:
    """A second `serve` on the same ledger, or on a port that is taken, is refused with what to do."""
    service = own_service()
    second = command(service, "serve", "--gateway-port", "0", "--web-port", "0")
    assert (second.returncode, "serves this ledger already" in second.stderr) == (4, True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = [
            sys.executable,
            "-m",
            "breakeven",
            "serve",
            "--ledger",
            str(service.ledger.parent / "other"),
            "--web-port",
            "0",
            "--gateway-port",
        ]
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [*line, port], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(SOURCE)}, check=False
        )
    assert (refused.returncode, "cannot listen" in refused.stderr) == (4, True)


@pytest.mark.parametrize("delay", [0.0, 0.002, 0.01, 0.05, 0.2])
def test_a_killed_worker(delay: float, own_service: Callable[..., Any]) -> None:
    """Kill -9 at any moment: what a caller was answered is in the ledger once; what was begun and not ended is a visible gap."""
    service = own_service()
    answered: list[int] = []
    slowly = '{"delay": 0.01}'
    threads = [threading.Thread(target=ask_often, args=(service, 20, "killed", answered, slowly)) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.15 + delay)
    (worker,) = service.children("gateway.worker")
    os.kill(worker, signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert ask(service, "after") == 200
    service.stop()
    from breakeven.ledger import open_ledger  # noqa: PLC0415

    with open_ledger(service.ledger) as ledger:
        metered, gaps, distinct, every = ledger.query(
            "SELECT count(*) FILTER (state = 'metered'), count(*) FILTER (state = 'usage_missing'), count(DISTINCT call_id),"
            " count(*) FROM calls WHERE feature = 'killed'"
        )[0]
    good = answered.count(200)
    assert distinct == every
    assert good <= metered <= good + 4  # an answer may have been lost on its way to the caller, never its cost
    assert metered + gaps >= good
    assert gaps <= 4


def test_a_killed_bookkeeper(own_service: Callable[..., Any]) -> None:
    """Kill -9 of the bookkeeper, again and again: calls keep flowing and each is in the ledger exactly once."""
    service = own_service()
    for _ in range(4):
        assert [ask(service) for _ in range(5)] == [200] * 5
        for process in service.children("service.bookkeeper"):
            os.kill(process, signal.SIGKILL)
        time.sleep(0.2)
    assert len(service.calls(20, patience=20)) == 20
    assert command(service, "ledger", "verify").returncode == 0


def test_reading_and_importing_beside_a_running_gateway(own_service: Callable[..., Any], tmp_path: Path) -> None:
    """Reports answer and imports work while calls arrive, and a call is shown within two seconds of its end."""
    service = own_service()
    assert ask(service, "watched") == 200
    began = time.monotonic()
    service.calls(1, "feature = 'watched'")
    assert time.monotonic() - began < 2
    rows = tmp_path / "calls.csv"
    rows.write_text("occurred_at,provider,model,input,output,feature\n2026-10-01T00:00:00,openai,gpt-4o,1000,10,imported\n")
    results: list[int] = []
    caller = threading.Thread(target=ask_often, args=(service, 60, "beside", results, "{}", 0.02))
    caller.start()
    imported = command(service, "import", "calls", str(rows))
    pnl = command(service, "pnl", "--period", "all", "--json")
    tail = command(service, "tail", "--limit", "2", "--json", "--from-start")
    caller.join()
    assert (imported.returncode, pnl.returncode, tail.returncode) == (0, 0, 0), imported.stderr + pnl.stderr + tail.stderr
    assert {row["feature"] for row in json.loads(pnl.stdout)["rows"]} >= {"imported", "watched"}
    assert all(json.loads(line)["provider"] == "openai" for line in tail.stdout.splitlines())
    assert len(service.calls(len(results), "feature = 'beside'")) == 60


STEPPED = """
import os, time
_file = os.environ.get("CLOCK_STEP", "")
_true, _true_ns = time.time, time.time_ns
def _step():
    try:
        return int(open(_file).read())
    except (OSError, ValueError):
        return 0
time.time_ns = lambda: _true_ns() + _step() * 1_000_000_000
time.time = lambda: _true() + _step()
"""


def test_steps_of_the_clock(
    own_service: Callable[..., Any], usual_config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock steps back and forth by an hour during calls: each is metered once, its duration is what it really took."""
    step = tmp_path / "step"
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "sitecustomize.py").write_text(STEPPED)
    monkeypatch.setenv("CLOCK_STEP", str(step))
    service = own_service(usual_config, modules=tmp_path / "modules")
    answered: list[int] = []
    caller = threading.Thread(target=ask_often, args=(service, 12, "clock", answered, '{"delay": 0.1}'))
    caller.start()
    for seconds in (3600, -3600, 0, 7200, 0):
        time.sleep(0.25)
        step.write_text(str(seconds))
    caller.join()
    assert answered == [200] * 12
    calls = service.calls(12, "feature = 'clock'")
    assert len({call["call_id"] for call in calls}) == 12
    assert {call["state"] for call in calls} == {"metered"}
    assert all(100 <= call["latency_ms"] < 3000 for call in calls)
    assert (calls[-1]["occurred_at"] - calls[0]["occurred_at"]).total_seconds() > 3000  # the clock did step
