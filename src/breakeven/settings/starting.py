"""The first `breakeven.yaml` of a project: what can be known from the machine, and what people have to say, as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from breakeven.settings.vendors import VENDOR_DEFAULTS

LEDGER = ".breakeven/ledger"
PLAIN = ("openai", "anthropic")
"""Who is served where no key of any vendor is found: with the callers' own keys."""
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


def first_configuration(features: Sequence[str], owner: str, environment: Mapping[str, str]) -> str:
    """A configuration that holds as it is: the vendors whose keys the environment has, and the named features with their owner."""
    return "\n".join((*_head(), *_providers(environment), "", *_features(features, owner), ""))


def vendors_with_keys(environment: Mapping[str, str]) -> list[str]:
    """The vendors whose usual variable holds a key; the first name of each vendor that shares a variable."""
    found: dict[str, str] = {}
    for name, defaults in VENDOR_DEFAULTS.items():
        if defaults.base_url and "{" not in defaults.base_url and environment.get(defaults.api_key_env or "", "").strip():
            found.setdefault(defaults.api_key_env, name)
    return list(found.values())


def _head() -> Sequence[str]:
    return (
        "# Breakeven: policy as code. Keep this file in version control; `breakeven policy check` reads it with file and line.",
        f"ledger: {LEDGER}  # the record; not for version control",
        "",
    )


def _providers(environment: Mapping[str, str]) -> list[str]:
    keyed = vendors_with_keys(environment)
    lines = ["providers:"]
    lines += [f"  {name}: {{api_key_env: {VENDOR_DEFAULTS[name].api_key_env}}}" for name in keyed]
    lines += [f"  {name}: {{}}  # the callers' own keys" for name in PLAIN if name not in keyed]
    return lines


def _features(features: Sequence[str], owner: str) -> list[str]:
    if not features:
        return [
            "# features:",
            "#   support-answers:",
            "#     owner: support",
            "#     unit: answer",
            '#     value: {kind: unit_price, price: "0.50", grade: C}  # what a unit is worth; A to C: how well that is known',
        ]
    lines = ["features:"]
    for name in features:
        lines += [
            f"  {_word(name)}:",
            f"    owner: {_word(owner)}",
            "    # unit: document",
            '    # value: {kind: unit_price, price: "0.50", grade: C}  # what a unit is worth; A to C: how well that is known',
            "    # budget: {limit: $100, period: month}",
        ]
    return lines


def _word(text: str) -> str:
    return text if _PLAIN_WORD.match(text) else json.dumps(text, ensure_ascii=False)
