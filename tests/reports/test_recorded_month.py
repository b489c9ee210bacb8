"""Which month stands for a month: the last one that is wholly in the ledger, or the days that there are, scaled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from breakeven.governance.change import Ratio
from breakeven.reports.recorded import FEWEST_CHARACTERS, Span, learned_ratios, month_before, months
from breakeven.settings import Settings

HEAD = "time        feature  tokens  cost\n"
NOW = datetime(2026, 11, 23)


@pytest.mark.parametrize(
    ("days", "now", "expected"),
    [
        (["2026-09-01", "2026-09-30", "2026-10-02"], datetime(2026, 10, 15), ("2026-09", 0)),
        (["2026-09-01", "2026-10-31"], NOW, ("2026-10", 0)),
        (["2026-09-01", "2026-10-12"], NOW, ("2026-09", 0)),
        (["2026-10-03", "2026-10-12"], NOW, ("2026-10-03..2026-10-12", 10)),
        (["2026-09-20", "2026-10-02"], NOW, ("2026-09-20..2026-10-02", 13)),
    ],
)
def test_a_month_is_whole_or_scaled(ledger_from_text: Any, days: list[str], now: datetime, expected: tuple[str, int]) -> None:
    """A month whose last day is there counts as it is; one that was imported half does not pass for a whole one."""
    ledger = ledger_from_text(HEAD + "\n".join(f"{day}  a        10      1" for day in days))
    span = month_before(ledger, now)
    assert span is not None
    assert (span.period.name, span.days) == expected


def test_no_calls_are_no_month(ledger_from_text: Any) -> None:
    """An empty ledger has no month to stand for one."""
    assert month_before(ledger_from_text(), NOW) is None


def test_ten_days_are_scaled_to_thirty(ledger_from_text: Any) -> None:
    """Cost and calls of ten days count three times; a whole month counts as it is."""
    ledger = ledger_from_text(HEAD + "2026-10-03  a        10      1\n2026-10-12  a        10      2")
    span = month_before(ledger, NOW)
    assert span is not None
    tally = months(ledger, Settings(), span)["a"]
    assert (tally.cost, tally.calls) == (9 * 10**18, 6)
    plain = months(ledger, Settings(), Span(span.period))["a"]
    assert (plain.cost, plain.calls) == (3 * 10**18, 2)


def test_a_ratio_is_learned_from_enough_text(ledger_from_text: Any) -> None:
    """Tokens per character come from calls that tell both; too few characters teach nothing."""
    head = "time        feature  model  tokens  input_characters  cost\n"
    rows = f"2026-10-03  a  big  3000  {FEWEST_CHARACTERS}  1\n2026-10-03  a  small  3000  {FEWEST_CHARACTERS - 1}  1"
    ratio = learned_ratios(ledger_from_text(head + rows))
    assert ratio("openai", "big") == Ratio(3000, FEWEST_CHARACTERS, learned=True)
    assert ratio("openai", "small") == Ratio()
