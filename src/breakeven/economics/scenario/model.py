"""How a feature's monthly cost and value move with time: the arithmetic that one path and ten thousand paths share.

With t in years from now, tiers k (rungs of the ladder, each with a price path of its own) and the moves taken by then:

    cost(t)     = n(t) · g^t · x^t · Σ_k C_k(moved) · f_k^t          n: tasks, g: tokens per task, x: mix, f_k: price of tier k
    value(t)    = q^t · (v · V · n(t) + R · s^t)                     v: value per task, R: revenue of seats, s: seats, q: own price
    unit cost   = cost(t) / (V · n(t)),   margin = 1 − cost / value,   fixed cost = F · φ^t

Amounts are of one month and in currency units. n(t) = V(t) / V is the t-th power of the yearly factor where that is declared;
growth that is estimated fades by half every year, because no history of doubling lasts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.scenario.ranges import Range, held

Floats = NDArray[np.float64]
FADING = 0.5
"""What is left of an estimated growth of adoption after a year."""
DRIVERS = ("tokens", "volume", "seats", "own_price", "mix", "fixed_cost")
"""The drivers beside the price of each tier; mix: what a changing mix of models and rungs does to the cost of a task."""
PRICE = "price:"
"""Before the name of a tier: the driver that is the price there."""


@dataclass(frozen=True, slots=True)
class Move:
    """Work that leaves a tier.

    `moved` is today's monthly cost of that work on tier `tier`, `after` what it costs a month on tier `to` at today's prices. Work
    done without a model has no `to`: what it costs follows no model's price.
    """

    tier: str
    to: str | None
    moved: float
    after: float
    label: str = ""

    @property
    def saves(self) -> float:
        """Per month at today's volume and prices."""
        return self.moved - self.after


@dataclass(frozen=True, slots=True)
class Baseline:
    """A feature as it is now, per month, in currency units; `value_per_task` None and `flat_value` 0: no value is known."""

    name: str
    tiers: Mapping[str, float]
    tasks: float
    value_per_task: float | None = None
    flat_value: float = 0.0
    fixed_cost: float = 0.0

    @property
    def cost(self) -> float:
        """Variable cost of a month."""
        return math.fsum(self.tiers.values())

    @property
    def value(self) -> float | None:
        """Value of a month; None where nothing says what the work is worth."""
        if self.value_per_task is None and not self.flat_value:
            return None
        return (self.value_per_task or 0.0) * self.tasks + self.flat_value

    @property
    def unit_cost(self) -> float | None:
        """Cost of a task; None without tasks."""
        return self.cost / self.tasks if self.tasks > 0 else None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a scenario assumes of one feature.

    `ranges` has a yearly factor per driver (`price:<tier>`, `tokens`, `volume`, ...); a driver nobody speaks of is held. The
    moves take effect `act_after` years from now. `together` is the correlation of tokens per task with the price of the tier that
    most is spent on.
    """

    ranges: Mapping[str, Range] = field(default_factory=dict)
    moves: Sequence[Move] = ()
    act_after: float = 0.0
    together: float = 0.0

    def range(self, driver: str) -> Range:
        """The yearly factor of a driver."""
        return self.ranges.get(driver) or held()

    def of(self, base: Baseline) -> dict[str, Range]:
        """Every driver that moves this feature, by its name."""
        tiers = dict.fromkeys([*base.tiers, *(move.to for move in self.moves if move.to is not None)])
        return {name: self.range(name) for name in (*(price_of(tier) for tier in tiers), *DRIVERS)}


_ROUNDING = 1e-9  # of months to years
Logs = Mapping[str, Floats]
"""Ln of the yearly factor of each driver: one number, or one per draw."""


@dataclass(frozen=True, slots=True)
class Path:
    """Monthly figures at given times: a row per draw, a column per time."""

    cost: Floats
    value: Floats | None
    tasks: Floats
    fixed_cost: Floats

    @property
    def unit_cost(self) -> Floats:
        """Cost per task; NaN where there are no tasks."""
        return np.divide(self.cost, self.tasks, out=np.full_like(self.cost, np.nan), where=self.tasks > 0)

    @property
    def margin(self) -> Floats | None:
        """(value − cost) / value, as in the P&L; None without value, NaN where the value is not positive."""
        if self.value is None:
            return None
        return np.divide(self.value - self.cost, self.value, out=np.full_like(self.cost, np.nan), where=self.value > 0)

    @property
    def contribution(self) -> Floats | None:
        """Value − cost of a month, before fixed cost."""
        return None if self.value is None else self.value - self.cost


def path(base: Baseline, inputs: Inputs, logs: Logs, times: Floats) -> Path:
    """The figures of a feature at `times` (years from now) for draws of its drivers."""
    at = times[None, :]
    tiers = _tier_costs(base, inputs, times)
    volume = np.exp(_growth(inputs.range("volume"), logs["volume"][:, None], at))
    usage = volume * np.exp((logs["tokens"] + logs["mix"])[:, None] * at)
    free = tiers.pop("", np.zeros_like(times))
    priced = sum((cost[None, :] * np.exp(logs[price_of(tier)][:, None] * at) for tier, cost in tiers.items()), np.zeros((1, 1)))
    cost = usage * priced + volume * free[None, :]
    return Path(
        cost, _value(base, logs, at, volume), base.tasks * volume, base.fixed_cost * np.exp(logs["fixed_cost"][:, None] * at)
    )


def middle(base: Baseline, inputs: Inputs, times: Floats) -> Path:
    """The one path on which every driver takes the middle of its range: in closed form, without any draw."""
    return path(base, inputs, {name: np.array([math.log(one.mid)]) for name, one in inputs.of(base).items()}, times)


def price_of(tier: str) -> str:
    """The driver's name of a tier's price."""
    return PRICE + tier


def _growth(volume: Range, log: Floats, at: Floats) -> Floats:
    """Ln of tasks over today's: growth as declared for ever, growth as estimated with half of it left every year after."""
    if volume.origin == "declared":
        return np.asarray(log * at)
    return np.asarray(log * (1 - FADING**at) / -math.log(FADING))


def _tier_costs(base: Baseline, inputs: Inputs, times: Floats) -> dict[str, Floats]:
    """Cost a month by tier at today's volume and prices, with the moves taken by each time; under "": without a model."""
    acted = (times > inputs.act_after + _ROUNDING).astype(float)  # what stands now is what was paid, whatever is decided today
    costs = {tier: np.full_like(times, cost) for tier, cost in base.tiers.items()}
    for move in inputs.moves:
        costs[move.tier] = costs[move.tier] - move.moved * acted
        target = move.to or ""
        costs[target] = costs.get(target, np.zeros_like(times)) + move.after * acted
    return costs


def _value(base: Baseline, logs: Logs, at: Floats, volume: Floats) -> Floats | None:
    if base.value is None:
        return None
    earned = (base.value_per_task or 0.0) * base.tasks * volume
    seats = base.flat_value * np.exp(logs["seats"][:, None] * at)
    return np.asarray((earned + seats) * np.exp(logs["own_price"][:, None] * at))
