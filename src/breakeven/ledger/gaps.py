"""What a writer left undone: attempts that were begun and never ended become calls whose cost is unknown, and stay visible."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from breakeven.economics.cost_class import DEFAULT_COST_CLASS
from breakeven.ledger import numbering
from breakeven.ledger.committing import ATTEMPTS, dropping
from breakeven.ledger.schema import DIMENSIONS
from breakeven.ledger.segments import segments
from breakeven.ledger.store import transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from breakeven.ledger.store import Ledger

REASON = "the gateway ended before it knew how this attempt ended"
_INTENT: dict[str, str] = {
    "fact": "VARCHAR",
    "call_id": "UUID",
    "attempt": "SMALLINT",
    "occurred_at": "TIMESTAMP",
    "provider": "VARCHAR",
    "api": "VARCHAR",
    "model_requested": "VARCHAR",
    **DIMENSIONS,
    "trace_id": "VARCHAR",
    "tags": "VARCHAR",
}
_LISTINGS = 5


def add_gaps(ledger: Ledger, path: Path) -> int:
    """Make each attempt that a closed segment only intends a call whose cost is unknown; returns how many those were.

    An attempt of which another segment speaks is no gap: its writer has passed it on when it began a new segment, as a handover at
    the end of the old one says, if the disk had room for it.
    """
    source, connection = _lines([path]), ledger.connection
    if ledger.query(f"SELECT 1 FROM {source} WHERE fact = 'handover' LIMIT 1"):
        return 0
    with dropping(connection, "live_gaps"):
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE live_gaps AS
            SELECT intent.* EXCLUDE (fact) FROM {source} AS intent
            ANTI JOIN (SELECT call_id, attempt FROM {source} WHERE fact = '{ATTEMPTS}') AS ended USING (call_id, attempt)
            WHERE fact = 'intents' AND call_id IS NOT NULL AND attempt IS NOT NULL AND occurred_at IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY call_id, attempt) = 1""")
        connection.execute(
            "DELETE FROM live_gaps WHERE (call_id, attempt) IN (SELECT (call_id, attempt) FROM calls"
            " SEMI JOIN live_gaps USING (call_id, attempt))"
        )
        if ledger.query("SELECT 1 FROM live_gaps LIMIT 1"):
            _drop_passed_on(ledger, path)
            _insert(ledger, path.stem)
        return int(ledger.query("SELECT count(*) FROM live_gaps")[0][0])


def _drop_passed_on(ledger: Ledger, path: Path) -> None:
    for listing in range(_LISTINGS):
        others = [other for other in segments(ledger.layout) if other.stem != path.stem]
        if not others:
            return
        try:
            ledger.connection.execute(
                f"DELETE FROM live_gaps WHERE (call_id, attempt) IN (SELECT (call_id, attempt) FROM {_lines(others)})"
            )
        except duckdb.IOException:  # one of them has been closed, and lies elsewhere now
            if listing == _LISTINGS - 1:
                raise
        else:
            return


def _insert(ledger: Ledger, segment: str) -> None:
    shared = ", ".join(("call_id", "attempt", "occurred_at", "provider", *DIMENSIONS))
    given = {"segment": segment, "now": datetime.now(UTC).replace(tzinfo=None)}
    with transaction(ledger.connection):
        ledger.connection.execute(
            f"""INSERT INTO live.calls BY NAME SELECT {shared}, trace_id, tags, $segment AS live_segment, api, model_requested,
            model_requested AS model, '{{}}' AS pricing_context, $now::TIMESTAMP AS recorded_at, 1 AS call_count,
            'cut_off' AS status, 'usage_missing' AS state, 'gateway' AS source FROM live_gaps""",
            given,
        )
        ledger.connection.execute(
            f"""INSERT INTO live.cost_lines BY NAME SELECT {shared}, $segment AS live_segment, model_requested AS model,
            {numbering.USAGE_MISSING} AS line, 0 AS part, $now::TIMESTAMP AS recorded_at, 'list' AS kind,
            'usage_missing' AS state, '{DEFAULT_COST_CLASS}' AS cost_class, '{REASON}' AS reason FROM live_gaps""",
            given,
        )


def _lines(paths: Sequence[Path]) -> str:
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in _INTENT.items())
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_ndjson([{listed}], columns={{{declared}}}, ignore_errors=true)"
