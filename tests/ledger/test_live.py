"""Live segments: what was appended is durable, committed with its offset exactly once, and sealed to the same facts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.ledger import Ledger, open_ledger
from breakeven.ledger.live import commit_segments, seal_closed
from breakeven.ledger.rebuild import rebuild
from breakeven.ledger.segments import SegmentWriter, close_segment, cut_torn_tail, whole_lines
from breakeven.ledger.verify import verify

AT = datetime(2026, 10, 1)


def outcome(number: int) -> dict[str, object]:
    """One delivered unit worth $1.25."""
    return {
        "outcome_id": f"019b7703-dae0-7d69-9234-{number:012x}",
        "occurred_at": AT,
        "recorded_at": AT,
        "unit": "document",
        "quantity": 1,
        "value": "1.25",
    }


@pytest.fixture
def ledger(root: Path) -> Ledger:
    """An empty ledger, open for writing; the test closes it by leaving."""
    return open_ledger(root, write=True, create=True)


def _counted(ledger: Ledger) -> tuple[int, Decimal]:
    return ledger.query("SELECT count(*), coalesce(sum(value), 0) FROM outcomes")[0]


def test_committing_again_adds_nothing(ledger: Ledger) -> None:
    """Rows and offset are committed together: whatever is committed when, every row counts once, repeated rows too."""
    with ledger, SegmentWriter(ledger.layout) as writer:
        writer.append("outcomes", [outcome(1)])
        assert commit_segments(ledger).facts_added["outcomes"] == 1
        writer.append("outcomes", [outcome(1), outcome(2), outcome(2)])
        assert [commit_segments(ledger).facts_added["outcomes"] for _ in range(2)] == [1, 0]
        assert _counted(ledger) == (2, Decimal("2.50"))


def test_sealing_keeps_every_fact(ledger: Ledger, root: Path) -> None:
    """A closed segment becomes Parquet with a manifest; reports see the same facts before and after, and rebuild too."""
    with ledger:
        with SegmentWriter(ledger.layout) as writer:
            writer.append("outcomes", [outcome(number) for number in range(10)])
        commit_segments(ledger)
        before = _counted(ledger)
        assert seal_closed(ledger) == (1,)
        assert seal_closed(ledger) == ()
        assert _counted(ledger) == before == (10, Decimal("12.50"))
        assert list(ledger.layout.closed_segments.iterdir()) == []
    assert verify(root).holds
    assert rebuild(root).sums["outcomes"]["value"] == Decimal("12.50")


def test_open_segments_survive_a_rebuild(ledger: Ledger, root: Path) -> None:
    """What is appended and not sealed yet is in the database again after a rebuild."""
    with ledger:
        writer = SegmentWriter(ledger.layout)
        writer.append("outcomes", [outcome(1)])
        writer.sync()
        commit_segments(ledger)
    rebuild(root)
    with open_ledger(root) as again:
        assert _counted(again) == (1, Decimal("1.25"))
    writer.close()


@settings(max_examples=30)
@given(torn=st.binary(max_size=40).filter(lambda tail: b"\n" not in tail), lines=st.integers(0, 5))
def test_a_torn_tail_is_cut_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, torn: bytes, lines: int) -> None:
    """A crash while writing leaves part of a last line; recovery removes that part and keeps every whole line."""
    path = tmp_path_factory.mktemp("segment") / "s.ndjson"
    whole = b'{"fact":"outcomes"}\n' * lines
    path.write_bytes(whole + torn)
    assert whole_lines(path) == len(whole)
    assert cut_torn_tail(path) == len(torn)
    assert path.read_bytes() == whole


def test_a_crashed_writers_segment_is_taken_over(ledger: Ledger) -> None:
    """A segment whose writer died is closed by somebody else: the torn line is cut, the others are sealed."""
    with ledger:
        writer = SegmentWriter(ledger.layout)
        writer.append("outcomes", [outcome(1), outcome(2)])
        with writer.path.open("ab") as stream:
            stream.write(b'{"fact":"outcomes","outcome_id":"019b77')
        close_segment(ledger.layout, writer.path)
        seal_closed(ledger)
        assert _counted(ledger)[0] == 2
