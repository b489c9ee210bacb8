"""How the cost of calls is spread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from breakeven.economics.periods import parse_period
from breakeven.errors import UsageError
from breakeven.reports.callspread import call_spread

Build = Callable[[str], Any]
COSTS = ["0.01", "0.0177", "0.0178", "0.5", "1", "10", "0", "?", "999.5"]
LEDGER = "call  time  feature  customer  model  cost  status  trace\n" + "\n".join(
    f"00000000-0000-7000-8000-{number:012}  2026-10-{number:02} 09:00  {'a' if number % 2 else 'b'}  acme  m  {cost}  ok  -"
    for number, cost in enumerate(COSTS, start=1)
)
OCTOBER = parse_period("2026-10", datetime(2026, 11, 1))


def test_every_attempt_is_in_one_bar_or_named_apart(ledger_from_text: Build) -> None:
    """Bars hold their lower edge and not their upper one; what costs nothing and what nobody knows are counted beside them."""
    found = call_spread(ledger_from_text(LEDGER), OCTOBER)
    assert (found.attempts, found.free, found.unknown) == (9, 1, 1)
    assert sum(bar.attempts for bar in found.bars) == 7
    for bar in found.bars:
        inside = [Decimal(cost) for cost in COSTS if cost != "?" and Decimal(bar.low) <= Decimal(cost) < Decimal(bar.high)]
        assert (bar.attempts, Decimal(bar.cost)) == (len(inside), sum(inside))
    assert [bar.low for bar in found.bars][:3] == ["0.01", "0.0177828", "0.316228"]
    assert Decimal(found.cost) == sum(Decimal(cost) for cost in COSTS if cost != "?")


def test_quantiles_are_costs_that_occurred(ledger_from_text: Build) -> None:
    """Half of the eight known costs are 0.0178 or less; the sentence says the three that matter and what is unknown."""
    found = call_spread(ledger_from_text(LEDGER), OCTOBER)
    assert (found.p50, found.p90, found.p99) == ("0.0178", "999.5", "999.5")
    assert found.sentence == (
        "Of 9 attempts in October 2026 half cost $0.0178 or less, one in ten more than $1,000, one in a hundred more than $1,000. "
        "The cost of 1 attempt is unknown."
    )


def test_the_query_language_cuts_it(ledger_from_text: Build) -> None:
    """Conditions on the call and on its cost hold; nothing found is a sentence; a bad word is refused."""
    facts = ledger_from_text(LEDGER)
    assert call_spread(facts, OCTOBER, "feature:a cost>0.1").attempts == 2
    assert call_spread(facts, OCTOBER, "feature:zzz").sentence == "No call matches in October 2026."
    with pytest.raises(UsageError, match="colour"):
        call_spread(facts, OCTOBER, "colour:red")
