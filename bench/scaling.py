"""Does the interval of the elasticity, and of the adoption at which a feature breaks even, hold what it promises?

Five hundred invented companies of each kind, with a known elasticity: customers of very unequal size that come at different times,
grow unevenly and differ in what they cost for good; seasons and price steps; errors that last from month to month and differ in
size between customers. Also how long the commands take on the sample company. Run: python -m bench scaling
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from breakeven.testing.companies import Kind, held

COMPANIES = 500
KINDS = (
    Kind(customers=20, periods=12),
    Kind(customers=60, periods=12),
    Kind(customers=200, periods=12),
    Kind(customers=60, periods=26),
    Kind(customers=200, periods=12, spread=2.0),
)
COMMANDS = (("scaling",), ("scaling", "--feature", "Contract extraction"), ("engagement",), ("cohorts",), ("portfolio",))
ROUNDS = 5


def main() -> None:
    """Print coverage per kind of company, then the seconds of each command."""
    for kind in KINDS:
        found = held(kind, COMPANIES, seed=1)
        print(
            f"{kind.customers:4} customers, {kind.periods} periods, spread {kind.spread}: elasticity held {found.elasticity:.1%}; "
            f"break-even held {found.crossing:.1%} (stated for {found.stated:.0%}), marginal {found.marginal:.1%}",
            flush=True,
        )
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        ledger = str(Path(folder) / "ledger")
        _seconds("demo", "--no-live", "--ledger", ledger)
        for arguments in COMMANDS:
            spent = statistics.median(_seconds(*arguments, "--ledger", ledger) for _ in range(ROUNDS))
            print(f"breakeven {' '.join(arguments):44} {spent:6.3f} s")


def _seconds(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "breakeven", *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
