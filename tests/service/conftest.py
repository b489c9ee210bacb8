"""A ledger with invented calls, for what runs beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from breakeven.ledger import open_ledger
from breakeven.testing import FixedQuotes


def _add(root: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Calls of now unless they say otherwise. Model `m` costs $1 per million input tokens, others have no price."""
    usual = {"occurred_at": datetime.now(UTC).isoformat(), "provider": "openai", "model": "m", "input": 1_000_000, "output": 0}
    with (
        open_ledger(root, write=True, create=True) as ledger,
        ledger.intake(source="import:test", quotes=FixedQuotes({"m": {"input": "1", "output": "2"}})) as intake,
    ):
        intake.stage_rows([{**usual, **row} for row in rows])
        intake.commit()
    return root


@pytest.fixture
def add_calls() -> Callable[[Path, Sequence[dict[str, Any]]], Path]:
    """Adds calls to the ledger at a path, which is made where there is none."""
    return _add
