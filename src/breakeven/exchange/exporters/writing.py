"""Files written by the engine: CSV or Parquet by the name's end, whole or not at all."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

import duckdb

from breakeven.errors import Unreachable, UsageError

_SUFFIXES = {".csv": "csv", ".parquet": "parquet"}
_OPTIONS = {"csv": "FORMAT csv, HEADER true", "parquet": "FORMAT parquet, COMPRESSION zstd"}


def suffix_of(path: Path) -> str:
    """`csv` or `parquet`. Raises UsageError for any other name."""
    found = _SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise UsageError(f"cannot tell the format of {path.name!r} by its name", "End it with .csv or .parquet.")
    return found


def copy_to(connection: duckdb.DuckDBPyConnection, select: str, path: Path, *, times: AbstractSet[str] = frozenset()) -> Path:
    """Write the rows of a SELECT without parameters; a file that exists is replaced only by a whole one.

    Columns named in `times` are naive UTC: in CSV they are written with Z, in Parquet as instants in UTC.
    """
    form = suffix_of(path)
    said = "strftime({0}, '%Y-%m-%dT%H:%M:%SZ')" if form == "csv" else "make_timestamptz(epoch_us({0}))"
    replaced = ", ".join(f'{said.format(chr(34) + name + chr(34))} AS "{name}"' for name in sorted(times))
    source = f"SELECT * REPLACE ({replaced}) FROM ({select})" if replaced else select
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection.execute("SET preserve_insertion_order = true")  # the order of the SELECT is the order of the file
        connection.execute(f"COPY ({source}) TO '{quoted(draft)}' ({_OPTIONS[form]})")
        draft.replace(path)
    except (OSError, duckdb.IOException) as error:
        draft.unlink(missing_ok=True)
        first = str(error).strip().splitlines()[0]
        raise Unreachable(f"{path} cannot be written: {first}", "Free space or fix permissions, and run it again.") from error
    return path


def quoted(path: Path) -> str:
    """A path inside an SQL literal."""
    return str(path).replace("'", "''")
