"""Unit prices without a price book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from breakeven.economics.money import atto
from breakeven.ledger import QuoteRequest, QuoteRow, QuoteSheet


@dataclass(frozen=True, slots=True)
class FixedQuotes:
    """Unit prices per million by model and usage class, as text: `FixedQuotes({"gpt-4o": {"input": "2.50", "output": "10"}})`.

    `doubled_over` doubles every price of a request whose input exceeds it; `changes` are instants from which `later` prices
    hold; `discounts` are percentages off, each a line of its own. A model that is not listed is unpriced.
    """

    prices: Mapping[str, Mapping[str, str]]
    later: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    changes: Sequence[datetime] = ()
    doubled_over: int | None = None
    discounts: Sequence[int] = ()
    version: str = "fixed"

    @property
    def thresholds(self) -> Sequence[int]:
        """The one threshold, if any."""
        return () if self.doubled_over is None else (self.doubled_over,)

    def breakpoints(self, provider: str, model: str) -> Sequence[datetime]:
        """The instants of change."""
        del provider, model
        return self.changes

    def answer(self, requests: Sequence[QuoteRequest]) -> QuoteSheet:
        """One row for each price and discount, a reason for each model without any."""
        rows: list[QuoteRow] = []
        reasons: dict[int, str] = {}
        for key, request in enumerate(requests):
            found = self._prices(request)
            if not found:
                reasons[key] = f"no price for {request.model}"
            for usage_class, per_million in found.items():
                rows += self._rows(key, usage_class, per_million, request)
        return QuoteSheet(rows, reasons)

    def _prices(self, request: QuoteRequest) -> Mapping[str, str]:
        changed = bool(self.changes) and request.bucket >= self.changes[-1]
        return (self.later if changed else self.prices).get(request.model, {})

    def _rows(self, key: int, usage_class: str, per_million: str, request: QuoteRequest) -> list[QuoteRow]:
        price = atto(per_million) // 1_000_000
        if self.doubled_over is not None and request.input_tokens > self.doubled_over:
            price *= 2
        listed = QuoteRow(key, usage_class, "list", 0, price, self.version, "")
        off = [
            QuoteRow(key, usage_class, f"discount:{percent}", ordinal, -price * percent // 100, self.version, "")
            for ordinal, percent in enumerate(self.discounts, start=1)
        ]
        return [listed, *off]
