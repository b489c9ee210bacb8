"""What decides a price: names, dates, hours, size, served tier, geography, and the user's own book."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from breakeven.economics.money import digits
from breakeven.pricebook import PricingKey, Quote, RateCard, open_card, rate, total
from breakeven.pricebook.catalogue import parse_instant

NOW = datetime(2026, 11, 2)
Quoted = Callable[..., Quote]


def million(quote: Quote, usage_class: str) -> str | None:
    """The price per million tokens, all lines together."""
    lines = quote.lines.get(usage_class)
    return None if lines is None else digits(sum(line.unit_price for line in lines) * 1_000_000)


def overlaid(tmp_path: Path, text: str) -> RateCard:
    (tmp_path / "prices.yaml").write_text("version: 1\nsources:\n  deal: {kind: contract, ref: MSA}\n" + text)
    return open_card(tmp_path / "archive", (tmp_path / "prices.yaml",), NOW)


def at(card: RateCard, provider: str, model: str, text: str, **context: str) -> Quote:
    return card.quote(PricingKey(provider, model, parse_instant(text), tuple(sorted(context.items()))))


@pytest.mark.parametrize(
    ("provider", "name", "canonical"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "gpt-5.2-20251211", "gpt-5.2"),
        ("openai", "openai/gpt-4o-mini", "gpt-4o-mini"),
        ("openai", "ft:gpt-4o-2024-08-06:acme:invoices:AbC", "ft:gpt-4o"),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::x", "ft:gpt-4.1-mini"),
        ("openai", "ft:gpt-3.5-turbo-0125:acme::x", "ft:gpt-3.5-turbo-"),
        ("openai", "gpt-4o-audio-preview-2025-06-03", "gpt-4o-audio-preview"),
        ("azure", "gpt-35-turbo", "gpt-3.5-turbo"),
        ("azure", "gpt-4o-mini-2024-07-18.ft-0e208cf33a6a466994aff31a08aba678", "ft:gpt-4o-mini"),
        ("anthropic", "claude-3-5-haiku-20241022", "claude-3-5-haiku-latest"),
        ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"),
        ("anthropic", "claude-opus-5-20260723", "claude-opus-5"),
        ("vertex", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("google", "models/gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("google", "gemini-2.5-pro-preview-06-05", "gemini-2.5-pro"),
        ("google", "publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("bedrock", "us.anthropic.claude-opus-4-5-20251101-v1:0", "regional.anthropic.claude-opus-4-5-v1:0"),
        ("bedrock", "global.anthropic.claude-sonnet-4-6", "global.anthropic.claude-sonnet-4-6-v1:0"),
        ("bedrock", "anthropic.claude-3-5-haiku-20241022-v1%3A0", "regional.anthropic.claude-3-5-haiku-20241022-v1:0"),
        ("bedrock", "eu.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("bedrock", "us.meta.llama3-3-70b-instruct-v1:0", "meta.llama3-3-70b-instruct-v1:0"),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "regional.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        ("openrouter", "anthropic/claude-4.6-sonnet-20260217", "anthropic/claude-sonnet-4.6"),
        ("groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b"),
        ("xai", "grok-4-latest", "grok-4-0709"),
        ("cohere", "command-r7b-12-2024", "command-r7b"),
        ("mistral", "magistral-medium-2506", "magistral-medium"),
    ],
)
def test_names_lead_to_their_model(quoted: Quoted, provider: str, name: str, canonical: str) -> None:
    """Dates, versions, path prefixes, Bedrock profiles, ARNs, Azure spellings and fine-tunes name the model they are billed as."""
    assert quoted(provider, name).model == canonical


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "ft:gpt-4-0613:acme::x"),
        ("openai", "ft:gpt-5-2025-08-07:acme::x"),
        ("openai", "gpt-4o-audio-turbo"),
        ("openai", "gpt-4o-minimal"),
        ("anthropic", "claude-opus-4-9-ultra"),
        ("google", "gemini-2.5-pro-max"),
        ("mistral", "mistral-large-2402"),
        ("cohere", "command-r-plus-05-2024"),
    ],
)
def test_what_only_looks_like_a_model_is_unknown(quoted: Quoted, provider: str, name: str) -> None:
    """No prefix guesses: a fine-tune without a price, a snapshot with another price, and a new suffix are all unknown."""
    assert quoted(provider, name).problem is not None


@pytest.mark.parametrize(
    ("provider", "model", "when", "usage_class", "price"),
    [
        ("openai", "o3", "2025-06-09T23:59:59Z", "input", "10"),
        ("openai", "o3", "2025-06-09T23:59:59Z", "cache_read", "2.5"),
        ("openai", "o3", "2025-06-10T00:00:00Z", "input", "2"),
        ("openai", "gpt-5.6-sol", "2026-08-20T23:59:59Z", "output", "30"),
        ("openai", "gpt-5.6-sol", "2026-08-21T00:00:00Z", "output", "20"),
        ("google", "gemini-4-argon", "2026-11-30T23:59:59Z", "input", "2"),
        ("google", "gemini-4-argon", "2026-12-01T00:00:00Z", "input", "4"),
        ("google", "gemini-3.6-flash", "2026-08-01T00:00:00Z", "input", "1.5"),
        ("google", "gemini-3.6-flash", "2026-08-13T00:00:00Z", "input", "0.75"),
        ("google", "gemini-3.6-flash", "2027-01-01T00:00:00Z", "input", "1.5"),
        ("mistral", "mistral-medium-latest", "2026-02-10T00:00:00Z", "cache_read", "0.4"),
        ("mistral", "mistral-medium-latest", "2026-07-10T00:00:00Z", "cache_read", "0.15"),
        ("deepseek", "deepseek-chat", "2025-07-31T07:00:00Z", "output", "1.1"),
        ("deepseek", "deepseek-chat", "2025-07-31T16:29:59Z", "output", "1.1"),
        ("deepseek", "deepseek-chat", "2025-07-31T16:30:00Z", "output", "0.55"),
        ("deepseek", "deepseek-chat", "2025-08-01T00:29:59Z", "input", "0.135"),
        ("deepseek", "deepseek-reasoner", "2025-12-01T20:00:00Z", "input", "0.28"),
        ("deepseek", "deepseek-v4-flash", "2026-06-10T09:04:13Z", "input", "0.14"),
        ("deepseek", "deepseek-v4-flash", "2026-08-16T15:59:59Z", "input", "0.14"),
        ("deepseek", "deepseek-v4-flash", "2026-08-16T16:00:00Z", "input", "0.22"),
        ("deepseek", "deepseek-v4-flash", "2026-08-22T02:00:00Z", "input", "0.44"),
        ("deepseek", "deepseek-v4-flash", "2026-08-29T02:00:00Z", "input", "0.22"),
        ("deepseek", "deepseek-v4-flash", "2026-09-10T03:59:59Z", "input", "0.44"),
        ("deepseek", "deepseek-v4-flash", "2026-09-10T04:00:00Z", "input", "0.15"),
        ("deepseek", "deepseek-v4-flash", "2026-11-18T04:00:00Z", "input", "0.15"),
        ("deepseek", "deepseek-v4-flash", "2026-11-18T06:00:00Z", "input", "0.3"),
        ("deepseek", "deepseek-v4-flash", "2026-11-22T02:00:00Z", "input", "0.15"),
        ("deepseek", "deepseek-v4-pro", "2026-10-01T02:00:00Z", "input", "0.66"),
        ("deepseek", "deepseek-v4-pro", "2026-10-08T02:00:00Z", "input", "1.32"),
    ],
)
def test_prices_change_at_their_instant(quoted: Quoted, provider: str, model: str, when: str, usage_class: str, price: str) -> None:
    """Half-open instants, peak hours, weekends and holidays."""
    assert million(quoted(provider, model, when), usage_class) == price


@pytest.mark.parametrize(
    ("provider", "model", "size", "when", "price"),
    [
        ("anthropic", "claude-sonnet-4-5", 200_000, "2026-02-01T00:00:00Z", "3"),
        ("anthropic", "claude-sonnet-4-5", 200_001, "2026-02-01T00:00:00Z", "6"),
        ("anthropic", "claude-sonnet-4-6", 250_000, "2026-03-12T23:59:59Z", "6"),
        ("anthropic", "claude-sonnet-4-6", 250_000, "2026-03-13T00:00:00Z", "3"),
        ("openai", "gpt-5.4", 272_001, "2026-11-01T00:00:00Z", "5"),
        ("xai", "grok-4.6", 200_000, "2026-11-01T00:00:00Z", "4"),
        ("xai", "grok-4.6", 199_999, "2026-11-01T00:00:00Z", "2"),
        ("google", "gemini-2.5-pro", 200_001, "2026-11-01T00:00:00Z", "2.5"),
    ],
)
def test_a_tier_holds_for_the_whole_request(quoted: Quoted, provider: str, model: str, size: int, when: str, price: str) -> None:
    """A threshold is crossed only when it is exceeded, and then every token has the higher price."""
    assert million(quoted(provider, model, when, size=size), "input") == price


@pytest.mark.parametrize(
    ("provider", "model", "context", "usage_class", "price", "when"),
    [
        ("openai", "gpt-4o", {"processing": "batch"}, "input", "1.25", "2025-01-01T00:00:00Z"),
        ("openai", "gpt-4o", {"processing": "batch"}, "input", "1.25", "2026-11-20T00:00:00Z"),
        ("openai", "gpt-4o", {"processing": "batch"}, "cache_read", "1.25", "2026-11-20T00:00:00Z"),
        ("openai", "gpt-5.6-sol", {"processing": "batch"}, "output", "15", "2026-08-01T00:00:00Z"),
        ("openai", "gpt-5", {"service_tier": "flex"}, "reasoning", "5", "2025-09-01T00:00:00Z"),
        ("openai", "gpt-5", {"service_tier": "priority"}, "input", "2.5", "2025-09-01T00:00:00Z"),
        ("openai", "gpt-5", {"service_tier": "default"}, "input", "1.25", "2025-09-01T00:00:00Z"),
        ("openai", "text-embedding-3-small", {"processing": "batch"}, "input", "0.01", "2025-09-01T00:00:00Z"),
        ("anthropic", "claude-haiku-4-5", {"processing": "batch"}, "output", "2.5", "2026-01-01T00:00:00Z"),
        ("anthropic", "claude-3-5-haiku-20241022", {"service_tier": "batch"}, "input", "0.4", "2025-01-01T00:00:00Z"),
        ("anthropic", "claude-sonnet-4-6", {"processing": "batch"}, "input", "1.5", "2026-11-20T00:00:00Z"),
        ("anthropic", "claude-opus-5", {"speed": "fast"}, "cache_write_1h", "20", "2026-11-20T00:00:00Z"),
        ("anthropic", "claude-opus-4-6", {"speed": "fast"}, "input", "30", "2026-11-20T00:00:00Z"),
        ("anthropic", "claude-opus-4-6", {"speed": "standard"}, "input", "5", "2026-11-20T00:00:00Z"),
        ("anthropic", "claude-opus-5-5", {"inference_geo": "us"}, "cache_read", "0.22", "2026-11-20T00:00:00Z"),
        ("anthropic", "claude-opus-5-5", {"inference_geo": "global"}, "input", "4", "2026-11-20T00:00:00Z"),
        ("anthropic", "claude-haiku-4-5", {"inference_geo": "us"}, "input", "1", "2026-11-20T00:00:00Z"),
        ("anthropic", "claude-opus-5", {"inference_geo": "us", "processing": "batch"}, "input", "2.75", "2026-11-20T00:00:00Z"),
        ("openai", "gpt-5.5", {"host": "eu.api.openai.com"}, "input", "5.5", "2026-11-20T00:00:00Z"),
        ("openai", "gpt-4o", {"host": "eu.api.openai.com"}, "input", "2.5", "2026-11-20T00:00:00Z"),
        ("google", "claude-sonnet-4-5", {"region": "us-east5"}, "output", "16.5", "2026-11-20T00:00:00Z"),
        ("google", "claude-sonnet-4-5", {"region": "global"}, "output", "15", "2026-11-20T00:00:00Z"),
        ("google", "gemini-3.8-flash", {"service_tier": "priority"}, "input", "1.35", "2026-11-20T00:00:00Z"),
        ("google", "gemini-2.5-flash", {"processing": "batch"}, "cache_read", "0.03", "2026-01-01T00:00:00Z"),
        (
            "bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            {"processing": "batch"},
            "input",
            "1.65",
            "2026-11-20T00:00:00Z",
        ),
        ("groq", "llama-3.3-70b-versatile", {"service_tier": "on_demand"}, "input", "0.59", "2026-11-20T00:00:00Z"),
        ("azure", "gpt-4o", {"processing": "batch"}, "input", "1.25", "2026-11-20T00:00:00Z"),
    ],
)
def test_the_service_that_was_served_is_billed(  # noqa: PLR0917 - one row of a table
    quoted: Quoted, provider: str, model: str, context: dict[str, str], usage_class: str, price: str, when: str
) -> None:
    """Batch, flex, priority, fast mode and geography change the price, also before the catalogue first recorded them."""
    assert million(quoted(provider, model, when, **context), usage_class) == price


def test_a_service_without_a_price_is_unpriced(quoted: Quoted) -> None:
    """A served tier that the book knows no price for is not billed at the standard price."""
    problem = quoted("openai", "gpt-4.1", service_tier="scale").problem
    assert problem is not None
    assert "service_tier scale" in problem.what


def test_a_class_without_a_price_makes_the_total_unknown(quoted: Quoted) -> None:
    """Audio out of a model that is not priced for audio is unpriced, never free and never text."""
    lines = rate(quoted("anthropic", "claude-sonnet-5"), {"input": 10, "output_audio": 5})
    assert [line.state for line in lines] == ["metered", "unpriced"]
    assert total(lines) is None


def test_local_models_have_no_price(quoted: Quoted) -> None:
    """A self-hosted model is unpriced, and the message names the two ways out."""
    problem = quoted("vllm", "facebook/opt-125m").problem
    assert problem is not None
    assert "self-hosted" in problem.what


def test_tools_cost_their_fee(quoted: Quoted) -> None:
    """Web search is $10 per thousand, $25 in the preview on models that do not reason; grounding is free, with a note."""
    assert million(quoted("openai", "gpt-5"), "web_search") == "10000"
    assert million(quoted("openai", "gpt-4.1", tool="web_search_preview"), "web_search") == "25000"
    assert million(quoted("openai", "gpt-5", tool="web_search_preview"), "web_search") == "10000"
    [line] = quoted("google", "gemini-2.5-flash").lines["web_search"]
    assert (line.unit_price, bool(line.note)) == (0, True)


def test_an_uplift_is_a_line_of_its_own(quoted: Quoted) -> None:
    """List price and uplift stay apart, each with its own price version."""
    listed, uplift = quoted("anthropic", "claude-opus-5", inference_geo="us").lines["input"]
    assert (listed.kind, digits(listed.unit_price * 10**6)) == ("list", "5")
    assert (uplift.kind, digits(uplift.unit_price * 10**6)) == ("uplift:anthropic-us-inference", "0.5")
    assert listed.price_version != uplift.price_version


def test_the_users_book_wins_for_the_units_it_names(tmp_path: Path) -> None:
    """An overlay replaces the units it names in its period and nothing else; its row has an id of its own."""
    period = "from: 2026-02-01T00:00:00Z, to: 2026-03-01T00:00:00Z"
    text = f'prices:\n  - {{provider: openai, model: gpt-4o, {period}, units: {{input: "2"}}, source: deal}}\n'
    card = overlaid(tmp_path, text)
    inside = at(card, "openai", "gpt-4o-2024-08-06", "2026-02-10T00:00:00Z")
    assert (million(inside, "input"), million(inside, "output")) == ("2", "10")
    assert inside.version.startswith("overlay:prices.yaml/openai/gpt-4o/2026-02-01#")
    assert million(at(card, "openai", "gpt-4o", "2026-03-01T00:00:00Z"), "input") == "2.5"


def test_discounts_follow_uplifts_in_order(tmp_path: Path) -> None:
    """Each adjustment acts on what the ones before it left: 5 × 1.1 × 0.85 = 4.675, in three lines."""
    match = "match: {provider: anthropic, account: acme}"
    text = f'adjustments:\n  - {{id: acme-15, kind: discount, {match}, on: [tokens], multiply: "0.85"}}\n'
    quote = at(overlaid(tmp_path, text), "anthropic", "claude-opus-5", "2026-11-01T00:00:00Z", account="acme", inference_geo="us")
    assert [line.kind for line in quote.lines["input"]] == ["list", "uplift:anthropic-us-inference", "discount:acme-15"]
    assert million(quote, "input") == "4.675"


def test_an_alias_is_exact_and_dated(tmp_path: Path) -> None:
    """A deployment stands for its model in its account and period, and for nothing elsewhere."""
    text = "aliases:\n  - {provider: azure, account: eus, deployment: prod-v3, model: gpt-4o-mini, from: 2026-01-01T00:00:00Z}\n"
    card = overlaid(tmp_path, text)
    assert at(card, "azure", "prod-v3", "2026-05-01T00:00:00Z", account="eus", deployment="prod-v3").model == "gpt-4o-mini"
    assert at(card, "azure", "prod-v3", "2025-12-31T00:00:00Z", account="eus", deployment="prod-v3").problem is not None
    assert at(card, "azure", "prod-v3", "2026-05-01T00:00:00Z", account="wus", deployment="prod-v3").problem is not None


def test_a_tier_may_be_added_to_the_price_beneath(tmp_path: Path) -> None:
    """A row with tiers and no units keeps the price below the tier."""
    tier = '{over: 1000, of: total_input, scope: whole_request, units: {input: "9"}}'
    card = overlaid(tmp_path, f"prices:\n  - {{provider: openai, model: gpt-4o, tiers: [{tier}], source: deal}}\n")
    keys = [PricingKey("openai", "gpt-4o", NOW, (), size) for size in (1000, 1001)]
    assert [million(card.quote(key), "input") for key in keys] == ["2.5", "9"]
    assert 1000 in card.thresholds


def test_the_standard_service_may_be_named(tmp_path: Path) -> None:
    """`when: {service_tier: default}` means calls without a served tier too, and no others; tiers and fallback hold."""
    tier = '{over: 272000, of: total_input, scope: whole_request, units: {input: "6"}}'
    row = f"when: {{service_tier: default}}, tiers: [{tier}], fallback: {{cache_write: output}}, source: deal"
    card = overlaid(tmp_path, f"prices:\n  - {{provider: openai, model: gpt-5.4, {row}}}\n")

    def price(size: int, usage_class: str = "input", **context: str) -> str | None:
        return million(card.quote(PricingKey("openai", "gpt-5.4", NOW, tuple(context.items()), size)), usage_class)

    assert [price(272_000), price(272_001), price(272_001, service_tier="default")] == ["2.5", "6", "6"]
    assert price(272_001, service_tier="flex") == "2.5"
    assert price(1, "cache_write_5m") == "15"


def test_a_model_may_be_all_the_users_own(tmp_path: Path) -> None:
    """A provider and model that the catalogue does not know are priced by the overlay alone."""
    card = overlaid(tmp_path, 'prices:\n  - {provider: vllm, model: llama-x, units: {input: "0.1", output: "0.4"}, source: deal}\n')
    assert million(at(card, "vllm", "llama-x", "2026-11-01T00:00:00Z"), "output") == "0.4"
