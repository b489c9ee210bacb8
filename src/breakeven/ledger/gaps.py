"""What a writer left undone: attempts that were begun and never ended, and lines that nobody can read. Both stay visible."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from breakeven.economics.cost_class import DEFAULT_COST_CLASS
from breakeven.ledger import numbering
from breakeven.ledger.layout import Layout, write_durably
from breakeven.ledger.schema import DIMENSIONS

if TYPE_CHECKING:
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


def add_gaps(ledger: Ledger, path: Path) -> int:
    """Make each attempt that a closed segment only intends a call whose cost is unknown; returns how many those were.

    A segment that ends with a handover has passed its open intents on to the next one of the same writer.
    """
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in _INTENT.items())
    source = f"read_ndjson('{str(path).replace(chr(39), chr(39) * 2)}', columns={{{declared}}}, ignore_errors=true)"
    if ledger.query(f"SELECT 1 FROM {source} WHERE fact = 'handover' LIMIT 1"):
        return 0
    connection = ledger.connection
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE live_gaps AS
        SELECT * EXCLUDE (fact) FROM {source} WHERE fact = 'intents' AND (call_id, attempt) NOT IN (
            SELECT (call_id, attempt) FROM {source} WHERE fact = 'attempts' AND call_id IS NOT NULL)
        QUALIFY row_number() OVER (PARTITION BY call_id, attempt) = 1""")
    connection.execute("DELETE FROM live_gaps WHERE (call_id, attempt) IN (SELECT (call_id, attempt) FROM calls)")
    from breakeven.ledger.store import transaction  # noqa: PLC0415 - store loads what live needs

    with transaction(connection):
        shared = ", ".join(("call_id", "attempt", "occurred_at", "provider", *DIMENSIONS))
        connection.execute(
            f"""INSERT INTO live.calls BY NAME SELECT {shared}, trace_id, tags, $segment AS live_segment, api, model_requested,
            model_requested AS model, '{{}}' AS pricing_context, now()::TIMESTAMP AS recorded_at, 1 AS call_count,
            'cut_off' AS status, 'usage_missing' AS state, 'gateway' AS source FROM live_gaps""",
            {"segment": path.stem},
        )
        connection.execute(
            f"""INSERT INTO live.cost_lines BY NAME SELECT {shared}, $segment AS live_segment, model_requested AS model,
            {numbering.USAGE_MISSING} AS line, 0 AS part, now()::TIMESTAMP AS recorded_at, 'list' AS kind,
            'usage_missing' AS state, '{DEFAULT_COST_CLASS}' AS cost_class, '{REASON}' AS reason FROM live_gaps""",
            {"segment": path.stem},
        )
    return int(ledger.query("SELECT count(*) FROM live_gaps")[0][0])


def set_aside(layout: Layout, piece: Path, segment: str, start: int) -> int:
    """Take the lines out of `piece` that are no JSON object with a known fact, and keep them in `rejects/`; returns how many."""
    kept: list[bytes] = []
    damaged: list[bytes] = []
    for line in piece.read_bytes().splitlines(keepends=True):
        (kept if _is_readable(line) else damaged).append(line)
    if not damaged:
        # Every line is JSON, but DuckDB cannot make the declared types of it: none of them can be trusted to be what it says.
        kept, damaged = [], [b"".join(kept)]
    write_durably(layout.rejects / f"segment-{segment}-{start}.ndjson", b"".join(damaged))
    piece.write_bytes(b"".join(kept))
    return len(damaged)


def _is_readable(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line, type=_Fact).fact, str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


class _Fact(msgspec.Struct):
    fact: str
