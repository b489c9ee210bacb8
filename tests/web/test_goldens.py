"""What the front end's unit tests are fed with is what the API says: the two halves cannot drift."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OCTOBER = {"period": "2026-10", "vs": "previous"}
GOLDEN = {"pnl": ("pnl", OCTOBER), "bridge": ("bridge/cost", OCTOBER)}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_front_end_is_tested_with_what_the_api_says(answer: Callable[..., Any], repository: Path, name: str) -> None:
    """Each golden file is the API's answer about the sample company; BREAKEVEN_REWRITE_GOLDEN=1 writes it anew."""
    path, query = GOLDEN[name]
    target = repository / "frontend" / "src" / "golden" / f"{name}.json"
    said = json.dumps(answer(path, **query), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("BREAKEVEN_REWRITE_GOLDEN"):
        target.parent.mkdir(exist_ok=True)
        target.write_text(said, "utf-8")
    assert target.read_text("utf-8") == said
