"""Typed SQL for mapped columns: each field as an expression, each way in which a row can be bad as a condition with its message.

Bad rows are found by the engine, not by a loop: the good ones never pass through Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from breakeven.errors import DataError
from breakeven.exchange.importers.fields import INCLUSIVE
from breakeven.exchange.importers.mapping import Mapped
from breakeven.exchange.importers.source import Source, identifier

FUTURE_ALLOWED = timedelta(days=1)
COUNT_MAX = 10**15
BIGINT_SAFE = 9 * 10**18
SAMPLED_ROWS = 10_000
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_TRUE = ("true", "t", "yes", "y", "1", "1.0", "ok", "success", "succeeded", "solved")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "failed", "failure", "error", "unsolved")
# Since when a bare number of this unit would lie between 2001 and 2200: (lower bound, microseconds per unit, name).
_EPOCHS = (
    (10**17, 0.001, "nanoseconds"),
    (10**14, 1, "microseconds"),
    (10**11, 1000, "milliseconds"),
    (10**8, 1_000_000, "seconds"),
)


_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
_DATE_STYLES: Mapping[str, tuple[str, ...]] = {
    "DD.MM.YYYY": tuple(f"%d.%m.%Y{clock}" for clock in _CLOCKS),
    "DD/MM/YYYY": tuple(f"%d/%m/%Y{clock}" for clock in _CLOCKS),
    "MM/DD/YYYY": tuple(f"%m/%d/%Y{clock}" for clock in _CLOCKS),
    "YYYYMMDD": tuple(f"%Y%m%d{clock}" for clock in _CLOCKS[1:]),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a row can be bad."""

    condition: str
    field: str
    message: str
    value: str = "NULL"


@dataclass(frozen=True, slots=True)
class Projection:
    """Expressions by field name, the faults to look for, and notes on units that were guessed."""

    expressions: Mapping[str, str]
    faults: Sequence[Fault]
    notes: Sequence[str]


def project(
    connection: duckdb.DuckDBPyConnection, source: Source, mapped: Sequence[Mapped], now: datetime, origin: datetime | None
) -> Projection:
    """The typed expressions of one source. Times are naive UTC; counts whole and not negative; money exact."""
    expressions: dict[str, str] = {}
    faults: list[Fault] = []
    notes: list[str] = []
    for entry in mapped:
        name = entry.field.name
        raw = _literal(entry.constant) if entry.constant is not None else _reference(source, entry.column or "")
        kind = "VARCHAR" if entry.constant is not None else source.columns.get(entry.column or "", "VARCHAR")
        if entry.field.kind == "time":
            expressions[name], said = _time(connection, source, entry, raw, kind, origin)
            notes += said
        else:
            expressions[name] = (
                _count(raw, kind, entry.factor) if entry.field.kind == "count" else _TYPED[entry.field.kind](raw, kind)
            )
        faults += _faults(entry, raw, expressions[name], now)
    return _without_inclusive(Projection(expressions, faults, notes))


def _reference(source: Source, column: str) -> str:
    """A column, or a member of one (`a.b` in the objects of a Parquet file)."""
    return identifier(column) if column in source.columns else ".".join(identifier(part) for part in column.split("."))


def _time(
    connection: duckdb.DuckDBPyConnection, source: Source, entry: Mapped, raw: str, kind: str, origin: datetime | None
) -> tuple[str, list[str]]:
    if kind.startswith("TIMESTAMP WITH"):
        return f"make_timestamp(epoch_us({raw}))", []
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"CAST({raw} AS TIMESTAMP)", []
    number = f"TRY_CAST({raw} AS DECIMAL(38,9))"
    largest = None
    if entry.constant is None:
        row = connection.execute(f"SELECT max({number}), count({raw}), count({number}) FROM {_sample(source)}").fetchone()
        largest = row[0] if row and row[1] and row[2] * 2 >= row[1] else None
    if largest is None:
        if entry.constant is None and (style := _date_style(connection, source, entry, raw)) is not None:
            formats = ", ".join(_literal(each) for each in _DATE_STYLES[style])
            return f"try_strptime(trim({raw}), [{formats}])", [f"{entry.column}: dates written {style}"]
        # Text: with an offset it is converted, without one it is UTC. (A cast to TIMESTAMP would drop the offset silently.)
        monthly = f"TRY_CAST({raw} || '-01' AS DATE)::TIMESTAMP" if entry.field.name.startswith("period") else "NULL"
        return f"coalesce(make_timestamp(epoch_us(TRY_CAST({raw} AS TIMESTAMPTZ))), {monthly})", []
    return _numeric_time(entry, number, largest, origin)


def _date_style(connection: duckdb.DuckDBPyConnection, source: Source, entry: Mapped, raw: str) -> str | None:
    """How dates are written where most are not ISO 8601; None where they are, or where nothing fits.

    Raises DataError where they may as well be day first as month first: half of them would be wrong in silence.
    """
    iso = f"SELECT count(TRY_CAST({raw} AS TIMESTAMPTZ)) * 2 >= count({raw}) FROM {_sample(source)}"
    if connection.execute(iso).fetchall()[0][0]:
        return None
    tried = ", ".join(
        f"count(try_strptime(trim({raw}), [{', '.join(_literal(each) for each in formats)}]))" for formats in _DATE_STYLES.values()
    )
    counts = connection.execute(f"SELECT {tried} FROM {source.table}").fetchall()[0]
    if not max(counts):
        return None
    fits = [style for style, count in zip(_DATE_STYLES, counts, strict=True) if count == max(counts)]
    if len(fits) > 1:
        raise DataError(
            f"{source.path}: the dates in column {entry.column} may be {' or '.join(fits)}",
            "Write them as YYYY-MM-DD, or map another column.",
        )
    return fits[0]


def _sample(source: Source) -> str:
    """Enough rows to tell a unit by."""
    return f"(SELECT * FROM {source.table} LIMIT {SAMPLED_ROWS})"


def _numeric_time(entry: Mapped, number: str, largest: object, origin: datetime | None) -> tuple[str, list[str]]:
    column = entry.column or ""
    for bound, factor, unit in _EPOCHS:
        if float(str(largest)) >= bound:
            return f"make_timestamp(({number} * {factor})::BIGINT)", [f"{column}: {unit} since 1970"]
    lowered = column.lower()
    factor, unit = (
        (1000, "milliseconds")
        if lowered.endswith("ms")
        else (3_600_000_000, "hours")
        if "hour" in lowered
        else (1_000_000, "seconds")
    )
    if origin is None:
        raise DataError(
            f"column {column} holds relative times ({unit} from an unknown start)",
            "Say when it starts: --at-origin 2026-01-01T00:00:00Z",
        )
    start = f"TIMESTAMP '{origin.isoformat(' ')}'"
    return f"{start} + to_microseconds(({number} * {factor})::BIGINT)", [f"{column}: {unit} from {origin.isoformat()}Z"]


def _text(raw: str, kind: str) -> str:
    del kind
    return f"nullif(trim(CAST({raw} AS VARCHAR)), '')"


def _count(raw: str, kind: str, factor: int = 1) -> str:
    if kind in _INTEGERS:
        return f"TRY_CAST(TRY_CAST({raw} AS HUGEINT) * {factor} AS BIGINT)"
    exact = f"TRY_CAST(CAST({raw} AS VARCHAR) AS DECIMAL(29,9))"
    exact = exact if factor == 1 else f"({exact} * {factor})"
    return f"CASE WHEN {exact} = floor({exact}) AND abs({exact}) <= {BIGINT_SAFE} THEN {exact}::BIGINT END"


def _money(raw: str, kind: str) -> str:
    if kind.startswith("DECIMAL") or kind in _INTEGERS:
        return f"CAST({raw} AS DECIMAL(38,18))"
    return f"TRY_CAST(replace(CAST({raw} AS VARCHAR), '$', '') AS DECIMAL(38,18))"


def _truth(raw: str, kind: str) -> str:
    if kind == "BOOLEAN":
        return raw
    lowered = f"lower(trim(CAST({raw} AS VARCHAR)))"
    return f"CASE WHEN {lowered} IN {_TRUE} THEN true WHEN {lowered} IN {_FALSE} THEN false END"


def _score(raw: str, kind: str) -> str:
    """A share from 0 to 1, or a truth as 0 or 1."""
    del kind
    told = f"lower(trim(CAST({raw} AS VARCHAR)))"
    number = f"TRY_CAST({told} AS DECIMAL(18,6))"
    return f"CASE WHEN {told} IN {_TRUE} THEN 1 WHEN {told} IN {_FALSE} THEN 0 WHEN {number} BETWEEN 0 AND 1 THEN {number} END"


_TYPED = {"text": _text, "money": _money, "truth": _truth, "score": _score}
_WANTED = {"money": "an exact amount", "truth": "yes or no (true/false, 1/0)", "score": "a score from 0 to 1, nor yes or no"}


def _faults(entry: Mapped, raw: str, typed: str, now: datetime) -> list[Fault]:
    name, said = entry.field.name, f"nullif(trim(CAST({raw} AS VARCHAR)), '') IS NOT NULL"
    column = entry.column or name
    faults: list[Fault] = []
    if entry.field.required:
        faults.append(Fault(f"NOT ({said})", column, f"{name} is missing"))
    if entry.field.kind == "time":
        latest = (now + FUTURE_ALLOWED).isoformat(" ")
        faults.append(
            Fault(f"{said} AND {typed} IS NULL", column, "this is no instant (ISO 8601, or seconds, ms or µs since 1970)", raw)
        )
        if name == "occurred_at":
            faults.append(Fault(f"{typed} > TIMESTAMP '{latest}'", column, "this lies in the future", raw))
    elif entry.field.kind == "count":
        faults.append(Fault(f"{said} AND {typed} IS NULL", column, "this is not a whole number", raw))
        faults.append(Fault(f"{typed} < 0", column, "this is negative", raw))
        faults.append(Fault(f"{typed} > {entry.field.most}", column, "this is more than any call can have", raw))
    elif entry.field.kind in _WANTED:
        faults.append(Fault(f"{said} AND {typed} IS NULL", column, f"this is not {_WANTED[entry.field.kind]}", raw))
    return faults


def _without_inclusive(projection: Projection) -> Projection:
    """Replace sums that contain other classes by what is left when those are taken off."""
    expressions = dict(projection.expressions)
    faults = list(projection.faults)
    for name, (target, parts) in INCLUSIVE.items():
        total = expressions.pop(name, None)
        if total is None:
            continue
        contained = " - ".join(f"coalesce({expressions[part]}, 0)" for part in parts if part in expressions)
        rest = f"({total} - {contained})" if contained else total
        faults.append(Fault(f"{rest} < 0", name, "its parts (cached, written, audio, reasoning) are more than the whole"))
        expressions[target] = rest
    return Projection(expressions, faults, projection.notes)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
