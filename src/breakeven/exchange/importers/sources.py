"""Files as tables: CSV of any separator and encoding, JSONL, JSON arrays and Parquet become one raw table, row numbers kept."""

from __future__ import annotations

import codecs
import gzip
import re
import shutil
import zlib
from pathlib import Path

import duckdb
import msgspec

from breakeven.errors import DataError, Problem, Unreachable
from breakeven.exchange.importers.csvfile import read_csv
from breakeven.exchange.importers.source import LINE_BYTES_MAX, REJECT_PREFIX, SNIFFED_BYTES, Source, columns_of, first_line, quoted

_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
BINARY_SHARE = 0.01
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1c-\x1f]")
_NOT_A_NUMBER = re.compile(r"[:\[,]\s*-?(?:NaN|Infinity)\b")
# Members under which interfaces and exports return their records.
_WRAPPERS = ("data", "rows", "items", "records", "results", "logs", "calls")


def open_source(connection: duckdb.DuckDBPyConnection, path: Path, table: str, spill: Path) -> Source:
    """Read one file into a temporary table. Raises DataError or Unreachable naming the file where that is not possible at all."""
    head = _head(path)
    if head.startswith(_PARQUET):
        return _parquet(connection, path, table)
    text = _as_utf8(path, head, spill)
    start = _decoded(head).lstrip()
    if start[:1] in ("{", "["):
        return _json(connection, path, text, table, whole=start.startswith("["))
    return read_csv(connection, path, text, table, spill)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise DataError(f"{path} is a directory", "Name the files in it; only claude-code and responses take directories.")
    try:
        with path.open("rb") as stream:
            head = stream.read(SNIFFED_BYTES)
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror or error}", "Check the path and its permissions.") from error
    if head.startswith(_GZIP):
        try:
            with gzip.open(path) as stream:
                head = stream.read(SNIFFED_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is a damaged gzip file: {error}", "Copy it again from where it came from.") from error
    if not head.strip():
        raise DataError(f"{path} is empty", "Nothing was imported from it.")
    return head


def encoding_of(head: bytes) -> str:
    """How a text is written, by its first bytes."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _decoded(head: bytes) -> str:
    return codecs.getincrementaldecoder(encoding_of(head))("replace").decode(head)


def _as_utf8(path: Path, head: bytes, spill: Path) -> Path:
    """The file itself where it is plain UTF-8, otherwise a copy of it in UTF-8."""
    encoding = encoding_of(head)
    text = _decoded(head)
    if len(_CONTROL.findall(text)) > BINARY_SHARE * len(text):
        raise DataError(f"{path} is neither Parquet nor text", "Give CSV, JSON, JSONL or Parquet (also compressed with gzip).")
    packed = _is_gzip(path)
    if encoding == "utf-8" and not packed:
        return path
    copy = spill / f"{path.name}.utf8"
    opened = gzip.open if packed else open
    try:
        with (
            opened(path, "rt", encoding=encoding, errors="replace", newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            shutil.copyfileobj(source, target, SNIFFED_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}", "Copy it again from where it came from.") from error
    return copy


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> Source:
    try:
        numbered = f"read_parquet({quoted(path)}, file_row_number = true)"
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {table} AS"
            f" SELECT file_row_number + 1 AS _row, * EXCLUDE (file_row_number) FROM {numbered}"
        )
        columns = columns_of(connection, table)
    except duckdb.Error as error:
        raise DataError(
            f"{path} is a damaged Parquet file: {first_line(error)}", "Write it again from where it came from."
        ) from error
    return Source(path, "parquet", table, columns)


def _json(connection: duckdb.DuckDBPyConnection, path: Path, text: Path, table: str, *, whole: bool) -> Source:
    """Objects, one a line or in an array. Columns are the keys that occur; nested objects stay JSON and are reached by `a.b`."""
    inner = None if whole else _list_inside(text)
    if whole or inner is not None:
        _json_array(connection, path, text, table, inner)
    else:
        _json_lines(connection, path, text, table)
    connection.execute(f"DELETE FROM {table} WHERE _raw IS NULL OR trim(_raw) = ''")
    broken = "CASE WHEN json_valid(_raw) THEN json_type(_raw) <> 'OBJECT' ELSE true END"
    bad = connection.execute(f"SELECT _row, _raw FROM {table} WHERE {broken} ORDER BY _row").fetchall()
    problems = tuple(
        Problem(
            f"{path}:{row}",
            "this is not a whole JSON object" + (" (JSON has no NaN or Infinity)" if _NOT_A_NUMBER.search(raw) else ""),
            "Mend the line (it may have been cut off) and import it again.",
        )
        for row, raw in bad
    )
    connection.execute(f"DELETE FROM {table} WHERE {broken}")
    return Source(path, "json", table, json_columns(connection, table), problems, tuple(raw for _, raw in bad))


def json_columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The keys that occur in the objects of a table."""
    keys = connection.execute(f"SELECT DISTINCT unnest(json_keys(_raw)) AS key FROM {table} ORDER BY key").fetchall()
    return {key: "JSON" for (key,) in keys if not key.startswith(REJECT_PREFIX)}


def _list_inside(text: Path) -> str | None:
    """The member that holds the records where the file is one JSON object over several lines, such as `{"data": [...]}`.

    None where it is one object a line. An object without a list of objects is one record: the member is then empty.
    """
    with text.open("rb") as stream:
        first = stream.readline(SNIFFED_BYTES).strip()
        if first.endswith(b"}") and _parsed(first) is not None and stream.readline(SNIFFED_BYTES).strip():
            return None
    if text.stat().st_size > LINE_BYTES_MAX:
        return None
    document = _parsed(text.read_bytes())
    if not isinstance(document, dict):
        return None
    lists = [name for name, value in document.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    return lists[0] if len(lists) == 1 and lists[0] in _WRAPPERS else ""


def _parsed(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _json_lines(connection: duckdb.DuckDBPyConnection, path: Path, text: Path, table: str) -> None:
    try:
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {table} AS
            SELECT row_number() OVER () AS _row, line AS _raw FROM read_csv(
                {quoted(text)}, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false,
                auto_detect = false, max_line_size = {LINE_BYTES_MAX}, parallel = false
            )""")
    except duckdb.Error as error:
        raise DataError(
            f"{path} cannot be read as JSONL: {first_line(error)}", f"A line may have {LINE_BYTES_MAX >> 20} MB of UTF-8 text."
        ) from error


def _json_array(connection: duckdb.DuckDBPyConnection, path: Path, text: Path, table: str, member: str | None = None) -> None:
    source = f"read_json_objects({quoted(text)}, format = '{{}}', maximum_object_size = {LINE_BYTES_MAX})"
    records = (
        f"SELECT json FROM {source.format('array')}"
        if member is None
        else f'SELECT unnest(from_json(json, \'{{"{member}": ["JSON"]}}\').{member}) AS json FROM {source.format("unstructured")}'
        if member
        else f"SELECT json FROM {source.format('unstructured')}"
    )
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT row_number() OVER () AS _row, json::VARCHAR AS _raw FROM ({records})"
        )
    except duckdb.Error as error:
        raise DataError(
            f"{path} is not a whole JSON array: {first_line(error)}", "Mend it (it may have been cut off) and import it again."
        ) from error
