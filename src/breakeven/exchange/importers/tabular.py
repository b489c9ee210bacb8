"""Importing tables: read, map, check, set aside, stage. One path for calls, aggregates, outcomes, revenue and customers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from breakeven.errors import DataError, Problem, UsageError
from breakeven.exchange.importers import shapes
from breakeven.exchange.importers.claims import STATED, Claim, compared
from breakeven.exchange.importers.fields import (
    AGGREGATE_FIELDS,
    CURRENCY,
    CUSTOMER_FIELDS,
    OUTCOME_FIELDS,
    REPLAY_FIELDS,
    REVENUE_FIELDS,
    Field,
)
from breakeven.exchange.importers.mapping import Mapped, constants_of, identifying, plan
from breakeven.exchange.importers.projection import Fault, Projection, project
from breakeven.exchange.importers.rejects import problems_beyond, set_aside
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target
from breakeven.exchange.importers.shapes import Expressions, Shape, literal, no_faults
from breakeven.exchange.importers.source import Source, first_line, flattened, identifier
from breakeven.exchange.importers.sources import open_source
from breakeven.ledger import ImportResult, Intake
from breakeven.ledger.schema import TIME_COLUMN
from breakeven.ledger.store import explained_faults

SAMPLED = 3
Prepare = Callable[[duckdb.DuckDBPyConnection, Source], Source]


def _as_it_is(connection: duckdb.DuckDBPyConnection, source: Source) -> Source:
    del connection
    return source


@dataclass(frozen=True, slots=True)
class _Taken:
    """One file as it was taken: where its rows lie, what they mean, and the temporary tables to drop."""

    source: Source
    mapped: Sequence[Mapped]
    projection: Projection
    rows: str
    temporary: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TabularImporter:
    """One kind of table: which fields it has, which fact it becomes, and how typed fields become the staged columns.

    `prepare` turns a source whose columns are not fields yet into one that has them; its rows keep their numbers, and rejects are
    written from the source as it was; `explained` says what its fields are made of, and `kept` columns are there for `shape`.
    `whole_row` adds the ways in which a row as a whole can be bad; `claim` is what the source says that its calls cost.
    """

    name: str
    summary: str
    fact: str
    fields: tuple[Field, ...]
    shape: Shape
    whole_row: Callable[[Expressions], list[Fault]] = no_faults
    prepare: Prepare = _as_it_is
    explained: Mapping[str, str] | None = None
    kept: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    claim: Claim | None = None

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Read all files, show the plan, stage what is good in one intake, set aside the rest, commit."""
        report = ImportReport(ImportResult(), files=len(request.files))
        with target.ledger.intake(
            source=f"import:{self.name}", quotes=target.quotes, cost_class=target.cost_classes, recorded_at=request.now
        ) as intake:
            for number, path in enumerate(request.files):
                report = _joined(report, self._stage(number, path, request, target, intake))
            result = intake.commit(dry_run=request.dry_run, progress=request.progress)
        return compared(report.with_result(result), request, target, self.name, self.claim)

    def _stage(self, number: int, path: Path, request: ImportRequest, target: Target, intake: Intake) -> ImportReport:
        """Stage the good rows of one file and set its bad ones aside."""
        ledger = target.ledger
        connection = ledger.connection
        connection.execute("SET TimeZone = 'UTC'")
        with explained_faults(ledger.layout.root):
            taken = self._taken(connection, path, f"raw_{number}", ledger.layout.spill, request)
            fields = taken.projection.expressions
            staged = {name: value for name, value in self.shape(fields, taken.mapped, request).items() if name != CURRENCY.name}
            whole_row = [*shapes.foreign_faults(fields), *self.whole_row(fields)]
            faults = _bad_rows(connection, taken, [*taken.projection.faults, *whole_row])
            rejected, rejects, problems = set_aside(
                connection,
                ledger.layout.rejects,
                taken.source,
                faults,
                f"{request.now:%Y%m%dT%H%M%S%f}-{number}",
                dry_run=request.dry_run,
            )
            selected = ", ".join(f'{expression} AS "{name}"' for name, expression in staged.items())
            kept = [f"_row NOT IN (SELECT _row FROM {faults})"] if rejected else []
            kept += self._recent(staged, request)
            good = f"WHERE {' AND '.join(kept)}" if kept else ""
            select = f"SELECT {selected} FROM {taken.rows} {good}"
            if request.dry_run:
                _say_sample(connection, select, request)
            intake.facts_sql(self.fact, select, not_identifying=constants_of(taken.mapped))
            for kind, name in taken.temporary:
                connection.execute(f"DROP {kind} IF EXISTS {name}")
        notes = problems_beyond(rejected, problems, rejects)
        return ImportReport(ImportResult(), rejected=rejected, rejects=rejects, problems=problems, notes=notes)

    def _taken(self, connection: duckdb.DuckDBPyConnection, path: Path, table: str, spill: Path, request: ImportRequest) -> _Taken:
        """One file as typed fields, with the plan told."""
        source = open_source(connection, path, table, spill)
        prepared = self.prepare(connection, source)
        mapped = identifying(connection, prepared, self._planned(prepared, request), self.fact, request.say)
        named = (request.distinct, *self.kept, *(entry.column for entry in mapped))
        flat = flattened(connection, prepared, (column for column in named if column is not None))
        projection = project(connection, flat, mapped, request.now, request.origin)
        for line in (*(self._described(entry) for entry in mapped), *(f"time in {note}" for note in projection.notes)):
            request.say(f"{path.name}: {line}")
        tables = dict.fromkeys((source.table, prepared.table, flat.table), "TABLE")
        tables[source.table] = "VIEW" if source.kind == "parquet" else "TABLE"
        temporary = tuple((kind, name) for name, kind in tables.items())
        return _Taken(source, mapped, projection, _distinct(prepared, flat, request), temporary)

    def _recent(self, staged: Expressions, request: ImportRequest) -> list[str]:
        """The condition that `--since` sets."""
        time = "occurred_at" if self.fact == "calls" else TIME_COLUMN[self.fact]
        if request.since is None:
            return []
        if time not in staged:
            raise UsageError(f"{self.name} has no time that --since could be compared with", "Leave --since out.")
        return [f"{staged[time]} >= TIMESTAMP '{request.since.isoformat(' ')}'"]

    def _described(self, entry: Mapped) -> str:
        """One line of the plan: in this format's words where a field is made of several columns."""
        words = (self.explained or {}).get(entry.field.name)
        return entry.describe() if words is None or entry.said else f"{entry.field.name} ← {words}"

    def _planned(self, source: Source, request: ImportRequest) -> list[Mapped]:
        mapped = plan(self.fields, source.columns, request)
        present = {entry.field.name for entry in mapped}
        missing = [field for field in self.fields if field.required and field.name not in present]
        if [field.name for field in missing] == ["occurred_at"] and request.at is not None:
            mapped.append(Mapped(missing[0], None, request.at.isoformat(), said=True))
            missing = []
        if missing:
            names = ", ".join(field.name for field in missing)
            column = "a column" if len(missing) == 1 else "columns"
            at = " or give one time for all rows with --at INSTANT" if any(field.name == "occurred_at" for field in missing) else ""
            raise DataError(
                f"{source.path}: no column is recognised as {names} (columns: {', '.join(source.columns) or 'none'})",
                f"Name {column}: {' '.join(f'--map {field.name}=COLUMN' for field in missing)}{at}.",
            )
        return mapped


def _say_sample(connection: duckdb.DuckDBPyConnection, select: str, request: ImportRequest) -> None:
    cursor = connection.execute(f"{select} LIMIT {SAMPLED}")
    names = [column[0] for column in cursor.description or ()]
    for row in cursor.fetchall():
        taken = [
            f"{name}={value}" for name, value in zip(names, row, strict=True) if value is not None and name != "attribution_sources"
        ]
        request.say(f"would take {', '.join(taken)}")


def _bad_rows(connection: duckdb.DuckDBPyConnection, taken: _Taken, faults: Sequence[Fault]) -> str:
    """A temporary table of the bad rows with their first fault; a column that holds no plain values is a wrong request."""
    name = f"faults_{taken.source.table}"
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM ({_faulty(taken.rows, faults)}) WHERE _fault IS NOT NULL"
        )
    except (duckdb.BinderException, duckdb.ConversionException) as error:
        raise UsageError(
            f"{taken.source.path}: a column that is mapped does not hold plain values: {first_line(error)}",
            "Map columns of numbers, texts, times or yes/no; --map FIELD=A.B reaches into objects.",
        ) from error
    return name


def _distinct(source: Source, flat: Source, request: ImportRequest) -> str:
    """The rows themselves, or the first row of each distinct value of one column."""
    if request.distinct is None:
        return flat.table
    if request.distinct not in source.columns:
        raise UsageError(f"{source.path} has no column {request.distinct!r}", f"Columns: {', '.join(source.columns)}.")
    key = identifier(request.distinct)
    return f"(SELECT * FROM {flat.table} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _row) = 1)"


def _faulty(table: str, faults: Sequence[Fault]) -> str:
    """The rows with their first fault: the column, what is wrong with it, and the value."""
    if not faults:
        return f"SELECT _row, NULL::VARCHAR AS _fault_field, NULL::VARCHAR AS _fault, NULL::VARCHAR AS _value FROM {table}"
    number = "CASE " + " ".join(f"WHEN {fault.condition} THEN {index}" for index, fault in enumerate(faults)) + " END"
    fields = ", ".join(literal(fault.field) for fault in faults)
    messages = ", ".join(literal(fault.message) for fault in faults)
    values = " ".join(f"WHEN {index} THEN left(CAST({fault.value} AS VARCHAR), 60)" for index, fault in enumerate(faults))
    return f"""
        SELECT _row, [{fields}][_number + 1] AS _fault_field, [{messages}][_number + 1] AS _fault,
            CASE _number {values} END AS _value
        FROM (SELECT *, {number} AS _number FROM {table})"""


def _joined(one: ImportReport, other: ImportReport) -> ImportReport:
    problems: Iterable[Problem] = (*one.problems, *other.problems)
    return replace(
        one,
        rejected=one.rejected + other.rejected,
        rejects=(*one.rejects, *other.rejects),
        problems=tuple(problems),
        notes=(*one.notes, *other.notes),
    )


TABULAR: tuple[TabularImporter, ...] = (
    TabularImporter(
        "calls",
        "One row a call: CSV, JSON, JSONL or Parquet, columns mapped to fields.",
        "calls",
        AGGREGATE_FIELDS,
        shapes.calls,
        shapes.calls_faults,
        claim=STATED,
    ),
    TabularImporter(
        "aggregates",
        "One row an hour or day and customer: calls with total or mean tokens.",
        "calls",
        AGGREGATE_FIELDS,
        shapes.aggregate,
        shapes.aggregate_faults,
        claim=STATED,
    ),
    TabularImporter(
        "outcomes",
        "Units delivered: documents, tickets, leads, with success and value.",
        "outcomes",
        OUTCOME_FIELDS,
        shapes.outcome,
    ),
    TabularImporter(
        "revenue", "Revenue per customer or plan and period.", "revenue", REVENUE_FIELDS, shapes.revenue, shapes.revenue_faults
    ),
    TabularImporter("customers", "Customers: plan, segment, date of signup.", "customers", CUSTOMER_FIELDS, shapes.customer),
    TabularImporter(
        "replays",
        "Past tasks answered again on a cheaper rung, with both scores or whether they agreed.",
        "replays",
        REPLAY_FIELDS,
        shapes.replay,
        shapes.replay_faults,
    ),
)
