"""Verification: files against manifests, tables against files, rollups against tables. It names what is damaged and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from breakeven.errors import BreakevenError, LedgerDamaged, LedgerLocked, Problem
from breakeven.ledger.damaged import rejected_lines
from breakeven.ledger.decisions import read as read_decisions
from breakeven.ledger.engine import explained, rollup_calls_select, rollup_costs_select
from breakeven.ledger.layout import Layout
from breakeven.ledger.schema import FACTS, ROLLUP_CALLS, ROLLUP_COSTS, TIME_COLUMN
from breakeven.ledger.seals import (
    RESTORE,
    SUMS,
    Manifest,
    SealedFile,
    damage,
    lost_segments,
    measured,
    read_manifest,
)
from breakeven.ledger.segments import segment_size
from breakeven.ledger.store import Ledger, locate, open_ledger

_SEAL = "Run: breakeven ledger seal (what was committed of it is in the database, and is sealed from there)."
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
    """Recompute every hash, count and sum of the ledger at `path`. Faults of the content are returned, not raised.

    Raises Unreachable where there is no ledger, and LedgerLocked while another process writes to it.
    """
    layout = locate(path)
    try:
        with open_ledger(path) as ledger:
            report = verify_sealed(layout, ledger.loaded_segments())
            found = () if report.problems else (*database_problems(ledger, report), *live_problems(ledger), *rejected_lines(layout))
    except LedgerLocked:
        raise
    except BreakevenError as error:
        report = verify_sealed(layout, frozenset())
        found = (Problem(layout.database.name, error.what, error.remedy or _REBUILD),)
    return replace(report, problems=(*report.problems, *found))


def verify_sealed(layout: Layout, loaded: AbstractSet[int]) -> VerifyReport:
    """Recompute hashes, counts and sums of the sealed files alone, which is the record; `loaded` are segments known besides."""
    readable, problems = _manifests(layout)
    problems += [
        Problem(f"manifest/{segment:08d}.json", "the manifest of this segment is missing", RESTORE)
        for segment in lost_segments(layout, loaded)
    ]
    with duckdb.connect() as scratch:
        for file in (file for manifest in readable for file in manifest.files):
            problem = damage(layout, file) or _differing(scratch, layout, file)
            problems += [problem] if problem else []
    problems += read_decisions(layout)[1]
    rows, sums = _totals(readable)
    return VerifyReport(len(readable), sum(len(manifest.files) for manifest in readable), rows, sums, tuple(problems))


def database_problems(ledger: Ledger, sealed: VerifyReport) -> Iterator[Problem]:
    """Where the tables differ from the sealed files (in any value, not only in sums), or the rollups from the tables."""
    try:
        with explained(ledger.layout.database):
            yield from _sum_problems(ledger, sealed)
            yield from _content_problems(ledger)
            yield from _rollup_problems(ledger)
    except BreakevenError as error:
        yield Problem(ledger.layout.database.name, error.what, error.remedy or _REBUILD)


def _manifests(layout: Layout) -> tuple[list[Manifest], list[Problem]]:
    readable: list[Manifest] = []
    problems: list[Problem] = []
    for path in sorted(layout.manifests.glob("[0-9]*.json")):
        try:
            readable.append(read_manifest(path))
        except LedgerDamaged as error:
            problems.append(Problem(f"manifest/{path.name}", error.what, error.remedy))
    return readable, problems


def _differing(scratch: duckdb.DuckDBPyConnection, layout: Layout, file: SealedFile) -> Problem | None:
    """The hash holds: what the manifest says of the content must hold too, or the manifest was altered."""
    rows, earliest, latest, sums = measured(scratch, file.table, _parquet(file.table, [layout.root / file.path]))
    if (rows, earliest, latest, sums) == (file.rows, file.earliest, file.latest, file.sums):
        return None
    return Problem(file.path, f"it holds {rows} rows with sums {sums}, the manifest says {file.rows} and {file.sums}", RESTORE)


def _totals(readable: list[Manifest]) -> tuple[dict[str, int], dict[str, dict[str, Decimal]]]:
    rows = dict.fromkeys(FACTS, 0)
    sums: dict[str, dict[str, Decimal]] = {table: {name: Decimal(0) for name in names} for table, names in SUMS.items()}
    for file in (file for manifest in readable for file in manifest.files):
        rows[file.table] += file.rows
        for name, text in file.sums.items():
            sums[file.table][name] += Decimal(text or 0)
    return rows, sums


def _sum_problems(ledger: Ledger, sealed: VerifyReport) -> Iterator[Problem]:
    for table in FACTS:
        count, _, _, found = measured(ledger.connection, table, f"sealed.{table}")
        if count != sealed.rows[table]:
            yield Problem(f"table {table}", f"it holds {count} rows, the sealed files hold {sealed.rows[table]}", _REBUILD)
        for name, text in found.items():
            wanted = sealed.sums[table][name]
            if Decimal(text or 0) != wanted:
                yield Problem(f"table {table}", f"its sum of {name} is {text}, that of the sealed files is {wanted:f}", _REBUILD)


def _content_problems(ledger: Ledger) -> Iterator[Problem]:
    """Hashes of whole rows, summed by month: they also differ where a value was altered that no sum shows."""
    readable, _ = _manifests(ledger.layout)
    restated = any(manifest.kind == "restatement" for manifest in readable)
    for table, columns in FACTS.items():
        files = [ledger.layout.root / file.path for manifest in readable for file in manifest.files if file.table == table]
        if not files:
            continue
        # A restatement derives the states of calls anew in the table; the sealed call keeps the state that it was recorded with.
        compared = [name for name in columns if not (restated and table == "calls" and name == "state")]
        summed = f"""SELECT strftime({TIME_COLUMN[table]}, '%Y-%m') AS month, sum(hash({", ".join(compared)})::HUGEINT) AS content
            FROM {{}} GROUP BY 1"""
        months = ledger.query(f"""
            SELECT coalesce(month, 'undated') FROM ({summed.format(f"sealed.{table}")}) AS mine
            FULL JOIN ({summed.format(_parquet(table, files))}) AS theirs USING (month)
            WHERE mine.content IS DISTINCT FROM theirs.content ORDER BY ALL""")
        for (month,) in months:
            yield Problem(f"table {table}", f"its rows of {month} are not those of the sealed files", _REBUILD)


def _rollup_problems(ledger: Ledger) -> Iterator[Problem]:
    """Every group of a rollup against the same group of its table: counts, quantities, costs."""
    rollups = (
        ("rollup_costs", ROLLUP_COSTS, rollup_costs_select("sealed.cost_lines"), ("line_count", "quantity", "cost")),
        (
            "rollup_calls",
            ROLLUP_CALLS,
            rollup_calls_select("sealed.calls"),
            tuple(name for name in ROLLUP_CALLS if name == "call_count" or name.endswith("_tokens")),
        ),
    )
    for rollup, columns, recomputed, measures in rollups:
        groups = ", ".join(name for name in columns if name not in measures)
        negated = ", ".join(f"-{name} AS {name}" for name in measures)
        uneven = " OR ".join(f"coalesce(sum({name}), 0) <> 0" for name in measures)
        days: Sequence[tuple[object, int]] = ledger.query(f"""
            SELECT day, count(*) FROM (
                SELECT {groups} FROM (
                    SELECT {groups}, {", ".join(measures)} FROM ({recomputed})
                    UNION ALL BY NAME SELECT {groups}, {negated} FROM sealed.{rollup}
                ) GROUP BY {groups} HAVING {uneven}
            ) GROUP BY day ORDER BY day""")
        for day, count in days:
            yield Problem(f"rollup {rollup}", f"{count} of its groups of {day} do not sum up to the rows of that day", _REBUILD)


def live_problems(ledger: Ledger) -> Iterator[Problem]:
    """Facts committed from a live segment that is not sealed yet and whose NDJSON does not hold them: only the database does."""
    waiting = " UNION ALL ".join(f"SELECT live_segment FROM live.{table}" for table in FACTS)
    committed = ledger.query(f"SELECT segment, committed FROM live.offsets WHERE segment IN ({waiting}) ORDER BY segment")
    for segment, size in committed:
        found = segment_size(ledger.layout, segment)
        if found is None or found < size:
            held = (
                "the file is missing, and it is not sealed yet" if found is None else f"it has {found} bytes, {size} are committed"
            )
            yield Problem(f"segments/{segment}.ndjson", held, _SEAL)


def _parquet(table: str, paths: Sequence[Path]) -> str:
    """The rows of sealed files with every column of their fact: what was sealed before a column was added lacks it."""
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    typed = ", ".join(f"NULL::{kind} AS {name}" for name, kind in FACTS[table].items())
    files = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
    return f"(SELECT {typed} WHERE false UNION ALL BY NAME SELECT * FROM {files})"
