"""What the tests of the sample company share, beside the demo ledger."""

from __future__ import annotations

from datetime import datetime

import pytest

from breakeven.pricebook import RateCard, open_card
from breakeven.sample import write_configuration


@pytest.fixture(scope="session")
def sample_card(tmp_path_factory: pytest.TempPathFactory) -> RateCard:
    """The price book with the sample company's own price file."""
    folder = tmp_path_factory.mktemp("configuration")
    write_configuration(folder)
    return open_card(None, [folder / "prices.yaml"], datetime(2026, 11, 1))
