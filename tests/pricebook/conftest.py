"""A rate card of the installed catalogue, compiled once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from breakeven.pricebook import PricingKey, Quote, RateCard, open_card
from breakeven.pricebook.catalogue import parse_instant

RECORDED = datetime(2026, 11, 1)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that holds the archive of the installed release."""
    directory = tmp_path_factory.mktemp("prices")
    open_card(directory, (), RECORDED)
    return directory


@pytest.fixture(scope="session")
def card(archive: Path) -> RateCard:
    """The catalogue with our corrections, without any overlay."""
    return open_card(archive, (), RECORDED)


@pytest.fixture(scope="session")
def quoted(card: RateCard) -> Callable[..., Quote]:
    """`quoted("openai", "gpt-4o", "2026-01-01T00:00:00Z", processing="batch", size=300_000)`."""

    def quote(provider: str, model: str, at: str = "2026-11-20T12:00:00Z", *, size: int = 0, **context: str) -> Quote:
        return card.quote(PricingKey(provider, model, parse_instant(at), tuple(sorted(context.items())), size))

    return quote
