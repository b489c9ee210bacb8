"""Intake: facts come in, are identified, priced, sealed and loaded. Exactly once, whatever happens in between.

    with ledger.intake(source="import:calls", quotes=quotes) as intake:
        intake.stage_sql("SELECT ... FROM read_parquet('calls.parquet')")
        result = intake.commit()

Large intakes are committed in segments of at most `CHUNK_ROWS` rows: a process that dies in between has committed a part, and the
same command run again adds the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Self

from breakeven.economics.cost_class import CostClassRule
from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.ledger import costing, staging
from breakeven.ledger.engine import SCRATCH
from breakeven.ledger.identity import assign_ids, drop_duplicates
from breakeven.ledger.loading import BackgroundLoader
from breakeven.ledger.masking import mask
from breakeven.ledger.port import ImportResult, Quotes
from breakeven.ledger.rewriting import retired
from breakeven.ledger.schema import CALLS, FACTS, IDENTITY, STAGED
from breakeven.ledger.seals import seal
from breakeven.ledger.staging import Stage
from breakeven.ledger.store import explained_faults

if TYPE_CHECKING:
    from breakeven.ledger.store import Ledger

CHUNK_ROWS = 1_000_000
Progress = Callable[[int, int], None]
_DEFAULTS: Mapping[str, str] = {
    "attempt": "0",
    "call_count": "1",
    "part": "0",
    "pricing_context": "'{}'",
    "status": "'ok'",
    "usage_known": "true",
    "billed": "true",
    "model_requested": "model",
    "part_model": "model",
}
_TOKENS: Mapping[str, tuple[str, str]] = {
    "input_tokens": ("input", "none"),
    "cache_read_tokens": ("input", "read"),
    "cache_write_tokens": ("input", "write"),
    "output_tokens": ("output", "none"),
    "reasoning_tokens": ("reasoning", "none"),
}


class Intake:
    """One batch of facts from one source. Stage any number of times, then commit once; leaving without commit adds nothing."""

    def __init__(
        self, ledger: Ledger, source: str, quotes: Quotes, cost_class: Sequence[CostClassRule], recorded_at: datetime
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._quotes = quotes
        self._cost_class = cost_class
        self._recorded_at = recorded_at
        self._stages: dict[str, list[Stage]] = {}
        self._staged = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for stage in (stage for stages in self._stages.values() for stage in stages):
            self._ledger.connection.execute(f"DROP TABLE IF EXISTS {stage.table}")

    def stage_sql(self, select: str, parameters: Mapping[str, object] | None = None, *, not_identifying: Iterable[str] = ()) -> int:
        """Stage calls by a SELECT whose columns are named as in `STAGED`; returns the number of rows.

        `not_identifying`: columns that the user gave rather than the source (a constant feature), which must not make the same
        row another call.
        """
        return self.facts_sql("calls", select, parameters, not_identifying=not_identifying)

    def stage_rows(self, rows: Iterable[Mapping[str, object]], *, not_identifying: Iterable[str] = ()) -> int:
        """Stage calls row by row; keys are named as in `STAGED`, absent keys are unknown."""
        return self.facts_rows("calls", rows, not_identifying=not_identifying)

    def facts_sql(
        self, table: str, select: str, parameters: Mapping[str, object] | None = None, *, not_identifying: Iterable[str] = ()
    ) -> int:
        """Stage facts of `table` by a SELECT; `identity` (may be NULL) stands in the place of the id."""
        name = f"{SCRATCH}.stage_{self._staged}"
        self._staged += 1
        with explained_faults(self._ledger.layout.root):
            stage = staging.stage_select(self._ledger.connection, name, table, select, parameters or {}, frozenset(not_identifying))
        self._stages.setdefault(table, []).append(stage)
        return stage.rows

    def facts_rows(self, table: str, rows: Iterable[Mapping[str, object]], *, not_identifying: Iterable[str] = ()) -> int:
        """Stage facts of `table` row by row."""
        path = self._ledger.layout.spill / f"rows_{self._staged}.ndjson"
        with explained_faults(self._ledger.layout.root):
            columns = staging.write_rows(path, table, rows)
        if not columns:
            path.unlink()
            return 0
        staged = self.facts_sql(table, staging.ndjson_select(path, table, columns), not_identifying=not_identifying)
        path.unlink()
        return staged

    def commit(self, *, dry_run: bool = False, progress: Progress | None = None) -> ImportResult:
        """Identify, price and commit everything staged; returns what was added, or with `dry_run` what would be.

        Raises Unreachable when the disk fails; segments committed before stay.
        """
        result = ImportResult(rows_read=sum(stage.rows for stages in self._stages.values() for stage in stages))
        with explained_faults(self._ledger.layout.root):
            with BackgroundLoader(self._ledger) as self._loader:
                for table, stages in self._stages.items():
                    result = _merged(result, self._commit(table, stages, dry_run=dry_run, progress=progress))
            if not dry_run and result.segments:
                self._ledger.connection.execute("CHECKPOINT")
        return result

    def _commit(self, table: str, stages: Sequence[Stage], *, dry_run: bool, progress: Progress | None) -> ImportResult:
        connection = self._ledger.connection
        assign_ids(connection, table, stages)
        result = ImportResult(duplicates=drop_duplicates(connection, table, retired(self._ledger.layout)))
        total, done = sum(stage.rows for stage in stages), 0
        for number, stage in enumerate(stages):
            for chunk in self._chunks(number, stage):
                added = (
                    self._commit_calls(stage, chunk, dry_run=dry_run)
                    if table == "calls"
                    else self._commit_facts(table, stage, chunk, dry_run=dry_run)
                )
                result = _merged(result, added)
                if progress is not None:
                    done += CHUNK_ROWS
                    progress(min(done, total), total)
        return result

    def _chunks(self, number: int, stage: Stage) -> Iterable[str]:
        """Conditions on `staged_ids` that cut a stage into segments; parts of one attempt stay together."""
        mine = f"stage = {number}"
        if not stage.has("part"):
            return [f"{mine} AND row >= {start} AND row < {start + CHUNK_ROWS}" for start in range(0, stage.rows, CHUNK_ROWS)]
        cuts = -(-stage.rows // CHUNK_ROWS)
        return [f"{mine} AND hash(id) % {cuts} = {cut}" for cut in range(cuts)]

    def _commit_calls(self, stage: Stage, chunk: str, *, dry_run: bool) -> ImportResult:
        connection = self._ledger.connection
        classes = [column for column in stage.columns if column in CLASS_BY_NAME]
        self._normalise(stage, chunk, classes)
        if not self._ledger.query("SELECT 1 FROM chunk_calls LIMIT 1"):
            return ImportResult()
        costing.fetch_quotes(connection, "chunk_calls", self._quotes, self._ledger.layout.spill)
        costing.cost_lines(connection, classes, self._cost_class, self._recorded_at)
        self._fold(classes)
        return self._sealed({"calls": "chunk_folded", "cost_lines": "chunk_lines"}, dry_run=dry_run)

    def _normalise(self, stage: Stage, chunk: str, classes: Sequence[str]) -> None:
        """One row per model iteration with every column of `STAGED` that is not a usage class, defaults filled in."""
        columns = ", ".join(
            _normalised(name, kind, stage)
            for name, kind in STAGED.items()
            if name not in CLASS_BY_NAME and name not in ("identity", "attempt", "part")
        )
        quoted = "".join(f', "{name}"' for name in classes)
        # A long-context price depends on the size of one call, so an aggregated row counts with its mean.
        per_call = "greatest(coalesce(staged.call_count, 1), 1)" if stage.has("call_count") else "1"
        self._ledger.connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE chunk_calls AS
            SELECT staged_ids.id AS call_id, staged_ids.attempt, staged_ids.part, {columns}{quoted},
                (({costing.all_input_tokens(classes)}) // {per_call})::BIGINT AS all_input_tokens
            FROM (SELECT *, rowid AS row_number FROM {stage.table} {_rowid_range(chunk)}) AS staged
            JOIN (SELECT * FROM staged_ids WHERE {chunk}) AS staged_ids ON staged.row_number = staged_ids.row""")

    def _fold(self, classes: Sequence[str]) -> None:
        """One row per attempt from its model iterations, with the weakest state of its lines."""
        connection = self._ledger.connection
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE chunk_unpriced AS"
            " SELECT DISTINCT call_id, attempt, true AS lacks FROM chunk_lines WHERE state = 'unpriced'"
        )
        several = bool(self._ledger.query("SELECT 1 FROM chunk_keyed WHERE part > 0 LIMIT 1"))
        known = "(usage_known AND billed)"
        sums = {name: f"CASE WHEN {known} THEN {costing.class_sum(classes, *kind)} END" for name, kind in _TOKENS.items()}
        plain = {
            **{name: name for name in CALLS},
            **sums,
            "recorded_at": "$recorded_at",
            "source": "$source",
            "input_characters": "input_text_characters",
            "output_characters": "output_text_characters",
            "state": _state("lacks"),
        }
        if several:
            whole = {"call_id", "attempt", "recorded_at", "source"}
            plain = {
                name: value if name in whole else f"sum({value})" if name in sums else f"arg_min({value}, part)"
                for name, value in plain.items()
            }
        selected = ", ".join(f"CAST({value} AS {CALLS[name]}) AS {name}" for name, value in plain.items())
        grouped = "GROUP BY call_id, attempt" if several else ""
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE chunk_folded AS SELECT {selected}"
            f" FROM chunk_keyed LEFT JOIN chunk_unpriced USING (call_id, attempt) {grouped}",
            {"recorded_at": self._recorded_at, "source": self._source},
        )

    def _commit_facts(self, table: str, stage: Stage, chunk: str, *, dry_run: bool) -> ImportResult:
        identity = IDENTITY[table][0]
        values = {
            identity: "staged_ids.id",
            "recorded_at": "$recorded_at",
            "source": "$source",
        }
        selected = ", ".join(
            f"CAST({values.get(name, name if stage.has(name) else _FACT_DEFAULTS.get(name, 'NULL'))} AS {kind}) AS {name}"
            for name, kind in FACTS[table].items()
        )
        self._ledger.connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE chunk_facts AS SELECT {selected}
            FROM (SELECT *, rowid AS row_number FROM {stage.table}) AS staged
            JOIN (SELECT * FROM staged_ids WHERE {chunk}) AS staged_ids ON staged.row_number = staged_ids.row""",
            {"recorded_at": self._recorded_at, "source": self._source},
        )
        return self._sealed({table: "chunk_facts"}, dry_run=dry_run)

    def _sealed(self, relations: Mapping[str, str], *, dry_run: bool) -> ImportResult:
        counts = {table: self._ledger.query(f"SELECT count(*) FROM {name}")[0][0] for table, name in relations.items()}
        if not any(counts.values()):
            return ImportResult()
        segments: tuple[int, ...] = ()
        if not dry_run:
            for name in relations.values():
                mask(self._ledger.connection, self._ledger.layout, name, self._ledger.pseudonyms)
            segment = self._ledger.next_segment()
            manifest = seal(
                self._ledger.connection,
                self._ledger.layout,
                relations,
                segment=segment,
                kind="import",
                source=self._source,
                recorded_at=self._recorded_at,
            )
            self._loader.load(manifest)
            segments = (segment,)
        if "calls" not in relations:
            return ImportResult(facts_added=counts, segments=segments)
        return ImportResult(
            calls_added=counts["calls"],
            requests_added=int(self._ledger.query("SELECT coalesce(sum(call_count), 0) FROM chunk_folded")[0][0]),
            lines_added=counts["cost_lines"],
            cost=self._ledger.query("SELECT coalesce(sum(cost), 0) FROM chunk_lines")[0][0],
            by_state=dict(self._ledger.query("SELECT state, count(*) FROM chunk_folded GROUP BY state ORDER BY state")),
            unpriced=self._ledger.query("""
                SELECT coalesce(provider, ''), coalesce(model, ''), coalesce(reason, ''), sum(call_count)::BIGINT
                FROM (SELECT DISTINCT call_id, attempt, provider, model, reason FROM chunk_lines
                      WHERE state IN ('unpriced', 'usage_missing'))
                JOIN (SELECT call_id, attempt, call_count FROM chunk_folded) USING (call_id, attempt)
                GROUP BY ALL ORDER BY ALL"""),
            segments=segments,
        )


_FACT_DEFAULTS: Mapping[str, str] = {"quantity": "1"}


def _normalised(name: str, kind: str, stage: Stage) -> str:
    default = _DEFAULTS.get(name)
    if default in STAGED and not stage.has(str(default)):
        default = None
    if not stage.has(name):
        return f"CAST({default or 'NULL'} AS {kind}) AS {name}"
    return f"coalesce({name}, {default}) AS {name}" if default else name


def _rowid_range(chunk: str) -> str:
    """The same cut on the stage itself, where it is one of rows, so that a chunk reads only its own part."""
    cut = chunk.partition(" AND ")[2]
    return "WHERE " + cut.replace("row ", "rowid ") if cut.startswith("row ") else ""


def _state(lacks: str) -> str:
    return (
        "CASE WHEN NOT billed THEN 'not_billed' WHEN stated_cost IS NOT NULL THEN 'stated'"
        f" WHEN NOT usage_known THEN 'usage_missing' WHEN {lacks} THEN 'unpriced' ELSE 'metered' END"
    )


def _merged(one: ImportResult, other: ImportResult) -> ImportResult:
    unpriced: dict[tuple[str, str, str], int] = {}
    for provider, model, reason, calls in (*one.unpriced, *other.unpriced):
        unpriced[provider, model, reason] = unpriced.get((provider, model, reason), 0) + calls
    return ImportResult(
        rows_read=one.rows_read + other.rows_read,
        calls_added=one.calls_added + other.calls_added,
        requests_added=one.requests_added + other.requests_added,
        lines_added=one.lines_added + other.lines_added,
        duplicates=one.duplicates + other.duplicates,
        facts_added=_added(one.facts_added, other.facts_added),
        cost=one.cost + other.cost if one.cost else Decimal(other.cost),
        by_state=_added(one.by_state, other.by_state),
        unpriced=[(*key, calls) for key, calls in unpriced.items()],
        segments=(*one.segments, *other.segments),
    )


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in (*one, *(key for key in other if key not in one))}
