"""Past examples from a file: what `breakeven compile` learns from and replays."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from breakeven.errors import DataError, Problem, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.alignment.compiled.replay import Past

SINGLE_ANSWER = "answer"
"""The field's name where the answers are no objects but single values."""
_LONGEST_PATH = 1024
_NAMES = ("id", "document_id")
_REMEDY = 'Give one JSON object a line, like {"input": "...", "output": {"total": "9.00"}}.'


def read_examples(file: Path, input_: str, output: str) -> list[Past]:
    """Every example of a JSONL file (plain or .gz) or a Parquet file. Raises DataError naming where the faulty ones stand."""
    past: list[Past] = []
    problems: list[Problem] = []
    for where, row in rows_of(file):
        try:
            past.append(_example(row, where, input_, output, file.parent))
        except DataError as error:
            problems.append(Problem(where, error.what, error.remedy))
    if problems:
        raise DataError(f"{len(problems):,} of {len(past) + len(problems):,} examples cannot be read", "", tuple(problems[:5]))
    if not past:
        raise DataError(f"{file} holds no example", _REMEDY)
    return past


def answer_fields(past: Sequence[Past], wanted: str) -> list[str]:
    """The fields to learn: those asked for, else all that every example has. Raises UsageError where that is none or unknown."""
    known = dict.fromkeys(name for one in past for name in one.truth)
    has = f"The answers have: {', '.join(known)}."
    if not wanted:
        fields = [name for name in known if all(name in one.truth for one in past)]
        if not fields:
            raise UsageError("no field is in every answer", f"Name the fields to learn with --fields. {has}")
        return fields
    fields = [name.strip() for name in wanted.split(",") if name.strip()]
    missing = [name for name in fields if name not in known]
    if missing or not fields:
        raise UsageError(f"no example has the field {missing[0]!r}" if missing else "--fields names no field", has)
    return fields


def _example(row: Mapping[str, Any], where: str, input_: str, output: str, folder: Path) -> Past:
    from breakeven.alignment.compiled.documents import read_document
    from breakeven.alignment.compiled.replay import Past

    given = _document(reach(row, input_), folder)
    read_document(given, input_)  # a fault is told now, with its line, not in the middle of a replay
    truth = reach(row, output)
    name = next((str(row[key]) for key in _NAMES if key in row), Path(where).name)
    return Past(name, partial(read_document, given, where), truth if isinstance(truth, dict) else {SINGLE_ANSWER: truth})


def _document(given: Any, folder: Path) -> Any:  # noqa: ANN401 - JSON
    """The input itself; of a text that names a PDF file, beside the file of examples, the text in it."""
    if not (isinstance(given, str) and given.lower().endswith(".pdf") and "\n" not in given and len(given) <= _LONGEST_PATH):
        return given
    from breakeven.exchange.documents import pdf_text

    path = folder / given
    if not path.is_file():
        raise DataError(f"the PDF file {path} does not exist", "Name it as it is called beside the file of examples.")
    return pdf_text(file_bytes(path), str(path))


def reach(row: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - JSON
    """The value at a dotted path; a text that holds a JSON object is entered like one. Raises DataError."""
    import msgspec

    value: Any = row
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            has = f"; there are: {', '.join(value)}" if isinstance(value, dict) else ""
            raise DataError(f"there is no field {path!r}{has}", "Name the fields with --input and --output.")
        value = value[part]
        if isinstance(value, str) and value.startswith("{"):
            try:
                value = msgspec.json.decode(value)
            except msgspec.DecodeError:
                continue
    return value


def rows_of(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of a file with where it stands."""
    yield from _parquet_rows(file) if file.suffix == ".parquet" else _json_rows(file)


def _json_rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import msgspec

    content = file_bytes(file)
    if file.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError):
            raise DataError(f"{file} is no gzip file or is cut off", "Give the whole file, or the unpacked one.") from None
    for number, line in enumerate(content.splitlines(), 1):
        where = f"{file}:{number}"
        if line.strip():
            try:
                yield where, msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise DataError(f"{where} is no JSON object: {error}", _REMEDY) from None


def _parquet_rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import duckdb

    if not file.is_file():
        raise Unreachable(f"{file} does not exist", "Give an existing file.")
    try:
        found = duckdb.read_parquet(str(file))
        names, rows = found.columns, found.fetchall()
    except duckdb.Error as error:
        raise DataError(f"{file} is no Parquet file: {error}", "Give a Parquet or JSONL file.") from None
    for number, row in enumerate(rows, 1):
        yield f"{file}, row {number}", dict(zip(names, row, strict=True))


def file_bytes(file: Path) -> bytes:
    """The content of a file. Raises Unreachable."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Unreachable(f"{file} cannot be read: {error.strerror}", "Give an existing file.") from None
