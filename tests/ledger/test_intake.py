"""Intake: every call once, priced exactly, its state told."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.economics.cost_class import CostClassRule
from breakeven.economics.money import amount, atto
from breakeven.errors import DataError
from breakeven.ledger import ImportResult, open_ledger
from breakeven.testing import FixedQuotes

NOW = datetime(2026, 11, 1)
PRICES = FixedQuotes({"gpt-4o": {"input": "2.50", "cache_read": "1.25", "output": "10"}})
Call = Callable[..., dict[str, object]]
Importing = Callable[..., ImportResult]
Total = Callable[[], tuple[int, Decimal]]


def test_importing_again_adds_nothing(importing: Importing, call: Call, total: Total) -> None:
    """The same rows imported twice, in another order, count once."""
    rows = [call(minute) for minute in range(50)]
    first = importing(rows)
    random.Random(1).shuffle(rows)
    second = importing(rows)
    assert (first.calls_added, second.calls_added, second.duplicates) == (50, 0, 50)
    assert total() == (50, Decimal("0.1750"))


@pytest.mark.parametrize("cut", [1, 17, 49])
def test_a_file_split_otherwise_adds_nothing(importing: Importing, call: Call, total: Total, cut: int) -> None:
    """Whatever pieces the same rows come in, before or after the whole, they count once."""
    rows = [call(minute) for minute in range(50)]
    importing(rows[:cut])
    importing(rows)
    importing(rows[cut:], rows[:cut])
    assert total()[0] == 50


def test_identical_calls_all_count(importing: Importing, call: Call, total: Total) -> None:
    """Three calls that agree in every column are three calls, and importing them again still leaves three."""
    rows = [call(5), call(5), call(5)]
    assert importing(rows).calls_added == 3
    assert importing(rows).calls_added == 0
    assert total() == (3, Decimal("0.0105"))


def test_an_identity_outweighs_the_time(importing: Importing, call: Call, total: Total) -> None:
    """A call whose source names it is the same call even where a log that was cut elsewhere shows another first instant."""
    importing([call(5, identity="msg_1")])
    assert importing([call(6, identity="msg_1")]).duplicates == 1
    assert total()[0] == 1


def test_a_dry_run_writes_nothing(importing: Importing, call: Call, total: Total) -> None:
    """A dry run tells what would be added, with its cost, and leaves the ledger as it was."""
    assert importing([call(1), call(2)], dry_run=True).cost == Decimal("0.0070")
    assert total() == (0, Decimal(0))


def test_states_are_told_apart(importing: Importing, call: Call, root: Path) -> None:
    """Unknown price, unknown usage, not billed, stated and nothing used are five different things; unknown is never 0."""
    result = importing(
        [
            call(1, "mystery"),
            call(2, input=None, output=None, usage_known=False),
            call(3, billed=False, status="failed"),
            call(4, stated_cost="0.5"),
            call(5, input=0, output=0),
        ]
    )
    assert result.by_state == {"metered": 1, "not_billed": 1, "stated": 1, "unpriced": 1, "usage_missing": 1}
    with open_ledger(root) as ledger:
        found = ledger.query("SELECT state, sum(cost) FROM cost_lines GROUP BY state ORDER BY state")
    assert found == [
        ("metered", Decimal(0)),
        ("not_billed", Decimal(0)),
        ("stated", Decimal("0.5")),
        ("unpriced", None),
        ("usage_missing", None),
    ]
    assert {(model, reason) for _, model, reason, _ in result.unpriced} == {
        ("mystery", "no price for mystery"),
        ("gpt-4o", "the source does not say what was used"),
    }


def test_a_stated_cost_keeps_the_list_price_beside_it(importing: Importing, call: Call, root: Path) -> None:
    """Where the vendor states its bill, list lines stay and one line carries the difference, so that the lines sum to the bill."""
    importing([call(4, stated_cost="0.01")])
    with open_ledger(root) as ledger:
        lines = dict(ledger.query("SELECT kind, sum(cost) FROM cost_lines GROUP BY kind"))
    assert lines == {"list": Decimal("0.0035"), "stated": Decimal("0.0065")}


def test_adjustments_are_lines_of_their_own(importing: Importing, call: Call, root: Path) -> None:
    """List and contracted cost stay apart: each discount posts its own negative line."""
    importing([call(1)], quotes=FixedQuotes({"gpt-4o": {"input": "2", "output": "10"}}, discounts=(10, 5)))
    with open_ledger(root) as ledger:
        kinds = dict(ledger.query("SELECT kind, sum(cost) FROM cost_lines GROUP BY kind"))
    assert kinds == {"list": Decimal("0.003"), "discount:10": Decimal("-0.0003"), "discount:5": Decimal("-0.00015")}


def test_parts_of_one_call_are_priced_at_their_own_models(importing: Importing, call: Call, root: Path) -> None:
    """A call with an advisor is one call whose parts cost what their models cost; one unpriced part makes the call unpriced."""
    parts = [call(1, identity="a", part=0, part_model="gpt-4o"), call(1, identity="a", part=1, part_model="mystery")]
    assert importing(parts).by_state == {"unpriced": 1}
    with open_ledger(root) as ledger:
        assert ledger.query("SELECT count(*), sum(input_tokens) FROM calls") == [(1, 2000)]
        models = ledger.query("SELECT model, sum(cost) FROM cost_lines GROUP BY model ORDER BY model")
    assert models == [("gpt-4o", Decimal("0.0035")), ("mystery", None)]


def test_the_cost_class_follows_the_dated_policy(root: Path, call: Call) -> None:
    """The first rule that matches a line's dimensions and time decides; without one it is cost of revenue."""
    rules = (
        CostClassRule("research", environment="staging"),
        CostClassRule("internal", team="ops", since=datetime(2026, 10, 1, 1)),
    )
    rows = [call(1, environment="staging"), call(30, team="ops"), call(90, team="ops"), call(91)]
    with (
        open_ledger(root, write=True, create=True) as ledger,
        ledger.intake(source="t", quotes=PRICES, cost_class=rules, recorded_at=NOW) as intake,
    ):
        intake.stage_rows(rows)
        intake.commit()
        found = ledger.query("SELECT DISTINCT cost_class, minute(occurred_at) + 60 * hour(occurred_at) FROM cost_lines ORDER BY 2")
    assert found == [("research", 1), ("cost_of_revenue", 30), ("internal", 90), ("cost_of_revenue", 91)]


def test_unknown_columns_are_refused_by_name(importing: Importing, call: Call) -> None:
    """A column that the ledger does not know is named, instead of being dropped silently."""
    with pytest.raises(DataError, match="colour"):
        importing([call(1, colour="red")])


COUNTS = st.integers(0, 10**9)
PRICE = st.integers(1, 10**12).map(lambda units: str(amount(units * 10**6)))
MINUTES = st.integers(0, 600)


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(MINUTES, COUNTS, COUNTS, COUNTS), min_size=1, max_size=8), prices=st.tuples(PRICE, PRICE, PRICE))
def test_sql_costs_what_python_costs_to_the_last_digit(rows: list[tuple[int, int, int, int]], prices: tuple[str, str, str]) -> None:
    """Bulk pricing in SQL equals quantity × price in whole atto-dollars, across a tier and a price change within an hour."""
    change = datetime(2026, 10, 1, 3, 17, 23)
    listed = dict(zip(("input", "cache_read", "output"), prices, strict=True))
    later = dict.fromkeys(listed, prices[0])
    quotes = FixedQuotes({"m": listed}, later={"m": later}, changes=(change,), doubled_over=200_000)
    expected = 0
    staged: list[dict[str, Any]] = []
    for minute, fresh, cached, output in rows:
        at = datetime(2026, 10, 1) + timedelta(minutes=minute)
        held = later if at >= change else listed
        factor = 2 if fresh + cached > 200_000 else 1
        expected += sum(
            quantity * (atto(held[name]) // 10**6) * factor
            for name, quantity in (("input", fresh), ("cache_read", cached), ("output", output))
        )
        staged.append({"occurred_at": at.isoformat(), "model": "m", "input": fresh, "cache_read": cached, "output": output})
    with (
        tempfile.TemporaryDirectory() as folder,
        open_ledger(Path(folder) / "l", write=True, create=True) as ledger,
        ledger.intake(source="t", quotes=quotes, recorded_at=NOW) as intake,
    ):
        intake.stage_rows(staged)
        assert intake.commit().cost == amount(expected)
        rollup, lines = ledger.query("SELECT (SELECT sum(cost) FROM rollup_costs), (SELECT sum(cost) FROM cost_lines)")[0]
    assert rollup == lines == amount(expected)
