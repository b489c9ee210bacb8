"""How fast ten million calls come in, how small they lie, and how fast a P&L over them is.

Run: python -m bench imports. It writes about 3 GB of temporary files. BENCH_CALLS sets another number of calls.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from breakeven.ledger import open_ledger

CALLS = int(os.environ.get("BENCH_CALLS", "10000000"))
JSON_CALLS = CALLS // 20
ROUNDS = 5
MEGA = 1e6


def main() -> None:
    """Generate, import from Parquet and JSONL, measure sizes and questions."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        root = Path(folder)
        parquet, jsonl = _generated(root)
        _import("Parquet", CALLS, parquet, root / "ledger")
        _sizes(root / "ledger")
        _questions(root / "ledger")
        _import("JSONL", JSON_CALLS, jsonl, root / "json-ledger")


def _generated(root: Path) -> tuple[Path, Path]:
    """A month of calls with three usage classes each: 8 features, 200 customers, 5,000 users, 3 models of 2 vendors."""
    parquet, jsonl = root / "calls.parquet", root / "calls.jsonl"
    select = f"""
        SELECT TIMESTAMP '2026-09-01' + to_microseconds((i * {30 * 86_400 * 10**6 // CALLS})::BIGINT) AS occurred_at,
            ['openai', 'openai', 'anthropic'][(1 + hash(i) % 3)::BIGINT] AS provider,
            ['gpt-4o', 'gpt-5-mini', 'claude-sonnet-4-6'][(1 + hash(i) % 3)::BIGINT] AS model,
            'feature-' || (hash(i * 5) % 8) AS feature, 'team-' || (hash(i * 5) % 4) AS team,
            'customer-' || (hash(i * 7) % 200) AS customer, 'user-' || (hash(i * 11) % 5000) AS user_id,
            (1 + hash(i * 13) % 4000)::BIGINT AS input, (1 + hash(i * 17) % 2000)::BIGINT AS cache_read,
            (1 + hash(i * 19) % 800)::BIGINT AS output
        FROM range({{count}}) AS made(i)"""
    with duckdb.connect() as engine:
        engine.execute(f"COPY ({select.format(count=CALLS)}) TO '{parquet}' (FORMAT parquet)")
        engine.execute(f"COPY ({select.format(count=JSON_CALLS)}) TO '{jsonl}' (FORMAT json)")
    return parquet, jsonl


def _import(name: str, calls: int, path: Path, ledger: Path) -> None:
    started, used = time.perf_counter(), _cpu_seconds()
    command = [sys.executable, "-m", "breakeven", "import", "calls", str(path), "--ledger", str(ledger)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    seconds, cpu = time.perf_counter() - started, _cpu_seconds() - used
    print(f"import {calls:,} calls from {name:8} {calls / seconds:10,.0f} calls/s ({seconds:.1f} s, {cpu:.1f} s of CPU)")


def _cpu_seconds() -> float:
    """What finished child processes have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _megabytes(who: int) -> float:
    return resource.getrusage(who).ru_maxrss * 1024 / MEGA


def _sizes(root: Path) -> None:
    with open_ledger(root) as ledger:
        lines = ledger.query("SELECT count(*) FROM cost_lines")[0][0]
    parquet = sum(path.stat().st_size for path in root.rglob("*.parquet")) / lines
    database = (root / "ledger.duckdb").stat().st_size / lines
    print(f"{lines:,} lines; bytes per line, calls and rollups included: {database:.1f} in DuckDB, {parquet:.1f} in Parquet")


def _questions(root: Path) -> None:
    raw = "SELECT feature, date_trunc('month', occurred_at) AS month, sum(cost) FROM cost_lines GROUP BY ALL"
    with open_ledger(root) as ledger:
        print(f"P&L by feature and month over all lines        {_median(lambda: ledger.query(raw)):8.3f} s")
    report = ["pnl", "--ledger", str(root), "--period", "all", "--by", "feature,month", "--json"]
    command = [sys.executable, "-m", "breakeven", *report]
    cold = _median(lambda: subprocess.run(command, check=True, capture_output=True))
    print(f"breakeven pnl --by feature,month, cold         {cold:8.3f} s")
    print(f"largest process of this benchmark (the import) {_megabytes(resource.RUSAGE_CHILDREN):8,.0f} MB")
    print(f"this process, which asked over all lines       {_megabytes(resource.RUSAGE_SELF):8,.0f} MB")


def _median(ask: Callable[[], object]) -> float:
    """The median of some rounds, in seconds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        ask()
        rounds.append(time.perf_counter() - started)
    return statistics.median(rounds)


if __name__ == "__main__":
    main()
