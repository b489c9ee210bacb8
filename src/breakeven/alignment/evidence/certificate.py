"""Which policy of an ordered family may be trusted: Learn-then-Test in a fixed sequence (Angelopoulos et al. 2021).

The family is ordered beforehand from the safest policy (all strong) to the boldest (all weak), on data that have no part in the
test. The loss of a policy on a task is the score of the strong rung minus the score of the policy, between −1 and 1. Policies are
tested one after the other, each at the whole α, until one fails: the last that passed loses less than the margin on average, and
the probability that any certified policy breaks the margin is at most α. p-values come from bets (`betting.py`), so nothing but the
bounds of the losses is assumed. A certificate is bound to a fingerprint of what was tested: model, prompt template and settings.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from breakeven.alignment.evidence.exact import share_at_most
from breakeven.alignment.evidence.paths import highest, log_wealths


@dataclass(frozen=True, slots=True)
class Certified:
    """The boldest certified policy by its place in the family; None where not even the safest passed.

    `p_values` are those of the policies that were tested; `harm_at_most` is the exact upper bound on the share of tasks that the
    policy answers worse than the strong rung.
    """

    place: int | None
    p_values: tuple[float, ...]
    mean_loss: float | None = None
    harm_at_most: float | None = None


def fixed_sequence(p_values: Sequence[float], alpha: float) -> int | None:
    """The place of the last policy before the first that fails; None where the first fails."""
    place = next((number for number, value in enumerate(p_values) if value > alpha), len(p_values))
    return place - 1 if place else None


def certify(losses: ArrayLike, margin: float, alpha: float) -> Certified:
    """Certify a family: `losses` has one row per policy from the safest to the boldest, one column per task, in any fixed order.

    A policy that never differs from the strong rung (all its losses are 0) needs no proof.
    """
    rows = np.atleast_2d(np.asarray(losses, dtype=np.float64))
    values: list[float] = []
    for row in rows:
        values.append(0.0 if not row.any() else math.exp(-float(highest(log_wealths(-row, -margin))[0])))
        if values[-1] > alpha:
            break
    place = fixed_sequence(values, alpha)
    if place is None:
        return Certified(None, tuple(values))
    chosen = rows[place]
    harm = share_at_most(int((chosen > 0).sum()), chosen.size, 1 - alpha)
    return Certified(place, tuple(values), float(chosen.mean()) if chosen.size else None, harm)


def fingerprint(tested: Mapping[str, object]) -> str:
    """What a certificate is bound to, as 32 hexadecimal digits: it is void where any of these has changed."""
    text = json.dumps(tested, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
