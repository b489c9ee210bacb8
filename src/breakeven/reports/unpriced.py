"""What has no price or no usage yet, why, and what to do about it: a work list, because unpriced is not free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from breakeven.economics.periods import Period
from breakeven.reports.question import Facts, statement
from breakeven.reports.words import count, percent


class UnpricedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one model whose cost is unknown for one reason. `quantity`: metered without a price; null where usage is unknown."""

    provider: str | None
    model: str | None
    state: str
    reason: str
    remedy: str
    calls: int
    quantity: int | None
    usage_classes: Sequence[str]
    first_day: str
    last_day: str
    features: Sequence[str]


class Unpriced(msgspec.Struct, frozen=True, kw_only=True):
    """The work list of a period."""

    period: str
    rows: Sequence[UnpricedRow]
    calls: int
    share_of_calls: float | None
    sentence: str
    trail: Mapping[str, Any]


def unpriced(ledger: Facts, period: Period) -> Unpriced:
    """Everything in a period whose cost is unknown, the most frequent first."""
    bounds = {"start": period.start, "end": period.end}
    rows = [_row(row) for row in ledger.query(statement("unpriced"), bounds)]
    calls, unknown = ledger.query(statement("unpriced_calls"), bounds)[0]
    share = unknown / calls if calls else None
    return Unpriced(
        period=period.name,
        rows=rows,
        calls=unknown,
        share_of_calls=share,
        sentence=_sentence(rows, period, unknown, share),
        trail={
            "formula": {"share_of_calls": "calls whose cost is unknown in whole or part / calls"},
            "rows": {"calls": calls, "unpriced_calls": unknown},
            "read_from": "lines",
        },
    )


def _row(row: tuple[Any, ...]) -> UnpricedRow:
    provider, model, state, reason, calls, quantity, classes, first, last, features = row
    return UnpricedRow(
        provider=provider,
        model=model,
        state=state,
        reason=reason or _REASONS[state],
        remedy=_remedy(state, provider, model, str(first)),
        calls=calls,
        quantity=quantity,
        usage_classes=classes or [],
        first_day=str(first),
        last_day=str(last),
        features=features or [],
    )


_REASONS = {"unpriced": "no price is known", "usage_missing": "the source did not record how much was used"}


def _remedy(state: str, provider: str | None, model: str | None, first: str) -> str:
    if state == "usage_missing":
        return "Have the source record usage (for streams: stream_options.include_usage) and import these calls again with it."
    if provider is None or model is None:
        return "Name the provider and model when importing (--provider, --model), so that a price can be found."
    return f"Add a price with `breakeven prices add`, then run `breakeven prices restate --from {first}`."


def _sentence(rows: Sequence[UnpricedRow], period: Period, unknown: int, share: float | None) -> str:
    if share is None:
        return f"There are no calls in {period.label}."
    if not rows:
        return f"Every call in {period.label} has a known cost."
    models = len({(row.provider, row.model) for row in rows})
    return f"The cost of {count(unknown, 'call')} ({percent(share)}) of {count(models, 'model')} in {period.label} is unknown."
