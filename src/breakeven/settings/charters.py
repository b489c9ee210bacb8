"""A feature's charter in `breakeven.yaml`, beyond owner and value: rungs, models, prompts, assumptions, ceiling, retention."""

from __future__ import annotations

import re
from typing import Any

from breakeven.governance.charter import NOT_KEPT, Assumptions
from breakeven.settings.captures import capture_of
from breakeven.settings.gateway import known_needs
from breakeven.settings.quantities import whole
from breakeven.yamlfields import Fields, Problems

CHARTER_FIELDS = (
    "rungs", "model", "models", "prompt", "assumptions", "unit_cost_ceiling", "retention", "capture", "needs", "prompt_cache",
)  # fmt: skip
PROMPT_CACHE = ("off", "5m", "1h")
ASSUMPTION_FIELDS = ("calls_per_month", "input_tokens", "output_tokens", "outcomes_per_month")
_MOST = 10**12
_DAYS = re.compile(r"([0-9]{1,5})\s*d\Z")
_DAY = 86_400
_LONGEST_DAYS = 3_650


def charter_fields(fields: Fields, problems: Problems) -> dict[str, Any]:
    """What of a `Feature` these fields say, by the names of its attributes."""
    if "model" in fields and "models" in fields:
        fields.fault("models", "model and models both stand here", "Keep `models` with the whole list, cheapest first.")
    models = fields.words("models") or fields.words("model")
    for name, listed in (("models", models), ("rungs", fields.words("rungs")), ("prompt", fields.words("prompt"))):
        for word in {word for word in listed if listed.count(word) > 1}:
            fields.fault(name, f"{name} names {word!r} twice", "Name it once.")
    retention = _retention(fields)
    return {
        "rungs": fields.words("rungs"),
        "models": models,
        "prompts": fields.words("prompt"),
        "assumptions": _assumptions(fields, problems),
        "unit_cost_ceiling": fields.money("unit_cost_ceiling"),
        "retention": retention,
        "capture": capture_of(fields, retention, problems),
        "needs": known_needs(fields),
        "prompt_cache": None if (lifetime := fields.choice("prompt_cache", PROMPT_CACHE, "off")) == "off" else lifetime,
        "place": fields.node.where,
        "places": {name: node.where for name, node in (fields.node.mapping or {}).items()},
    }


def _assumptions(fields: Fields, problems: Problems) -> Assumptions | None:
    node = fields.get("assumptions")
    if node is None or node.value is None:
        return None
    found = Fields(node, f"{fields.what}: assumptions", ASSUMPTION_FIELDS, problems)
    for name in ASSUMPTION_FIELDS[:3]:
        if name not in found:
            found.fault(name, f"{name} is missing", f"Add `{name}: ...`: what a month of this feature is expected to be.")
    outcomes = whole(found, "outcomes_per_month", 0, 0, _MOST)
    return Assumptions(
        calls_per_month=whole(found, "calls_per_month", 0, 0, _MOST),
        input_tokens=whole(found, "input_tokens", 0, 0, _MOST),
        output_tokens=whole(found, "output_tokens", 0, 0, _MOST),
        outcomes_per_month=outcomes if "outcomes_per_month" in found else None,
    )


def _retention(fields: Fields) -> int | None:
    """How long bodies are kept, in seconds; 0 for `none`, None where nothing is said."""
    text = fields.text("retention")
    if text is None:
        return None
    found = _DAYS.match(text)
    if text == "none":
        return NOT_KEPT
    days = int(found[1]) if found is not None else 0
    if not 0 < days <= _LONGEST_DAYS:
        fields.fault("retention", f"retention is {text[:40]!r}", f"Write `none`, or days from 1d to {_LONGEST_DAYS}d, such as 30d.")
        return None
    return days * _DAY
