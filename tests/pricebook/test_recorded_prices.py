"""The recorded bodies: the price recorded with each native body is ours, or the page of differences says why not."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from breakeven.economics.money import amount
from breakeven.economics.usage import total_input_tokens
from breakeven.pricebook import PricingKey, RateCard, rate, total
from breakeven.providers import read

# The bodies carry no date; these instants have different prices of the models among them.
DAYS = tuple(
    datetime.fromisoformat(day)
    for day in ("2026-11-20T12:00", "2026-07-25T12:00", "2026-06-10T12:00", "2026-02-10", "2025-07-31T07:00")
)
MARKS = (
    ("test_openai", "openai"), ("cohere", "cohere"), ("bedrock", "aws"), ("mistral", "mistral"), ("openrouter", "openrouter"),
    ("groq", "groq"), ("deepseek", "deepseek"), ("huggingface", ""), ("cerebras", "cerebras"),
)  # fmt: skip
MODELS = (
    (r"claude", "anthropic"),
    (r"gpt-|o\d|text-embedding|chatgpt|computer|codex", "openai"),
    (r"llama|gemma|qwen/", "groq"),
    (r"mistral", "mistral"),
)


def native(body: dict[str, Any]) -> str:
    """Who answered: by the shape, the test that recorded it, or the model's name."""
    if "usageMetadata" in body:
        return "google"
    by_file = next((provider for mark, provider in MARKS if mark in body["file"]), None)
    by_model = next((provider for pattern, provider in MODELS if re.match(pattern, body.get("model") or "")), "")
    return by_model if by_file is None else by_file


def recorded(entry: dict[str, Any]) -> tuple[str, dict[str, int], Decimal] | None:
    """The native provider, the disjoint usage and the price recorded with it; None where no price was recorded."""
    provider = native(entry["body"])
    for extracted in entry["extracted"]:
        for flavour in extracted["extractors"]:
            if flavour["provider_id"] == provider and "input_price" in flavour:
                price = Decimal(flavour["input_price"]) + Decimal(flavour["output_price"])
                return provider, disjoint(extracted["usage"]), price
    return None


def disjoint(usage: dict[str, int]) -> dict[str, int]:
    """The package's inclusive counts without their parts."""
    hour = usage.get("cache_write_1h_tokens", 0)
    found = {
        "cache_read": usage.get("cache_read_tokens", 0),
        "cache_write_5m": usage.get("cache_write_tokens", 0) - hour,
        "cache_write_1h": hour,
        "input_audio": usage.get("input_audio_tokens", 0),
        "input_image": usage.get("input_image_tokens", 0),
    }
    outputs = {"output_audio": usage.get("output_audio_tokens", 0), "output_image": usage.get("output_image_tokens", 0)}
    found["input"] = usage.get("input_tokens", 0) - sum(found.values())
    outputs["output"] = usage.get("output_tokens", 0) - sum(outputs.values())
    return {name: count for name, count in {**found, **outputs, "web_search": usage.get("web_searches", 0)}.items() if count}


def ours(card: RateCard, provider: str, model: str, usage: dict[str, int], at: datetime) -> Decimal | None:
    known = total(rate(card.quote(PricingKey(provider, model, at, (), total_input_tokens(usage))), usage))
    return None if known is None else amount(known)


def reason(card: RateCard, provider: str, model: str, usage: dict[str, int], price: Decimal) -> str:
    """ "Same", or the heading of the page that explains the difference; "" where none does."""  # noqa: D210 - a quotation
    if ours(card, provider, model, usage, DAYS[0]) == price:
        return "Same"
    tokens = {name: count for name, count in usage.items() if name != "web_search"}
    if tokens != usage and ours(card, provider, model, tokens, DAYS[0]) == price:
        return "Fees of tools"
    if any(ours(card, provider, model, usage, day) == price for day in DAYS[1:]):
        return "The day of the recording"
    if {"input_audio", "output_audio"} & usage.keys():
        return "Audio tokens"
    return ""


def test_every_recorded_price_is_ours_or_explained(card: RateCard, shared_data: Path, repository: Path) -> None:
    """Each native body with a recorded price: the reasons found are exactly those that the page explains."""
    page = (repository / "docs/reference/price-differences.md").read_text(encoding="utf-8")
    section = page.split("## From the prices recorded with responses")[1].split("\n## ")[0]
    explained = set(re.findall(r"^### (.+)$", section, re.MULTILINE))
    entries = json.loads(gzip.decompress((shared_data / "usage" / "usage_bodies.json.gz").read_bytes()))
    reasons: dict[str, list[str]] = {}
    for entry in entries:
        known = recorded(entry)
        if known is not None:
            model = entry.get("model") or entry["body"].get("model") or entry["body"]["modelVersion"]
            provider, usage, price = known
            reasons.setdefault(reason(card, provider, model, usage, price), []).append(entry["body"]["file"])
    assert reasons.get("") is None
    assert reasons.keys() - {"Same"} == explained
    assert len(reasons["Same"]) > 450


def test_no_recorded_body_is_free(card: RateCard, shared_data: Path) -> None:
    """Of all recorded bodies none costs $0 in silence: each has a price above 0 or is unpriced, and at least 500 are priced."""
    entries = json.loads(gzip.decompress((shared_data / "usage" / "usage_bodies.json.gz").read_bytes()))
    costs: list[Decimal | None] = []
    for entry in entries:
        body, provider = entry["body"], {"aws": "bedrock"}.get(native(entry["body"]), native(entry["body"])) or "openai"
        reading = read(body, provider=provider, model=entry.get("model"))
        costs += [ours(card, provider, part.model, dict(part.usage), DAYS[0]) for part in reading.parts]
    assert len(costs) >= len(entries)
    assert [cost for cost in costs if cost is not None and cost <= 0] == []
    assert sum(cost is not None for cost in costs) > 500
