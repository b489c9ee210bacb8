"""Importing tables: read, map, check, set aside, stage. One path for calls, aggregates, outcomes, revenue and customers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from breakeven.economics.usage import CLASSES
from breakeven.errors import DataError, Problem, UsageError
from breakeven.exchange.importers.fields import (
    AGGREGATE_FIELDS,
    ATTRIBUTION,
    CALL_FIELDS,
    CONTEXT,
    CUSTOMER_FIELDS,
    MEANS,
    OUTCOME_FIELDS,
    REVENUE_FIELDS,
    Field,
)
from breakeven.exchange.importers.mapping import Mapped, constants_of, plan
from breakeven.exchange.importers.projection import Projection, project
from breakeven.exchange.importers.rejects import problems_beyond, set_aside
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target
from breakeven.exchange.importers.sources import Source, open_source
from breakeven.ledger import ImportResult, Intake

_CLASS_NAMES = tuple(usage_class.name for usage_class in CLASSES)
_CONTEXT_NAMES = tuple(sorted(field.name for field in CONTEXT))
# Whose models these are, where a file names no provider: the family's name is part of the model's name.
_FAMILIES: Mapping[str, str] = {
    "gpt-": "openai", "o1": "openai", "o3": "openai", "o4-": "openai", "text-embedding-": "openai", "chatgpt-": "openai",
    "claude-": "anthropic",
    "gemini-": "google", "mistral-": "mistral", "deepseek-": "deepseek", "command-": "cohere", "grok-": "xai",
}  # fmt: skip
Shape = Callable[[Mapping[str, str], Sequence[Mapped], ImportRequest], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class TabularImporter:
    """One kind of table: which fields it has, which fact it becomes, and how typed fields become the staged columns."""

    name: str
    summary: str
    fact: str
    fields: tuple[Field, ...]
    shape: Shape
    takes_directories: bool = False

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Read all files, show the plan, stage what is good in one intake, set aside the rest, commit."""
        report = ImportReport(ImportResult(), files=len(request.files))
        with target.ledger.intake(
            source=f"import:{self.name}", quotes=target.quotes, cost_class=target.cost_classes, recorded_at=request.now
        ) as intake:
            for number, path in enumerate(request.files):
                report = _joined(report, self._stage(number, path, request, target, intake))
            result = intake.commit(dry_run=request.dry_run, progress=request.progress)
        return report.with_result(result)

    def _stage(self, number: int, path: Path, request: ImportRequest, target: Target, intake: Intake) -> ImportReport:
        ledger = target.ledger
        connection = ledger.connection
        connection.execute("SET TimeZone = 'UTC'")
        source = open_source(connection, path, f"raw_{number}", ledger.layout.spill)
        mapped = self._planned(source, request)
        projection = project(connection, source, mapped, request.now, request.origin)
        for line in (*(entry.describe() for entry in mapped), *(f"time in {note}" for note in projection.notes)):
            request.say(f"{path.name}: {line}")
        table = _distinct(source, request)
        faults = f"faults_{number}"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {faults} AS SELECT * FROM ({_faulty(table, projection)}) WHERE _fault IS NOT NULL"
        )
        rejected, rejects, problems = set_aside(
            connection, ledger.layout.rejects, source, faults, request.now, dry_run=request.dry_run
        )
        staged = self.shape(projection.expressions, mapped, request)
        selected = ", ".join(f'{expression} AS "{name}"' for name, expression in staged.items())
        good = f"WHERE _row NOT IN (SELECT _row FROM {faults})" if rejected else ""
        intake.facts_sql(self.fact, f"SELECT {selected} FROM {table} {good}", not_identifying=constants_of(mapped))
        connection.execute(f"DROP {'VIEW' if source.kind == 'parquet' else 'TABLE'} IF EXISTS {source.table}")
        notes = problems_beyond(rejected, problems, rejects)
        return ImportReport(ImportResult(), rejected=rejected, rejects=rejects, problems=problems, notes=notes)

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


def _distinct(source: Source, request: ImportRequest) -> str:
    """The rows themselves, or the first row of each distinct value of one column."""
    if request.distinct is None:
        return source.table
    if request.distinct not in source.columns:
        raise UsageError(f"{source.path} has no column {request.distinct!r}", f"Columns: {', '.join(source.columns)}.")
    key = f"json_extract_string(_raw, '$.\"{request.distinct}\"')" if source.kind == "json" else f'"{request.distinct}"'
    return f"(SELECT * FROM {source.table} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _row) = 1)"


def _faulty(table: str, projection: Projection) -> str:
    """The rows with their first fault: the column, what is wrong with it, and the value."""
    if not projection.faults:
        return f"SELECT _row, NULL::VARCHAR AS _fault_field, NULL::VARCHAR AS _fault, NULL::VARCHAR AS _value FROM {table}"
    number = "CASE " + " ".join(f"WHEN {fault.condition} THEN {index}" for index, fault in enumerate(projection.faults)) + " END"
    fields = ", ".join(_literal(fault.field) for fault in projection.faults)
    messages = ", ".join(_literal(fault.message) for fault in projection.faults)
    values = " ".join(
        f"WHEN {index} THEN left(CAST({fault.value} AS VARCHAR), 60)" for index, fault in enumerate(projection.faults)
    )
    return f"""
        SELECT _row, [{fields}][_number + 1] AS _fault_field, [{messages}][_number + 1] AS _fault,
            CASE _number {values} END AS _value
        FROM (SELECT *, {number} AS _number FROM {table})"""


def _call(expressions: Mapping[str, str], mapped: Sequence[Mapped], request: ImportRequest) -> Mapping[str, str]:
    """Staged columns of calls: usage classes as they are, the pricing context and the sources of attribution as JSON."""
    used = [name for name in _CLASS_NAMES if name in expressions]
    if not used:
        raise DataError(
            "no column holds tokens or other usage",
            "Name them: --map input=COLUMN --map output=COLUMN (and cache_read, reasoning, ...).",
        )
    known = f"coalesce({', '.join(expressions[name] for name in used)}) IS NOT NULL"
    staged = {name: value for name, value in expressions.items() if name not in _CONTEXT_NAMES}
    staged["usage_known"] = known
    staged["pricing_context"] = _json_object({name: expressions[name] for name in _CONTEXT_NAMES if name in expressions})
    staged["attribution_sources"] = _literal(_sources(mapped))
    if "provider" in expressions:
        staged["provider"] = f"lower({expressions['provider']})"
    elif "model" in expressions:
        staged["provider"] = _family(expressions["model"])
        request.say(
            "provider ← the model's family (claude-… is anthropic, gpt-… is openai, ...); say --provider to decide it yourself"
        )
    return staged


def _aggregate(expressions: Mapping[str, str], mapped: Sequence[Mapped], request: ImportRequest) -> Mapping[str, str]:
    """Totals from means: requests × mean, rounded to whole tokens. A mean that is missing leaves the usage unknown."""
    if "call_count" not in expressions:
        raise DataError("no column says how many calls a row stands for", "Name it: --map call_count=COLUMN.")
    totals = dict(expressions)
    means = {field.name: totals.pop(field.name) for field in MEANS if field.name in totals}
    calls = f"{expressions['call_count']}::DECIMAL(15,0)"
    known: list[str] = []
    for mean, total in (("input_mean", "input"), ("output_mean", "output")):
        if mean in means:
            totals[total] = f"round({calls} * CAST({means[mean]} AS DECIMAL(22,9)), 0)::BIGINT"
            known.append(f"{means[mean]} IS NOT NULL")
    if "reasoning_share" in means and "output" in totals:
        share = f"coalesce(CAST({means['reasoning_share']} AS DECIMAL(10,9)), 0)"
        produced = totals["output"]
        totals["reasoning"] = f"round(({produced})::DECIMAL(18,0) * {share}, 0)::BIGINT"
        totals["output"] = f"({produced} - {totals['reasoning']})"
    staged = dict(_call(totals, mapped, request))
    if known:
        staged["usage_known"] = " AND ".join(known)
    return staged


def _outcome(expressions: Mapping[str, str], mapped: Sequence[Mapped], request: ImportRequest) -> Mapping[str, str]:
    """Staged columns of outcomes; with --distinct the key identifies the outcome."""
    del mapped
    staged = {"unit": "'outcome'", **expressions}
    if request.distinct is not None and "identity" not in expressions and "trace_id" in expressions:
        staged["identity"] = f"{_literal(request.distinct + '=')} || {expressions['trace_id']}"
    return staged


def _revenue(expressions: Mapping[str, str], mapped: Sequence[Mapped], request: ImportRequest) -> Mapping[str, str]:
    """Staged columns of revenue; without an end the period is one month."""
    del mapped, request
    start = expressions["period_start"]
    end = expressions.get("period_end", "NULL")
    return {**expressions, "period_end": f"coalesce({end}, {start} + INTERVAL 1 MONTH)"}


def _customer(expressions: Mapping[str, str], mapped: Sequence[Mapped], request: ImportRequest) -> Mapping[str, str]:
    """Staged columns of customers, as they are."""
    del mapped, request
    return expressions


def _sources(mapped: Sequence[Mapped]) -> str:
    names = {field.name for field in ATTRIBUTION}
    said = {
        entry.field.name: "option" if entry.column is None else f"import:{entry.column}"
        for entry in mapped
        if entry.field.name in names
    }
    return "{" + ",".join(f'"{name}":"{said[name]}"' for name in sorted(said)) + "}"


def _json_object(values: Mapping[str, str]) -> str:
    """SQL for a JSON object with sorted keys, unknown ones left out."""
    if not values:
        return "'{}'"
    parts = ", ".join(f"'\"{name}\":' || to_json({value})::VARCHAR" for name, value in sorted(values.items()))
    return f"'{{' || array_to_string(list_filter([{parts}], lambda part: part IS NOT NULL), ',') || '}}'"


def _family(model: str) -> str:
    branches = " ".join(f"WHEN starts_with(lower({model}), '{prefix}') THEN '{provider}'" for prefix, provider in _FAMILIES.items())
    return f"CASE {branches} END"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


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
    TabularImporter("calls", "One row a call: CSV, JSON, JSONL or Parquet, columns mapped to fields.", "calls", CALL_FIELDS, _call),
    TabularImporter(
        "aggregates", "One row an hour or day and customer: calls with total or mean tokens.", "calls", AGGREGATE_FIELDS, _aggregate
    ),
    TabularImporter(
        "outcomes", "Units delivered: documents, tickets, leads, with success and value.", "outcomes", OUTCOME_FIELDS, _outcome
    ),
    TabularImporter("revenue", "Revenue per customer or plan and period.", "revenue", REVENUE_FIELDS, _revenue),
    TabularImporter("customers", "Customers: plan, segment, date of signup.", "customers", CUSTOMER_FIELDS, _customer),
)
