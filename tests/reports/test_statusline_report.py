"""`breakeven statusline`: one line's worth of figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.statusline import line_of
from breakeven.reports.statusline import statusline
from breakeven.settings import load_settings

Build = Callable[[str], Any]
LEDGER = """
call                                  time              feature  customer  model   cost      status  trace
00000000-0000-7000-8000-000000000001  2026-10-01 09:00  support  acme      gpt-4o  1500.50   ok      t1
00000000-0000-7000-8000-000000000002  2026-10-07 10:00  extract  beta      small   20.25     ok      t1
00000000-0000-7000-8000-000000000003  2026-10-07 11:00  -        acme      gpt-4o  4.75      ok      -
00000000-0000-7000-8000-000000000004  2026-10-08 11:00  support  acme      new     ?         ok      -

outcomes
time              feature  succeeded
2026-10-01 09:00  support  true
"""


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    config = tmp_path / "breakeven.yaml"
    config.write_text("features: {support: {owner: care, value: {kind: unit_price, price: 2000, grade: A}}}\n")
    return load_settings(config)


def test_the_line_says_the_day_the_month_and_what_needs_attention(ledger_from_text: Build, settings: Any) -> None:
    """Cost of the day and of the month so far, the margin, and as many things as the bare command names."""
    found = statusline(ledger_from_text(LEDGER), settings, datetime(2026, 10, 7, 23))
    assert (found.today_cost, found.month_cost, found.attention) == ("25", "1525.5", 2)
    assert line_of(found) == "AI: today USD 25.00 · Oct 1,526 · margin 23.7% · 2 to look at"


def test_a_feature_has_a_line_of_its_own(ledger_from_text: Build, settings: Any) -> None:
    """Only its calls count, and `none` asks for those without any."""
    facts = ledger_from_text(LEDGER)
    assert statusline(facts, settings, datetime(2026, 10, 7, 23), "extract").month_cost == "20.25"
    assert statusline(facts, settings, datetime(2026, 10, 7, 23), "none").today_cost == "4.75"


def test_nothing_called_costs_nothing_and_unknown_is_left_out(ledger_from_text: Build, settings: Any) -> None:
    """A month without calls costs 0; a day whose calls have no price shows no cost of the day, never 0."""
    facts = ledger_from_text(LEDGER)
    assert line_of(statusline(facts, settings, datetime(2026, 11, 3))) == "AI: today USD 0 · Nov 0"
    unpriced = statusline(facts, settings, datetime(2026, 10, 8, 23))
    assert unpriced.today_cost is None
    assert "today" not in line_of(unpriced)
