"""Moving a ledger to a directory and back from ClickHouse, killed and on full disks."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.ledger import open_ledger
from breakeven.ledger.restate import restate
from breakeven.settings.clickhouse import ClickHouseAddress
from breakeven.testing import FixedQuotes

Start = Callable[[str], ClickHouseAddress]
PLAIN = FixedQuotes({"m": {"input": "2.50", "output": "10"}})
PRICED = FixedQuotes({"m": {"input": "2.50", "output": "10"}, "mystery": {"input": "1", "output": "1"}}, version="v2")


def _grown(root: Path, number: int) -> None:
    """Two segments more: calls with and without a price, in two months; and a restatement that prices the rest."""
    day = datetime(2026, 9, 30, 23, 59) + timedelta(seconds=number)
    with (
        open_ledger(root, write=True, create=True) as ledger,
        ledger.intake(source="import:test", quotes=PLAIN, recorded_at=datetime(2026, 11, 1)) as intake,
    ):
        intake.stage_rows(
            [
                {"occurred_at": when.isoformat(), "provider": "openai", "model": model, "input": 1000 + number, "feature": "f"}
                for when in (day, day + timedelta(hours=1))
                for model in ("m", "mystery")
            ]
        )
        intake.commit()
    with open_ledger(root, write=True) as ledger:
        restate(ledger, PRICED, datetime(2026, 9, 1), datetime(2026, 11, 20))


SMALL = """
import sys
from pathlib import Path
from breakeven.cli.main import run
place, wanted = Path(sys.argv[1]), sys.argv[2:]
code = run(wanted)
print(code, sorted(path.name for path in place.iterdir()))
"""


def _on_a_small_disk(place: Path, size: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, where `place` is a disk of its own that takes `size`."""
    mounted = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, str(place)]
    command += [sys.executable, "-c", SMALL, str(place), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("way", ["export", "import"])
def test_a_move_to_a_full_disk_leaves_nothing(tmp_path: Path, start_clickhouse: Start, way: str) -> None:
    """Where the new place takes no more, that is told (exit code 4) and no half ledger is left; with room it arrives whole."""
    root, place = tmp_path / "ledger", tmp_path / "small"
    _grown(root, 1)
    place.mkdir()
    if way == "import":
        address = str(start_clickhouse("small"))
        assert run(["ledger", "export", "--to", address, "--ledger", str(root)]) == 0
        arguments = ["ledger", "import", "--from", address, "--ledger", str(place / "copy")]
    else:
        arguments = ["ledger", "export", "--to", str(place / "copy"), "--ledger", str(root)]
    for size in ("16k", "64k", "1m"):
        full = _on_a_small_disk(place, size, *arguments)
        assert full.stdout.splitlines()[-1] == "4 []", (size, full.stdout)
        assert "No space left on device" in full.stderr
        assert "Traceback" not in full.stderr
    assert _on_a_small_disk(place, "64m", *arguments).stdout.splitlines()[-1] == "0 ['copy']"


@pytest.mark.slow
def test_a_killed_move_is_done_again(tmp_path: Path) -> None:
    """`kill -9` just before the copy gets its name: there is no copy, and the next move makes it and clears up."""
    root, copy = tmp_path / "ledger", tmp_path / "copy"
    _grown(root, 1)
    dying = "import os, signal, sys; from pathlib import Path; from breakeven.cli.main import run"
    dying += "; Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL); run(sys.argv[1:])"
    arguments = ["ledger", "export", "--to", str(copy), "--ledger", str(root)]
    assert subprocess.run([sys.executable, "-c", dying, *arguments], check=False).returncode == -signal.SIGKILL
    assert not copy.exists()
    assert len(list(tmp_path.glob(".copy.*"))) == 1
    assert run(arguments) == 0
    assert run(["ledger", "verify", "--ledger", str(copy)]) == 0
    assert list(tmp_path.glob(".copy.*")) == []
