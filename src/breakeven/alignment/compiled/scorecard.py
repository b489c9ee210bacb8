"""Points for evidence: the rules of one field, as they answer.

Every observation carries points; the candidate with the most points wins, and how far it leads says how sure the rules are:
`sureness = exp(points) / sum over all candidates of exp(points)` (a conditional logit, McFadden 1974). `fitting` finds the points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import repeat


def score(points: Mapping[str, float], evidence: Iterable[str]) -> float:
    """The points of one candidate: the sum over its evidence; what no rule mentions counts nothing."""
    return sum(map(points.get, evidence, repeat(0.0)))


def sureness(points: Mapping[str, float], candidates: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """The share of each candidate among all, by points."""
    scores = {key: score(points, evidence) for key, evidence in candidates.items()}
    highest = max(scores.values(), default=0.0)
    raised = {key: math.exp(value - highest) for key, value in scores.items()}
    whole = math.fsum(raised.values())
    return {key: value / whole for key, value in raised.items()}
