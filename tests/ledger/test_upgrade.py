"""A ledger that an earlier version wrote opens in this one: `format-1.tar.xz` was written by the first version that had a ledger.

Its facts are invented: four calls of three users, one of a model without a price, an outcome and revenue, in three segments.
"""

from __future__ import annotations

import tarfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from breakeven.governance.privacy import Keeping, Privacy
from breakeven.ledger import open_ledger
from breakeven.ledger.rebuild import rebuild
from breakeven.ledger.retaining import retain_calls
from breakeven.ledger.verify import verify

SUMS = {
    "calls.call_count": Decimal(4),
    "calls.input_tokens": Decimal(6010),
    "cost_lines.cost": Decimal("0.024"),
    "outcomes.value": Decimal("1.25"),
    "revenue.amount": Decimal("100.5"),
}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The ledger as the first version left it."""
    with tarfile.open(Path(__file__).with_name("format-1.tar.xz")) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path / "ledger"


def _sums(root: Path) -> dict[str, Decimal]:
    report = verify(root)
    assert report.problems == ()
    return {name: report.sums[name.split(".")[0]][name.split(".")[1]] for name in SUMS}


def test_a_ledger_of_the_first_version_opens(first: Path) -> None:
    """Read, verified, written to: every sum is what the first version said, and unknown stays unknown."""
    assert _sums(first) == SUMS
    with open_ledger(first, write=True) as ledger:
        assert ledger.query("SELECT state, count(*) FROM calls GROUP BY 1 ORDER BY 1") == [("metered", 3), ("unpriced", 1)]
        assert ledger.query("SELECT count(template), count(baseline_cost) FROM calls") == [(0, 0)]
    assert _sums(first) == SUMS


def test_its_database_can_be_made_anew(first: Path) -> None:
    """Without its database, and by `rebuild`, the first version's files give the same sums."""
    (first / "ledger.duckdb").unlink()
    assert _sums(first) == SUMS
    assert rebuild(first).holds
    assert _sums(first) == SUMS


def test_it_can_be_forgotten_in(first: Path) -> None:
    """Files of the first version lack later columns; rolled up and rewritten they have them, with the same sums."""
    done = retain_calls(first, Privacy(keeping=Keeping(calls=86_400)).ends(datetime(2026, 11, 20)))
    assert done is not None
    assert _sums(first) == SUMS
    with open_ledger(first) as ledger:
        assert ledger.query("SELECT count(user_id), sum(call_count) FROM calls") == [(0, 4)]
