"""Strict means strict: what the vendor bills never exceeds the limit, whatever is killed meanwhile, on one host and on two."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pytest
import redis
from click.testing import CliRunner

from breakeven.cli.main import cli
from breakeven.ledger import open_ledger
from breakeven.testing import ScriptedUpstream

pytestmark = pytest.mark.slow
LIMIT = Decimal("0.004")
BUDGET = "\nbudgets: {{strict: {{limit: $0.004, period: month}}}}\n"
BODY = json.dumps({"model": "gpt-4o-mini", "max_tokens": 40, "messages": [{"role": "user", "content": "hello"}]}).encode()
CALLERS = 6


class Load:
    """Callers that call as fast as they can, until told to stop."""

    def __init__(self, *urls: str) -> None:
        self._urls = urls
        self._stop = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.costs: set[str] = set()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CALLERS)]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        """End."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        url = self._urls[number % len(self._urls)]
        while not self._stop.is_set():
            status = self._call(url)
            self.statuses[status] += 1
            if status != 200:
                time.sleep(0.02)

    def _call(self, url: str) -> int:
        request = urllib.request.Request(f"{url}/v1/chat/completions", BODY, {"content-type": "application/json"})  # noqa: S310 - our own gateway
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                answer.read()
                self.costs.add(answer.headers["breakeven-cost-usd"])
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.read()
            return error.code
        except OSError:
            return 0


def billed(vendor: ScriptedUpstream, load: Load) -> Decimal:
    """What the vendor bills: every call that it answered, whether or not the answer arrived. All cost the same."""
    (each,) = load.costs
    return Decimal(each) * sum(exchange.billed for exchange in vendor.journal)


def wait_for(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether something holds within the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def status_of(service: Any, *words: str) -> Any:
    """`breakeven budget status --json` of a gateway."""
    place = ["--ledger", str(service.ledger), "--config", str(service.config), "--json"]
    found = CliRunner().invoke(cli, ["budget", "status", *place, *words], catch_exceptions=False)
    (row,) = json.loads(found.stdout)["rows"]
    return row


def test_workers_killed_under_load(own_service: Callable[..., Any], usual_config: str, vendor: ScriptedUpstream) -> None:
    """Workers die with calls under way; others settle what they held; the vendor never bills more than the limit."""
    service = own_service(usual_config + BUDGET, "--workers", "3")
    chance = random.Random(4)
    with Load(service.url) as load:
        for _ in range(8):
            time.sleep(0.25)
            workers = service.children("breakeven.gateway.worker")
            if workers:
                os.kill(chance.choice(workers), signal.SIGKILL)
        assert wait_for(lambda: load.statuses[402] > 40, 30), load.statuses
    spent = billed(vendor, load)
    assert LIMIT / 4 < spent <= LIMIT
    row = status_of(service)
    assert spent <= Decimal(row["spent"]) + Decimal(row["reserved"]) <= LIMIT


def test_the_bookkeeper_killed_under_load(own_service: Callable[..., Any], usual_config: str, vendor: ScriptedUpstream) -> None:
    """Without a kill of a worker the accounts say in the end exactly what the ledger says."""
    service = own_service(usual_config + BUDGET, "--workers", "2")
    with Load(service.url) as load:
        for _ in range(3):
            time.sleep(0.3)
            for process in service.children("breakeven.service.bookkeeper"):
                os.kill(process, signal.SIGKILL)
        assert wait_for(lambda: load.statuses[402] > 40, 30), load.statuses
    spent = billed(vendor, load)
    assert LIMIT / 2 < spent <= LIMIT
    assert wait_for(lambda: Decimal(status_of(service)["spent"]) == spent, 10), status_of(service)
    assert status_of(service)["reserved"] == "0"
    calls = service.calls(sum(exchange.billed for exchange in vendor.journal), "status = 'ok'")
    assert sum(Decimal(service.cost(call) or 0) for call in calls) == spent


def test_the_accounts_deleted_under_load(own_service: Callable[..., Any], usual_config: str, vendor: ScriptedUpstream) -> None:
    """Whoever removes the file gets it back from the ledger; meanwhile nothing is lent, and the limit holds."""
    service = own_service(usual_config + BUDGET, "--workers", "2")
    with Load(service.url) as load:
        assert wait_for(lambda: load.statuses[200] > 20, 20)
        for path in service.ledger.glob("accounts.sqlite*"):
            path.unlink()
        assert wait_for(lambda: load.statuses[402] > 40, 40), load.statuses
    assert LIMIT / 4 < billed(vendor, load) <= LIMIT


class Redis:
    """A redis-server of the test's own."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._folder = folder
        self._kept = ["--appendonly", "yes" if durable else "no", "--save", ""]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = shutil.which("redis-server")
        assert program is not None, "no redis-server: run `make engines`"
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), *self._kept]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_for(self._listens, 10)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis_of(tmp_path: Path) -> Iterator[Callable[[bool], Redis]]:
    """Redis servers, ended after the test."""
    started: list[Redis] = []

    def start(durable: bool) -> Redis:
        folder = tmp_path / f"redis-{len(started)}"
        folder.mkdir()
        started.append(Redis(folder, durable=durable))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.mark.parametrize("durable", [True, False])
def test_two_hosts_and_a_redis_that_dies(
    own_service: Callable[..., Any],
    usual_config: str,
    vendor: ScriptedUpstream,
    redis_of: Callable[[bool], Redis],
    durable: bool,
) -> None:
    """Two gateways with ledgers of their own share a budget, through kills of a worker and of Redis, with its memory or without."""
    server = redis_of(durable)
    config = f"{usual_config}{BUDGET}gateway: {{{{accounts: {{{{redis: 'redis://127.0.0.1:{server.port}/0'}}}}}}}}\n"
    hosts = [own_service(config, "--workers", "2") for _ in range(2)]
    with Load(*(host.url for host in hosts)) as load:
        assert wait_for(lambda: load.statuses[200] > 20, 20), load.statuses
        os.kill(hosts[0].children("breakeven.gateway.worker")[0], signal.SIGKILL)
        server.kill()
        time.sleep(0.3)
        server.start()
        assert wait_for(lambda: load.statuses[402] > 40, 40), load.statuses
    assert LIMIT / 4 < billed(vendor, load) <= LIMIT


def test_while_redis_is_away_strict_is_closed_and_bounded_is_open(
    own_service: Callable[..., Any], usual_config: str, redis_of: Callable[[bool], Redis]
) -> None:
    """Calls of a bounded budget go on and are counted when Redis is back, those of a strict one get 503; the ledgers are exact."""
    server = redis_of(True)
    config = f"""{usual_config}gateway: {{{{accounts: {{{{redis: 'redis://127.0.0.1:{server.port}/0'}}}}}}}}
budgets:
  strict: {{{{scope: {{{{feature: strict}}}}, limit: $5, period: month}}}}
  bounded: {{{{scope: {{{{feature: bounded}}}}, limit: $5, period: month, mode: bounded}}}}
"""
    hosts = [own_service(config) for _ in range(3)]
    answered: Counter[str] = Counter()
    codes: set[str] = set()

    def ask(host: Any, feature: str) -> int:
        given = {"content-type": "application/json", "breakeven-feature": feature}
        request = urllib.request.Request(f"{host.url}/v1/chat/completions", BODY, given)  # noqa: S310 - our own gateway
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                answer.read()
        except urllib.error.HTTPError as error:
            codes.add(json.loads(error.read())["error"]["code"])
            return error.code
        answered[feature] += 1
        return 200

    for host in hosts:
        assert wait_for(lambda host=host: ask(host, "strict") == ask(host, "bounded") == 200, 30)  # type: ignore[misc] # bound now
    server.kill()
    for host in hosts:
        assert wait_for(lambda host=host: ask(host, "strict") == 503, 20)  # type: ignore[misc] # what was leased may be spent
        assert {ask(host, "bounded") for _ in range(40)} == {200}
        assert ask(host, "strict") == 503
    server.start()
    for host in hosts:
        assert wait_for(lambda host=host: ask(host, "strict") == 200, 20)  # type: ignore[misc] # bound now
    found = Counter[str]()
    for host in hosts:
        host.stop()
        with open_ledger(host.ledger) as ledger:
            found.update(dict(ledger.query("SELECT feature, count(*) FROM calls WHERE status = 'ok' GROUP BY feature")))
    assert found == answered
    assert codes == {"budget_unreachable"}
    with redis.Redis(port=server.port, decode_responses=True) as client:
        (name,) = list(client.keys("breakeven:account:bounded#*"))
        spent = sum(int(value) for field, value in client.hgetall(name).items() if field.startswith("s:"))
    with contextlib.ExitStack() as stack:
        ledgers = [stack.enter_context(open_ledger(host.ledger)) for host in hosts]
        costs = [ledger.query("SELECT sum(cost) FROM cost_lines WHERE feature = 'bounded'")[0][0] for ledger in ledgers]
    assert spent == sum(costs) * 10**18
