"""Prices as dated data: the archived base catalogue, our corrections, the user's overlay, and the rate card made of them."""

from __future__ import annotations

from breakeven.pricebook.book import card_as_recorded, card_of_texts, open_card
from breakeven.pricebook.card import RateCard
from breakeven.pricebook.rating import PricingKey, Quote, QuoteLine, RatedLine, rate, total

__all__ = [
    "PricingKey",
    "Quote",
    "QuoteLine",
    "RateCard",
    "RatedLine",
    "card_as_recorded",
    "card_of_texts",
    "open_card",
    "rate",
    "total",
]
