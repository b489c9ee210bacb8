"""From elasticities to marginal figures and to the adoption at which a feature breaks even.

With cost elasticity β and value elasticity ω, at today's prices, models and mix, every customer scaled alike by s:

    cost(s) = C·s^β        average = C/Q·s^(β−1)        marginal = β·average        value likewise with ω
    average cost meets average value at   ln s = ln(V/C) / (β − ω)
    marginal cost meets marginal value at ln s = (ln(V/C) + ln(ω/β)) / (β − ω)

Interval of a crossing: Fieller's. s belongs to it while d − (β − ω)·ln s is within t·standard error of 0; the errors of d, β and
ω come from the same units, so that their correlation counts. Where β − ω may be 0 the set has no end, and then no crossing is
stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.ppml import FEWEST_CLUSTERS, Fit, Panel, by_unit, fit
from breakeven.economics.verdict import t_quantile

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
FARTHEST = 20.0
"""A crossing at more than so many times, or less than such a part of, today's adoption is out of sight."""
CURVE = tuple(2.0 ** (step / 4) for step in range(-8, 9))
"""Adoption as multiples of today's, from a quarter to four times, at which the curve is given."""

Pace = Literal["faster", "in step", "slower", "unknown"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """An estimate and its 95% interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Level:
    """Today: cost and value (None: no value is known) of the whole feature, and its adoption, as sums of one period."""

    cost: float
    adoption: float
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """How one sum answers adoption: its elasticity, and what each unit moves that elasticity and the log of the present sum by."""

    elasticity: float
    slope: Floats
    level: Floats
    degrees: float
    clusters: int

    def interval(self) -> Bounds | None:
        """The elasticity's 95% interval; None below ten units."""
        if self.clusters < FEWEST_CLUSTERS:
            return None
        half = quantile(self.degrees) * sqrt(float((self.slope**2).sum()))
        return Bounds(self.elasticity, self.elasticity - half, self.elasticity + half)


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where cost meets value, as a multiple of today's adoption, or why that cannot be said."""

    at: Bounds | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Average and marginal cost and value per unit at one adoption; no band where there is no interval."""

    times: float
    average: Bounds
    marginal: Bounds
    value: Bounds | None


def response(panel: Panel, period: int, units: int) -> Response | None:
    """How the panel's cost answers its adoption, and how sure its sum of one period is. `units` is how many there are in all."""
    found = fit(panel)
    if found is None:
        return None
    slope, level = np.zeros(units), np.zeros(units)
    slope[by_unit(found)] = found.influence
    level[:] = _level(panel, found, period, units)
    return Response(found.elasticity, slope, level, found.degrees, found.clusters)


def proportional(units: int, like: Response) -> Response:
    """What is worth the same per unit of adoption, whatever it grows to: elasticity 1, without error."""
    return Response(1.0, np.zeros(units), np.zeros(units), like.degrees, like.clusters)


def _level(panel: Panel, found: Fit, period: int, units: int) -> Floats:
    """How far each unit's error moves the log of the period's sum; errors are blown up by what the unit fitted of itself."""
    unit, when, fitted = panel.unit[found.cells], panel.period[found.cells], found.fitted
    total = float(panel.cost[panel.period == period].sum())
    if total <= 0:
        return np.zeros(units)
    of_unit = np.bincount(unit, fitted, minlength=units)[unit]
    of_period = np.bincount(when, fitted)[when]
    own = 1 - (1 - fitted / of_unit) * (1 - fitted / of_period)
    error = (panel.cost[found.cells] - fitted) / np.maximum(1 - own, 0.1)
    now = when == period
    return np.asarray(np.bincount(unit[now], error[now], minlength=units) / total)


def pace(interval: Bounds | None) -> Pace:
    """Whether cost grows faster than adoption: said only where the interval lies on one side of 1."""
    if interval is None:
        return "unknown"
    return "faster" if interval.low > 1 else "slower" if interval.high < 1 else "in step"


def quantile(degrees: float) -> float:
    """Student's t for a two-sided 95%; between whole degrees of freedom it is nearly straight in 1 / degrees."""
    fewer, more = floor(degrees), ceil(degrees)
    low = t_quantile((1 + CONFIDENCE) / 2, fewer)
    if fewer == more:
        return low
    place = (1 / fewer - 1 / degrees) / (1 / fewer - 1 / more)
    return low + place * (t_quantile((1 + CONFIDENCE) / 2, more) - low)


def crossing(level: Level, cost: Response, value: Response, *, marginal: bool = False) -> Crossing:
    """The adoption at which average (or marginal) cost meets average (or marginal) value, with Fieller's interval."""
    if level.value is None or level.value <= 0 or level.cost <= 0:
        return Crossing(None, "no value above 0 is known")
    if min(cost.clusters, value.clusters) < FEWEST_CLUSTERS:
        return Crossing(None, f"fewer than {FEWEST_CLUSTERS} customers tell how cost answers adoption")
    distance, slope = log(level.value / level.cost), cost.elasticity - value.elasticity
    moved = value.level - cost.level
    if marginal:
        if value.elasticity <= 0 or cost.elasticity <= 0:
            return Crossing(None, "one of them does not grow with adoption")
        distance += log(value.elasticity / cost.elasticity)
        moved = moved + value.slope / value.elasticity - cost.slope / cost.elasticity
    found = _fieller(distance, slope, moved, cost.slope - value.slope, quantile(min(cost.degrees, value.degrees)))
    if found is None:
        return Crossing(None, "cost and value may grow alike: the interval of their difference includes 0")
    if abs(found.estimate) > log(FARTHEST):
        return Crossing(None, f"they do not meet within {FARTHEST:.0f} times less or more than today's adoption")
    return Crossing(Bounds(*(exp(min(max(x, -700.0), 700.0)) for x in (found.estimate, found.low, found.high))))


def _fieller(distance: float, slope: float, of_distance: Floats, of_slope: Floats, times: float) -> Bounds | None:
    """The set of x with |distance − slope·x| ≤ times · its standard error; None where it has no end."""
    square = times**2
    both, steep, far = (
        float((a * b).sum()) for a, b in ((of_distance, of_slope), (of_slope, of_slope), (of_distance, of_distance))
    )
    first = slope**2 - square * steep
    if slope == 0 or first <= 1e-9 * slope**2:
        return None
    second, third = distance * slope - square * both, distance**2 - square * far
    root = sqrt(max(second**2 - first * third, 0.0))
    point = distance / slope  # always within the set; the last binary digit may say otherwise
    return Bounds(point, min((second - root) / first, point), max((second + root) / first, point))


def curve(level: Level, cost: Response, value: Response | None, multiples: Sequence[float] = CURVE) -> list[CurvePoint]:
    """Average and marginal cost, and value per unit, along adoption, with 95% bands point by point."""
    return [
        CurvePoint(
            times,
            _along(level.cost / level.adoption, cost, log(times), marginal=False),
            _along(level.cost / level.adoption, cost, log(times), marginal=True),
            None if value is None or not level.value else _along(level.value / level.adoption, value, log(times), marginal=False),
        )
        for times in multiples
    ]


def marginal_at(total: float, adoption: float, answer: Response) -> Bounds:
    """What one more unit of adoption adds today: elasticity × average."""
    return _along(total / adoption, answer, 0.0, marginal=True)


def _along(average: float, answer: Response, at: float, *, marginal: bool) -> Bounds:
    moved = answer.level + at * answer.slope
    point = average * exp((answer.elasticity - 1) * at)
    if marginal and answer.elasticity <= 0:  # the log of it has no meaning: errors of the elasticity alone
        half = quantile(answer.degrees) * sqrt(float((answer.slope**2).sum())) * point
        return Bounds(answer.elasticity * point, answer.elasticity * point - half, answer.elasticity * point + half)
    if marginal:
        moved = moved + answer.slope / answer.elasticity
        point *= answer.elasticity
    half = quantile(answer.degrees) * sqrt(float((moved**2).sum()))
    return Bounds(point, point * exp(-min(half, 700.0)), point * exp(min(half, 700.0)))
