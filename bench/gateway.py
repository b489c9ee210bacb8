"""Gateways side by side: CPU per call, calls a second, latency, memory; each alone on one core, vendor and load on the other.

nginx is a bare proxy; ours has everything on (attribution, intent, usage, exact cost, durable record). Peers that are not found are
left out: nginx on the PATH; LiteLLM's `litellm` by BENCH_LITELLM; Portkey's `start-server.js` by BENCH_PORTKEY. CPU is user and
system time of the gateway's processes, read from /proc; the bookkeeper, which runs beside the gateway, is told separately.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
GATEWAY_CORE, LOAD_CORE = "0", "1"
TICKS = os.sysconf("SC_CLK_TCK")
CHUNKS = 100


@dataclass
class Running:
    """One gateway under test: its port, its processes, what a request to it must carry besides."""

    name: str
    port: int
    processes: Callable[[], list[int]]
    headers: tuple[str, ...] = ()
    calls: int = 20_000
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def cpu(self) -> float:
        """User and system seconds of its processes so far."""
        total = 0
        for process in self.processes():
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory_mb(self) -> float:
        """Resident memory of its largest process."""
        sizes = [_status(process, "VmRSS") for process in self.processes()]
        return max(sizes) / 1024


def main() -> None:
    """Every gateway over plain HTTP and, where it can be told to trust the certificate, with TLS to the vendor."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        root = Path(folder)
        for tls in (False, True):
            vendor, address = vendor_of(root, tls=tls)
            found = [make(root, address, tls) for make in (_nginx, _breakeven, _litellm, _portkey)]
            running = [each for each in found if each is not None]
            try:
                _compare(running, tls=tls)
            finally:
                for each in running:
                    for child in each.children:
                        child.terminate()
                        child.wait()
                vendor.terminate()
                vendor.wait()


def _compare(running: list[Running], *, tls: bool) -> None:
    print(f"\n{'TLS' if tls else 'plain HTTP'} to the vendor; medians of {ROUNDS} rounds")
    print(
        f"{'':12}{'CPU/call':>10}{'':>8}{'calls/s':>10}{'p50 1':>9}{'p99 1':>9}{'p50 32':>9}{'p99 32':>9}{'CPU/chunk':>11}{'MB':>7}"
    )
    results: dict[str, dict[str, float]] = {}
    for each in running:
        try:
            results[each.name] = _measured(each)
        except RuntimeError as error:
            print(f"{each.name:12}not measured: {error}")
    base = results.get("nginx")
    for name, row in results.items():
        ratio = f"({row['cpu'] / base['cpu']:.1f}x)" if base else ""
        print(
            f"{name:12}{row['cpu']:>7.0f} us{ratio:>8}{row['rate']:>10,.0f}{row['p50_1']:>9.2f}{row['p99_1']:>9.2f}"
            f"{row['p50_32']:>9.2f}{row['p99_32']:>9.2f}{row['chunk']:>8.1f} us{row['memory']:>7.0f}"
        )


def _measured(gateway: Running) -> dict[str, float]:
    load(gateway, 32, gateway.calls // 10)
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        before = gateway.cpu()
        many = load(gateway, 32, gateway.calls)
        cpu = (gateway.cpu() - before) / gateway.calls * 1e6
        one = load(gateway, 1, max(200, gateway.calls // 10))
        streams = max(100, gateway.calls // 20)
        before = gateway.cpu()
        load(gateway, 8, streams, "--stream", "--words", str(CHUNKS))
        chunk = (gateway.cpu() - before) / streams / CHUNKS * 1e6
        rounds.append(
            {
                "cpu": cpu,
                "rate": many["calls_per_second"],
                "p50_32": many["p50_ms"],
                "p99_32": many["p99_ms"],
                "p50_1": one["p50_ms"],
                "p99_1": one["p99_ms"],
                "chunk": chunk,
            }
        )
    found = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    return found | {"memory": gateway.memory_mb()}


def load(gateway: Running, connections: int, calls: int, *more: str) -> dict[str, float]:
    line = ["taskset", "-c", LOAD_CORE, sys.executable, "-m", "bench.load", "--port", str(gateway.port)]
    line += ["--connections", str(connections), "--calls", str(calls), *more]
    for header in gateway.headers:
        line += ["--header", header]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=600, check=False)
    if ran.returncode:
        raise RuntimeError(f"the load failed: {ran.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(ran.stdout)
    return found


# --- who takes part ---------------------------------------------------------------------------------------------------------------


def vendor_of(root: Path, *, tls: bool) -> tuple[subprocess.Popen[bytes], str]:
    line = ["taskset", "-c", LOAD_CORE, sys.executable, "-m", "breakeven.testing"]
    if tls:
        pem = root / "vendor.pem"
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(root / "key.pem")]
        subprocess.run([*made, "-out", str(root / "ca.pem")], check=True, capture_output=True)
        pem.write_bytes((root / "ca.pem").read_bytes() + (root / "key.pem").read_bytes())
        line += ["--certificate", str(pem)]
    vendor = subprocess.Popen(line, stdout=subprocess.PIPE)
    assert vendor.stdout is not None
    return vendor, vendor.stdout.readline().decode().strip()


def _nginx(root: Path, vendor: str, tls: bool) -> Running | None:  # noqa: FBT001 - one of the few who take part
    program = shutil.which("nginx")
    if program is None:
        return None
    port, host = _free_port(), vendor.split("://")[1]
    trust = (
        f"proxy_ssl_verify on; proxy_ssl_trusted_certificate {root}/ca.pem; proxy_ssl_name localhost; proxy_ssl_session_reuse on;"
        if tls
        else ""
    )
    config = root / "nginx.conf"
    config.write_text(f"""
        worker_processes 1; daemon off; pid {root}/nginx.pid; error_log /dev/null;
        events {{ worker_connections 1024; }}
        http {{ access_log off; keepalive_requests 100000000; client_body_buffer_size 64k;
          upstream vendor {{ server {host}; keepalive 64; keepalive_requests 100000000; }}
          server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {vendor.split("://", maxsplit=1)[0]}://vendor; {trust}
            proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }} }} }}""")
    child = subprocess.Popen(
        ["taskset", "-c", GATEWAY_CORE, program, "-c", str(config), "-p", str(root)], stderr=subprocess.DEVNULL
    )
    _wait_for(port)
    return Running("nginx", port, lambda: _tree(child.pid), calls=40_000, children=[child])


def _breakeven(root: Path, vendor: str, tls: bool) -> Running:  # noqa: FBT001 - as above
    trust = f", tls: {{ca_file: {root}/ca.pem}}" if tls else ""
    return started(root, "breakeven", f'providers:\n  openai: {{base_url: "{vendor}/v1"{trust}}}\n', f"{tls}")


def started(root: Path, name: str, text: str, label: str) -> Running:
    """A gateway of ours with this configuration, alone on its core; its bookkeeper and handlers run on the other."""
    config, ledger = root / f"breakeven-{label}.yaml", root / f"ledger-{label}"
    config.write_text(text)
    line = [
        sys.executable,
        "-m",
        "breakeven",
        "serve",
        "--ledger",
        str(ledger),
        "--config",
        str(config),
        "--gateway-port",
        "0",
        "--web-port",
        "0",
    ]
    child = subprocess.Popen(["taskset", "-c", GATEWAY_CORE, *line], stderr=subprocess.DEVNULL)
    told = ledger / "run" / "worker-0.json"
    while not told.is_file():
        time.sleep(0.05)
    worker = json.loads(told.read_text())["pid"]
    port = int(json.loads((ledger / "run" / "serve.json").read_text())["gateway"].rsplit(":", 1)[1])
    for process in _tree(child.pid):
        if process != worker:  # the bookkeeper shares the other core, as it would use any other
            subprocess.run(["taskset", "-cp", LOAD_CORE, str(process)], check=False, capture_output=True)
    return Running(name, port, lambda: [worker], children=[child])


def _litellm(root: Path, vendor: str, tls: bool) -> Running | None:  # noqa: FBT001 - as above
    program = os.environ.get("BENCH_LITELLM")
    if not program or tls:
        return None
    config, port = root / "litellm.yaml", _free_port()
    models = "".join(
        f"  - {{model_name: {name}, litellm_params: {{model: openai/{name}, api_base: {vendor}/v1, api_key: sk-x}}}}\n"
        for name in ("gpt-4o-words-100",)
    )
    config.write_text(f"model_list:\n{models}litellm_settings: {{telemetry: false}}\n")
    line = [program, "--config", str(config), "--port", str(port), "--host", "127.0.0.1", "--num_workers", "1"]
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    child = subprocess.Popen(
        ["taskset", "-c", GATEWAY_CORE, *line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _wait_for(port, 90)
    return Running("litellm", port, lambda: _tree(child.pid), calls=1_000, children=[child])


def _portkey(root: Path, vendor: str, tls: bool) -> Running | None:  # noqa: FBT001 - as above
    del root
    program = os.environ.get("BENCH_PORTKEY")
    if not program or tls:
        return None
    port = _free_port()
    line = ["node", program, f"--port={port}", "--headless"]
    child = subprocess.Popen(["taskset", "-c", GATEWAY_CORE, *line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _wait_for(port, 60)
    headers = ("x-portkey-provider: openai", f"x-portkey-custom-host: {vendor}/v1")
    return Running("portkey", port, lambda: _tree(child.pid), headers, calls=4_000, children=[child])


def _free_port() -> int:
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait_for(port: int, seconds: float = 10) -> None:
    import socket  # noqa: PLC0415 - only here

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing listens on port {port}")


def _tree(process: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False).stdout.split()
    return [process, *(found for child in listed for found in _tree(int(child)))]


def _status(process: int, name: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


if __name__ == "__main__":
    main()
