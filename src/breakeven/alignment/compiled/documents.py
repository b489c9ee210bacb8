"""What a compiled handler reads: a document as cells on a page, whether it came as lines with boxes or as plain text.

A cell is one printed run of text with its place; cells whose boxes overlap vertically stand in one row. Plain text has no boxes:
its lines are rows, and two or more spaces (or a tab) part the cells of a row. Places are shares of the page, so that two scans of
one layout look alike whatever their resolution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from breakeven.alignment.compiled.wording import words
from breakeven.errors import DataError

_GAP = re.compile(r"\t| {2,}")
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
_CORNERS = 8  # four corner points, x and y each
_SIDES = 4  # left, top, right, bottom
_PROSE_WORDS, _PROSE_ROW = 400, 6
"""With at least so many words, and on average so many in a row, an input is running text and no form."""
SAME_ROW_OVERLAP = 0.5
"""Two boxes stand in one row where they share at least this part of the lower one's height."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed run of text: its row, and its edges as shares of the page (0 left or top, 1 right or bottom)."""

    text: str
    row: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Document:
    """One input: its cells in reading order, the same cells by row, and the words of each row."""

    cells: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: tuple[tuple[str, ...], ...]
    running: str = ""
    """The whole as one text, where it is running text: lines and double spaces then part no values."""


@dataclass(frozen=True, slots=True)
class _Box:
    text: str
    left: float
    top: float
    right: float
    bottom: float


def read_document(value: object, where: str = "input") -> Document:
    """The document in one input value: a text, or a list of texts or of lines with boxes. Raises DataError naming `where`."""
    if isinstance(value, str):
        return _from_text(value.splitlines())
    if isinstance(value, Sequence) and all(isinstance(line, str) for line in value):
        return _from_text([str(line) for line in value])
    if isinstance(value, Sequence):
        return _from_boxes([_box(line, f"{where}, line {number}") for number, line in enumerate(value, 1)])
    raise DataError(
        f"{where} is neither a text nor a list of lines",
        'Give a text, or a list of lines like {"box": [x0, y0, x1, y1], "text": "TOTAL"}.',
    )


def _from_text(lines: Sequence[str]) -> Document:
    """Lines are rows; runs of spaces part cells; a character's column is its place."""
    width = max((len(line) for line in lines), default=0) or 1
    height = len(lines) or 1
    rows: list[tuple[Cell, ...]] = []
    for number, line in enumerate(lines):
        row: list[Cell] = []
        for start, text in _pieces(line):
            end = start + len(text)
            row.append(Cell(text, len(rows), start / width, number / height, end / width, (number + 1) / height))
        if row:
            rows.append(tuple(row))
    return _document(tuple(rows))


def _pieces(line: str) -> list[tuple[int, str]]:
    """The cells of one line of text with the column in which each begins."""
    found: list[tuple[int, str]] = []
    start = 0
    for gap in [*_GAP.finditer(line), None]:
        piece = line[start : gap.start() if gap else len(line)]
        if text := piece.strip():
            found.append((start + len(piece) - len(piece.lstrip()), text))
        start = gap.end() if gap else len(line)
    return found


def _box(line: object, where: str) -> _Box:
    """One line with its box, which may be numbers or a text of numbers, two corners or four."""
    if not isinstance(line, Mapping) or "text" not in line:
        raise DataError(f"{where} has no text", 'Give every line like {"box": [x0, y0, x1, y1], "text": "TOTAL"}.')
    raw = line.get("box")
    numbers = [float(found) for found in _NUMBERS.findall(raw)] if isinstance(raw, str) else _floats(raw)
    if len(numbers) == _CORNERS:
        numbers = [min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])]
    if len(numbers) != _SIDES:
        raise DataError(f"{where} has the box {raw!r}", "A box is four numbers (left, top, right, bottom) or four corners (eight).")
    return _Box(str(line["text"]), numbers[0], numbers[1], numbers[2], numbers[3])


def _floats(raw: object) -> list[float]:
    numbers = raw if isinstance(raw, Sequence) else ()
    return [float(number) for number in numbers if isinstance(number, int | float) and not isinstance(number, bool)]


def _from_boxes(boxes: Sequence[_Box]) -> Document:
    """Rows by vertical overlap, from top to bottom; the page is what its boxes span."""
    x0, y0 = min(box.left for box in boxes), min(box.top for box in boxes)
    width = max(box.right for box in boxes) - x0 or 1.0
    height = max(box.bottom for box in boxes) - y0 or 1.0
    rows = tuple(
        tuple(
            Cell(
                box.text.strip(), number, (box.left - x0) / width, (box.top - y0) / height,
                (box.right - x0) / width, (box.bottom - y0) / height,
            )
            for box in sorted(row, key=lambda box: box.left)
        )
        for number, row in enumerate(_rows(boxes))
    )  # fmt: skip
    return _document(rows)


def _document(rows: tuple[tuple[Cell, ...], ...]) -> Document:
    spoken = tuple(tuple(word for cell in row for word in words(cell.text)) for row in rows)
    cells = tuple(cell for row in rows for cell in row)
    count = sum(map(len, spoken))
    prose = count >= _PROSE_WORDS and count >= _PROSE_ROW * len(rows)
    return Document(cells, rows, spoken, " ".join(cell.text for cell in cells) if prose else "")


def _rows(boxes: Sequence[_Box]) -> list[list[_Box]]:
    """Boxes that share enough of their height stand in one row."""
    rows: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda box: (box.top + box.bottom, box.left)):
        if rows and _overlap(rows[-1][-1], box) >= SAME_ROW_OVERLAP:
            rows[-1].append(box)
        else:
            rows.append([box])
    return rows


def _overlap(upper: _Box, lower: _Box) -> float:
    """Which part of the smaller height the two boxes share."""
    shared = min(upper.bottom, lower.bottom) - max(upper.top, lower.top)
    return shared / (min(upper.bottom - upper.top, lower.bottom - lower.top) or 1.0)
