"""What a ladder costs: CPU of the worker per call, with the same load, beside a bare pass through the same gateway.

Rows: no ladder; another feature's ladder, which must cost nothing; an exact cache that hits; a look-up handler on the spot; a
user's function in its own process; a model whose held answer a pattern lets stand. Rounds alternate between the gateways, so that
what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

from bench.gateway import Running, load, started, vendor_of
from bench.load import QUESTION

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
CALLS = int(os.environ.get("BENCH_CALLS", "5000"))
CASES: dict[str, str] = {
    "bare": "",
    "idle ladder": "features: {other: {ladder: {rungs: [cache, asked]}}}",
    "cache": "features: {search: {ladder: {rungs: [cache, asked]}}}",
    "look-up": "handlers: {one: {builtin: lookup, table: table.json, mode: live, checked: 0}}\n"
    'features: {search: {ladder: {rungs: ["handler:one", asked]}}}',
    "function": "handlers: {one: {function: 'rules.py:handle', mode: live, checked: 0}}\n"
    'features: {search: {ladder: {rungs: ["handler:one", asked]}}}',
    "checked": "features: {search: {ladder: {rungs: [{model: asked, name: low}, asked], checks: [{pattern: vendor}]}}}",
}


def main() -> None:
    """Measure every case in turn, some rounds long."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        root = Path(folder)
        (root / "rules.py").write_text("def handle(task):\n    return 'four'\n")
        (root / "table.json").write_text(json.dumps({QUESTION: "four"}))
        vendor, address = vendor_of(root, tls=False)
        head = f'providers:\n  openai: {{base_url: "{address}/v1", api_key_env: HOME}}\n'
        running = [started(root, name, head + text, f"case-{at}") for at, (name, text) in enumerate(CASES.items())]
        try:
            _compare(running)
        finally:
            for each in running:
                for child in each.children:
                    child.terminate()
                    child.wait()
            vendor.terminate()
            vendor.wait()


def _compare(running: list[Running]) -> None:
    found: dict[str, list[tuple[float, float]]] = {each.name: [] for each in running}
    for gateway in running:
        load(gateway, 16, CALLS // 5)
    for _ in range(ROUNDS):
        for gateway in running:
            before = gateway.cpu()
            said = load(gateway, 16, CALLS)
            found[gateway.name].append(((gateway.cpu() - before) / CALLS * 1e6, said["p50_ms"]))
    base = statistics.median(cpu for cpu, _ in found["bare"])
    print(f"medians of {ROUNDS} rounds of {CALLS:,} calls, 16 connections")
    print(f"{'':14}{'CPU/call':>10}{'beyond bare':>14}{'p50 ms':>9}")
    for name, rows in found.items():
        cpu, median = statistics.median(each for each, _ in rows), statistics.median(each for _, each in rows)
        print(f"{name:14}{cpu:>7.0f} us{cpu - base:>+11.0f} us{median:>9.2f}")


if __name__ == "__main__":
    main()
