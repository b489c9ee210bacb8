"""Three gateways, each on a host of its own (a network namespace), share a budget and keys in Redis and ship to an object store.

One of them is cut off in the middle, from vendor, Redis and store, and comes back. In the end one ledger collects everything: each
call that a client was answered is there once, with its cost, the shared budget was not exceeded, and nothing is left on the way.
Needs root, `ip` (iproute2), redis-server and moto. Run: python -m bench soak, or python -m bench.soak --seconds 600 --json
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import redis
from moto.server import ThreadedMotoServer

from breakeven.ledger import open_ledger
from breakeven.ledger.verify import verify
from breakeven.testing import ScriptedUpstream

HOSTS = 3
SECONDS = 60.0
PATIENCE = 60.0
LIMIT = Decimal("0.05")
"""US dollars that all hosts together may spend; far less than they would."""
CLIENT = """
import http.client, json, sys, threading, time
port, key, until, answered = int(sys.argv[1]), sys.argv[2], time.monotonic() + float(sys.argv[3]), {}
body = json.dumps({"model": "gpt-4o", "max_tokens": 200, "messages": [{"role": "user", "content": "Hello"}]}).encode()
given = {"content-type": "application/json", "authorization": f"Bearer {key}"}
lock = threading.Lock()
def load():
    while time.monotonic() < until:
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            while time.monotonic() < until:
                line.request("POST", "/v1/chat/completions", body, given)
                answer = line.getresponse()
                answer.read()
                with lock:
                    answered[answer.status] = answered.get(answer.status, 0) + 1
                if answer.status != 200:
                    time.sleep(0.05)
        except OSError:
            time.sleep(0.1)
threads = [threading.Thread(target=load) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
print(json.dumps(answered))
"""
CONFIG = """
providers:
  openai:
    base_url: "http://{bridge}:{vendor}/v1"
    api_key_env: VENDOR_KEY
    timeouts: {{connect: 500ms, first_byte: 5s, between_chunks: 2s, total: 10s}}
    retries: {{attempts: 1}}
gateway:
  workers: 1
  keys: required
  grace: 5s
  accounts: {{redis: "redis://{bridge}:{redis}/0"}}
  shared_keys: {{redis: "redis://{bridge}:{redis}/0"}}
budgets:
  all: {{limit: ${limit}, period: day, mode: strict}}
shipping: {{role: {role}, bucket: soak, endpoint: "http://{bridge}:{store}", every: 500ms}}
"""


class Forwarder:
    """Connections to the bridge's address are led to a service of this machine's own."""

    def __init__(self, host: str, port: int) -> None:
        self._target = port
        self._listening = socket.create_server((host, 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(one, other), daemon=True).start()

    def close(self) -> None:
        """No more connections."""
        self._listening.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        pass
    for each in (source, target):
        each.close()


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, stdout=subprocess.DEVNULL, stderr=None if check else subprocess.DEVNULL)


class Network:
    """A bridge in this machine's namespace and one namespace for each host."""

    def __init__(self) -> None:
        self._name = f"be{os.getpid() % 100_000}"
        block = os.getpid() % 200
        self.bridge = f"10.233.{block}.1"
        _ip("link", "add", self._name, "type", "bridge")
        _ip("addr", "add", f"{self.bridge}/24", "dev", self._name)
        _ip("link", "set", self._name, "up")
        for host in range(HOSTS):
            space, link = self.space(host), self._link(host)
            _ip("netns", "add", space)
            _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", link, "master", self._name, "up")
            _ip("-n", space, "addr", "add", f"10.233.{block}.{host + 2}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def space(self, host: int) -> str:
        """The name of a host's namespace."""
        return f"{self._name}h{host}"

    def _link(self, host: int) -> str:
        return f"{self._name}v{host}"

    def connect(self, host: int, *, there: bool) -> None:
        """Cut a host off, or bring it back."""
        _ip("link", "set", self._link(host), "up" if there else "down")

    def close(self) -> None:
        """Nothing of it stays."""
        for host in range(HOSTS):
            _ip("netns", "del", self.space(host), check=False)
            _ip("link", "del", self._link(host), check=False)
        _ip("link", "del", self._name, check=False)


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("no redis-server: run `make engines`")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            _until(lambda: _answers(client), "redis-server")
        yield port
    finally:
        process.kill()
        process.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _until(holds: Any, what: str) -> None:  # noqa: ANN401 - any question
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            raise SystemExit(f"{what} does not answer in time")
        time.sleep(0.05)


def _breakeven(folder: Path, *words: str, before: tuple[str, ...] = ()) -> list[str]:
    place = ("--ledger", str(folder / "ledger"), "--config", str(folder / "breakeven.yaml"))
    return [*before, sys.executable, "-m", "breakeven", *words, *place]


def soak(seconds: float) -> dict[str, Any]:
    """Run it; what the clients were answered, what the ledger has, and whether the two agree."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="breakeven-soak-")))
        network = Network()
        stack.callback(network.close)
        vendor = stack.enter_context(ScriptedUpstream())
        store = ThreadedMotoServer(port=0, verbose=False)
        store.start()
        stack.callback(store.stop)
        ports = {
            "vendor": vendor.port,
            "redis": stack.enter_context(_redis(folder)),
            "store": store.get_host_and_port()[1],
        }
        reached = {name: Forwarder(network.bridge, port) for name, port in ports.items()}
        for each in reached.values():
            stack.callback(each.close)
        environment = {**os.environ, "VENDOR_KEY": "invented", "AWS_ACCESS_KEY_ID": "soak", "AWS_SECRET_ACCESS_KEY": "soak"}
        os.environ |= {"AWS_ACCESS_KEY_ID": "soak", "AWS_SECRET_ACCESS_KEY": "soak"}
        _make_bucket(ports["store"])
        homes = [_home(folder, f"host{host}", "ship", network.bridge, reached) for host in range(HOSTS)]
        central = _home(folder, "central", "collect", network.bridge, reached)
        made = subprocess.run(
            _breakeven(homes[0], "keys", "create", "soak", "--json"), env=environment, check=True, capture_output=True
        )
        key = json.loads(made.stdout)["key"]
        keeper = subprocess.Popen(
            _breakeven(central, "serve", "--gateway-port", "0", "--web-port", "0"), env=environment,
            stdout=(central / "log").open("wb"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        stack.callback(_end, keeper)
        serving = [_serve(network, host, home, environment) for host, home in enumerate(homes)]
        for process in serving:
            stack.callback(_end, process)
        answers = _load(network, homes, key, seconds)
        for process in serving:
            _end(process)
        _end(keeper)
        for home, verb in (*((home, "ship") for home in homes), (central, "collect")):
            subprocess.run(_breakeven(home, "ledger", verb), env=environment, check=True, stdout=subprocess.DEVNULL)
        return _compared(central / "ledger", homes, answers, len(vendor.journal))


def _home(folder: Path, name: str, role: str, bridge: str, reached: dict[str, Forwarder]) -> Path:
    home = folder / name
    home.mkdir()
    ports = {each: forwarder.port for each, forwarder in reached.items()}
    (home / "breakeven.yaml").write_text(CONFIG.format(bridge=bridge, role=role, limit=LIMIT, **ports))
    return home


def _make_bucket(port: int) -> None:
    from botocore.session import get_session  # noqa: PLC0415 - an extra

    get_session().create_client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1").create_bucket(Bucket="soak")


def _serve(network: Network, host: int, home: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = _breakeven(
        home, "serve", "--gateway-port", "0", "--web-port", "0", before=("ip", "netns", "exec", network.space(host))
    )
    return subprocess.Popen(command, env=environment, stdout=(home / "log").open("wb"), stderr=subprocess.STDOUT)


def _port(home: Path) -> int:
    told = home / "ledger" / "run" / "serve.json"
    _until(lambda: told.is_file() and "listens at" in (home / "log").read_text(), f"the gateway of {home.name}")
    return int(json.loads(told.read_bytes())["gateway"].rsplit(":", 1)[1])


def _load(network: Network, homes: list[Path], key: str, seconds: float) -> list[dict[str, int]]:
    """Clients on every host all the time; the second host is cut off for the middle third."""
    ports = [_port(home) for home in homes]
    for home in homes:
        _until(lambda home=home: (home / "ledger" / "keys.json").is_file(), f"the shared keys on {home.name}")
    time.sleep(1.0)
    clients = [
        subprocess.Popen(
            ["ip", "netns", "exec", network.space(host), sys.executable, "-c", CLIENT, str(port), key, str(seconds)],
            stdout=subprocess.PIPE,
        )
        for host, port in enumerate(ports)
    ]
    time.sleep(seconds / 3)
    network.connect(1, there=False)
    time.sleep(seconds / 3)
    network.connect(1, there=True)
    return [json.loads(each.communicate(timeout=seconds + PATIENCE)[0]) for each in clients]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _compared(ledger: Path, homes: list[Path], answers: list[dict[str, int]], asked: int) -> dict[str, Any]:
    report = verify(ledger)
    with open_ledger(ledger) as opened:
        calls, ids, unknown = opened.query("""
            SELECT count(*) FILTER (WHERE status = 'ok'), count(DISTINCT call_id) FILTER (WHERE status = 'ok'),
                count(*) FILTER (WHERE state = 'usage_missing') FROM calls""")[0]
        cost, least, most = opened.query("""
            SELECT sum(cost), min(cost), max(cost) FROM (SELECT sum(cost) AS cost FROM cost_lines
            SEMI JOIN (SELECT call_id FROM calls WHERE status = 'ok') AS ok USING (call_id) GROUP BY call_id)""")[0]
    answered = sum(each.get("200", 0) for each in answers)
    left = [path.name for home in homes for path in (home / "ledger" / "segments").rglob("*.ndjson")]
    return {
        "answered": answered,
        "answered_by_host": [each.get("200", 0) for each in answers],
        "refused": {status: sum(each.get(status, 0) for each in answers) for each in answers for status in each if status != "200"},
        "in_ledger": calls,
        "twice": calls - ids,
        "unknown": unknown,
        "asked_of_vendor": asked,
        "cost": str(cost),
        "limit": str(LIMIT),
        "exact": calls == answered == ids and calls > 0 and least == most and cost == least * calls,
        "within": cost is not None and cost <= LIMIT,
        "left_behind": left,
        "problems": [str(problem) for problem in report.problems],
    }


def main() -> None:
    """Print what was found; `--seconds` for how long clients ask."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", action="store_true")
    given, _ = parser.parse_known_args()
    found = soak(given.seconds)
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<24} {value}")


if __name__ == "__main__":
    main()
