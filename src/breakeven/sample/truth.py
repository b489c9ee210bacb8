"""What is planted in the sample company: every figure here is invented. Reports, audits and their tests are held against it.

Dollars are whole, months are numbered from 0 (November 2025) to 11 (October 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FIRM = "Northwind Papers (invented)"
INVENTED = (
    "Everything in this folder is invented sample data: the firm, its customers, its calls, its revenue. No real company is shown."
)
SEED = 20_261_031
FIRST_MONTH = datetime(2025, 11, 1)  # noqa: DTZ001 - naive UTC, as everywhere in the facts
MONTHS = 12
OCTOBER = MONTHS - 1
SEPTEMBER = MONTHS - 2

SUPPORT = "Support answers"
INVOICES = "Invoice capture"
CONTRACTS = "Contract extraction"
DOCUMENTS = "Invoice fields"
"""A feature of the document workflow alone, which has a ledger of its own."""
TRIAL = "Letter drafts"
"""A trial that only the live calls of `breakeven demo` have: its budget is so small that it is soon spent."""
POPULAR_AND_LOSING = CONTRACTS
"""The feature that is used more every month, costs more per document as it grows, and loses money in October."""

INCIDENT_DAYS = (datetime(2026, 7, 14), datetime(2026, 7, 15))  # noqa: DTZ001 - naive UTC
"""Two days on which a bug retried most support answers, and each failed attempt was billed."""
CONTRACT_FROM = datetime(2026, 10, 12)  # noqa: DTZ001 - naive UTC
"""From here an invented contract with one vendor makes cached input of every model, and output of its dearest, cheaper."""
UNPRICED_MONTH = 4
"""March 2026: a pilot on a machine of their own whose price nobody declared."""
USAGE_MISSING_MONTH = 7
"""June 2026: streams that were cut off say nothing of their usage (from July on they are asked for it)."""

CUSTOMERS = 200
USERS = 4_200
LOSING_DECILE = 10
"""Of the customers by calls in October, only the keenest tenth costs more than its flat plans pay."""
TOP_USERS, TOP_USERS_COST = 0.05, 0.41
"""This share of October's users causes about this share of its cost."""
COST_ELASTICITY = {SUPPORT: 1.0, INVOICES: 1.0, CONTRACTS: 1.15}
"""A customer with 1% more tasks in a month causes so many per cent more cost; above 1, cost grows faster than adoption."""


@dataclass(frozen=True, slots=True)
class TaskClass:
    """A kind of task of contract extraction in October: what is paid, on which rung, which would be enough, by which replays."""

    name: str
    calls: int
    spend: int
    frontier: float  # share of its calls on the frontier rung
    paid_for: str
    enough: str | None  # None: too little evidence yet
    replayed: int
    agreed: int
    worth_per_month: int


TASK_CLASSES = (
    TaskClass("clause lookup", 18_300, 9_420, 0.56, "frontier", "small", 1_930, 1_912, 8_230),
    TaskClass("header fields", 14_100, 4_310, 0.52, "frontier", "handler", 2_400, 2_400, 4_290),
    TaskClass("cross-document terms", 6_100, 5_105, 0.66, "frontier", "frontier", 400, 298, 0),
    TaskClass("other", 2_700, 1_180, 0.39, "mixed", None, 41, 40, 0),
)
FRONTIER_SHARE = {0: 0.20, SEPTEMBER: 0.38, OCTOBER: 0.55}
"""Share of contract extraction's calls on the frontier rung; even steps until September, then a jump."""
TOKENS_PER_TASK = (8_200, 8_500, 8_800, 9_100, 9_400, 9_700, 10_000, 10_300, 10_600, 10_900, 11_200, 12_800)
"""Tokens of all kinds, failed attempts included, per document of contract extraction; growth is reasoning before all."""
BRIDGE = {"volume": 4_900, "mix": 3_700, "tokens per task": 2_600, "price": -820}
"""What moved contract extraction's cost from September to October, one after the other in this order: +10,380 together.

Each step holds what the earlier ones have changed: documents at September's cost each; then the share of the frontier rung;
then tokens per call of either rung; then the invented contract. A log-mean bridge divides the same change otherwise.
"""
VALUE_PER_DOCUMENT = "0.4466"
"""What a document of contract extraction is paid. Its average cost passes this between 27,300 and 41,200 documents a month."""
