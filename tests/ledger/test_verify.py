"""Verify names what is damaged; rebuild makes the database anew to the same sums."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from breakeven.cli.main import run
from breakeven.errors import LedgerDamaged
from breakeven.ledger import ImportResult, open_ledger
from breakeven.ledger.rebuild import rebuild
from breakeven.ledger.verify import verify

Call = Callable[..., dict[str, object]]
Importing = Callable[..., ImportResult]


@pytest.fixture
def sealed(importing: Importing, call: Call, root: Path) -> Path:
    """A ledger of two segments."""
    importing([call(minute) for minute in range(20)])
    importing([call(minute) for minute in range(20, 40)])
    return root


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _parquet(root: Path) -> Path:
    return min(root.rglob("cost_lines/*/*.parquet"))


def _edit_manifest(root: Path) -> None:
    path = root / "manifest" / "00000001.json"
    manifest = json.loads(path.read_text())
    manifest["files"][1]["sums"]["cost"] = "1"
    path.write_text(json.dumps(manifest))


def _edit_table(root: Path) -> None:
    with duckdb.connect(str(root / "ledger.duckdb")) as connection:
        connection.execute("UPDATE sealed.cost_lines SET cost = cost + 1 WHERE rowid = 3")


def _edit_rollup(root: Path) -> None:
    with duckdb.connect(str(root / "ledger.duckdb")) as connection:
        connection.execute("DELETE FROM sealed.rollup_costs WHERE rowid = 0")


@pytest.mark.parametrize(
    ("damage", "where", "what"),
    [
        (lambda root: _flip(_parquet(root)), "cost_lines", "SHA-256"),
        (lambda root: _parquet(root).unlink(), "cost_lines", "missing"),
        (lambda root: _parquet(root).write_bytes(b"PAR1"), "cost_lines", "4 bytes"),
        (_edit_manifest, "cost_lines", "the manifest says"),
        (lambda root: (root / "manifest" / "00000001.json").unlink(), "manifest/00000001.json", "missing"),
        (lambda root: (root / "manifest" / "00000002.json").write_text("{"), "manifest/00000002.json", "damaged"),
        (_edit_table, "table cost_lines", "sum of cost"),
        (_edit_rollup, "rollup rollup_costs", "do not sum up"),
    ],
)
def test_damage_is_named(sealed: Path, damage: Callable[[Path], object], where: str, what: str) -> None:
    """A flipped bit, a lost or cut file, an edited manifest, table or rollup: each is named with its place."""
    assert verify(sealed).holds
    damage(sealed)
    problems = verify(sealed).problems
    assert any(where in problem.where and what in problem.what for problem in problems), problems
    assert all(problem.remedy for problem in problems)


def test_verify_on_the_command_line(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`breakeven ledger verify` exits 0 with the exact sums where the ledger holds, and 3 with the place where it does not."""
    assert run(["ledger", "verify", "--ledger", str(sealed), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sums"]["cost_lines.cost"] == "0.14"
    _flip(_parquet(sealed))
    assert run(["ledger", "verify", "--ledger", str(sealed)]) == 3
    assert "SHA-256" in capsys.readouterr().err


def test_a_damaged_database_is_rebuilt_to_the_same_sums(sealed: Path) -> None:
    """The database is only a view: tampered with or destroyed, it is made anew from the sealed files, to the last digit."""
    before = verify(sealed).sums
    for damage in (_edit_table, _edit_rollup, lambda root: (root / "ledger.duckdb").write_bytes(b"not a database" * 1000)):
        damage(sealed)
        assert not verify(sealed).holds
        assert rebuild(sealed).sums == before
        assert verify(sealed).holds


def test_rebuild_refuses_damaged_files(sealed: Path) -> None:
    """Where a sealed file is gone, rebuild says which, and leaves the old database in place."""
    _parquet(sealed).unlink()
    with pytest.raises(LedgerDamaged) as refused:
        rebuild(sealed)
    assert any("cost_lines" in problem.where for problem in refused.value.problems)
    with open_ledger(sealed) as ledger:
        assert ledger.query("SELECT count(*) FROM calls") == [(40,)]
