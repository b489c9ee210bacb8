"""Which price or discount moved, by how much and since when: the words of two bars of the bridge."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from breakeven.economics.costdrivers import Amounts, Used
from breakeven.economics.periods import MONTHS
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.words import MINUS, percent

SAME_PRICE = 0.005
"""Prices that differ by less are the same: tiers and roundings are no price change."""
_CLASS_WORDS = {"cache_read": "cached input", "output": "output", "input": "input"}
Sku = tuple[str | None, str | None, str | None]
"""Provider, model, usage class."""


def price_words(ledger: Facts, question: Question, used: tuple[Used, Used], *, discounted: bool) -> str | None:
    """The usage class of a model whose list price, or whose discount, moved most in money; by how much and since when."""
    moves: dict[Sku, float] = {}
    for (served, name), now in used[1].amounts.items():
        then = used[0].amounts.get((served, name), Amounts())
        old, new = (_unit_price(one.cost, one.listed, one.quantity, discounted=discounted) for one in (then, now))
        if old is not None and new is not None:
            key = served.provider, served.model, name
            moves[key] = moves.get(key, 0.0) + (new - old) * (now.listed if discounted else now.quantity)
    if not any(moves.values()):
        return None
    sku = max(moves, key=lambda key: (abs(moves[key]), repr(key)))
    word = f"{sku[1] or 'no model'} {_CLASS_WORDS.get(sku[2] or '', (sku[2] or 'whole calls').replace('_', ' '))}"
    step = _step(ledger, question, sku, discounted=discounted)
    if step is not None:
        return f"{word} {_signed_share(step[0])} from {step[1].day} {MONTHS[step[1].month - 1][:3]}"
    old, new = (_average(one, sku, discounted=discounted) for one in used)
    return f"{word} {_signed_share(new / old - 1)} on average" if old and new is not None else None


def _unit_price(cost: int, listed: int, quantity: int, *, discounted: bool) -> float | None:
    """What a unit costs at list prices; or what a unit of list price costs after discounts."""
    if discounted:
        return cost / listed if listed else None
    return listed / quantity if quantity else None


def _step(ledger: Facts, question: Question, sku: Sku, *, discounted: bool) -> tuple[float, date] | None:
    """By how much a price moved in one step and since when; None where it moved more than once or not at one price a day."""
    provider, model, name = sku
    days: list[tuple[date, float]] = []
    for period in (question.versus or question.period, question.period):
        rows = ask(ledger, "bridge_prices", question.over(period), (), sku_provider=provider, sku_model=model, sku_class=name)
        prices = (
            (day, _unit_price(whole(cost), whole(listed), int(count), discounted=discounted)) for day, cost, listed, count in rows
        )
        days.extend((day, price) for day, price in prices if price is not None)
    steps = [
        (later[1] / earlier[1] - 1, later[0])
        for earlier, later in pairwise(sorted(days))
        if earlier[1] > 0 and abs(later[1] / earlier[1] - 1) > SAME_PRICE
    ]
    return steps[0] if len(steps) == 1 else None


def _average(used: Used, sku: Sku, *, discounted: bool) -> float | None:
    own = [one for (served, name), one in used.amounts.items() if (served.provider, served.model, name) == sku]
    sums = (sum(one.cost for one in own), sum(one.listed for one in own), sum(one.quantity for one in own))
    return _unit_price(*sums, discounted=discounted)


def _signed_share(value: float) -> str:
    text = percent(abs(value), 0 if abs(value * 100 - round(value * 100)) < 0.05 else 1)  # noqa: PLR2004 - half of what is shown
    return f"{MINUS if value < 0 else '+'}{text}"
