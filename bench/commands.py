"""How long the command line takes from a cold start, on the sample company's ledger.

Run: python -m bench commands
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 9


def main() -> None:
    """Print the median of nine starts of each command."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        ledger = str(Path(folder) / "ledger")
        print(f"breakeven demo, all of it                      {_seconds('demo', '--ledger', ledger):8.3f} s")
        for arguments in (
            ("--help",),
            ("pnl", "--ledger", ledger, "--period", "2026-10", "--vs", "previous"),
            ("pnl", "--ledger", ledger, "--period", "all", "--by", "feature,month"),
            ("why", "cost", "--ledger", ledger, "--period", "2026-10"),
            ("why", "margin", "--ledger", ledger, "--period", "2026-10"),
            ("units", "--ledger", ledger, "--period", "2026-10"),
            ("customers", "--ledger", ledger, "--period", "2026-10"),
            ("calls", "--ledger", ledger, "--period", "2026-10"),
        ):
            shown = " ".join(word for word in arguments if word not in ("--ledger", ledger))
            print(f"breakeven {shown:36} {statistics.median(_seconds(*arguments) for _ in range(ROUNDS)):8.3f} s")


def _seconds(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "breakeven", *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
