"""Files as records: JSON over many lines, JSON lines, or a CSV whose rows are objects of texts; also packed with gzip."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from breakeven.errors import DataError
from breakeven.exchange.importers.records import EmptyFile, opened_lines, whole
from breakeven.exchange.importers.sources import encoding_of

Node = Mapping[str, Any]
_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_PAGES = ("data", "results", "rows", "items", "records", "logs", "calls")
"""Members under which exports and interfaces return their records."""


@dataclass(frozen=True, slots=True)
class Document:
    """One record: where it stands, what it says, and why it cannot be read where it cannot."""

    where: str
    node: Node
    raw: bytes = b""
    broken: str = ""

    def text(self) -> bytes:
        """The record for the rejects file."""
        return self.raw or msgspec.json.encode(self.node)


def documents(path: Path) -> Iterator[Document]:
    """The records of a file, pages and arrays taken apart. Raises DataError or Unreachable naming the file."""
    lines = opened_lines(path)
    first = next((line for line in lines if line.strip()), b"")
    if not first:
        raise EmptyFile(path)
    start = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start not in (b"{", b"["):
        yield from _table(path)
        return
    node = _decoded(first)
    second = next((line for line in lines if line.strip()), b"")
    if node is None or (isinstance(node, list) and not second) or not second:
        yield from _whole(path, first, node, second)
        return
    yield from _lines(path)


def _whole(path: Path, first: bytes, node: object, second: bytes) -> Iterator[Document]:
    found = node if node is not None and not second else _decoded(whole(path))
    if found is not None:
        yield from opened(found, str(path))
    elif second and second.lstrip()[:1] == b"{" and first.lstrip()[:1] == b"{":
        yield from _lines(path)
    else:
        raise DataError(f"{path} is not whole JSON", "It may have been cut off; export it again.")


def _lines(path: Path) -> Iterator[Document]:
    for number, line in enumerate(opened_lines(path), 1):
        if not line.strip():
            continue
        node = _decoded(line)
        if isinstance(node, dict | list):
            yield from opened(node, f"{path}:{number}", line)
        else:
            yield Document(f"{path}:{number}", {}, line, "this is not a whole JSON object")


def opened(node: object, where: str, raw: bytes = b"") -> Iterator[Document]:
    """The records in a node: itself, the members of an array, or what stands on a page of an interface."""
    if isinstance(node, list):
        for number, each in enumerate(node, 1):
            yield from (
                opened(each, f"{where}#{number}")
                if isinstance(each, dict)
                else [Document(f"{where}#{number}", {}, msgspec.json.encode(each), "this is not a JSON object")]
            )
        return
    if not isinstance(node, dict):
        yield Document(where, {}, raw or msgspec.json.encode(node), "this is not a JSON object")
        return
    page = next((name for name in _PAGES if isinstance(node.get(name), list) and _is_page(node, name)), None)
    if page is None:
        yield Document(where, node, raw)
    else:
        yield from opened(node[page], f"{where} {page}")


def _is_page(node: Node, name: str) -> bool:
    """A page has no more than its list and words about paging; a record that holds a list is a record."""
    return all(
        not isinstance(value, dict) or other in ("meta", "pagination") for other, value in node.items() if other != name
    ) and ("start_time" not in node and "starting_at" not in node and "id" not in node)


def _table(path: Path) -> Iterator[Document]:
    content = whole(path)
    try:
        text = content.decode(encoding_of(content))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text: {error}", "Give JSON, JSON lines or CSV.") from error
    if text.lstrip()[:1] in ("{", "["):
        raise DataError(f"{path} is JSON that is not written in UTF-8", "Save it as UTF-8.")
    head = text.partition("\n")[0]
    separator = max((",", ";", "\t"), key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    if not reader.fieldnames or len(reader.fieldnames) == 1:
        raise DataError(f"{path} is neither JSON nor a table", "Give JSON, JSON lines or CSV.")
    for row in reader:
        node = {name: value for name, value in row.items() if name is not None and value not in ("", None)}
        yield Document(f"{path}:{reader.line_num}", node)


def _decoded(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except _FAULTS:
        return None
