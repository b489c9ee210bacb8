"""Files as tables: CSV of any separator and encoding, JSONL, JSON arrays and Parquet become one raw table, row numbers kept."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from breakeven.errors import DataError, Problem, Unreachable

LINE_BYTES_MAX = 64 * 1024 * 1024
_SNIFFED_BYTES = 1 << 20
_SEPARATORS = (",", ";", "\t", "|")
_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
REJECT_PREFIX = "_reject_"
BINARY_SHARE = 0.01
_QUOTED_NAME = re.compile(r'"[^"]*"')
_NOT_A_NUMBER = re.compile(r"[:\[,]\s*-?(?:NaN|Infinity)\b")
# Members under which interfaces and exports return their records.
_WRAPPERS = ("data", "rows", "items", "records", "results", "logs", "calls")


@dataclass(frozen=True, slots=True)
class Source:
    """One input file, read into the temporary table `table` with its columns, `_row` (from 1) and, where text is kept, `_raw`."""

    path: Path
    kind: str  # csv, json, parquet
    table: str
    columns: dict[str, str]
    malformed: tuple[Problem, ...] = ()
    malformed_lines: tuple[str, ...] = ()
    malformed_places: tuple[int, ...] = ()
    header: str = ""

    def place(self, row: int) -> int:
        """Where a row stands in the file: the line in a CSV (after its header and any malformed lines before), else the record."""
        if self.kind != "csv":
            return row
        line = row + 1
        for malformed in sorted(self.malformed_places):
            line += malformed <= line
        return line


def open_source(connection: duckdb.DuckDBPyConnection, path: Path, table: str, spill: Path) -> Source:
    """Read one file into a temporary table. Raises DataError or Unreachable naming the file where that is not possible at all."""
    head = _head(path)
    if head.startswith(_PARQUET):
        return _parquet(connection, path, table)
    text = _as_utf8(path, head, spill)
    start = _decoded(head).lstrip()
    if start[:1] in ("{", "["):
        return _json(connection, path, text, table, whole=start.startswith("["))
    return _csv(connection, path, text, table)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise DataError(f"{path} is a directory", "Name the files in it; only claude-code and responses take directories.")
    try:
        with path.open("rb") as stream:
            head = stream.read(_SNIFFED_BYTES)
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror or error}", "Check the path and its permissions.") from error
    if head.startswith(_GZIP):
        try:
            with gzip.open(path) as stream:
                head = stream.read(_SNIFFED_BYTES)
        except (OSError, EOFError) as error:
            raise DataError(f"{path} is a damaged gzip file: {error}", "Copy it again from where it came from.") from error
    if not head.strip():
        raise DataError(f"{path} is empty", "Nothing was imported from it.")
    return head


def _encoding(head: bytes) -> str:
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _decoded(head: bytes) -> str:
    return codecs.getincrementaldecoder(_encoding(head))("replace").decode(head)


def _as_utf8(path: Path, head: bytes, spill: Path) -> Path:
    """The file itself where it is plain UTF-8, otherwise a copy of it in UTF-8."""
    encoding = _encoding(head)
    text = _decoded(head)
    if sum(
        character == "\0" or (character < " " and character not in "\t\r\n\f\x1a\x1b") for character in text
    ) > BINARY_SHARE * len(text):
        raise DataError(f"{path} is neither Parquet nor text", "Give CSV, JSON, JSONL or Parquet (also compressed with gzip).")
    packed = _is_gzip(path)
    if encoding == "utf-8" and not packed:
        return path
    copy = spill / f"{path.name}.utf8"
    opened = gzip.open if packed else open
    with (
        opened(path, "rt", encoding=encoding, errors="replace", newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        shutil.copyfileobj(source, target, _SNIFFED_BYTES)
    return copy


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> Source:
    try:
        numbered = f"read_parquet({_quoted(path)}, file_row_number = true)"
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {table} AS"
            f" SELECT file_row_number + 1 AS _row, * EXCLUDE (file_row_number) FROM {numbered}"
        )
        columns = _columns(connection, table)
    except duckdb.Error as error:
        raise DataError(f"{path} is a damaged Parquet file: {_first(error)}", "Write it again from where it came from.") from error
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
        first = stream.readline(_SNIFFED_BYTES).strip()
        if first.endswith(b"}") and _parsed(first) is not None and stream.readline(_SNIFFED_BYTES).strip():
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
                {_quoted(text)}, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false,
                auto_detect = false, max_line_size = {LINE_BYTES_MAX}, parallel = false
            )""")
    except duckdb.Error as error:
        raise DataError(
            f"{path} cannot be read as JSONL: {_first(error)}", f"A line may have {LINE_BYTES_MAX >> 20} MB of UTF-8 text."
        ) from error


def _json_array(connection: duckdb.DuckDBPyConnection, path: Path, text: Path, table: str, member: str | None = None) -> None:
    source = f"read_json_objects({_quoted(text)}, format = '{{}}', maximum_object_size = {LINE_BYTES_MAX})"
    records = (
        f"SELECT json FROM {source.format('array')}"
        if member is None
        else f"SELECT unnest(from_json(json, '{{\"{member}\": [\"JSON\"]}}').{member}) AS json FROM {source.format('unstructured')}"
        if member
        else f"SELECT json FROM {source.format('unstructured')}"
    )
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT row_number() OVER () AS _row, json::VARCHAR AS _raw FROM ({records})"
        )
    except duckdb.Error as error:
        raise DataError(
            f"{path} is not a whole JSON array: {_first(error)}", "Mend it (it may have been cut off) and import it again."
        ) from error


def _csv(connection: duckdb.DuckDBPyConnection, path: Path, text: Path, table: str) -> Source:
    with text.open(encoding="utf-8", errors="replace") as stream:
        header = stream.readline(_SNIFFED_BYTES).rstrip("\r\n")
    unquoted = _QUOTED_NAME.sub("", header)
    separator = max(_SEPARATORS, key=unquoted.count)
    options = (
        f"columns = {{{_declared(header, separator, path)}}}, header = true, auto_detect = false, delim = '{separator}',"
        " quote = '\"', escape = '\"', strict_mode = false, store_rejects = true, rejects_limit = 0, parallel = false,"
        f" max_line_size = {LINE_BYTES_MAX}"
    )
    for rejected in ("reject_errors", "reject_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {rejected}")
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS"
            f" SELECT row_number() OVER () AS _row, * FROM read_csv({_quoted(text)}, {options})"
        )
        bad = connection.execute("SELECT line, csv_line, error_message FROM reject_errors ORDER BY line").fetchall()
    except duckdb.Error as error:
        raise DataError(
            f"{path} cannot be read as CSV: {_first(error)}", "Check quotes and separators, or save it as JSONL or Parquet."
        ) from error
    problems = tuple(
        Problem(f"{path}:{line}", f"the line does not fit the header: {_first_text(message)}", "Mend the line and import it again.")
        for line, _, message in bad
    )
    return Source(path, "csv", table, _columns(connection, table), problems, tuple(str(raw) for _, raw, _ in bad), tuple(line for line, _, _ in bad), header)


def _declared(header: str, separator: str, path: Path) -> str:
    names = list(_header_names(header, separator))
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{path}:1: the header names {', '.join(repeated)} twice", "Give each column its own name.")
    return ", ".join("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in names)


def _header_names(header: str, separator: str) -> Iterator[str]:
    names = next(csv.reader([header], delimiter=separator), [])
    for number, name in enumerate(names, start=1):
        yield name.strip() or f"column_{number}"


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    return {row[0]: row[1] for row in described if row[0] != "_row" and not row[0].startswith(REJECT_PREFIX)}


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _first(error: Exception) -> str:
    return _first_text(str(error))


def _first_text(text: str) -> str:
    return text.strip().splitlines()[0].removeprefix("Invalid Input Error: ")
