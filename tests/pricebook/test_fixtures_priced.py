"""The worked cases: every price of every line, to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.economics.money import amount, digits
from breakeven.economics.usage import total_input_tokens
from breakeven.pricebook import PricingKey, RateCard, rate, total
from breakeven.pricebook.catalogue import parse_instant


def cases(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "pricing" / "index.jsonl").read_text().splitlines()]


def test_every_worked_case_has_its_lines_and_total(card: RateCard, shared_data: Path) -> None:
    """Unit price, quantity, cost and total of all priced cases equal the figures worked by hand; the unknown model has none."""
    seen = 0
    for case in cases(shared_data):
        expected = case["expected"]
        if case["state"] not in ("priced", "provider_stated", "unpriced"):
            continue
        seen += 1
        costs: list[int | None] = []
        default = [{"model": case["model_returned"], "classes": expected["classes"], "lines": []}]
        for part in expected.get("parts") or default:
            model = part["model"] or case["model_requested"]
            context = tuple(sorted(case["context"].items()))
            key = PricingKey(case["provider"], model, parse_instant(case["at"]), context, total_input_tokens(part["classes"]))
            lines = rate(card.quote(key), part["classes"])
            for line, worked in zip(lines, part["lines"], strict=bool(part["lines"])):
                assert line.unit_price is not None, case["id"]
                assert line.cost is not None, case["id"]
                assert amount(line.unit_price) == Decimal(worked["unit_usd_per_million"]) / 10**6, case["id"]
                assert amount(line.cost) == Decimal(worked["usd"]), case["id"]
            costs.append(total(lines))
        whole = None if None in costs else sum(cost for cost in costs if cost is not None)
        assert digits(whole) == expected["total_usd"], case["id"]
    assert seen > 50


@pytest.mark.parametrize("model", ["gpt-99-quasar", "claude-sonnet", "gpt-4", "gemini-2.5"])
def test_no_prefix_is_a_model(card: RateCard, model: str) -> None:
    """What merely begins like a known model has no price unless it is one itself, and the remedy says how to add it."""
    quote = card.quote(PricingKey("anthropic", model, parse_instant("2026-11-20T12:00:00Z")))
    assert quote.lines == {}
    assert quote.problem is not None
    assert "breakeven prices add" in quote.problem.remedy
