"""What to post of a reconciliation: each cause shared out among those who caused the cost, to the last atto-unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from breakeven.economics.cost_class import DEFAULT_COST_CLASS
from breakeven.economics.money import amount, shares
from breakeven.economics.reconciliation import Part, Reconciliation, plain_model
from breakeven.ledger.adjusting import Adjustment, Tied
from breakeven.reports.question import Facts, statement, whole
from breakeven.reports.reconcile import NOT_POSTED, Held

_NOBODYS = ("unseen key", "not metered")
_WHOLE_VENDOR = ("rounding", "credit", "fee", "currency")
_DIMENSIONS = ("feature", "team", "workflow", "environment")
Owner = tuple[str | None, ...]
Weights = Mapping[tuple[str, str | None, str | None], Mapping[Owner, int]]


def adjustments(ledger: Facts, held: Held, found: Reconciliation) -> list[Adjustment]:
    """One amount per cause, cell and owner. What no call of ours caused is nobody's; tax and the unexplained stay out."""
    rows = ledger.query(
        statement("reconcile_owners"), {"start": held.period.start, "end": held.period.end, "providers": held.providers}
    )
    weights, names = _weights(rows), {plain_model(row[1]): row[1] for row in rows}
    last = (held.period.end - timedelta(days=1)).date()
    return [
        adjustment
        for key, (total, detail) in _summed(found.parts, last).items()
        if total
        for adjustment in _shared(key, total, detail, weights, names)
    ]


def metered_days(ledger: Facts, held: Held) -> dict[tuple[str, date], int]:
    """What was metered of each vendor and day, before adjustments."""
    span = {"start": held.period.start, "end": held.period.end, "providers": held.providers}
    return {(provider, day): whole(cost) for provider, day, cost in ledger.query(statement("reconcile_days"), span)}


def tied_days(held: Held, posted: Sequence[Adjustment], metered: Mapping[tuple[str, date], int]) -> list[Tied]:
    """Every day of the period for each vendor, with what was metered and what is posted for it."""
    by_day: dict[tuple[str, date], int] = defaultdict(int)
    for item in posted:
        by_day[item.provider, item.day] += whole(item.amount)
    days = [held.period.start.date() + timedelta(days=number) for number in range((held.period.end - held.period.start).days)]
    return [
        Tied(provider, day, amount(metered.get((provider, day), 0)), amount(by_day[provider, day]))
        for provider in held.providers
        for day in days
    ]


def _summed(parts: Sequence[Part], last: date) -> dict[tuple[Any, ...], tuple[int, str]]:
    found: dict[tuple[Any, ...], tuple[int, str]] = {}
    for part in parts:
        if part.cause in NOT_POSTED:
            continue
        broad = part.cause in _WHOLE_VENDOR
        cell = part.cell
        key = (
            part.cause,
            cell.provider,
            None if broad else cell.model,
            None if broad else cell.usage_class,
            last if broad or cell.day is None else min(cell.day, last),
        )
        found[key] = (found.get(key, (0, ""))[0] + part.amount, part.detail)
    return found


def _weights(rows: Sequence[tuple[Any, ...]]) -> Weights:
    """Cost by owner for each cell, each model and each vendor."""
    weights: dict[tuple[str, str | None, str | None], dict[Owner, int]] = defaultdict(lambda: defaultdict(int))
    for provider, model, usage_class, cost_class, feature, team, workflow, environment, cost in rows:
        owner = (cost_class, feature, team, workflow, environment)
        plain = plain_model(model)
        for key in ((provider, plain, usage_class), (provider, plain, None), (provider, None, None)):
            weights[key][owner] += whole(cost)
    return weights


def _shared(key: tuple[Any, ...], total: int, detail: str, weights: Weights, names: Mapping[str, str]) -> list[Adjustment]:
    cause, provider, plain, usage_class, day = key
    named = None if plain is None else names.get(plain, plain)
    places = ((provider, plain, usage_class), (provider, plain, None), (provider, None, None))
    owners: Mapping[Owner, int] = {}
    if cause not in _NOBODYS:
        owners = next((weights[place] for place in places if weights.get(place)), {})
    if not owners:
        owners = {(DEFAULT_COST_CLASS, None, None, None, None): 1}
    reason = f"{cause}{f' ({detail})' if detail else ''}"
    return [
        Adjustment(
            cause,
            day,
            provider,
            named,
            usage_class,
            amount(part),
            str(owner[0]),
            reason,
            dict(zip(_DIMENSIONS, owner[1:], strict=True)),
        )
        for owner, part in zip(owners, shares(total, list(owners.values())), strict=True)
        if part
    ]
