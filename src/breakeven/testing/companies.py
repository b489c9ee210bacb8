"""Invented companies with a known elasticity, to try the estimates of scaling on: used by tests and by `bench/scaling.py`."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.ppml import Panel
from breakeven.economics.scaling import Level, crossing, proportional, response

_LASTING = 0.5
"""How much of an error lasts into the next period."""
_THERE_FROM_THE_START = 0.5
"""So many customers; the others come one by one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How many customers and periods; how unequal customers are (σ of ln size), and how large errors are (σ of ln cost)."""

    customers: int
    periods: int
    spread: float = 1.3
    error: float = 0.3


@dataclass(frozen=True, slots=True)
class Held:
    """Shares of companies whose intervals held the truth; a break-even that is not stated claims nothing, and so holds."""

    elasticity: float
    crossing: float
    marginal: float
    stated: float


def company(kind: Kind, elasticity: float, random: np.random.Generator) -> tuple[Panel, NDArray[np.float64]]:
    """The panel of one company, and the expected cost of its cells."""
    shape = (kind.customers, kind.periods)
    apart = random.normal(0, 0.3, kind.customers)
    size = np.exp(kind.spread * random.normal(size=kind.customers))
    joined = np.where(
        random.random(kind.customers) < _THERE_FROM_THE_START, 0, random.integers(0, kind.periods - 2, kind.customers)
    )
    prices = np.cumsum(random.normal(0, 0.08, kind.periods))
    when = np.arange(kind.periods)
    walk = np.cumsum(random.normal(0, 0.15, shape), axis=1) + random.normal(0, 0.2, shape) + 0.08 * when
    adoption = np.maximum(1.0, np.round(50 * size[:, None] * np.exp(walk) * (1 + 0.2 * np.sin(when * np.pi / 6))))
    noise = random.normal(size=shape)
    for at in range(1, kind.periods):
        noise[:, at] = _LASTING * noise[:, at - 1] + np.sqrt(1 - _LASTING**2) * noise[:, at]
    width = kind.error * random.uniform(0.5, 1.5, (kind.customers, 1))
    expected = np.exp(apart[:, None] + prices + elasticity * np.log(adoption) - 5)
    cost = expected * np.exp(width * noise - width**2 / 2)
    unit, period = np.meshgrid(np.arange(kind.customers), when, indexing="ij")
    there = period >= joined[:, None]
    return Panel(cost[there], adoption[there], unit[there].astype(np.int64), period[there].astype(np.int64)), expected[there]


def held(kind: Kind, companies: int, seed: int) -> Held:
    """How often the intervals hold the elasticity, and the adoption at which average and marginal cost meet the price of a unit."""
    random = np.random.default_rng(seed)
    hits = {"elasticity": 0, "crossing": 0, "marginal": 0}
    stated = 0
    for _ in range(companies):
        truth = float(random.uniform(1.1, 1.5))
        panel, expected = company(kind, truth, random)
        last = panel.period == kind.periods - 1
        adoption, cost, mean = float(panel.adoption[last].sum()), float(panel.cost[last].sum()), float(expected[last].sum())
        price = mean / adoption * float(random.uniform(0.7, 1.4))
        found = response(panel, kind.periods - 1, kind.customers)
        interval = None if found is None else found.interval()
        if found is None or interval is None:
            raise ValueError(f"a company of {kind} tells no elasticity")
        hits["elasticity"] += interval.low <= truth <= interval.high
        level, value = Level(cost, adoption, price * adoption), proportional(kind.customers, found)
        for name, bend in (("crossing", 0.0), ("marginal", log(truth))):
            meets = crossing(level, found, value, marginal=name == "marginal")
            where = exp((log(price * adoption / mean) - bend) / (truth - 1))
            hits[name] += meets.at is None or meets.at.low <= where <= meets.at.high
            stated += meets.at is not None and name == "crossing"
    return Held(hits["elasticity"] / companies, hits["crossing"] / companies, hits["marginal"] / companies, stated / companies)
