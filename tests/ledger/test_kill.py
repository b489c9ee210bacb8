"""kill -9 at any step of an import: what is in the ledger afterwards is whole, and the same import completes it exactly."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from breakeven.ledger import open_ledger
from breakeven.ledger.verify import verify

# The child kills itself at the n-th call of one function of ours, so every boundary between two steps is met.
CHILD = """
import os, signal, sys
from pathlib import Path
from breakeven.ledger import intake as intake_module, open_ledger, seals, store
from breakeven.testing import FixedQuotes

root, module, name, fatal = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
intake_module.CHUNK_ROWS = 100
owner = {"seals": seals, "store": store}.get(module)
if owner is not None:
    real, calls = getattr(owner, name), [0]
    def dying(*given, **named):
        calls[0] += 1
        if calls[0] == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)
    setattr(owner, name, dying)
rows = [
    {
        "occurred_at": f"2026-{9 + n % 2:02d}-01T{n // 60 % 24:02d}:{n % 60:02d}:00",
        "provider": "openai", "model": "m", "input": n + 1, "output": 1,
    }
    for n in range(450)
]
with open_ledger(root, write=True, create=True) as ledger:
    with ledger.intake(source="import:killed", quotes=FixedQuotes({"m": {"input": "1", "output": "2"}})) as intake:
        intake.stage_rows(rows)
        intake.commit()
"""
EXPECTED = Decimal(450 * 451 // 2 + 2 * 450) / 10**6
STEPS = [
    ("seals", "sync_file", 1),
    ("seals", "sync_file", 6),
    ("seals", "sha256_of", 3),
    ("seals", "write_durably", 1),
    ("seals", "write_durably", 3),
    ("store", "_insert", 1),
    ("store", "_insert", 4),
    ("seals", "sync_directory", 2),
]


def _import(root: Path, module: str = "none", name: str = "", fatal: int = 0) -> int:
    return subprocess.run([sys.executable, "-c", CHILD, root, module, name, str(fatal)], check=False).returncode


@pytest.mark.slow
@pytest.mark.parametrize(("module", "name", "fatal"), STEPS)
def test_a_killed_import_leaves_a_whole_ledger(tmp_path: Path, module: str, name: str, fatal: int) -> None:
    """After kill -9 the ledger verifies, and the same import completes it to the undisturbed sums: nothing lost, nothing twice."""
    root = tmp_path / "ledger"
    assert _import(root, module, name, fatal) == -9
    with open_ledger(root, write=True) as ledger:
        found = ledger.query("SELECT count(*) FROM calls")[0][0]
    assert found % 50 == 0, "a segment is there as a whole or not at all"
    report = verify(root)
    assert report.problems == ()
    assert _import(root) == 0
    with open_ledger(root) as ledger:
        assert ledger.query("SELECT count(*), (SELECT sum(cost) FROM cost_lines) FROM calls") == [(450, EXPECTED)]
    assert verify(root).problems == ()
