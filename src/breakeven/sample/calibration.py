"""Calibration: token counts are adjusted until a feature's month costs its planted figure by the real price book, to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.money import ATTO
from breakeven.pricebook import PricingKey, RateCard
from breakeven.sample.traffic import Ints, Traffic, month_start

_CLASSES = ("input", "cache_read", "output", "reasoning")
_NOON = timedelta(hours=12)
_SLIGHTLY_LESS = 0.9995


def calibrated(made: Traffic, card: RateCard) -> Traffic:
    """The same calls with output and reasoning scaled, and a few tokens added, so that the billed ones cost the planned sum."""
    target = made.plan.cost[made.month] * ATTO
    prices = _prices(made, card)
    fixed = _cost(made, prices, (0, 1))
    variable = _cost(made, prices, (2, 3))
    factor = (target - fixed) / variable * _SLIGHTLY_LESS
    scaled = (*made.tokens[:2], *(np.floor(column * factor).astype(np.int64) for column in made.tokens[2:]))
    near = replace(made, tokens=scaled)
    return _topped_up(near, prices, target - _cost(near, prices, range(len(_CLASSES))))


def _topped_up(made: Traffic, prices: NDArray[np.object_], missing: int) -> Traffic:
    """Spread what is missing as output tokens over the calls of the first model, evenly."""
    rows = np.flatnonzero(made.billed & (made.model == 0))
    price = int(prices[0, :, 2].min())
    whole, rest = divmod(missing // price, rows.size)
    added = np.full(rows.size, whole)
    added[: int(rest)] += 1
    output = made.tokens[2].copy()
    output[rows] += added.astype(np.int64)
    return replace(made, tokens=(made.tokens[0], made.tokens[1], output, made.tokens[3]))


def _prices(made: Traffic, card: RateCard) -> NDArray[np.object_]:
    """Atto-dollars per token by model, day of the month and class; the planted models' prices change at midnight only."""
    start, end = month_start(made.month), month_start(made.month + 1)
    days = (end - start).days
    table = np.zeros((len(made.plan.models), days, len(_CLASSES)), dtype=object)
    for number, model in enumerate(made.plan.models):
        for day in range(days):
            quote = card.quote(PricingKey(model.provider, model.model, start + timedelta(days=day) + _NOON))
            for column, name in enumerate(_CLASSES):
                table[number, day, column] = sum(line.unit_price for line in quote.lines[name])
    return table


def _cost(made: Traffic, prices: NDArray[np.object_], columns: range | tuple[int, ...]) -> int:
    """The exact cost of the billed calls in atto-dollars: sums of tokens by model and day, times whole prices."""
    models, days = prices.shape[:2]
    group = np.where(made.billed, made.model * days + made.day, models * days)
    total = 0
    for column in columns:
        sums: Ints = np.zeros(models * days + 1, dtype=np.int64)
        np.add.at(sums, group, made.tokens[column])
        total += sum(int(sums[index]) * int(price) for index, price in enumerate(prices[:, :, column].reshape(-1)))
    return total
