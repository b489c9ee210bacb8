"""A small ledger and rows of calls for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from breakeven.ledger import ImportResult, Quotes, open_ledger
from breakeven.testing import FixedQuotes

NOW = datetime(2026, 11, 1)
PRICES = FixedQuotes({"gpt-4o": {"input": "2.50", "cache_read": "1.25", "output": "10"}, "haiku": {"input": "1", "output": "5"}})


@pytest.fixture
def call() -> Callable[..., dict[str, object]]:
    """One call at a minute of 1 October 2026: 1,000 tokens in, 100 out, $0.0035 on gpt-4o."""

    def build(minute: int, model: str = "gpt-4o", **more: object) -> dict[str, object]:
        at = f"2026-10-01T{minute // 60:02d}:{minute % 60:02d}:00"
        return {"occurred_at": at, "provider": "openai", "model": model, "input": 1000, "output": 100} | more

    return build


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the ledger of a test lies."""
    return tmp_path / "ledger"


@pytest.fixture
def importing(root: Path) -> Callable[..., ImportResult]:
    """Import rows of calls, in one or several stages, and return what was added."""

    def run(
        *stages: Sequence[Mapping[str, object]], quotes: Quotes = PRICES, dry_run: bool = False, at: datetime = NOW
    ) -> ImportResult:
        with (
            open_ledger(root, write=True, create=True) as ledger,
            ledger.intake(source="import:test", quotes=quotes, recorded_at=at) as intake,
        ):
            for rows in stages:
                intake.stage_rows(rows)
            return intake.commit(dry_run=dry_run)

    return run


@pytest.fixture
def total(root: Path) -> Callable[[], tuple[int, Decimal]]:
    """Attempts in the ledger and the exact sum of their known costs."""

    def ask() -> tuple[int, Decimal]:
        with open_ledger(root) as ledger:
            calls = ledger.query("SELECT count(*) FROM calls")[0][0]
            return calls, ledger.query("SELECT coalesce(sum(cost), 0) FROM cost_lines")[0][0]

    return ask
