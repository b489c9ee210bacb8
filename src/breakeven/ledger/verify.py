"""Verification: files against manifests, tables against files, rollups against tables. It names what is damaged and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from breakeven.errors import BreakevenError, LedgerDamaged, Problem
from breakeven.ledger.layout import Layout
from breakeven.ledger.schema import FACTS
from breakeven.ledger.seals import SUMS, Manifest, SealedFile, measured, read_manifest, sha256_of
from breakeven.ledger.store import Ledger, open_ledger

_RESTORE = "Restore this file from a backup; without it what it held is lost."
_REBUILD = "Run: breakeven ledger rebuild (the database is made anew from the sealed files)."


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was compared. The ledger holds if `problems` is empty. `sums` are exact, over all sealed files."""

    segments: int
    files: int
    rows: Mapping[str, int]
    sums: Mapping[str, Mapping[str, Decimal]]
    problems: tuple[Problem, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is damaged."""
        return not self.problems


def verify(path: Path) -> VerifyReport:
    """Recompute every hash, count and sum of the ledger at `path`. Faults of the content are returned, not raised."""
    layout = Layout(path.expanduser().resolve())
    readable, problems = _manifests(layout)
    with duckdb.connect() as scratch:
        for manifest in readable:
            for file in manifest.files:
                problems += _file_problems(scratch, layout, file)
    problems += _gaps(readable)
    rows, sums = _totals(readable)
    try:
        with open_ledger(path) as ledger:
            problems += list(_table_problems(ledger, rows, sums))
            problems += list(_rollup_problems(ledger))
    except BreakevenError as error:
        problems.append(Problem(layout.database.name, error.what, error.remedy or _REBUILD))
    return VerifyReport(len(readable), sum(len(manifest.files) for manifest in readable), rows, sums, tuple(problems))


def _manifests(layout: Layout) -> tuple[list[Manifest], list[Problem]]:
    readable: list[Manifest] = []
    problems: list[Problem] = []
    for path in sorted(layout.manifests.glob("[0-9]*.json")):
        try:
            readable.append(read_manifest(path))
        except LedgerDamaged as error:
            problems.append(Problem(f"manifest/{path.name}", error.what, error.remedy))
    return readable, problems


def _gaps(readable: list[Manifest]) -> list[Problem]:
    present = {manifest.segment for manifest in readable}
    missing = sorted(set(range(1, max(present, default=0) + 1)) - present)
    return [Problem(f"manifest/{number:08d}.json", "the manifest of this segment is missing", _RESTORE) for number in missing]


def _file_problems(scratch: duckdb.DuckDBPyConnection, layout: Layout, file: SealedFile) -> Iterator[Problem]:
    path = layout.root / file.path
    if not path.is_file():
        yield Problem(file.path, "the file is missing", _RESTORE)
        return
    size = path.stat().st_size
    if size != file.bytes:
        yield Problem(file.path, f"it has {size} bytes, the manifest says {file.bytes}", _RESTORE)
    if sha256_of(path) != file.sha256:
        yield Problem(file.path, "its SHA-256 is not the one in the manifest", _RESTORE)
        return
    target = str(path).replace("'", "''")
    rows, earliest, latest, sums = measured(scratch, file.table, f"read_parquet('{target}')")
    if (rows, earliest, latest, sums) != (file.rows, file.earliest, file.latest, file.sums):
        yield Problem(file.path, f"it holds {rows} rows with sums {sums}, the manifest says {file.rows} and {file.sums}", _RESTORE)


def _totals(readable: list[Manifest]) -> tuple[dict[str, int], dict[str, dict[str, Decimal]]]:
    rows = dict.fromkeys(FACTS, 0)
    sums: dict[str, dict[str, Decimal]] = {table: {name: Decimal(0) for name in names} for table, names in SUMS.items()}
    for file in (file for manifest in readable for file in manifest.files):
        rows[file.table] += file.rows
        for name, text in file.sums.items():
            sums[file.table][name] += Decimal(text or 0)
    return rows, sums


def _table_problems(ledger: Ledger, rows: Mapping[str, int], sums: Mapping[str, Mapping[str, Decimal]]) -> Iterator[Problem]:
    for table in FACTS:
        count, _, _, found = measured(ledger.connection, table, f"sealed.{table}")
        totals = {name: Decimal(text or 0) for name, text in found.items()}
        if count != rows[table]:
            yield Problem(f"table {table}", f"it holds {count} rows, the sealed files hold {rows[table]}", _REBUILD)
        yield from (
            Problem(f"table {table}", f"its sum of {name} is {total}, that of the sealed files is {sums[table][name]}", _REBUILD)
            for name, total in totals.items()
            if total != sums[table][name]
        )


def _rollup_problems(ledger: Ledger) -> Iterator[Problem]:
    comparisons = (
        ("rollup_costs", "sum(cost)", "cost_lines", "sum(cost)"),
        ("rollup_costs", "sum(quantity)", "cost_lines", "sum(quantity)"),
        ("rollup_calls", "sum(call_count)", "calls", "sum(CASE WHEN attempt = 0 THEN call_count ELSE 0 END)"),
        ("rollup_calls", "sum(input_tokens)", "calls", "sum(input_tokens)"),
    )
    for rollup, measure, table, wanted in comparisons:
        found = ledger.query(f"SELECT coalesce({measure}, 0) FROM sealed.{rollup}")[0][0]
        expected = ledger.query(f"SELECT coalesce({wanted}, 0) FROM sealed.{table}")[0][0]
        if found != expected:
            yield Problem(f"rollup {rollup}", f"its {measure} is {found}, that of {table} is {expected}", _REBUILD)
