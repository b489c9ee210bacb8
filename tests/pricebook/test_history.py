"""Adding a price keeps the rest of the file, and what is listed is what is in force."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from breakeven.errors import ConfigError, UsageError
from breakeven.pricebook import RateCard
from breakeven.pricebook.history import NewPrice, current_prices, history_of, with_price, write_price_file
from breakeven.pricebook.overlay import parse_overlay

NOW = datetime(2026, 11, 2)
NEW = NewPrice("openai", "gpt-4o", NOW, {"input": "2.25"}, "acme", why="MSA-2026-014")
FILE = """# our prices
version: 1
sources:
    deal: {kind: contract, ref: MSA}   # signed
prices:
    # negotiated
    - {provider: openai, model: gpt-5, units: {input: "1"}, source: deal}

# the end
currency: USD
"""


def test_a_row_is_added_and_all_else_stays() -> None:
    """Comments, order and indentation of the file are kept; source and row are added where they belong."""
    after = with_price(FILE, "p.yaml", NEW, NOW)
    kept = [line for line in after.splitlines() if line in FILE.splitlines()]
    assert kept == FILE.splitlines()
    assert [row.model for row in parse_overlay(after, "p.yaml").rows] == ["gpt-5", "gpt-4o"]


def test_a_new_file_is_made() -> None:
    """From nothing comes a whole, valid price file."""
    layer = parse_overlay(with_price("", "p.yaml", NEW, NOW), "p.yaml")
    assert (layer.rows[0].start, layer.rows[0].why) == (NOW, "MSA-2026-014")
    assert list(layer.sources) == ["acme"]


def test_a_second_row_of_the_same_period_is_refused() -> None:
    """What would make the file contradict itself is not written."""
    with pytest.raises(ConfigError):
        with_price(with_price("", "p.yaml", NEW, NOW), "p.yaml", NEW, NOW)


def test_a_file_in_one_line_is_explained() -> None:
    """A list written in brackets cannot be added to; the message says what to do."""
    with pytest.raises(UsageError, match="indented block"):
        with_price("version: 1\nprices: []\n", "p.yaml", NEW, NOW)


def test_odd_names_are_quoted() -> None:
    """Quotes and colons in a model's name survive; a control character is refused."""
    text = with_price("", "p.yaml", NewPrice("p", 'ft:a"b\\', NOW, {"input": "1"}, "s"), NOW)
    assert parse_overlay(text, "p.yaml").rows[0].model == 'ft:a"b\\'
    with pytest.raises(UsageError):
        with_price("", "p.yaml", NewPrice("p", "a\nb", NOW, {"input": "1"}, "s"), NOW)


def test_a_price_file_is_replaced_whole(tmp_path: Path) -> None:
    """Nothing but the new file is left behind."""
    write_price_file(tmp_path / "p.yaml", "version: 1\n")
    assert [path.name for path in tmp_path.iterdir()] == ["p.yaml"]


def test_lists_and_histories_show_what_is_in_force(card: RateCard) -> None:
    """A list gives prices per million tokens; a history gives each dated row with its layer and source."""
    [listed] = current_prices(card, NOW, "openai", "gpt-4o-2024-05-13")
    assert (listed.prices["input"], listed.prices["web_search"]) == ("5", "10")
    history = history_of(card, "google", "gemini-3.6-flash")
    assert {row.layer for row in history} == {"base", "corrections"}
    assert any(row.start == "2026-07-21T00:00:00Z" and row.why for row in history)
    with pytest.raises(UsageError, match="prices add"):
        history_of(card, "openai", "gpt-99")
