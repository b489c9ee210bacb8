"""The usage vector: classes are named once, disjoint and complete in what tiers are measured on."""

from __future__ import annotations

from breakeven.economics.usage import CLASS_BY_NAME, CLASSES, INPUT_TOKEN_CLASSES, total_input_tokens


def test_each_class_has_one_name_and_one_meaning() -> None:
    """No two classes share a name, nor all of direction, modality, cache, lifetime and unit, except output and reasoning."""
    meanings = [(c.direction, c.modality, c.cache, c.ttl, c.unit, c.name if c.direction == "tool" else "") for c in CLASSES]
    assert len(CLASS_BY_NAME) == len(CLASSES)
    assert {c.name for c in CLASSES if meanings.count((c.direction, c.modality, c.cache, c.ttl, c.unit, "")) > 1} == {
        "output",
        "reasoning",
    }


def test_long_context_tiers_are_measured_on_all_input_tokens() -> None:
    """Cached and written tokens count towards a long-context threshold; output, tool calls and characters do not."""
    usage = {
        "input": 1,
        "cache_read": 10,
        "cache_write_1h": 100,
        "input_audio": 1000,
        "output": 10**6,
        "web_search": 10**7,
        "input_characters": 10**8,
    }
    assert total_input_tokens(usage) == 1111
    assert {"output", "reasoning", "web_search", "input_audio_ms", "input_characters"} & INPUT_TOKEN_CLASSES == set()
