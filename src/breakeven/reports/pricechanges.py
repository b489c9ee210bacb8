"""Known price changes as daily factors, from the price book: applied to a quantity forecast, never extrapolated from past costs.

    repriced cost(d)  = Σ over SKUs of cost(d) × unit price(origin) / unit price(d)          history at today's prices
    factor(d)         = Σ over SKUs of share × unit price(d) / unit price(origin)            for days to come

A SKU is provider × model × usage class at the standard service; shares are those of the last 28 days' repriced cost. A model
without a price on either day keeps its recorded cost. Prices are those of noon UTC, below every long-context threshold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from breakeven.economics.money import ATTO
from breakeven.pricebook import PricingKey, Quote
from breakeven.reports.question import Facts, Question, ask, whole

Floats = NDArray[np.float64]
Key = tuple[str | None, ...]
Sku = tuple[str, str, str]
DAY = timedelta(days=1)
SHARES_FROM_DAYS = 28
_NOON = timedelta(hours=12)
_REQUEST_TOKENS = 1_000
"""A request below every long-context threshold: what the tiers above cost changes with it."""


class PriceBook(Protocol):
    """What a forecast asks of the price book."""

    def quote(self, key: PricingKey, /) -> Quote:
        """What each class costs at an instant."""


class PriceChange(msgspec.Struct, frozen=True):
    """One unit price that changes on a day to come: `factor` = new / old."""

    day: str
    provider: str
    model: str
    usage_class: str
    factor: float


@dataclass(frozen=True, slots=True)
class Repriced:
    """What to add to each day's cost so that it is at the origin's prices, and the factor of each day to come."""

    past: Mapping[Key, Floats]
    ahead: Mapping[Key, Floats]
    changes: tuple[PriceChange, ...]
    skus_repriced: int


def repriced(ledger: Facts, question: Question, book: PriceBook, origin: datetime, horizon: int) -> Repriced:
    """Price effects for `question.by` over its period (which ends at `origin`) and the `horizon` days after it."""
    days = (origin - question.period.start) // DAY
    models = [(provider, model) for provider, model in _models(ledger, question) if provider and model]
    prices = {pair: _prices(book, pair, question.period.start, days + horizon) for pair in models}
    factors = {
        (*pair, usage_class): _factors(path, days) for pair, classes in prices.items() for usage_class, path in classes.items()
    }
    changing = {sku: factor for sku, factor in factors.items() if factor is not None and not np.allclose(factor, 1.0, rtol=1e-9)}
    if not changing:
        return Repriced({}, {}, (), 0)
    past, recent, whole_recent = _costs(ledger, question, changing, days)
    ahead: dict[Key, Floats] = {}
    for (key, sku), cost in recent.items():
        if whole_recent.get(key, 0.0) > 0:
            ahead.setdefault(key, np.ones(horizon))
            ahead[key] += cost / whole_recent[key] * (changing[sku][days:] - 1)
    return Repriced(past, ahead, _changes(changing, days, origin), len(changing))


def _models(ledger: Facts, question: Question) -> list[tuple[str | None, str | None]]:
    return [(row[0], row[1]) for row in ask(ledger, "price_keys", question, ("provider", "model"))]


def _prices(book: PriceBook, pair: tuple[str, str], start: datetime, days: int) -> dict[str, Floats]:
    """The unit price of each class on each day, NaN where the book has none."""
    found: dict[str, Floats] = {}
    known: dict[int, tuple[Quote, dict[str, int]]] = {}  # the quote is kept, so that its identity stays its own
    for day in range(days):
        quote = book.quote(PricingKey(*pair, start + day * DAY + _NOON, (), _REQUEST_TOKENS))
        if id(quote) not in known:
            known[id(quote)] = quote, {name: sum(line.unit_price for line in lines) for name, lines in quote.lines.items()}
        for name, price in known[id(quote)][1].items():
            if name not in found:
                found[name] = np.full(days, np.nan)
            found[name][day] = price
    return found


def _factors(path: Floats, days: int) -> Floats | None:
    """Each day's unit price over the origin's (the last known day); 1 where either is unknown; None where the origin has none."""
    base = path[days - 1] if days else np.nan
    if np.isnan(base) or base <= 0:
        return None
    return np.asarray(np.where(np.isnan(path) | (path <= 0), 1.0, path / base))


def _costs(
    ledger: Facts, question: Question, changing: Mapping[Sku, Floats], days: int
) -> tuple[dict[Key, Floats], dict[tuple[Key, Sku], float], dict[Key, float]]:
    """What repricing adds per day, recent repriced cost per SKU that changes, and recent repriced cost of everything."""
    width = len(question.by)
    past: dict[Key, Floats] = defaultdict(lambda: np.zeros(days))
    recent: dict[tuple[Key, Sku], float] = defaultdict(float)
    everything: dict[Key, float] = defaultdict(float)
    names = sorted({f"{provider}/{model}" for provider, model, _ in changing})
    first = question.period.start.date()
    rows = ask(ledger, "sku_costs", question, question.by, models=names, recent=question.period.end - SHARES_FROM_DAYS * DAY)
    for row in rows:
        key, (date, provider, model, usage_class, amount) = row[:width], row[width:]
        cost = whole(amount) / ATTO
        if date is None:
            everything[key] += cost
            continue
        sku, day = (provider, model, usage_class), (date - first).days
        if sku in changing:
            now = cost / changing[sku][day]
            past[key][day] += now - cost
            if day >= days - SHARES_FROM_DAYS:
                recent[key, sku] += now
                everything[key] += now - cost
    return dict(past), dict(recent), dict(everything)


def _changes(changing: Mapping[Sku, Floats], days: int, origin: datetime) -> tuple[PriceChange, ...]:
    found = []
    for (provider, model, usage_class), path in changing.items():
        steps = path[days:] / path[days - 1 : -1]
        found += [
            PriceChange(f"{origin + int(at) * DAY:%Y-%m-%d}", provider, model, usage_class, round(float(steps[at]), 6))
            for at in np.flatnonzero(np.abs(steps - 1) > 1e-9)  # noqa: PLR2004 - less is rounding
        ]
    return tuple(sorted(found, key=lambda one: (one.day, one.provider, one.model, one.usage_class)))
