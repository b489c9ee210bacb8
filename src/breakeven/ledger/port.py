"""What the ledger asks of others, and what it answers: the only types that cross its border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol


class QuoteRequest(NamedTuple):
    """One distinct pricing key of a batch.

    `bucket` starts a span of time, and `input_tokens` stands for a band, of constant price.
    """

    provider: str
    model: str
    context: str
    bucket: datetime
    input_tokens: int


class QuoteRow(NamedTuple):
    """One unit price for the request with index `key`, in atto-dollars per single unit.

    `ordinal` is 0 for list, then adjustments in order.
    """

    key: int
    usage_class: str
    kind: str
    ordinal: int
    unit_price: int
    price_version: str
    note: str


class QuoteSheet(NamedTuple):
    """The answer to a batch of requests: all unit prices, and for each request without any the reason."""

    rows: Sequence[QuoteRow]
    reasons: Mapping[int, str]


class Quotes(Protocol):
    """Where prices come from. Implemented over the price book by `app.py`, and by `FixedQuotes` of tests."""

    @property
    def thresholds(self) -> Sequence[int]:
        """Every long-context threshold, ascending; a price may change where total input tokens exceed one."""

    def breakpoints(self, provider: str, model: str) -> Sequence[datetime]:
        """Instants off the full UTC hour at which this model's price may change."""

    def answer(self, requests: Sequence[QuoteRequest]) -> QuoteSheet:
        """Unit prices for each request, in one go."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What one intake added. `cost` is the exact sum of the known costs added; unknown ones are counted, never summed as 0."""

    rows_read: int = 0
    calls_added: int = 0
    requests_added: int = 0  # what those calls stand for: an aggregated row is one call with a `call_count`
    lines_added: int = 0
    duplicates: int = 0
    facts_added: Mapping[str, int] = field(default_factory=dict)
    cost: Decimal = Decimal(0)
    by_state: Mapping[str, int] = field(default_factory=dict)
    unpriced: Sequence[tuple[str, str, str, int]] = ()  # provider, model, reason, requests
    segments: Sequence[int] = ()

    @property
    def unpriced_calls(self) -> int:
        """Calls whose usage is known and whose price is not."""
        return self.by_state.get("unpriced", 0)

    @property
    def unknown_usage_calls(self) -> int:
        """Calls whose usage is not known."""
        return self.by_state.get("usage_missing", 0)
