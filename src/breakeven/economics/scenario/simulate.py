"""Monte Carlo over the ranges of a scenario: bands of unit cost and margin, what waiting costs, and what matters most.

Each draw takes one yearly factor per driver and follows it. Bands are 5% and 95% quantiles over the draws, month by month; the
line between them is the path of all middles, in closed form. The same seed gives the same bands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.scenario.model import PRICE, Baseline, Inputs, Path, middle, path, price_of
from breakeven.economics.scenario.ranges import LEVEL, MONTHS, Range, declared, draws

Floats = NDArray[np.float64]
Saved = Literal["saved", "not saved", "undecided", "stays above", "turns red", "at risk", "unknown"]

DRAWS = 4_000
SURE = 0.95
"""Said to happen, or not to happen, where so large a share of the draws agrees."""
A_QUARTER = 0.25
A_TENTH = 1.1
"""What a driver without a range is moved by, up and down, to see how much it matters."""
LEVERS = ("tokens", "volume", "own_price")
"""What is tried even where it is held: somebody can move it."""
_ROUNDING = 1e-9
EDGES = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True)
class Fan:
    """One figure over time: the middle path and its band. None where the figure is not defined at that time."""

    point: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What it costs to act a quarter later than now: spending of the time until everything is acted on, less that of acting now."""

    point: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Swing:
    """How far one driver moves the last figure of the path: from `at_low` to `at_high`, all else in the middle.

    `assumed`: the driver has no range, and a tenth up and down was tried.
    """

    driver: str
    at_low: float
    at_high: float
    assumed: bool

    @property
    def width(self) -> float:
        """By how much the figure moves."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True, slots=True)
class Run:
    """One feature under one scenario, at `months` from now: the middle path and the drawn ones. Runs of several features add up."""

    months: tuple[int, ...]
    middle: Path
    drawn: Path

    def __add__(self, other: Run) -> Run:
        return Run(self.months, _sum(self.middle, other.middle), _sum(self.drawn, other.drawn))

    @property
    def unit_cost(self) -> Fan:
        """Cost of a task."""
        return _fan(self.middle.unit_cost, self.drawn.unit_cost)

    @property
    def cost(self) -> Fan:
        """Variable cost of a month."""
        return _fan(self.middle.cost, self.drawn.cost)

    @property
    def value(self) -> Fan | None:
        """Value of a month; None where none is known."""
        return _fan_where(self.middle.value, self.drawn.value)

    @property
    def contribution(self) -> Fan | None:
        """Value − cost of a month."""
        return _fan_where(self.middle.contribution, self.drawn.contribution)

    @property
    def margin(self) -> Fan | None:
        """Contribution / value."""
        return _fan_where(self.middle.margin, self.drawn.margin)


def run(base: Baseline, inputs: Inputs, months: Sequence[int], seed: int, count: int = DRAWS) -> Run:
    """The scenario's path of a feature at these months from now, with its draws."""
    times = np.array(months) / MONTHS
    return Run(tuple(months), middle(base, inputs, times), path(base, inputs, _logs(base, inputs, seed, count), times))


@dataclass(frozen=True, slots=True)
class Chances:
    """The share of draws in which the cost of a task is lower at the end than now, and in which the end is in the red."""

    falls: float | None
    red: float | None


def chances(found: Run) -> Chances:
    """What the draws say of the end of the path; None where there are no tasks, or no value."""
    cost, contribution = found.drawn.unit_cost, found.drawn.contribution
    falls = float((cost[:, -1] < cost[:, 0]).mean()) if np.isfinite(cost).all() else None
    return Chances(falls, None if contribution is None else float((contribution[:, -1] < 0).mean()))


def waiting(base: Baseline, inputs: Inputs, seed: int, count: int = DRAWS) -> Waiting:
    """What one quarter's delay of the moves costs: Σ of three months' spending with them taken then − with them taken now."""
    times = (np.arange(MONTHS // 4) + 0.5) / MONTHS  # the middle of each month
    logs = _logs(base, inputs, seed, count)
    now, later = replace(inputs, act_after=0.0), replace(inputs, act_after=A_QUARTER)
    lost = (path(base, later, logs, times).cost - path(base, now, logs, times).cost).sum(axis=1)
    point = float((middle(base, later, times).cost - middle(base, now, times).cost).sum())
    low, high = np.quantile(lost, EDGES)
    return Waiting(point, float(low), float(high))


def tornado(base: Baseline, inputs: Inputs, years: int) -> tuple[Swing, ...]:
    """What matters most for the margin at the end (for the cost of a task, where no value is known): largest swing first."""
    times = np.array([float(years)])
    swings = []
    for name, one in inputs.of(base).items():
        if one.origin == "held" and name not in LEVERS:
            continue
        tried = declared(one.mid, one.mid / A_TENTH, one.mid * A_TENTH) if one.certain else one
        ends = [
            _figure(middle(base, _with(inputs, name, replace(one, low=edge, mid=edge, high=edge)), times))
            for edge in (tried.low, tried.high)
        ]
        swings.append(Swing(name, ends[0], ends[1], one.certain))
    matter = [swing for swing in swings if np.isfinite([swing.at_low, swing.at_high]).all() and swing.width > _ROUNDING]
    return tuple(sorted(matter, key=lambda swing: (-swing.width, swing.driver)))


def saved_by_deflation(base: Baseline, end: Chances) -> Saved:
    """Whether falling prices alone will save a feature. Rule: at least 95% of the draws, at the end of the path, without any move.

    A feature in the red is saved or not saved; one in the black stays above or turns red; else undecided, at risk.
    """
    if base.value is None or base.value <= 0 or end.red is None:
        return "unknown"
    if base.value < base.cost:
        return "saved" if end.red <= 1 - SURE else "not saved" if end.red >= SURE else "undecided"
    return "stays above" if end.red <= 1 - SURE else "turns red" if end.red >= SURE else "at risk"


def _logs(base: Baseline, inputs: Inputs, seed: int, count: int) -> dict[str, Floats]:
    """Draws of every driver. A price moves for all features alike; tokens, volume and the like are each feature's own."""
    ranges = inputs.of(base)
    normal = {name: draws(seed, name if name.startswith(PRICE) else f"{base.name}/{name}", count) for name in ranges}
    if inputs.together and base.tiers:
        main = price_of(max(base.tiers, key=lambda tier: base.tiers[tier]))
        normal["tokens"] = inputs.together * normal[main] + math.sqrt(1 - inputs.together**2) * normal["tokens"]
    return {name: one.logs(normal[name]) for name, one in ranges.items()}


def _fan(point: Floats, drawn: Floats) -> Fan:
    low, high = np.quantile(drawn, EDGES, axis=0)
    return Fan(_known(point[0]), _known(low), _known(high))


def _fan_where(point: Floats | None, drawn: Floats | None) -> Fan | None:
    return None if point is None or drawn is None else _fan(point, drawn)


def _sum(one: Path, other: Path) -> Path:
    """Two features together; value is what is known of it."""
    value = other.value if one.value is None else one.value if other.value is None else one.value + other.value
    return Path(one.cost + other.cost, value, one.tasks + other.tasks, one.fixed_cost + other.fixed_cost)


def _known(line: Floats) -> tuple[float | None, ...]:
    return tuple(float(one) if np.isfinite(one) else None for one in line)


def _with(inputs: Inputs, name: str, one: Range) -> Inputs:
    return replace(inputs, ranges={**inputs.ranges, name: one})


def _figure(found: Path) -> float:
    """The margin at the end; the cost of a task where no value is known, or none is there."""
    margin = found.margin
    told = margin is not None and bool(np.isfinite(margin[0, -1]))
    return float(margin[0, -1]) if margin is not None and told else float(found.unit_cost[0, -1])
