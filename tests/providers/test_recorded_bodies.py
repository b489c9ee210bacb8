"""Real recordings: whole responses with their disjoint classes, and reduced bodies with another library's reading."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from breakeven.economics.money import digits
from breakeven.providers import Reading, read

STATES = {"priced": "metered", "provider_stated": "metered", "unpriced": "metered"}


def _cases(shared_data: Path) -> list[tuple[dict[str, Any], Reading]]:
    root = shared_data / "pricing"
    rows = [json.loads(line) for line in (root / "index.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(row, _read(row, (root / row["file"]).read_bytes())) for row in rows]


def _read(row: Mapping[str, Any], raw: bytes) -> Reading:
    return read(
        raw,
        provider=row["provider"],
        api=row["api"],
        model=row["model_requested"],
        url=row["url"],
        context=row["context"],
        where=row["id"],
        http_status=row["http_status"],
    )


def test_whole_responses_give_exactly_their_classes(shared_data: Path) -> None:
    """Every recorded response has the state, and each part the classes, that stand beside it; faults mean missing usage."""
    for row, reading in _cases(shared_data):
        state = STATES.get(row["state"], row["state"])
        assert reading.state == state, row["id"]
        if row["state"] != "unpriced":  # of an unknown model the index gives no classes
            wanted = [part["classes"] for part in row["expected"].get("parts") or []]
            assert [dict(part.usage) for part in reading.parts] == wanted, row["id"]
        assert bool(reading.problems) == (state == "usage_missing"), (row["id"], reading.problems)


def test_whole_responses_name_the_model_that_is_priced(shared_data: Path) -> None:
    """The model is the index's; on Bedrock it is the one in the address, also where a body names the vendor's own."""
    for row, reading in _cases(shared_data):
        if row["model_returned"] is None:
            assert reading.model == (row["model_requested"] or "")
        elif row["id"] == "br-invoke-35haiku-cacheread":  # the index names the body's model here, and the address's everywhere else
            assert reading.model == "anthropic.claude-3-5-haiku-20241022-v1:0"
        else:
            assert reading.model == row["model_returned"], row["id"]
        for part, wanted in zip(reading.parts, row["expected"].get("parts") or [], strict=False):
            if row["id"] != "br-invoke-35haiku-cacheread" and wanted["model"]:
                assert part.model == wanted["model"], row["id"]


def test_stated_costs_are_kept_to_the_last_digit(shared_data: Path) -> None:
    """A cost in the body is the stated cost; no other recording has one."""
    for row, reading in _cases(shared_data):
        billed = row["expected"].get("billed_usd") if row["state"] == "provider_stated" else None
        assert digits(reading.stated_cost) == billed, row["id"]


# --- Reduced bodies --------------------------------------------------------------------------------------------------------------


def _has(*names: str) -> Callable[[Mapping[str, Any], str, str], bool]:
    return lambda usage, _file, _model: any(name in usage for name in names)


VENDOR_BY_MARK: tuple[tuple[str, Callable[[Mapping[str, Any], str, str], bool]], ...] = (
    ("cohere", _has("billed_units")),
    ("bedrock", _has("inputTokens")),
    ("openrouter", lambda usage, file, _model: "cost" in usage or "openrouter" in file),
    ("anthropic", _has("cache_read_input_tokens")),
    ("groq", _has("queue_time")),
    ("deepseek", _has("prompt_cache_hit_tokens")),
    ("mistral", lambda usage, _file, model: "num_cached_tokens" in usage or model.startswith(("mistral", "magistral", "pixtral"))),
    ("google", lambda _usage, _file, model: model.startswith("gemini")),
    ("cerebras", lambda _usage, file, _model: "cerebras" in file),
    ("zai", lambda _usage, _file, model: model.startswith("glm")),
    ("huggingface", lambda _usage, file, _model: "huggingface" in file),
    ("bedrock", lambda _usage, _file, model: model.startswith("openai.")),
)
THEIR_NAMES = {"bedrock": "aws", "huggingface": "huggingface_together"}
DIFFERENCES = {
    "mistral": "their extractor leaves num_cached_tokens out: cache reads at full price",
    "bedrock": "their extractor for OpenAI models on Bedrock leaves cache_write_tokens out",
    "google": "in Google's OpenAI shape thoughts are in the total only: theirs leaves them free",
    "openrouter": "they have no extractor for OpenRouter's Responses API",
}
"""Why our reading differs from the other library's, by vendor; all other bodies agree."""
EXPECTED_DIFFERENCES = {"mistral": 12, "bedrock": 2, "google": 1, "openrouter": 1}


def _vendor(body: Mapping[str, Any]) -> str:
    if "usageMetadata" in body:
        return "google"
    usage = body.get("usage") or body["meta"]
    model = body.get("model") or ""
    return next((vendor for vendor, fits in VENDOR_BY_MARK if fits(usage, body["file"], model)), "openai")


def _in_their_words(usage: Mapping[str, int]) -> dict[str, int]:
    """Our classes summed into overlapping counts."""

    def total(*starts: str) -> int:
        return sum(quantity for name, quantity in usage.items() if name.startswith(starts))

    found = {
        "input_tokens": total("input", "cache"),
        "cache_read_tokens": total("cache_read"),
        "cache_write_tokens": total("cache_write"),
        "output_tokens": total("output", "reasoning"),
        "output_reasoning_tokens": total("reasoning"),
        "input_audio_tokens": total("input_audio", "cache_read_audio"),
        "input_image_tokens": total("input_image", "cache_read_image"),
        "output_image_tokens": total("output_image"),
        "cache_image_read_tokens": total("cache_read_image"),
        "web_searches": total("web_search"),
    }
    return {name: quantity for name, quantity in found.items() if quantity}


def _agrees(ours: Mapping[str, int], theirs: Mapping[str, int]) -> bool:
    """Whether the main counts are the same, and every other count that both have."""
    told = {name: quantity for name, quantity in theirs.items() if quantity}
    known = {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"}
    names = known | (told.keys() & ours.keys())
    return all(ours.get(name, 0) == told.get(name, 0) for name in names)


def test_reduced_bodies_agree_with_another_reading_or_say_why(shared_data: Path) -> None:
    """Each of the recorded native bodies is metered, and differs from genai-prices' extraction only for a declared reason."""
    rows = json.loads(gzip.decompress((shared_data / "usage" / "usage_bodies.json.gz").read_bytes()))
    differing: Counter[str] = Counter()
    for row in rows:
        vendor = _vendor(row["body"])
        reading = read(row["body"], provider=vendor, model="given")
        assert reading.state == "metered", (row["body"], reading.problems)
        assert not reading.problems, (row["body"], reading.problems)
        theirs = [
            each["usage"]
            for each in row["extracted"]
            for e in each["extractors"]
            if e["provider_id"] == THEIR_NAMES.get(vendor, vendor)
        ]
        ours = _in_their_words(reading.parts[0].usage)
        if not any(_agrees(ours, usage) for usage in theirs):
            differing[vendor] += 1
    assert differing == EXPECTED_DIFFERENCES
    assert differing.keys() == DIFFERENCES.keys()
