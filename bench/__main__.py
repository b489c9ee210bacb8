"""Run every benchmark: `make bench`, or one by its name: `python -m bench imports`."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = (
    "rating",
    "policies",
    "budgets",
    "imports",
    "otlp",
    "ledger",
    "commits",
    "commands",
    "compiled",
    "handlers",
    "evidence",
    "routing",
    "scaling",
    "economics_proof",
    "gateway",
    "ladder",
    "soak",
)

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHMARKS:
        print(f"## {name}", flush=True)
        importlib.import_module(f"bench.{name}").main()
