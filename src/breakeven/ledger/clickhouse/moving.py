"""Moving a ledger, and proving that it has arrived before anything points to the new place.

To ClickHouse: every sealed segment, then counts, exact sums and sums by month against the manifests, of facts and rollups. To a
directory: the sealed files themselves, hashes proved, the database made from them. Back from ClickHouse: every segment is sealed
anew from its rows, and its manifest must say what the original's says.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from breakeven.errors import DataError, LedgerDamaged, Problem, Unreachable
from breakeven.ledger.clickhouse.comparing import (
    Months,
    differences,
    rolled_months,
    sealed_months,
    shipped_months,
)
from breakeven.ledger.clickhouse.facts import explained
from breakeven.ledger.clickhouse.shipping import Shipper
from breakeven.ledger.clickhouse.tables import IDENTITY_TABLE, SEGMENTS
from breakeven.ledger.layout import Layout, sync_directory, sync_file, write_durably
from breakeven.ledger.live import commit_segments, seal_closed
from breakeven.ledger.lock import alive
from breakeven.ledger.rebuild import rebuild
from breakeven.ledger.schema import FACTS, FORMAT_VERSION, TIME_COLUMN
from breakeven.ledger.seals import Manifest, manifests, seal
from breakeven.ledger.segments import close_abandoned
from breakeven.ledger.store import open_ledger

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_RECORD = ("sealed", "manifest", "prices", "ledger.json", "breakeven.yaml", "decisions.ndjson", "keys.json")
"""What makes up the record, and what belongs to it; where it is there."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved, and what was found equal at both ends. `segments` counts those at the new place, `added` the new ones."""

    segments: int
    added: int
    rows: dict[str, int]
    sums: dict[str, dict[str, Decimal]]
    months: int


def settle(path: Path) -> Layout:
    """Seal what gateways have closed, so that the move has it; what they still write stays where it is."""
    with open_ledger(path, write=True) as ledger:
        close_abandoned(ledger.layout)
        commit_segments(ledger)
        seal_closed(ledger)
        return ledger.layout


def to_clickhouse(layout: Layout, client: Client, place: str, retention_days: int | None = None) -> Moved:
    """Ship all sealed segments and compare. Raises LedgerDamaged naming every difference."""
    shipper = Shipper(client, place, retention_days)
    shipped = shipper.ship(layout)
    with explained(place):
        there = shipper.segments()
    known = [manifest for manifest in manifests(layout) if manifest.segment in there]
    wanted = sealed_months(known)
    problems = [*differences(wanted, rolled_months(client, place), rolled=True)]
    if retention_days is None:
        problems += differences(wanted, shipped_months(client, place))
    _refuse(problems, f"what is at {place} is not what this ledger holds")
    return _moved(wanted, len(known), len(shipped.segments))


def to_directory(layout: Layout, target: Path) -> Moved:
    """Copy the record to an empty or new directory, prove it there, then let it take its name. Raises DataError, LedgerDamaged."""
    with _draft(target) as draft:
        for name in _RECORD:
            source = layout.root / name
            if source.is_dir():
                shutil.copytree(source, draft / name, ignore=shutil.ignore_patterns("drafts"))
            elif source.is_file():
                shutil.copy2(source, draft / name)
        report = rebuild(draft)
        wanted = sealed_months(manifests(layout))
        _refuse([*report.problems, *differences(wanted, sealed_months(manifests(Layout(draft))))], f"the copy at {target} differs")
    return _moved(wanted, report.segments, report.segments)


def from_clickhouse(client: Client, place: str, target: Path) -> Moved:
    """Make a ledger in an empty or new directory from ClickHouse. Raises DataError, LedgerDamaged."""
    with explained(place):
        originals = [
            msgspec.json.decode(text, type=Manifest)
            for (text,) in _rows(client, f"SELECT manifest FROM {SEGMENTS} FINAL ORDER BY segment")
        ]
        identity = _rows(client, f"SELECT id FROM {IDENTITY_TABLE}")
    if not originals or not identity:
        raise DataError(f"there is no ledger at {place}", "Export one to it first: breakeven ledger export --to clickhouse://...")
    with _draft(target) as draft:
        layout = Layout(draft)
        layout.create()
        write_durably(layout.identity, msgspec.json.encode({"format": FORMAT_VERSION, "id": identity[0][0]}) + b"\n")
        with duckdb.connect(config={"temp_directory": str(layout.spill)}) as scratch, explained(place):
            for original in originals:
                _sealed_anew(client, scratch, layout, original)
        wanted = sealed_months(originals)
        _refuse([*differences(wanted, sealed_months(manifests(layout)))], f"what came from {place} is not what was sent there")
        report = rebuild(draft)
        _refuse(report.problems, f"the ledger made from {place} does not hold")
    return _moved(wanted, report.segments, report.segments)


def _sealed_anew(client: Client, scratch: duckdb.DuckDBPyConnection, layout: Layout, original: Manifest) -> None:
    """One segment, from its rows in ClickHouse."""
    tables = dict.fromkeys(file.table for file in original.files)
    for table in tables:
        path = layout.spill / f"{table}.parquet"
        with path.open("wb") as file:
            for chunk in _parquet(client, table, original.segment):
                file.write(chunk)
        read = ", ".join(_read(name, kind) for name, kind in FACTS[table].items())
        scratch.execute(f"CREATE OR REPLACE TABLE moved_{table} AS SELECT {read} FROM read_parquet('{path}')")
        path.unlink()
    seal(
        scratch,
        layout,
        {table: f"moved_{table}" for table in tables},
        segment=original.segment,
        kind=original.kind,
        source=original.source,
        recorded_at=datetime.fromisoformat(original.recorded_at),
    )


def _parquet(client: Client, table: str, segment: int) -> Iterator[bytes]:
    columns = ", ".join(_written(name, kind) for name, kind in FACTS[table].items())
    order = TIME_COLUMN[table]
    sql = f"SELECT {columns} FROM {table} AS facts WHERE segment_of = {segment} ORDER BY facts.{order}"
    with client.raw_stream(sql, fmt="Parquet", settings={"output_format_parquet_string_as_string": 1}) as stream:
        yield from stream


def _written(name: str, kind: str) -> str:
    """Ids and times travel in a shape that no time zone or byte order can change."""
    if kind == "UUID":
        return f"toString(facts.{name}) AS {name}"
    return f"toUnixTimestamp64Micro(facts.{name}) AS {name}" if kind == "TIMESTAMP" else f"facts.{name} AS {name}"


def _read(name: str, kind: str) -> str:
    return f"make_timestamp({name}) AS {name}" if kind == "TIMESTAMP" else f"CAST({name} AS {kind}) AS {name}"


class _draft:  # noqa: N801 - used as a function
    """A directory beside the target that takes its name when everything in the block has held and is on the disk; else it is gone.

    What a killed move left behind is gone with the next move to the same target.
    """

    def __init__(self, target: Path) -> None:
        self._target = target.expanduser().resolve()
        self._path = self._target.with_name(f".{self._target.name}.{os.getpid()}")

    def __enter__(self) -> Path:
        if self._target.is_file() or (self._target.is_dir() and any(self._target.iterdir())):
            raise DataError(f"{self._target} is not empty", "Name a new or empty directory.")
        for left in self._target.parent.glob(f".{glob.escape(self._target.name)}.*"):
            if left.suffix[1:].isdigit() and not alive(int(left.suffix[1:])):
                shutil.rmtree(left, ignore_errors=True)
        self._path.mkdir(parents=True)
        return self._path

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        if kind is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            if isinstance(error, OSError | duckdb.IOException):
                raise Unreachable(
                    f"{self._target} cannot be written: {_reason(error)}", "Make room or name another place, and run it again."
                ) from error
            return
        for path in self._path.rglob("*"):
            (sync_directory if path.is_dir() else sync_file)(path)
        if self._target.is_dir():
            self._target.rmdir()
        self._path.rename(self._target)
        sync_directory(self._target.parent)


def _reason(error: OSError | duckdb.IOException) -> str:
    """Copying a tree tells of each file in a list of its own: the first says enough."""
    if isinstance(error, shutil.Error):
        return str(error.args[0][0][2])
    return str(error)


def _refuse(problems: Sequence[Problem], what: str) -> None:
    if problems:
        raise LedgerDamaged(what, "Nothing was changed over.", tuple(problems))


def _moved(months: Months, segments: int, added: int) -> Moved:
    rows = dict.fromkeys(FACTS, 0)
    sums: dict[str, dict[str, Decimal]] = {}
    for (table, _), month in months.items():
        rows[table] += month.rows
        for name, total in month.sums.items():
            of_table = sums.setdefault(table, {})
            of_table[name] = of_table.get(name, Decimal(0)) + total
    return Moved(segments, added, rows, sums, len({month for _, month in months}))


def _rows(client: Client, sql: str) -> Sequence[Sequence[Any]]:
    rows: Sequence[Sequence[Any]] = client.query(sql).result_rows
    return rows
