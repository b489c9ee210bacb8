"""How cost grows with adoption: Poisson pseudo-maximum likelihood (PPML) on a panel, with two sets of effects absorbed.

For unit i (a customer) in period t with cost y ≥ 0 and x = ln adoption:

    E[y_it] = exp(a_i + g_t + β·x_it)        β: the elasticity, per cent more cost for one per cent more adoption

a_i absorbs what sets a unit apart for good (its size, its kind of work), g_t what a period does to everybody (season, prices, a
change of models). Only the first moment must be right: costs need not be counts, zeros may stay. The fitted costs sum to the
recorded ones, in each period and for each unit, which least squares on logs does not do (Santos Silva & Tenreyro 2006: biased
besides).

Interval: units are the clusters. Every unit is left out once (one Newton step from the solution: the cluster jackknife, CV3) and

    V = (G − 1)/G · Σ_g (β₍g₎ − β)²        β ± t(0.975, k) · √V

with k = (Σ L_g)² / Σ L_g² − 1 at most G − 1, where L_g is unit g's share of the information on β (Carter, Schnepel & Steigerwald
2017): a panel that one large customer dominates is worth few clusters. Assumption: units err independently of one another.
Adoption is not randomised: β describes, it does not promise what a push of adoption would cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_CLUSTERS = 10
"""Fewer units than these give no interval."""
_TOLERANCE = 1e-10
_MOST_STEPS = 100
_LEAST_INFORMATION = 1e-9
"""Of the variation of ln adoption: so much must be left after the effects, or adoption never moved against them."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Cost and adoption of units in periods: one entry per cell, adoption > 0, cost ≥ 0. `unit` and `period` number from 0."""

    cost: Floats
    adoption: Floats
    unit: Ints
    period: Ints


@dataclass(frozen=True, slots=True)
class Fit:
    """The solution on the cells that can say something. `influence`: what each unit moves β by, jackknifed; `clusters` are units.

    `leverage` is k + 1: how many equally informative units the panel is worth. `cells` are the positions used of the panel.
    """

    elasticity: float
    fitted: Floats
    cells: Ints
    unit: Ints
    influence: Floats
    clusters: int
    leverage: float

    @property
    def degrees(self) -> float:
        """Degrees of freedom of Student's t."""
        return max(min(self.leverage, float(self.clusters)) - 1, 1.0)


def fit(panel: Panel) -> Fit | None:
    """β with both sets of effects; None where adoption does not move within units, or there is nothing to compare."""
    cells = _informative(panel)
    if len(cells) == 0:
        return None
    cost = panel.cost[cells]
    scale = cost.mean()
    unit, period = _numbered(panel.unit[cells]), _numbered(panel.period[cells])
    columns = np.column_stack([np.log(panel.adoption[cells]), *(period == number for number in range(1, period.max() + 1))])
    columns[:, 0] -= columns[:, 0].mean()
    solved = _solve(cost / scale, columns.astype(np.float64), unit)
    if solved is None:
        return None
    slopes, fitted, inside, residual = solved
    moved, information = _jackknife(inside, residual, fitted, unit)
    clusters = int(unit.max()) + 1
    leverage = float(information.sum() ** 2 / (information**2).sum())
    influence = moved * np.sqrt((clusters - 1) / clusters)
    return Fit(float(slopes[0]), fitted * scale, cells, panel.unit[cells], influence, clusters, leverage)


def by_unit(found: Fit) -> Ints:
    """The unit that each entry of `influence` belongs to."""
    return np.unique(found.unit)


def _informative(panel: Panel) -> Ints:
    """Cells of units and periods with some cost; a unit seen once, or a period with one unit, is fitted whatever β is."""
    kept = (panel.adoption > 0) & np.isfinite(panel.cost) & (panel.cost >= 0)
    before = -1
    while kept.sum() != before:  # leaving one out may leave another alone
        before = kept.sum()
        for group in (panel.unit, panel.period):
            size = int(group.max()) + 1 if len(group) else 0
            paid = np.bincount(group[kept], panel.cost[kept], minlength=size)
            seen = np.bincount(group[kept], minlength=size)
            kept = kept & (paid[group] > 0) & (seen[group] > 1)
    return np.flatnonzero(kept)


def _numbered(group: Ints) -> Ints:
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _solve(cost: Floats, columns: Floats, unit: Ints) -> tuple[Floats, Floats, Floats, Floats] | None:
    """Iteratively re-weighted least squares: slopes, fitted cost, columns within units, working residuals.

    None where adoption is told by the effects alone, or where no solution is reached. Least norm decides among the periods'
    effects where groups of customers share no period: the elasticity is the same whichever is taken.
    """
    fitted = (cost + cost.mean()) / 2
    eta = np.log(fitted)
    slopes = np.zeros(columns.shape[1])
    deviance = np.inf
    for _ in range(_MOST_STEPS):
        working = eta + (cost - fitted) / fitted
        inside = _within(np.column_stack([columns, working]), fitted, unit)
        left, right = inside[:, :-1], inside[:, -1]
        if not _identified(left, columns, fitted):
            return None
        weighted = left * fitted[:, None]
        slopes = _solved(weighted.T @ left, weighted.T @ right)
        eta = working - (right - left @ slopes)
        fitted = np.exp(np.clip(eta, -700, 700))
        positive = cost > 0
        now = 2 * float((cost[positive] * np.log(cost[positive] / fitted[positive])).sum() - (cost - fitted).sum())
        if abs(now - deviance) <= _TOLERANCE * cost.sum():  # near the solution each step squares the error that is left
            return slopes, fitted, _within(columns, fitted, unit), (cost - fitted) / fitted
        deviance = now
    return None


def _solved(matrix: Floats, right: Floats) -> Floats:
    """The least solution of symmetric equations that may be dependent."""
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0])


def _within(columns: Floats, weight: Floats, unit: Ints) -> Floats:
    """Columns less their weighted mean of each unit: the units' effects are gone."""
    total = np.bincount(unit, weight)
    means = np.column_stack([np.bincount(unit, weight * column) for column in columns.T]) / total[:, None]
    return np.asarray(columns - means[unit])


def _identified(inside: Floats, columns: Floats, weight: Floats) -> bool:
    """Whether ln adoption still varies once both sets of effects are taken out."""
    gram = (inside * weight[:, None]).T @ inside
    rest = gram[0, 0] - gram[0, 1:] @ _solved(gram[1:, 1:], gram[1:, 0])
    return bool(rest > _LEAST_INFORMATION * (weight * columns[:, 0] ** 2).sum())


def _jackknife(inside: Floats, residual: Floats, weight: Floats, unit: Ints) -> tuple[Floats, Floats]:
    """By how much β moves when each unit is left out, and each unit's share of the information on β.

    The periods' effects are fitted anew without the unit: where one customer carries a month, they move with it.
    """
    weighted = inside * weight[:, None]
    gram = weighted.T @ inside
    others = _solved(gram[1:, 1:], gram[1:, 0])
    clean = inside[:, 0] - inside[:, 1:] @ others
    information: Floats = np.bincount(unit, weight * clean**2).astype(np.float64)
    order = np.argsort(unit, kind="stable")
    edges = np.searchsorted(unit[order], np.arange(len(information) + 1))
    inside, weighted, residual = inside[order], weighted[order], residual[order]
    moved = np.empty(len(information))
    for number, (start, end) in enumerate(pairwise(edges)):
        own = slice(start, end)
        rest = gram - weighted[own].T @ inside[own]
        moved[number] = _solved(rest, weighted[own].T @ residual[own])[0]
    return moved, information
