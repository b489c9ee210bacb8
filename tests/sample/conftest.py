"""One demo ledger for all tests of the sample company: building it takes most of a minute."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.pricebook import RateCard, open_card
from breakeven.sample import write_configuration


@pytest.fixture(scope="session")
def sample_card(tmp_path_factory: pytest.TempPathFactory) -> RateCard:
    """The price book with the sample company's own price file."""
    folder = tmp_path_factory.mktemp("configuration")
    write_configuration(folder)
    return open_card(None, [folder / "prices.yaml"], datetime(2026, 11, 1))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger made by `breakeven demo --keep`."""
    root = tmp_path_factory.mktemp("demo") / "ledger"
    assert run(["demo", "--no-live", "--ledger", str(root), "--keep"]) == 0
    return root
