"""Which threshold of a route may be used: Learn-then-Test over the family from all strong to all weak (`alignment/evidence`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from breakeven.alignment.evidence.certificate import certify
from breakeven.alignment.routing.pairs import Pair
from breakeven.alignment.routing.route_file import CertificateRow, RouteFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from breakeven.alignment.routing.route import Route

STEPS = 50
"""Policies of the family: shares of 2 %, 4 %, … up to all tasks on the weak rung."""


class Terms(NamedTuple):
    """What is promised: the mean score lost is at most the margin, with this confidence."""

    margin: float = 0.02
    confidence: float = 0.95


def certify_thresholds(
    points: NDArray[np.float64], uplift: NDArray[np.float64], terms: Terms, seed: int, evidence: str, bound: str
) -> CertificateRow:
    """Certify the boldest threshold that the pairs prove.

    `points` must come from a route that had no part in these pairs' outcomes. Thresholds are quantiles of the points, so that the
    family is ordered without looking at an outcome; the pairs are taken in a drawn order.
    """
    thresholds = np.quantile(points, np.arange(1, STEPS + 1) / STEPS, method="higher")
    order = np.random.default_rng(seed).permutation(len(points))
    losses = np.where(points[order] <= thresholds[:, None], uplift[order], 0.0)
    found = certify(losses, terms.margin, 1 - terms.confidence)
    sent = None if found.place is None else points <= thresholds[found.place]
    return CertificateRow(
        terms.margin,
        terms.confidence,
        len(points),
        evidence,
        None if found.place is None else _shown(float(thresholds[found.place])),
        0.0 if sent is None else float(sent.mean()),
        found.mean_loss,
        found.harm_at_most,
        bound,
    )


def _shown(threshold: float) -> float:
    """Nine digits, enough to keep every task on its side."""
    return float(f"{threshold:.9g}")


def recertified(route: Route, pairs: Sequence[Pair], terms: Terms, seed: int = 0) -> RouteFile:
    """The route with a certificate from replays that had no part in its training."""
    points = np.array([route.read(one.text, one.tag).points for one in pairs])
    uplift = np.array([one.strong - one.weak for one in pairs])
    bound = route.file.certificate.fingerprint
    return msgspec.structs.replace(route.file, certificate=certify_thresholds(points, uplift, terms, seed, "fresh replays", bound))
