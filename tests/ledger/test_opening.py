"""Opening a ledger: every way in which it cannot be opened is explained, with the exit code of the contract."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.errors import LedgerLocked, Unreachable
from breakeven.ledger import ImportResult, open_ledger
from breakeven.ledger.verify import verify

Call = Callable[..., dict[str, object]]
Importing = Callable[..., ImportResult]


def _pnl(root: Path) -> int:
    return run(["pnl", "--ledger", str(root)])


def test_a_missing_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No ledger: exit 4, and how to get one."""
    assert _pnl(tmp_path / "none") == 4
    assert "breakeven import" in capsys.readouterr().err


def test_a_directory_that_is_no_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with other things in it is never written to."""
    (tmp_path / "thesis.txt").write_text("precious")
    (tmp_path / "calls.csv").write_text("time,model,input\n2026-01-01,m,1\n")
    assert run(["import", "calls", str(tmp_path / "calls.csv"), "--ledger", str(tmp_path)]) == 3
    assert "neither empty nor a ledger" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.csv", "thesis.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"format": 99}', "format 99"), ("{", "ledger.json is damaged")],
)
def test_what_another_version_wrote(
    importing: Importing, call: Call, root: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    """A newer format asks for an upgrade, a damaged identity is told as such; neither is touched."""
    importing([call(1)])
    (root / "ledger.json").write_text(content)
    assert _pnl(root) == 3
    assert message in capsys.readouterr().err


def test_a_second_writer_is_told_who_writes(
    importing: Importing, call: Call, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One writer at a time: the other is told the process and exits 4; nothing is broken."""
    importing([call(1)])
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(LedgerLocked, match=f"process {holder.pid}"):
            open_ledger(root, write=True)
        assert run(["ledger", "seal", "--ledger", str(root)]) == 4
        assert str(holder.pid) in capsys.readouterr().err
    finally:
        holder.communicate("done\n")
    assert verify(root).holds


HOLDER = """
import sys
from pathlib import Path
from breakeven.ledger import open_ledger
with open_ledger(Path(sys.argv[1]), write=True):
    print("held", flush=True)
    sys.stdin.readline()
"""

FILLING = """
import resource, signal, sys
from pathlib import Path
from breakeven.errors import Unreachable
from breakeven.ledger import open_ledger
from breakeven.testing import FixedQuotes

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
rows = [
    {"occurred_at": f"2026-10-01T00:00:00.{n:06d}", "provider": "p", "model": "m", "input": n + 1, "identity": f"call {n * 7919}"}
    for n in range(60000)
]
with open_ledger(Path(sys.argv[1]), write=True) as ledger:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        with ledger.intake(source="t", quotes=FixedQuotes({"m": {"input": "1"}})) as intake:
            intake.stage_rows(rows)
            intake.commit()
    except Unreachable as error:
        print(error)
        sys.exit(4)
"""


@pytest.mark.slow
@pytest.mark.parametrize("allowed", [200_000, 1_500_000])
def test_a_full_disk(importing: Importing, call: Call, root: Path, allowed: int) -> None:
    """When files cannot grow any more, the import says so and stops; what was there stays, and later the same import completes."""
    importing([call(1)])
    full = subprocess.run([sys.executable, "-c", FILLING, root, str(allowed)], capture_output=True, text=True, check=False)
    assert (full.returncode, "run the same command again" in full.stdout) == (4, True), full.stdout + full.stderr
    assert verify(root).problems == ()
    with open_ledger(root) as ledger:
        assert ledger.query("SELECT count(*) FROM calls") == [(1,)]
    assert subprocess.run([sys.executable, "-c", FILLING, root, str(10**12)], check=False).returncode == 0
    with open_ledger(root) as ledger:
        assert ledger.query("SELECT count(*) FROM calls") == [(60_001,)]


def test_readers_do_not_need_to_write(importing: Importing, call: Call, root: Path) -> None:
    """Two readers at once are fine, and the identity file is plain JSON."""
    importing([call(1)])
    with open_ledger(root) as one, open_ledger(root) as other:
        assert one.query("SELECT count(*) FROM calls") == other.query("SELECT count(*) FROM calls") == [(1,)]
    assert json.loads((root / "ledger.json").read_text())["format"] == 1


def test_a_path_that_cannot_be_made(tmp_path: Path) -> None:
    """A ledger below a file cannot be created; that is told, not a traceback."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unreachable):
        open_ledger(tmp_path / "file" / "ledger", write=True, create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
