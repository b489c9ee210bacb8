"""How long the command line takes from a cold start: on the sample company's ledger, and on one of ten million calls.

Run: python -m bench commands. The larger ledger takes some three minutes and 3 GB to make; BENCH_CALLS=0 leaves it out.

Targets: every command within 1 s on the sample company, within 3 s on ten million calls.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROUNDS = 5
CALLS = int(os.environ.get("BENCH_CALLS", "10000000"))
OCTOBER = ("--period", "2026-10")
COMMANDS = (
    ("pnl", *OCTOBER, "--vs", "previous"),
    ("pnl", "--period", "all", "--by", "feature,month"),
    ("why", "cost", *OCTOBER),
    ("why", "margin", *OCTOBER),
    ("units", *OCTOBER),
    ("scaling", *OCTOBER),
    ("engagement", *OCTOBER),
    ("cohorts", *OCTOBER),
    ("portfolio", *OCTOBER),
    ("forecast", *OCTOBER),
    ("forecast", "--period", "2026-11"),
    ("watch", *OCTOBER),
    ("scenario", *OCTOBER),
    ("audit", *OCTOBER),
    ("customers", *OCTOBER),
    ("calls", *OCTOBER),
    ("budget", "status"),
    ("owner", "list", *OCTOBER),
)
CONFIG = """
features:
  feature-0: {owner: a, unit: document, value: {kind: unit_price, price: "0.02", grade: B}}
  feature-1: {owner: a, unit: document, value: {kind: unit_price, price: "0.004", grade: B}}
  feature-2: {owner: b, unit: answer, value: {kind: revenue, share: cost, grade: B}}
  feature-3: {owner: b, unit: answer, value: {kind: revenue, share: cost, grade: B}}
"""


def main() -> None:
    """Print the median of five starts of each command."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        sample, grown = Path(folder) / "sample", Path(folder) / "grown"
        print(f"breakeven --help   {_wall('--help'):.3f} s")
        print(f"breakeven demo, all of it   {_wall('demo', '--no-live', '--ledger', str(sample)):.1f} s")
        _table("the sample company", sample)
        if CALLS:
            _grow(grown)
            _table(f"{CALLS:,} invented calls", grown)


def _table(title: str, ledger: Path) -> None:
    print(f"\n| {title}, cold start, median of {ROUNDS} | wall, s | CPU, s |\n|---|---|---|")
    for command in COMMANDS:
        found = [_taken(*command, "--ledger", str(ledger)) for _ in range(ROUNDS)]
        wall, cpu = (statistics.median(one[at] for one in found) for at in (0, 1))
        print(f"| `breakeven {' '.join(command)}` | {wall:.2f} | {cpu:.2f} |")


def _grow(ledger: Path) -> None:
    """A year of calls of 8 features, 200 customers, 20,000 users and 3 models, growing by month, with outcomes and revenue."""
    source = ledger.with_name("source")
    source.mkdir()
    at = "TIMESTAMP '2025-11-01' + to_microseconds((pow(i / {count}, 0.8) * 365 * 86400 * 1e6)::BIGINT)"
    calls = f"""
        SELECT {at.format(count=CALLS)} AS occurred_at,
            ['openai', 'openai', 'anthropic'][(1 + hash(i) % 3)::BIGINT] AS provider,
            ['gpt-4o', 'gpt-5-mini', 'claude-sonnet-4-6'][(1 + hash(i) % 3)::BIGINT] AS model,
            'feature-' || (hash(i * 5) % 8) AS feature, 'team-' || (hash(i * 5) % 4) AS team,
            'customer-' || (hash(i * 11) % 20000 % 200) AS customer, 'user-' || (hash(i * 11) % 20000) AS user_id,
            'trace-' || (i // 3) AS trace_id, ['mid', 'small', 'frontier'][(1 + hash(i) % 3)::BIGINT] AS rung,
            (1 + hash(i * 13) % 4000)::BIGINT AS input, (1 + hash(i * 17) % 2000)::BIGINT AS cache_read,
            (1 + hash(i * 19) % 800)::BIGINT AS output
        FROM range({CALLS}) AS made(i)"""
    few = CALLS // 50
    outcomes = f"""
        SELECT {at.format(count=few)} AS occurred_at, 'document' AS unit, 40 AS quantity, hash(i) % 20 > 0 AS succeeded,
            'feature-' || (hash(i * 5) % 4) AS feature, 'customer-' || (hash(i * 7) % 200) AS customer,
            'outcome-' || i AS source_ref
        FROM range({few}) AS made(i)"""
    revenue = """
        SELECT month AS period_start, month + INTERVAL 1 MONTH AS period_end, 'customer-' || c AS customer, 100 + c * 3 AS amount
        FROM range(200) AS customers(c), range(TIMESTAMP '2025-11-01', TIMESTAMP '2026-11-01', INTERVAL 1 MONTH) AS months(month)"""
    with duckdb.connect() as engine:
        for name, select in (("calls", calls), ("outcomes", outcomes), ("revenue", revenue)):
            engine.execute(f"COPY ({select}) TO '{source / name}.parquet' (FORMAT parquet)")
    for name in ("calls", "outcomes", "revenue"):
        _wall("import", name, str(source / f"{name}.parquet"), "--ledger", str(ledger))
    (ledger / "breakeven.yaml").write_text(CONFIG)


def _wall(*arguments: str) -> float:
    return _taken(*arguments)[0]


def _taken(*arguments: str) -> tuple[float, float]:
    """Wall time and CPU of one start; exit codes up to 1 are answers."""
    started, used = time.perf_counter(), _cpu()
    done = subprocess.run([sys.executable, "-m", "breakeven", *arguments], check=False, capture_output=True, text=True)
    if done.returncode > 1:
        raise SystemExit(f"breakeven {' '.join(arguments)}: {done.stderr}")
    return time.perf_counter() - started, _cpu() - used


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
