"""Shipping: a sealed segment goes to ClickHouse as it is, once, however often it is sent.

Each sealed file is one insert with its SHA-256 as deduplication token, so that a resend after a lost answer adds nothing; what is
in already is counted first, so that this also holds when the server has forgotten the token. Last comes the row in `segments`,
which is the commit: the next shipment begins after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from breakeven.errors import DataError, LedgerDamaged
from breakeven.ledger.clickhouse.erasures import Forgetting
from breakeven.ledger.clickhouse.facts import explained
from breakeven.ledger.clickhouse.tables import (
    IDENTITY_TABLE,
    RESTATED,
    SEGMENTS,
    create_statements,
    missing_columns,
    retention_statements,
    rollup_select,
)
from breakeven.ledger.layout import Layout
from breakeven.ledger.schema import FACTS, ROLLUP_CALLS
from breakeven.ledger.seals import Manifest, SealedFile, damage, manifests, read_manifest, segment_numbers, sha256_of
from breakeven.ledger.states import WEAKEST_FIRST

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_ONCE = {
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "input_format_parquet_preserve_order": 1,  # a resend is cut into the same blocks
    "max_insert_threads": 1,
    "max_partitions_per_insert_block": 0,
    "async_insert": 0,
    "input_format_parquet_allow_missing_columns": 1,  # files of earlier versions
}


def ledger_id(layout: Layout) -> str:
    """What tells one ledger from another, given when it was made."""
    return str(msgspec.json.decode(layout.identity.read_bytes())["id"])


@dataclass(frozen=True, slots=True)
class Shipped:
    """What one shipment added."""

    segments: tuple[int, ...] = ()
    rows: int = 0


class Shipper:
    """Brings the sealed segments of a ledger to ClickHouse, in their order."""

    def __init__(self, client: Client, place: str, retention_days: int | None = None) -> None:
        self._client = client
        self._place = place
        self._retention_days = retention_days
        self._ready = False
        self._forgetting = Forgetting(client)
        self._hashes: dict[Path, tuple[int, str]] = {}

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def ship(self, layout: Layout, most: int | None = None) -> Shipped:
        """Ship what is sealed and not there yet, `most` segments at most. Raises Unreachable, LedgerDamaged."""
        with explained(self._place):
            if not self._ready:
                self._prepare()
                self._claim(layout)
                self._ready = True
            there = self._there()
            waiting = sorted(segment_numbers(layout) - there.keys())[:most]
            rows = sum(self._ship(layout, read_manifest(layout.manifest(number)), layout.manifest(number)) for number in waiting)
            self._follow(layout, there)
            self._forgetting.forget(layout, datetime.now(UTC).replace(tzinfo=None))
        return Shipped(tuple(waiting), rows)

    def segments(self) -> set[int]:
        """The numbers of the segments that are in completely."""
        return set(self._there())

    def _there(self) -> dict[int, str]:
        """The segments that are in completely, with the hash of the manifest that each came with."""
        return dict(tuple(row) for row in self._rows(f"SELECT segment, sha256 FROM {SEGMENTS} FINAL"))

    def _follow(self, layout: Layout, there: Mapping[int, str]) -> None:
        """Segments that were written anew since they came, because something is kept no longer, take the places of the old ones.

        What a rewrite may change is in no rollup, so the rollups stay. A kill leaves the old hash, and all of it is done again.
        """
        known = segment_numbers(layout) & there.keys()
        changed = [number for number in sorted(known) if self._hash(layout.manifest(number)) != there[number]]
        for number in changed:
            manifest = read_manifest(layout.manifest(number))
            for table in dict.fromkeys(file.table for file in manifest.files):
                self._exchange(layout, manifest, table)
        if changed:
            for manifest in (each for each in manifests(layout) if each.kind == "restatement" and each.segment in there):
                self._restate(manifest, sha256_of(layout.manifest(manifest.segment)))
            for number in changed:
                self._commit(read_manifest(layout.manifest(number)), layout.manifest(number))

    def _hash(self, path: Path) -> str:
        """The hash of a manifest, computed again where its file is another one."""
        at = path.stat().st_mtime_ns
        if self._hashes.get(path, (0, ""))[0] != at:
            self._hashes[path] = at, sha256_of(path)
        return self._hashes[path][1]

    def _exchange(self, layout: Layout, manifest: Manifest, table: str) -> None:
        """The rows of a segment's fact as its sealed files have them now. They come as parts, of which no rollup's view hears."""
        draft = f"rewritten_{table}"
        self._client.command(f"DROP TABLE IF EXISTS {draft}")
        self._client.command(f"CREATE TABLE {draft} AS {table}")
        for file in (each for each in manifest.files if each.table == table):
            self._send(layout, manifest.segment, file, draft)
        delete = f"ALTER TABLE {table} DELETE WHERE segment_of = {manifest.segment} SETTINGS mutations_sync = 2"
        self._client.command(delete)
        for (partition,) in self._rows(f"SELECT DISTINCT _partition_id FROM {draft} ORDER BY 1"):
            self._client.command(f"ALTER TABLE {table} ATTACH PARTITION ID '{partition}' FROM {draft}")
        self._client.command(f"DROP TABLE {draft}")

    def _prepare(self) -> None:
        """Make what is missing, columns of later versions included."""
        present: dict[str, dict[str, str]] = {}
        for table, name, kind in self._rows("SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"):
            present.setdefault(table, {})[name] = kind
        for statement in create_statements(self._retention_days):
            self._client.command(statement)
        for table in FACTS:
            for statement in missing_columns(table, present.get(table, {})):
                self._client.command(statement)
        if present:
            for statement in retention_statements(self._retention_days):
                self._client.command(statement)

    def _claim(self, layout: Layout) -> None:
        """A database belongs to one ledger: segments of two would be taken for each other. Raises DataError."""
        mine = ledger_id(layout)
        held = self._rows(f"SELECT id FROM {IDENTITY_TABLE}")
        if not held:
            self._client.command(f"INSERT INTO {IDENTITY_TABLE} (id) SELECT {{id:String}}", parameters={"id": mine})
        elif held[0][0] != mine:
            raise DataError(
                f"the database at {self._place} holds another ledger ({held[0][0]}, this one is {mine})",
                "Name another database in the address, such as clickhouse://user@host:8123/breakeven_2.",
            )

    def _ship(self, layout: Layout, manifest: Manifest, path: Path) -> int:
        rows = sum(self._insert(layout, manifest.segment, file) for file in manifest.files)
        if manifest.kind == "restatement":
            self._restate(manifest, sha256_of(path))
        self._commit(manifest, path)
        return rows

    def _commit(self, manifest: Manifest, path: Path) -> None:
        """Say that a segment is in, as its manifest has it."""
        self._client.command(
            f"INSERT INTO {SEGMENTS} (segment, source, kind, recorded_at, sha256, manifest) SELECT {{segment:UInt64}},"
            " {source:String}, {kind:String}, {recorded_at:DateTime64(6, 'UTC')}, {sha256:String}, {manifest:String}",
            parameters={
                "segment": manifest.segment,
                "source": manifest.source,
                "kind": manifest.kind,
                "recorded_at": datetime.fromisoformat(manifest.recorded_at).isoformat(sep=" ", timespec="microseconds"),
                "sha256": sha256_of(path),
                "manifest": msgspec.json.encode(manifest).decode(),
            },
        )

    def _insert(self, layout: Layout, segment: int, file: SealedFile) -> int:
        """One sealed file, where it is not in yet."""
        known = self._held(segment, file)
        if known == file.rows:
            return 0
        self._send(layout, segment, file, file.table)
        held = self._held(segment, file)
        if held != file.rows and not self._expired(file):
            raise LedgerDamaged(
                f"ClickHouse at {self._place} holds {held} rows of {file.path}, the manifest says {file.rows}",
                f"Remove them (ALTER TABLE {file.table} DELETE WHERE segment_of = {segment}) and export again.",
            )
        return file.rows - known

    def _send(self, layout: Layout, segment: int, file: SealedFile, table: str) -> None:
        """One sealed file into a table, in one insert."""
        if problem := damage(layout, file):
            raise LedgerDamaged(f"segment {segment} cannot be shipped", "Run: breakeven ledger verify", (problem,))
        with (layout.root / file.path).open("rb") as content:
            self._client.raw_insert(
                table,
                column_names=list(FACTS[file.table]),
                insert_block=content,
                fmt="Parquet",
                settings={**_ONCE, "insert_deduplication_token": file.sha256, "log_comment": str(segment)},
            )

    def _expired(self, file: SealedFile) -> bool:
        """Whether retention may have removed some of its rows already."""
        if self._retention_days is None or file.earliest is None:
            return False
        kept_since = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=self._retention_days)
        return datetime.fromisoformat(file.earliest) < kept_since

    def _held(self, segment: int, file: SealedFile) -> int:
        """How many rows of a sealed file are in."""
        partition = Path(file.path).parent.name.removeprefix("month=").replace("-", "")
        condition = f"segment_of = {segment}" + (f" AND _partition_id = '{partition}'" if partition.isdigit() else "")
        return int(self._rows(f"SELECT count() FROM {file.table} WHERE {condition}")[0][0])

    def _restate(self, manifest: Manifest, token: str) -> None:
        """The states of the calls that restated lines belong to, in the table and in the rollup, as `states.py` does it.

        The rollup is corrected first, unless that is in already: it is counted, because a token alone has been seen to let a second
        correction pass. Then the table, after which there is nothing left to correct.
        """
        ranks = "[" + ", ".join(f"'{state}'" for state in WEAKEST_FIRST) + "]"
        lines = f"SELECT DISTINCT call_id, attempt FROM cost_lines WHERE segment_of = {manifest.segment}"
        net = f"""
            SELECT call_id, attempt, arrayElement({ranks}, toInt64(min(indexOf({ranks}, ifNull(state, ''))))) AS new_state FROM (
                SELECT call_id, attempt, state FROM cost_lines WHERE (call_id, attempt) IN ({lines})
                GROUP BY call_id, attempt, state HAVING sum(if(adjustment_of IS NULL, 1, -1)) > 0
            ) GROUP BY call_id, attempt"""
        changed = f"(SELECT * FROM calls INNER JOIN ({net}) AS net USING (call_id, attempt) WHERE state != new_state) AS changed"
        both = " UNION ALL ".join(
            (rollup_select("rollup_calls", changed, sign="-"), rollup_select("rollup_calls", changed, state="new_state"))
        )
        names = ", ".join(ROLLUP_CALLS)
        if not self._rows(f"SELECT 1 FROM {RESTATED} WHERE segment_of = {manifest.segment} LIMIT 1"):
            self._client.command(
                f"INSERT INTO {RESTATED} (segment_of, {names}) SELECT {manifest.segment}, {names} FROM ({both}) ORDER BY ALL",
                settings={**_ONCE, "insert_deduplication_token": f"{token}:states"},
            )
        for state in WEAKEST_FIRST:
            self._client.command(
                f"ALTER TABLE calls UPDATE state = '{state}' WHERE ifNull(state, '') != '{state}' AND (call_id, attempt) IN"
                f" (SELECT call_id, attempt FROM ({net}) WHERE new_state = '{state}') SETTINGS mutations_sync = 2"
            )

    def _rows(self, sql: str) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] = self._client.query(sql).result_rows
        return rows
