"""Which threshold of a route may be used: Learn-then-Test over the family from all strong to all weak (`alignment/evidence`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from breakeven.alignment.evidence.betting import PRIOR_VARIANCE, PRIOR_VARIANCE_COUNT, STAKE_MOST, VARIANCE_LEAST, worst_loss
from breakeven.alignment.evidence.certificate import fixed_sequence
from breakeven.alignment.evidence.exact import share_at_most
from breakeven.alignment.evidence.paired import paired_p_value
from breakeven.alignment.routing.pairs import Pair
from breakeven.alignment.routing.route_file import CertificateRow, RouteFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from breakeven.alignment.routing.route import Route

    Vector = NDArray[np.float64]

STEPS = 50
"""Policies of the family: shares of 2%, 4%, … up to all tasks on the weak rung."""


class Terms(NamedTuple):
    """What is promised: the mean score lost is at most the margin, with this confidence."""

    margin: float = 0.02
    confidence: float = 0.95


def certify_thresholds(points: Vector, uplift: Vector, terms: Terms, seed: int, evidence: str, bound: str) -> CertificateRow:
    """Certify the boldest threshold that the pairs prove.

    `points` must come from a route that had no part in these pairs' outcomes. Thresholds are quantiles of the points, so that the
    family is ordered without looking at an outcome; the pairs are taken in a drawn order.
    """
    thresholds = np.quantile(points, np.arange(1, STEPS + 1) / STEPS, method="higher")
    order = np.random.default_rng(seed).permutation(len(points))
    alpha = 1 - terms.confidence
    values: list[float] = []
    for threshold in thresholds:
        values.append(p_value(np.where(points[order] <= threshold, uplift[order], 0.0), terms.margin, alpha))
        if values[-1] > alpha:
            break
    place = fixed_sequence(values, alpha)
    if place is None:
        return CertificateRow(terms.margin, terms.confidence, len(points), evidence, None, 0.0, None, None, bound)
    sent = points <= thresholds[place]
    losses = np.where(sent, uplift, 0.0)
    return CertificateRow(
        terms.margin,
        terms.confidence,
        len(points),
        evidence,
        _shown(float(thresholds[place])),
        float(sent.mean()),
        float(losses.mean()),
        share_at_most(int((losses > 0).sum()), len(losses), terms.confidence),
        bound,
    )


def p_value(losses: Vector, margin: float, alpha: float) -> float:
    """How likely so small losses are if the policy broke the margin.

    Where every answer is right or wrong, the exact test; else a bet whose stake is fixed by how many pairs there are, because they
    are looked at once: λ = √(2 ln(1/α) / (n·σ²)), σ² being the variance of earlier pairs.
    """
    if not losses.any():
        return 0.0  # it never differs from the strong rung
    if np.isin(losses, (-1.0, 0.0, 1.0)).all():
        return paired_p_value(int((losses > 0).sum()), int((losses < 0).sum()), len(losses), margin)
    gains = margin - losses
    earlier = np.arange(len(gains))
    total, squares = np.cumsum(gains) - gains, np.cumsum(gains**2) - gains**2
    spread = squares - total**2 / np.maximum(earlier, 1)
    variance = np.maximum((PRIOR_VARIANCE * PRIOR_VARIANCE_COUNT + spread) / (PRIOR_VARIANCE_COUNT + earlier), VARIANCE_LEAST)
    stakes = np.minimum(np.sqrt(2 * math.log(1 / alpha) / (len(gains) * variance)), STAKE_MOST / worst_loss(-margin, -1.0, 1.0))
    return math.exp(-max(0.0, float(np.cumsum(np.log1p(stakes * gains)).max())))


def _shown(threshold: float) -> float:
    """Nine digits, enough to keep every task on its side."""
    return float(f"{threshold:.9g}")


def recertified(route: Route, pairs: Sequence[Pair], terms: Terms, seed: int = 0) -> RouteFile:
    """The route with a certificate from replays that had no part in its training."""
    points = np.array([route.read(one.text, one.tag).points for one in pairs])
    uplift = np.array([one.strong - one.weak for one in pairs], dtype=np.float64)
    bound = route.file.certificate.fingerprint
    return msgspec.structs.replace(route.file, certificate=certify_thresholds(points, uplift, terms, seed, "fresh", bound))
