"""Vendors' prompt caches: what they saved, measured from usage; what they could save, from how much of prompts comes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from breakeven.economics.money import digits
from breakeven.economics.periods import Period
from breakeven.economics.promptcache import CachePrices, Reuse, bounds, break_even_share, saving, verdict
from breakeven.errors import DataError
from breakeven.pricebook import PricingKey
from breakeven.pricebook.rating import Quote
from breakeven.reports.question import Facts, statement, whole
from breakeven.reports.words import count, dollars, percent

_FORMULA = "reads x (input price - read price) - writes x (write price - input price)"


class Card(Protocol):
    """The price book, as this report asks it."""

    def quote(self, key: PricingKey) -> Quote:
        """The unit prices of one model at one instant."""


class CacheRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature and model. Shares are of all input tokens; `saving` is measured, `potential_saving` is what is left unread."""

    feature: str | None
    provider: str | None
    model: str | None
    opted_in: str | None
    calls: int
    input_tokens: int
    read_tokens: int
    written_tokens: int
    read_share: float
    cacheable_share: float | None
    saving: str | None
    potential_saving: str | None
    proposal: str


class CacheReport(msgspec.Struct, frozen=True, kw_only=True):
    """The prompt caches of a period."""

    period: str
    currency: str
    rows: Sequence[CacheRow]
    saving: str | None
    sentence: str
    trail: Mapping[str, Any]


class _Found(NamedTuple):
    feature: str | None
    provider: str | None
    model: str | None
    calls: int
    input: int
    read: int
    written: int
    saved: Any
    cacheable: int | None
    told: int | None


def prompt_cache(ledger: Facts, lifetimes: Mapping[str, str | None], card: Card, period: Period, at: datetime) -> CacheReport:
    """Each feature and model with input in a period, the largest first. `lifetimes`: what features have declared, None for off."""
    rows = ledger.query(statement("prompt_cache"), {"start": period.start, "end": period.end})
    found = [_Found(*row) for row in rows]
    told = [_row(each, lifetimes.get(each.feature or ""), card, at) for each in found]
    known = [whole(each.saved) for each in found if each.saved is not None]
    total = sum(known) if len(known) == len(found) else None
    return CacheReport(
        period=period.name,
        currency="USD",
        rows=told,
        saving=digits(total),
        sentence=_sentence(told, found, total, period),
        trail={
            "formula": {
                "saving": _FORMULA,
                "cacheable_share": "tokens in a prefix seen before / input tokens, of calls that tell it",
            },
            "rows": {"calls": sum(each.calls for each in found)},
            "read_from": "lines",
            "unpriced": sum(each.saved is None for each in found),
        },
    )


def _row(found: _Found, lifetime: str | None, card: Card, at: datetime) -> CacheRow:
    prices = prices_of(card, found.provider, found.model, lifetime or "5m", at)
    share = found.cacheable / found.told if found.told and found.cacheable is not None else None
    left = None if share is None else max(0, int(found.input * share) - found.read)
    potential = None if left is None or prices is None else saving(left, found.input - found.read - left, prices) if left else 0
    measured = None if found.saved is None else whole(found.saved)
    return CacheRow(
        feature=found.feature,
        provider=found.provider,
        model=found.model,
        opted_in=lifetime,
        calls=found.calls,
        input_tokens=found.input,
        read_tokens=found.read,
        written_tokens=found.written,
        read_share=found.read / found.input,
        cacheable_share=share,
        saving=digits(measured),
        potential_saving=digits(potential),
        proposal=verdict(measured, on=lifetime is not None, reads=found.read, writes=found.written, potential=potential),
    )


def prices_of(card: Card, provider: str | None, model: str | None, lifetime: str, at: datetime) -> CachePrices | None:
    """What input, reads and writes of one model cost; a vendor without a price for writing writes at the input price."""
    if provider is None or model is None:
        return None
    lines = card.quote(PricingKey(provider, model, at)).lines
    costs = {name: sum(line.unit_price for line in priced) for name, priced in lines.items()}
    if "input" not in costs or "cache_read" not in costs:
        return None
    shortest = costs.get("cache_write_5m", costs.get("cache_write_30m", costs["input"]))
    return CachePrices(costs["input"], costs["cache_read"], costs.get(f"cache_write_{lifetime}", shortest))


def _sentence(rows: Sequence[CacheRow], found: Sequence[_Found], total: int | None, period: Period) -> str:
    tokens = sum(each.input for each in found)
    if not tokens:
        return f"No call in {period.label} used input tokens."
    read = percent(sum(each.read for each in found) / tokens)
    saved = "what that saved is not known for all of them" if total is None else _saved(total)
    losing = sorted({row.feature or "what has no feature" for row in rows if row.proposal == "switch off"})
    gaining = sorted({row.feature or "what has no feature" for row in rows if row.proposal == "switch on"})
    advice = f" Switch it off for {', '.join(losing)}." if losing else ""
    advice += f" Switch it on for {', '.join(gaining)}." if gaining else ""
    return f"{read} of the input in {period.label} was read from vendors' caches; {saved}.{advice}"


def _saved(total: int) -> str:
    return f"that saved {dollars(total)}" if total >= 0 else f"caching cost {dollars(-total)} more than it saved"


class CacheEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's cache could do for the calls of a table; `saving` lies between its two bounds."""

    calls: int
    input_tokens: int
    cacheable_tokens: int
    potential_share: float
    readable_tokens: int
    expired_tokens: int
    new_tokens: int
    actual_read_tokens: int | None
    actual_share: float | None
    lifetime: str
    shortest_tokens: int
    unit_prices: Mapping[str, str | None]
    input_cost: str | None
    saving: Sequence[str | None]
    actual_saving: str | None
    break_even_share: float | None
    currency: str
    sentence: str
    trail: Mapping[str, Any]


class Measured(NamedTuple):
    """What a table of calls says (`exchange/prefixes.py` reads it)."""

    calls: int
    reuse: Reuse
    read: int | None
    expires: bool


def cache_estimate(measured: Measured, prices: CachePrices | None, model: str, lifetime: str, shortest: int) -> CacheEstimate:
    """The estimate for one model. Raises DataError where the price book has no price for reading its cache."""
    if prices is None:
        raise DataError(
            f"the price book has no price for input or for reading the cache of {model}",
            "See: breakeven prices show; add the price with: breakeven prices add.",
        )
    reuse = measured.reuse
    low, high = bounds(reuse, prices)
    paid = reuse.input * prices.input
    share = reuse.potential / reuse.input if reuse.input else 0.0
    actual = None if measured.read is None or not reuse.input else measured.read / reuse.input
    return CacheEstimate(
        calls=measured.calls,
        input_tokens=reuse.input,
        cacheable_tokens=reuse.potential,
        potential_share=share,
        readable_tokens=reuse.readable,
        expired_tokens=reuse.expired,
        new_tokens=reuse.new,
        actual_read_tokens=measured.read,
        actual_share=actual,
        lifetime=lifetime,
        shortest_tokens=shortest,
        unit_prices={"input": digits(prices.input), "cache_read": digits(prices.read), "cache_write": digits(prices.write)},
        input_cost=digits(paid),
        saving=[digits(low), digits(high)],
        actual_saving=None if measured.read is None else digits(saving(measured.read, 0, prices)),
        break_even_share=break_even_share(prices),
        currency="USD",
        sentence=_estimated(measured, share, (low, high, paid), model, lifetime),
        trail={
            "formula": {
                "saving": _FORMULA,
                "low": "everything of a call that is not read is written",
                "high": "nothing is paid for writing",
            },
            "assumption": f"a prefix lives {lifetime} after its last use" if measured.expires else "no prefix ever expires",
            "rows": {"calls": measured.calls},
        },
    )


def _estimated(measured: Measured, share: float, costs: tuple[int, int, int], model: str, lifetime: str) -> str:
    low, high, paid = costs
    if not paid:
        return "The calls used no input tokens."
    kept = measured.reuse.readable / measured.reuse.input
    within = f", {percent(kept)} within the {_SPANS[lifetime]} that the vendor keeps it" if measured.expires else ""
    return (
        f"{percent(share)} of the input of {count(measured.calls, 'call')} had been sent before{within}. "
        f"On {model} a prompt cache {_would(low, high)} of {dollars(paid)} for input ({_range(low / paid, high / paid)})."
    )


_SPANS = {"5m": "five minutes", "1h": "hour"}


def _would(low: int, high: int) -> str:
    if low < 0:
        return f"could cost {dollars(-low)} more or save {dollars(high)}"
    return f"would save {dollars(high)}" if low == high else f"would save {dollars(low)} to {dollars(high)}"


def _range(low: float, high: float) -> str:
    return percent(high) if low == high else f"{percent(low)} to {percent(high)}"
