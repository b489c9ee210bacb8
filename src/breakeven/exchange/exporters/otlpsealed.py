"""What sealed segments add, as OpenTelemetry has it: spans behind a mark, and metrics that grow.

Read from the sealed files alone, in a database of its own: the ledger's is not asked, so that pushing never waits for the books nor
holds them up. A segment that has been read once reads the same again, which is what makes a repeated push harmless: spans have the
same ids, and metrics, cumulative from a start that is kept, the same values at the same instants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import msgspec

from breakeven.economics.periods import Period
from breakeven.exchange.exporters.otlp import BATCH_SPANS, span_body, span_select
from breakeven.exchange.exporters.otlpmetrics import CUMULATIVE, metric, metric_body, metrics
from breakeven.exchange.exporters.writing import quoted
from breakeven.ledger.layout import Layout
from breakeven.ledger.schema import FACTS
from breakeven.ledger.seals import Manifest

BATCH_POINTS = 1_000
_ALWAYS = Period("all", datetime(1970, 1, 1), datetime(9999, 1, 1))  # noqa: DTZ001 - facts are UTC without zone
_MEMORY = "256MB"


class Place(msgspec.Struct, frozen=True):
    """A call within a segment: everything up to it was taken."""

    at: str
    call: str
    attempt: int


class Series(msgspec.Struct, kw_only=True):
    """One metric with one combination of attributes, summed up since the start; amounts as texts, with every digit."""

    name: str
    unit: str
    attributes: list[dict[str, Any]]
    total: str | None = None
    kind: str = ""
    count: int = 0
    sum: float = 0.0
    min: float = 0.0
    max: float = 0.0
    buckets: list[int] = []
    bounds: list[float] = []


def spans(layout: Layout, manifest: Manifest, after: Place | None, *, users: bool) -> Iterator[tuple[bytes, int, Place]]:
    """The requests of a segment's spans behind a place, with their number and the place that each of them reaches."""
    if not any(file.table == "calls" for file in manifest.files):
        return
    with _opened(layout, manifest) as connection:
        where = {} if after is None else {"at": after.at, "call": after.call, "attempt": after.attempt}
        connection.execute(span_select(users=users, after=after is not None), {"start": _ALWAYS.start, "end": _ALWAYS.end, **where})
        while batch := connection.fetchmany(BATCH_SPANS):
            _, at, call, attempt = batch[-1]
            yield span_body(row[0] for row in batch), len(batch), Place(at.isoformat(), call, attempt)


def grown(layout: Layout, manifest: Manifest, known: Mapping[str, Series]) -> dict[str, Series]:
    """Every series after a segment; `known` stays as it is."""
    after = {key: msgspec.structs.replace(one) for key, one in known.items()}
    with _opened(layout, manifest) as connection:
        for name, unit, points in metrics(connection, _ALWAYS, "0"):
            for point in points:
                key = msgspec.json.encode([name, point["attributes"]]).decode()
                after[key] = _added(after.get(key), name, unit, point)
    return after


def metric_bodies(series: Sequence[Series], start: int, at: int) -> Iterator[bytes]:
    """The requests that tell every series as it stands at an instant; both in nanoseconds."""
    told = sorted(series, key=lambda one: one.name)
    for first in range(0, len(told), BATCH_POINTS):
        named: dict[str, list[Series]] = {}
        for one in told[first : first + BATCH_POINTS]:
            named.setdefault(one.name, []).append(one)
        yield metric_body(
            [metric(name, found[0].unit, [_point(one, start, at) for one in found], CUMULATIVE) for name, found in named.items()]
        )


def instant(manifest: Manifest) -> int:
    """When a segment was recorded, in nanoseconds."""
    return int(datetime.fromisoformat(manifest.recorded_at).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@contextmanager
def _opened(layout: Layout, manifest: Manifest) -> Iterator[duckdb.DuckDBPyConnection]:
    """The calls and cost lines of one segment, as tables of those names; columns of later versions are null."""
    with duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY, "temp_directory": str(layout.spill)}) as connection:
        for table in ("calls", "cost_lines"):
            columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in FACTS[table].items())
            select = f"SELECT {columns} WHERE false"
            files = [f"'{quoted(layout.root / file.path)}'" for file in manifest.files if file.table == table]
            if files:
                read = f"read_parquet([{', '.join(files)}], union_by_name = true, hive_partitioning = false)"
                select += f" UNION ALL BY NAME SELECT * FROM {read}"
            connection.execute(f"CREATE VIEW {table} AS {select}")
        yield connection


def _added(known: Series | None, name: str, unit: str, point: Mapping[str, Any]) -> Series:
    if "count" in point:
        more = Series(
            name=name, unit=unit, attributes=point["attributes"], count=int(point["count"]), sum=point["sum"], min=point["min"],
            max=point["max"], buckets=[int(text) for text in point["bucketCounts"]], bounds=point["explicitBounds"],
        )  # fmt: skip
        if known is None:
            return more
        return msgspec.structs.replace(
            more, count=known.count + more.count, sum=known.sum + more.sum, min=min(known.min, more.min),
            max=max(known.max, more.max), buckets=[a + b for a, b in zip(known.buckets, more.buckets, strict=True)],
        )  # fmt: skip
    kind = "asInt" if "asInt" in point else "asDouble"
    before = Decimal(0) if known is None else Decimal(known.total or 0)
    return Series(name=name, unit=unit, attributes=point["attributes"], kind=kind, total=str(before + Decimal(point[kind])))


def _point(one: Series, start: int, at: int) -> dict[str, Any]:
    point: dict[str, Any] = {"startTimeUnixNano": str(start), "timeUnixNano": str(at), "attributes": one.attributes}
    if one.kind:
        return {**point, one.kind: one.total}
    return {
        **point, "count": str(one.count), "sum": one.sum, "min": one.min, "max": one.max,
        "bucketCounts": [str(count) for count in one.buckets], "explicitBounds": one.bounds,
    }  # fmt: skip
