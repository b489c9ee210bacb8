"""Wiring: the only module that knows which price book serves which ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from breakeven.ledger import QuoteRequest, QuoteRow, QuoteSheet
from breakeven.ledger.layout import Layout
from breakeven.pricebook import PricingKey, RateCard, open_card
from breakeven.settings import Settings


class CardQuotes:
    """The price book, as the ledger asks for it (`ledger.port.Quotes`)."""

    def __init__(self, card: RateCard) -> None:
        self._card = card

    @property
    def thresholds(self) -> Sequence[int]:
        """Every long-context threshold of the card."""
        return self._card.thresholds

    def breakpoints(self, provider: str, model: str) -> Sequence[datetime]:
        """Instants off the full hour at which this model's price may change."""
        return self._card.breakpoints(provider, model)

    def answer(self, requests: Sequence[QuoteRequest]) -> QuoteSheet:
        """One quote for each request."""
        rows: list[QuoteRow] = []
        reasons: dict[int, str] = {}
        for number, request in enumerate(requests):
            context = tuple(sorted((name, str(value)) for name, value in json.loads(request.context or "{}").items()))
            quote = self._card.quote(PricingKey(request.provider, request.model, request.bucket, context, request.input_tokens))
            if quote.problem is not None:
                reasons[number] = quote.problem.what
            for lines in quote.lines.values():
                rows += [
                    QuoteRow(number, line.usage_class, line.kind, ordinal, line.unit_price, line.price_version, line.note)
                    for ordinal, line in enumerate(lines)
                ]
        return QuoteSheet(rows, reasons)


def now() -> datetime:
    """The present, naive UTC: the one place where the product looks at the clock for prices and records."""
    return datetime.now(UTC).replace(tzinfo=None)


def rate_card(settings: Settings, ledger_path: Path) -> RateCard:
    """The price book of a ledger: catalogues archived with it, our corrections, the overlays that the settings name."""
    return open_card(Layout(ledger_path).prices, settings.overlays, now())


def quotes_for(card: RateCard) -> CardQuotes:
    """The card as the ledger's source of unit prices."""
    return CardQuotes(card)
