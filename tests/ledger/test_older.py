"""Ledgers of a version that had fewer columns open as before: what they do not have is unknown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from breakeven.ledger import ImportResult, open_ledger
from breakeven.ledger.rebuild import rebuild
from breakeven.ledger.verify import verify

Call = Callable[..., dict[str, object]]
Importing = Callable[..., ImportResult]
ADDED = ("task_class", "template", "rungs_tried", "baseline_cost")


@pytest.fixture
def older(importing: Importing, call: Call, root: Path) -> Path:
    """A ledger of two segments as the version before the ladder wrote it: neither its files nor its tables have the new columns."""
    importing([call(minute) for minute in range(20)])
    importing([call(minute) for minute in range(20, 40)])
    for manifest in sorted((root / "manifest").glob("0*.json")):
        content = json.loads(manifest.read_text())
        for file in content["files"]:
            if file["table"] == "calls":
                _without_columns(root / file["path"])
                file["sha256"] = hashlib.sha256((root / file["path"]).read_bytes()).hexdigest()
                file["bytes"] = (root / file["path"]).stat().st_size
        manifest.write_text(json.dumps(content))
    with duckdb.connect(str(root / "ledger.duckdb")) as connection:
        connection.execute("DROP VIEW calls")
        for table in ("sealed.calls", "live.calls"):
            for name in ADDED:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    return root


def _without_columns(path: Path) -> None:
    shorter = path.with_suffix(".shorter")
    with duckdb.connect() as connection:
        read = f"SELECT * EXCLUDE ({', '.join(ADDED)}) FROM read_parquet('{path}', hive_partitioning = false)"
        connection.execute(f"COPY ({read}) TO '{shorter}' (FORMAT parquet)")
    shorter.replace(path)


def _known(root: Path) -> list[tuple[object, ...]]:
    with open_ledger(root) as ledger:
        return ledger.query("SELECT count(*), count(task_class), count(template), sum(baseline_cost)::VARCHAR FROM calls")


def test_a_reader_opens_a_database_of_fewer_columns(older: Path) -> None:
    """A report on an older ledger adds the columns, which are unknown for every call; nothing counts as damaged."""
    assert _known(older) == [(40, 0, 0, None)]
    assert verify(older).holds


def test_older_files_are_rebuilt_and_new_ones_stand_beside_them(older: Path, importing: Importing, call: Call) -> None:
    """Files without the columns and files with them make one database; importing an older file again adds nothing."""
    row = {"task_class": "invoice", "template": "t1", "rungs_tried": '[["cache","miss"]]', "baseline_cost": "0.25"}
    importing([call(60) | row])
    assert importing([call(minute) for minute in range(20)]).calls_added == 0
    assert rebuild(older).holds
    assert _known(older) == [(41, 1, 1, "0.250000000000000000")]
    assert verify(older).holds


@pytest.mark.usefixtures("older")
def test_what_is_added_does_not_identify_a_call(importing: Importing, call: Call) -> None:
    """A file whose calls are there already adds nothing when it says more about them."""
    assert importing([call(3) | {"task_class": "invoice", "baseline_cost": "1"}]).calls_added == 0
