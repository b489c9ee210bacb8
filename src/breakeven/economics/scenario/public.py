"""Public figures, kept as dated data: what stands in where a ledger's own history is silent, and nowhere else.

They are findings of others about *some* market at *some* time: each has its date, its source and its scope, and an answer that used
one says so. Yearly factors, as everywhere: 0.1 is a tenth of the price after a year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from breakeven.economics.scenario.ranges import Range

Subject = Literal["price", "tokens"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One public figure: `low` to `high` of what it says, when it was published, by whom, about what."""

    id: str
    subject: Subject
    says: str
    low: float
    high: float
    published: str
    source: str
    scope: str


FIGURES: tuple[Figure, ...] = (
    Figure(
        "a16z-2024-11", "price", "yearly price factor at a fixed capability", 0.1, 0.1, "2024-11", "a16z (LLMflation)",
        "cheapest model that reaches a given benchmark score, 2021 to 2024; only for those who change models",
    ),
    Figure(
        "epoch-2025-03", "price", "yearly price factor at a fixed capability", 1 / 900, 1 / 9, "2025-03", "Epoch AI",
        "price to reach a milestone on six benchmarks; the factor differs by milestone; only for those who change models",
    ),
    Figure(
        "gartner-2026-03", "price", "yearly factor of inference cost; not all reaches buyers", 0.1**0.2, 1.0, "2026-03", "Gartner",
        "forecast: a provider's cost of a one-trillion-parameter model falls by 90% from 2025 to 2030",
    ),
    Figure(
        "openrouter-2025-12", "tokens", "yearly factor of prompt length", 4.0, 4.0, "2025-12", "OpenRouter and a16z",
        "average prompt of requests routed by OpenRouter, from about 1,500 to 6,000 tokens",
    ),
    Figure(
        "epoch-2025-04", "tokens", "yearly factor of answer length", 2.2, 5.0, "2025-04", "Epoch AI",
        "answers to benchmark questions: 2.2 for models that do not reason, 5 for those that do",
    ),
    Figure(
        "anthropic-2025-06", "tokens", "tokens of an agent over those of a chat", 4.0, 15.0, "2025-06", "Anthropic",
        "4 for a single agent, 15 for several together, in its research product",
    ),
    Figure(
        "gartner-2026-03-agents", "tokens", "tokens of an agent's task over those of a chat", 5.0, 30.0, "2026-03", "Gartner",
        "agentic models against a standard chatbot, per task",
    ),
)  # fmt: skip
BY_ID: Mapping[str, Figure] = {figure.id: figure for figure in FIGURES}

PASSED_ON = 0.1**0.2
"""−90% in five years, wholly passed on: a yearly factor of 0.63."""
FRONTIER = "frontier"


@dataclass(frozen=True, slots=True)
class Stand:
    """What stands in for a driver that the ledger is silent on, and the figures that it rests on."""

    range: Range
    figures: tuple[str, ...]


def price_of_tier(tier: str) -> Stand:
    """The price path of a tier without history.

    The newest frontier is sold at the price of the last one (1.0), at best as cost falls and is passed on (0.63). A fixed
    capability below it falls between not at all and tenfold a year, in the middle as costs that are passed on.
    """
    if FRONTIER in tier.lower():
        return Stand(_range(PASSED_ON, 1.0, 1.0, ("gartner-2026-03",)), ("gartner-2026-03",))
    used = ("a16z-2024-11", "epoch-2025-03", "gartner-2026-03")
    return Stand(_range(BY_ID["a16z-2024-11"].low, PASSED_ON, 1.0, used), used)


def tokens_per_task() -> Stand:
    """Tokens per task without history: between no growth and that of reasoning answers, in the middle that of other answers."""
    used = ("epoch-2025-04", "openrouter-2025-12")
    found = BY_ID["epoch-2025-04"]
    return Stand(_range(1.0, found.low, found.high, used), used)


def _range(low: float, mid: float, high: float, figures: tuple[str, ...]) -> Range:
    words = "; ".join(f"{BY_ID[one].source} {BY_ID[one].published}" for one in figures)
    return Range(low, mid, high, "public", words)


@dataclass(frozen=True, slots=True)
class Preset:
    """A named pair of yearly factors that stands for a way of buying and building: price of the tier, tokens per task."""

    name: str
    price: float
    tokens: float
    meaning: str
    figures: tuple[str, ...]


PRESETS: tuple[Preset, ...] = (
    Preset(
        "discipline", 0.3, 1.2, "re-route to whatever does the task as prices fall, and keep prompts short",
        ("a16z-2024-11", "epoch-2025-03"),
    ),
    Preset(
        "pass-through", 0.63, 2.2, "stay with the vendor at prices that fall as costs do, with answers that grow",
        ("gartner-2026-03", "epoch-2025-04"),
    ),
    Preset(
        "newest-frontier", 1.0, 2.2, "always take the newest frontier model at the price of the last one",
        ("epoch-2025-04",),
    ),
    Preset(
        "agent-drift", 1.0, 5.0, "newest frontier, and tasks turn into agents",
        ("anthropic-2025-06", "gartner-2026-03-agents", "epoch-2025-04"),
    ),
)  # fmt: skip
