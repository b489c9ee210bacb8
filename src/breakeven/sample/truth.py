"""What is planted in the sample company: every figure here is invented. Reports, audits and their tests are held against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

FIRM = "Northwind Papers (invented)"
INVENTED = (
    "Everything in this folder is invented sample data: the firm, its customers, its calls, its revenue. No real company is shown."
)
FIRST_MONTH = datetime(2025, 11, 1)  # noqa: DTZ001 - naive UTC, as everywhere in the facts
MONTHS = 12
SEED = 20_261_031

SUPPORT = "Support answers"
INVOICES = "Invoice capture"
CONTRACTS = "Contract extraction"

INCIDENT_DAYS = (datetime(2026, 7, 14), datetime(2026, 7, 15))  # noqa: DTZ001 - naive UTC
"""Two days on which a bug retried most support answers, and each failed attempt was billed."""
DISCOUNT_FROM = datetime(2026, 10, 12)  # noqa: DTZ001 - naive UTC
"""From here an invented contract takes 10 % off cached input of one vendor."""
UNPRICED_MONTH = 4
"""March 2026: a pilot on a machine of their own whose price nobody declared."""


@dataclass(frozen=True, slots=True)
class ModelShare:
    """One model of a feature: its share of calls in the first and last but one month and in the last, and its tokens per call."""

    provider: str
    model: str
    first: float
    september: float
    october: float
    input: int
    cached: int
    output: int
    reasoning: int
    rung: str

    def share(self, month: int) -> float:
        """The share of calls in a month, moving evenly until September."""
        if month == MONTHS - 1:
            return self.october
        return self.first + (self.september - self.first) * month / (MONTHS - 2)


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """One feature: monthly cost in dollars, units delivered, units per call, task classes by weight, its models."""

    name: str | None
    team: str | None
    cost: tuple[int, ...]
    outcomes: tuple[int, ...]
    units_per_call: int
    unit: str
    success: float
    workflows: tuple[tuple[str, float], ...]
    models: tuple[ModelShare, ...]
    engagement: float  # how strongly use concentrates on few customers and users


SUPPORT_PLAN = FeaturePlan(
    SUPPORT, "support",
    (7_200, 7_800, 8_500, 9_200, 9_900, 10_600, 11_300, 12_100, 14_900, 13_300, 13_810, 14_120),
    (49_700, 53_600, 58_300, 63_000, 67_700, 72_400, 77_100, 82_500, 88_000, 91_100, 94_600, 96_726),
    1, "answer", 0.9206,
    (("answer ticket", 0.72), ("summarise thread", 0.18), ("route ticket", 0.10)),
    (
        ModelShare("anthropic", "claude-sonnet-4-6", 0.55, 0.62, 0.62, 9_000, 24_000, 2_600, 0, "mid"),
        ModelShare("openai", "gpt-5.4", 0.45, 0.38, 0.38, 11_000, 18_000, 2_400, 1_900, "mid"),
    ),
    1.1,
)  # fmt: skip
INVOICE_PLAN = FeaturePlan(
    INVOICES, "back-office",
    (2_600, 3_000, 3_500, 4_000, 4_500, 5_000, 5_500, 5_900, 6_300, 6_600, 6_720, 6_240),
    (50_100, 57_900, 67_500, 77_100, 86_700, 96_300, 105_900, 113_400, 121_200, 126_900, 129_000, 120_506),
    3, "document", 0.985,
    (("read invoice", 0.8), ("match order", 0.2)),
    (
        ModelShare("anthropic", "claude-haiku-4-5-20251001", 0.4, 0.55, 0.55, 21_000, 12_000, 9_000, 0, "small"),
        ModelShare("openai", "gpt-5-2025-08-07", 0.6, 0.45, 0.45, 20_000, 9_000, 6_000, 5_000, "mid"),
    ),
    0.9,
)  # fmt: skip
CONTRACT_PLAN = FeaturePlan(
    CONTRACTS, "back-office",
    (900, 1_300, 1_800, 2_400, 3_100, 3_900, 4_800, 5_900, 7_000, 8_300, 9_635, 20_015),
    (3_600, 5_000, 6_700, 8_600, 10_700, 13_000, 15_500, 18_400, 21_200, 24_200, 27_300, 41_200),
    1, "document", 0.93,
    (("clause lookup", 18_300), ("header fields", 14_100), ("cross-document terms", 6_100), ("other", 2_700)),
    (
        ModelShare("anthropic", "claude-opus-4-1-20250805", 0.2, 0.38, 0.55, 2_700, 1_600, 2_500, 6_000, "frontier"),
        ModelShare("openai", "gpt-5.6-sol", 0.8, 0.62, 0.45, 1_700, 800, 2_900, 7_400, "mid"),
    ),
    1.4,
)  # fmt: skip
NOBODYS_PLAN = FeaturePlan(
    None, None,
    (2_100, 1_900, 1_750, 1_600, 1_450, 1_300, 1_200, 1_100, 1_000, 900, 835, 1_335),
    (0,) * MONTHS, 1, "", 1.0, (("", 1.0),),
    (
        ModelShare("openai", "gpt-5.5", 0.6, 0.6, 0.6, 9_000, 2_000, 1_500, 1_200, "frontier"),
        ModelShare("anthropic", "claude-sonnet-4-6", 0.4, 0.4, 0.4, 12_000, 6_000, 2_200, 0, "mid"),
    ),
    1.2,
)  # fmt: skip
NOBODYS_CALLS = (14_000, 12_700, 11_700, 10_700, 9_700, 8_700, 8_000, 7_300, 6_700, 6_000, 5_600, 8_900)
PLANS = (SUPPORT_PLAN, INVOICE_PLAN, CONTRACT_PLAN, NOBODYS_PLAN)

SUPPORT_SUCCESSES = {MONTHS - 1: 89_041}
"""Answers that resolved their ticket in October: at the declared worth they make the month's $52,000."""
TIERS = (("starter", Decimal(90)), ("team", Decimal(320)), ("business", Decimal(1150)), ("enterprise", Decimal(4600)))
CUSTOMERS = 200
USERS = 4_200
