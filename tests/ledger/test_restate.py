"""Restatement: reversals and new lines; as recorded and as restated both stay answerable."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from breakeven.ledger import ImportResult, open_ledger
from breakeven.ledger.restate import RestateResult, restate
from breakeven.ledger.verify import verify
from breakeven.testing import FixedQuotes

Call = Callable[..., dict[str, object]]
Importing = Callable[..., ImportResult]
SINCE = datetime(2026, 10, 1)
LATER = datetime(2026, 11, 20)
DEARER = FixedQuotes({"gpt-4o": {"input": "5", "output": "10"}, "mystery": {"input": "1", "output": "1"}}, version="v2")


def _restate(root: Path, quotes: FixedQuotes = DEARER, *, dry_run: bool = False) -> RestateResult:
    with open_ledger(root, write=True) as ledger:
        return restate(ledger, quotes, SINCE, LATER, dry_run=dry_run)


def _sums(root: Path) -> tuple[Decimal, Decimal]:
    """The known cost as recorded before the restatement, and as restated."""
    with open_ledger(root) as ledger:
        recorded = "SELECT sum(cost) FROM cost_lines WHERE recorded_at < TIMESTAMP '2026-11-10'"
        return ledger.query(f"SELECT ({recorded}), (SELECT sum(cost) FROM cost_lines)")[0]


def test_both_answers_stay(importing: Importing, call: Call, root: Path) -> None:
    """After a price fix the ledger shows what was known then and what is known now; a dry run shows the difference first."""
    importing([call(1), call(2)])
    expected = (Decimal("0.007"), Decimal("0.012"))
    dry = _restate(root, dry_run=True)
    assert (dry.calls, dry.before, dry.after, _sums(root)) == (2, Decimal("0.005"), Decimal("0.010"), (expected[0], expected[0]))
    assert _restate(root).segment == 2
    assert _sums(root) == expected
    assert verify(root).holds


def test_restating_again_changes_nothing(importing: Importing, call: Call, root: Path) -> None:
    """Restatement is idempotent, and restating back returns to the first sums by further lines, never by editing."""
    importing([call(1)])
    _restate(root)
    assert (_restate(root).calls, _restate(root).segment) == (0, None)
    first = FixedQuotes({"gpt-4o": {"input": "2.50", "output": "10"}})
    assert _restate(root, first).calls == 1
    assert _sums(root)[1] == Decimal("0.0035")


def test_an_unpriced_call_gets_its_price(importing: Importing, call: Call, root: Path) -> None:
    """Once the price is known, the call counts as priced everywhere: in the call, the rollups and the number of open lines."""
    importing([call(1, "mystery"), call(2)])
    _restate(root)
    with open_ledger(root) as ledger:
        assert ledger.query("SELECT state, count(*) FROM calls GROUP BY state") == [("metered", 2)]
        states = ledger.query("SELECT state, sum(call_count) FROM rollup_calls GROUP BY state HAVING sum(call_count) <> 0")
        assert states == [("metered", 2)]
        assert ledger.query("SELECT sum(line_count) FROM rollup_costs WHERE state = 'unpriced'") == [(0,)]
    assert verify(root).holds
