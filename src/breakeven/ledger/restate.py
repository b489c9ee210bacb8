"""Restatement: what past calls cost by today's price book and cost-class policy, posted as reversals and new lines.

Nothing is edited: a line whose price or class has changed is reversed (its amounts negated) and followed by a new one, both
recorded now. So "as recorded" (lines recorded until an instant) and "as restated" (all lines) both stay answerable, and running
it again changes nothing. What concerns a closed period is booked at the start of the first open one, and its reason says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from breakeven.economics.cost_class import CostClassRule
from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.ledger import costing, numbering
from breakeven.ledger.adjusting import KIND
from breakeven.ledger.closing import CORRECTION, booked_at, closed_spans, correction_mark, kept_mark
from breakeven.ledger.forgetting import ROLLED_UP
from breakeven.ledger.port import Quotes
from breakeven.ledger.schema import COST_LINES, DIMENSIONS
from breakeven.ledger.seals import seal
from breakeven.ledger.store import Ledger, explained_faults

_COMPARED = ("kind", "quantity", "unit_price", "cost", "state", "cost_class")
# The version is left out: a new release that repeats a price changes no past line.


@dataclass(frozen=True, slots=True)
class RestatedGroup:
    """The restatement of one model: its calls, and their cost before and after; unknown costs count as nothing in both sums."""

    provider: str
    model: str
    calls: int
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class RestateResult:
    """What a restatement changes (or would change). `before` and `after` are the known costs of the calls concerned.

    `corrections`: how many of the lines concern a closed period and are booked after it.
    """

    calls: int
    reversed_lines: int
    new_lines: int
    before: Decimal
    after: Decimal
    by: Sequence[RestatedGroup]
    segment: int | None
    corrections: int = 0


def restate(
    ledger: Ledger,
    quotes: Quotes,
    since: datetime,
    recorded_at: datetime,
    *,
    dry_run: bool = False,
    cost_class: Sequence[CostClassRule] = (),
) -> RestateResult:
    """Price anew every call from `since` on and post the differences; with `dry_run` only say what they are."""
    ledger.require_writer()
    with explained_faults(ledger.layout.root):
        _current_lines(ledger, since)
        _reprice(ledger, quotes, cost_class, recorded_at)
        _differences(ledger, recorded_at)
        segment = None
        if not dry_run and ledger.query("SELECT 1 FROM restated_lines LIMIT 1"):
            segment = ledger.next_segment()
            manifest = seal(
                ledger.connection,
                ledger.layout,
                {"cost_lines": "restated_lines"},
                segment=segment,
                kind="restatement",
                source=f"restatement since {since.isoformat()}",
                recorded_at=recorded_at,
            )
            ledger.load(manifest)
        return _result(ledger, segment)


def _current_lines(ledger: Ledger, since: datetime) -> None:
    """`current_lines`: the lines of calls since the date that no later line has reversed.

    What an invoice adjusts has no price, and daily sums have no hour to price by.
    """
    ledger.connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE current_lines AS
        SELECT * FROM sealed.cost_lines AS line
        SEMI JOIN (SELECT call_id, attempt FROM sealed.calls WHERE occurred_at >= $since) AS since USING (call_id, attempt)
        WHERE occurred_at >= $since AND adjustment_of IS NULL AND kind NOT LIKE '{KIND}%' AND NOT EXISTS (
            SELECT 1 FROM sealed.cost_lines AS later
            WHERE later.call_id = line.call_id AND later.attempt = line.attempt AND later.adjustment_of = line.line
                AND later.occurred_at >= $since
        ) AND call_id NOT IN (SELECT call_id FROM sealed.calls WHERE occurred_at >= $since AND source_ref = $rolled_up)""",
        {"since": since, "rolled_up": ROLLED_UP},
    )


def _reprice(ledger: Ledger, quotes: Quotes, cost_class: Sequence[CostClassRule], recorded_at: datetime) -> None:
    """`chunk_lines`: the lines that these calls have by the present prices and policy."""
    connection = ledger.connection
    used = [row[0] for row in ledger.query("SELECT DISTINCT usage_class FROM current_lines WHERE usage_class IS NOT NULL")]
    classes = [name for name in CLASS_BY_NAME if name in used]
    pivoted = "".join(f", max(quantity) FILTER (WHERE usage_class = '{name}')::BIGINT AS \"{name}\"" for name in classes)
    dimensions = ", ".join(f"any_value({name}) AS {name}" for name in (*DIMENSIONS, "rung"))
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE restating AS
        SELECT call_id, attempt, part, any_value(provider) AS provider,
            any_value(model) AS part_model, {dimensions}{pivoted},
            bool_or(usage_class IS NOT NULL) AS usage_known, NOT bool_or(state = 'not_billed') AS billed
        FROM current_lines WHERE kind <> 'stated' GROUP BY call_id, attempt, part""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE chunk_calls AS
        SELECT restating.*, occurred_at, pricing_context, stated_cost,
            (({costing.all_input_tokens(classes)}) // greatest(call_count, 1))::BIGINT AS all_input_tokens
        FROM restating JOIN (
            SELECT call_id, attempt, occurred_at, pricing_context, stated_cost, call_count FROM sealed.calls
        ) AS calls USING (call_id, attempt)""")
    costing.fetch_quotes(connection, "chunk_calls", quotes, ledger.layout.spill)
    costing.cost_lines(connection, classes, cost_class, recorded_at)


def _differences(ledger: Ledger, recorded_at: datetime) -> None:
    """`restated_lines`: a reversal for each current line that does not hold any more, and each new line that was not there."""
    generation = f"(line // {numbering.GENERATION})"
    base = f"(line % {numbering.GENERATION})"
    same = " AND ".join(f"mine.{name} IS NOT DISTINCT FROM theirs.{name}" for name in _COMPARED)
    alike = f"mine.line % {numbering.GENERATION} = theirs.line AND {same}"
    matched = f"mine.call_id = theirs.call_id AND mine.attempt = theirs.attempt AND {alike}"
    columns = ", ".join(COST_LINES)
    booked = booked_at("occurred_at", closed_spans(ledger.layout))
    told = correction_mark("occurred_at", closed_spans(ledger.layout))
    ledger.connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE restated_lines AS
        WITH gone AS (SELECT * FROM current_lines AS mine WHERE NOT EXISTS (SELECT 1 FROM chunk_lines AS theirs WHERE {matched})),
        come AS (SELECT * FROM chunk_lines AS theirs WHERE NOT EXISTS (SELECT 1 FROM current_lines AS mine WHERE {matched})),
        generations AS (
            SELECT call_id, attempt, max({generation}) + 1 AS next
            FROM sealed.cost_lines SEMI JOIN come USING (call_id, attempt) GROUP BY ALL
        )
        SELECT {columns} FROM (
            SELECT * REPLACE (line + {numbering.REVERSAL} AS line, line AS adjustment_of, -quantity AS quantity, -cost AS cost,
                $recorded_at::TIMESTAMP AS recorded_at, 'reversed by restatement' || {kept_mark("reason", told)} AS reason,
                {booked} AS occurred_at)
            FROM gone
            UNION ALL BY NAME
            SELECT * EXCLUDE (next) REPLACE ({base} + next * {numbering.GENERATION} AS line,
                coalesce(reason, 'restated') || {told} AS reason, {booked} AS occurred_at)
            FROM come JOIN generations USING (call_id, attempt)
        )""",
        {"recorded_at": recorded_at},
    )


def _result(ledger: Ledger, segment: int | None) -> RestateResult:
    groups = ledger.query("""
        SELECT coalesce(provider, ''), coalesce(model, ''), count(DISTINCT (call_id, attempt)),
            coalesce(-sum(cost) FILTER (WHERE adjustment_of IS NOT NULL), 0), coalesce(sum(cost) FILTER (WHERE adjustment_of IS
            NULL), 0)
        FROM restated_lines GROUP BY ALL ORDER BY ALL""")
    by = [RestatedGroup(provider, model, calls, before, after) for provider, model, calls, before, after in groups]
    lines, calls = ledger.query(
        "SELECT count(*) FILTER (WHERE adjustment_of IS NOT NULL), count(DISTINCT (call_id, attempt)) FROM restated_lines"
    )[0]
    new = ledger.query("SELECT count(*) FROM restated_lines WHERE adjustment_of IS NULL")[0][0]
    late = ledger.query(f"SELECT count(*) FROM restated_lines WHERE reason LIKE '%{CORRECTION}'")[0][0]
    before = sum((group.before for group in by), Decimal(0))
    after = sum((group.after for group in by), Decimal(0))
    return RestateResult(calls, lines, new, before, after, by, segment, late)
