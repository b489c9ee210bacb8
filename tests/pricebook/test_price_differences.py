"""genai-prices as an oracle: wherever our price differs from its own answer, the page of differences gives the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from genai_prices import Usage
from genai_prices.data import providers

from breakeven.economics.money import amount
from breakeven.pricebook import PricingKey, RateCard, rate, total
from breakeven.pricebook.catalogue import _PRICE_KEYS

TIMES = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2024-06-01T03:00", "2025-03-01T12:00", "2025-06-09T23:59", "2025-06-10T00:00", "2026-03-12T23:59", "2026-03-13T00:00",
        "2026-07-25T12:00", "2026-08-20T23:59", "2026-10-13T00:00", "2026-11-18T02:00", "2026-11-22T02:00", "2027-01-02T12:00",
    )
)  # fmt: skip
CONTEXTS: tuple[dict[str, str], ...] = (
    {},
    {"processing": "batch"},
    {"service_tier": "flex"},
    {"service_tier": "priority"},
    {"speed": "fast"},
)
SIZES = (1_000, 200_001, 300_000)
SMALLEST = Decimal(1).scaleb(-18)


class Difference(NamedTuple):
    """One unit price that is not the oracle's."""

    provider: str
    model: str
    usage_class: str
    context: tuple[tuple[str, str], ...]
    ours: Decimal | None
    version: str


def differences(card: RateCard) -> Iterator[Difference]:
    for provider in providers:
        for model in provider.models:
            for context in CONTEXTS:
                if context and not any(context.items() <= variant.when.items() for variant in model.price_variants or ()):
                    continue
                for at in TIMES:
                    prices = vars(model.get_prices(at.replace(tzinfo=UTC), context))
                    yield from _compared(card, provider.id, model.id, at, tuple(context.items()), prices)


def _compared(
    card: RateCard, provider: str, model: str, at: datetime, context: tuple[tuple[str, str], ...], prices: dict[str, Any]
) -> Iterator[Difference]:
    known = [(*_PRICE_KEYS[key], price) for key, price in prices.items() if price is not None and key in _PRICE_KEYS]
    for size in SIZES if any(hasattr(price, "tiers") for *_, price in known) else SIZES[:1]:
        quote = card.quote(PricingKey(provider, model, at, context, size))
        for usage_class, per, price in known:
            lines = quote.lines.get(usage_class, ())
            ours = sum((amount(line.unit_price) for line in lines), Decimal(0)) if lines else None
            if ours is None or abs(ours - _of_request(price, size) / per) > SMALLEST:
                yield Difference(provider, model, usage_class, context, ours, lines[0].price_version if lines else "")


def _of_request(price: Any, size: int) -> Decimal:
    if not hasattr(price, "tiers"):
        return Decimal(price)
    return Decimal(next((tier.price for tier in reversed(price.tiers) if size > tier.start), price.base))


def reason(found: Difference) -> str:  # noqa: PLR0911 - one rule for each heading
    """The heading of the page that explains a difference; "" where none does."""
    if found.provider == "openrouter" and not found.context:
        return "Vendors' prices passed through by OpenRouter"
    if "before-first-record" in found.version:
        return "Batch, flex and priority before the day they were verified"
    if found.provider == "x-ai" and found.ours is None:
        return "xAI batch before October 2026"
    if found.usage_class == "web_search" and found.provider == "google":
        return "Grounding within the free allowance"
    if found.provider == "deepseek":
        return "DeepSeek by instant, weekday and holiday"
    if found.provider == "mistral" and found.usage_class == "cache_read":
        return "Mistral's cached tokens before a price was known"
    if found.model == "gemini-3.6-flash":
        return "Gemini 3.6 Flash before its introductory price"
    if found.model == "o3" and found.usage_class == "cache_read":
        return "o3's cached tokens before the price cut"
    return ""


def test_every_difference_from_the_oracle_has_its_reason(card: RateCard, repository: Path) -> None:
    """All models at many instants, sizes and services: the reasons found are exactly those that the page explains."""
    page = (repository / "docs/reference/price-differences.md").read_text(encoding="utf-8")
    section = page.split("## From genai-prices' own answer")[1].split("\n## ")[0]
    explained = set(re.findall(r"^### (.+)$", section, re.MULTILINE))
    found = list(differences(card))
    assert [item for item in found if not reason(item)] == []
    assert {reason(item) for item in found} == explained


def test_totals_agree_where_prices_agree(card: RateCard) -> None:
    """For plain text calls of today, our exact total is genai-prices' own for every model of the large vendors."""
    at = datetime.fromisoformat("2026-11-20T12:00")
    checked = 0
    for provider in providers:
        if provider.id not in ("openai", "anthropic", "google", "aws", "azure", "mistral", "groq", "x-ai", "cohere"):
            continue
        for model in provider.models:
            quote = card.quote(PricingKey(provider.id, model.id, at, (), 1234))
            if not {"input", "output"} <= quote.lines.keys():
                continue
            usage = Usage(input_tokens=1234, output_tokens=567)
            oracle = model.calc_price(usage, provider, genai_request_timestamp=at.replace(tzinfo=UTC)).total_price
            ours = total(rate(quote, {"input": 1234, "output": 567}))
            assert ours is not None
            assert amount(ours) == oracle, model.id
            checked += 1
    assert checked > 300
