"""What a handler reads: cells and rows, from plain text and from lines with boxes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.compiled.documents import read_document
from breakeven.errors import DataError

words = st.text("abcdefgh", min_size=1, max_size=6)
tables = st.lists(st.lists(words, min_size=1, max_size=4), min_size=1, max_size=8)


@given(tables, st.integers(1, 50), st.integers(5, 40))
def test_text_and_boxes_give_the_same_rows(table: list[list[str]], left: int, height: int) -> None:
    """A table reads alike as text with tabs, as a list of lines, and as boxes in any order of its cells and at any scale."""
    text = "\n".join("\t".join(row) for row in table)
    boxes = [
        {"box": [left + 100 * column, height * 2 * number, left + 100 * column + 90, height * (2 * number + 1)], "text": word}
        for number, row in enumerate(table)
        for column, word in enumerate(row)
    ]
    read = [read_document(text), read_document(text.splitlines()), read_document(boxes), read_document(boxes[::-1])]
    assert [[[cell.text for cell in row] for row in document.rows] for document in read] == [table] * 4


@given(tables)
def test_places_are_shares_of_the_page(table: list[list[str]]) -> None:
    """Every edge of every cell lies between 0 and 1, and cells of a row follow one another."""
    document = read_document("\n".join("   ".join(row) for row in table))
    assert all(0 <= cell.left < cell.right <= 1 and 0 <= cell.top < cell.bottom <= 1 for cell in document.cells)
    assert all([cell.left for cell in row] == sorted(cell.left for cell in row) for row in document.rows)


def test_boxes_may_be_numbers_corners_or_text() -> None:
    """Two corners, four corners and a text of numbers say the same box."""
    forms = ([10, 20, 110, 40], [10, 20, 110, 20, 110, 40, 10, 40], "[10, 20, 110, 40]")
    other = {"box": [0, 0, 200, 10], "text": "head"}
    assert len({read_document([other, {"box": box, "text": "total"}]).cells for box in forms}) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "invoice is neither a text nor a list of lines"),
        ([{"box": [1, 2, 3, 4]}], "invoice, line 1 has no text"),
        ([{"text": "a", "box": [1, 2]}], r"invoice, line 1 has the box \[1, 2\]"),
        ([{"text": "a", "box": None}], "invoice, line 1 has the box None"),
    ],
)
def test_what_is_no_document_is_refused(value: object, message: str) -> None:
    """An input that cannot be read is named, with its line."""
    with pytest.raises(DataError, match=message):
        read_document(value, "invoice")


def test_an_empty_document_has_no_cells() -> None:
    """No text, blank lines and no lines are documents without cells."""
    values: tuple[object, ...] = ("", " \n\n", [])
    assert [read_document(value).cells for value in values] == [(), (), ()]
