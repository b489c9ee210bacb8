"""Compiled handlers on real receipts, arriving in random order: the case study's repeatable task."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

RECEIPTS = ("--input", "lines", "--output", "fields", "--learn-online", "--json")


def test_most_dates_need_no_model(breakeven: Run, shared_data: Path) -> None:
    """The date is answered on at least 60% of the receipts with at most 0.5% of the answers wrong."""
    file = shared_data / "documents" / "sroie_receipts.jsonl.gz"
    code, out, _ = breakeven("compile", "replay", file, *RECEIPTS, "--fields", "date", "--seed", 4)
    figures = json.loads(out)
    assert (code, figures["examples"]) == (0, 292)
    assert figures["coverage"] >= 0.6
    assert figures["agreement"] >= 0.995


@pytest.mark.slow
def test_two_receipts_in_five_need_no_model(breakeven: Run, shared_data: Path) -> None:
    """Company, date and total are answered together on at least 40%, 98% of their fields and 95% of the whole answers right."""
    file = shared_data / "documents" / "sroie_receipts.jsonl.gz"
    _, out, _ = breakeven("compile", "replay", file, *RECEIPTS, "--fields", "company,date,total", "--seed", 1)
    figures = json.loads(out)
    assert figures["coverage"] >= 0.4
    assert figures["field_agreement"] >= 0.98
    assert figures["agreement"] >= 0.95
