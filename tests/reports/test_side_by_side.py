"""Both answers of a replay, with what differs marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from breakeven.reports.sidebyside import marked

TEXTS = st.text(alphabet="ab ,\n0é", max_size=60)


@given(TEXTS, TEXTS)
def test_the_pieces_spell_both_answers(before: str, again: str) -> None:
    """Whatever the answers are, their pieces in order spell each of them, and what both have stands once."""
    pieces = marked(before, again)
    assert "".join(piece.text for piece in pieces if piece.found_in != "again") == before
    assert "".join(piece.text for piece in pieces if piece.found_in != "before") == again


def test_only_what_differs_is_marked() -> None:
    """One other word is one piece on each side; the rest is common."""
    pieces = [(piece.found_in, piece.text) for piece in marked("ends on 1 May 2027", "ends on 1 June 2027")]
    assert pieces == [("both", "ends on 1 "), ("before", "May"), ("again", "June"), ("both", " 2027")]
