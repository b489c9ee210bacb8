"""What is assumed of one driver: a factor per year with a range, and where it comes from.

    factor    1 + yearly change: 0.7 is a fall of 30% a year, 1.6 a rise of 60%
    range     its 5%, 50% and 95% quantiles; all equal where the driver is declared without a range
    draw      z of a standard normal → ln factor = ln mid + z / z₉₅ · (ln high − ln mid), or, for z < 0, · (ln mid − ln low)

so that exactly a tenth of the draws lies outside the range and half of them on either side of the middle, however lopsided it is.
A factor holds for all years of one draw: what is uncertain is how fast, not whether every year is alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.verdict import t_quantile

Floats = NDArray[np.float64]
Origin = Literal["declared", "ledger", "all features", "public", "held"]
"""Where a range comes from: the scenario, the feature's own history, that of all features, a public figure, or nothing changes."""

LEVEL = 0.9
EDGE = NormalDist().inv_cdf((1 + LEVEL) / 2)
MONTHS = 12
FEWEST_MONTHS = 7
"""Six changes from month to month: with fewer, the history is called silent and public figures stand in."""
LEAST_SPREAD = 0.05
"""No range that is estimated is narrower than this (of ln factor) to either side: a quiet year is no promise of another one."""
MOST_TOGETHER = 0.95
"""Two drivers are never taken to move as one, however alike a short history was."""
_NO_MOVEMENT = 1e-12
LIMITS = (0.01, 100.0)
"""Factors a year beyond these are a history too short to be carried a year ahead; they are cut to these."""


@dataclass(frozen=True, slots=True)
class Range:
    """Yearly factors: 5%, 50% and 95% quantile; `origin` and, in words, what the range `rests_on`."""

    low: float
    mid: float
    high: float
    origin: Origin = "declared"
    rests_on: str = ""
    months: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.mid <= self.high < math.inf:
            raise ValueError(f"a range needs 0 < low ≤ mid ≤ high, not {self.low}, {self.mid}, {self.high}")

    @property
    def certain(self) -> bool:
        """Whether nothing is left to chance."""
        return self.low == self.high

    def logs(self, z: Floats) -> Floats:
        """Ln factor for draws of a standard normal."""
        up, down = math.log(self.high / self.mid) / EDGE, math.log(self.mid / self.low) / EDGE
        return np.asarray(math.log(self.mid) + z * np.where(z > 0, up, down))


def held(rests_on: str = "held as it is") -> Range:
    """No change."""
    return Range(1.0, 1.0, 1.0, "held", rests_on)


def declared(mid: float, low: float | None = None, high: float | None = None) -> Range:
    """A factor as the scenario says it, with a range where it says one."""
    return Range(mid if low is None else low, mid, mid if high is None else high, "declared", "as declared")


def estimated(monthly: Sequence[float], origin: Origin = "ledger") -> Range | None:
    """The yearly factor of a monthly series of positive levels, with its 90% range; None where the series is too short.

        mid = exp(12 · mean of Δ ln),   range = exp(12 · (mean ± t · s / √n)),   at least 5% to either side

    Assumption: changes from month to month are independent draws of one distribution. A trend with noise around it makes the range
    wider than it need be, never narrower. A month without a level ends what came before it.
    """
    known = unbroken(monthly)
    if len(known) < FEWEST_MONTHS:
        return None
    steps = changes(known)
    count = len(steps)
    mean = math.fsum(steps) / count
    variance = math.fsum((step - mean) ** 2 for step in steps) / (count - 1)
    half = max(LEAST_SPREAD, MONTHS * t_quantile((1 + LEVEL) / 2, count - 1) * math.sqrt(variance / count))
    low, mid, high = (min(max(math.exp(_bounded(MONTHS * mean + edge)), LIMITS[0]), LIMITS[1]) for edge in (-half, 0.0, half))
    return Range(low, mid, high, origin, f"{count} monthly changes", len(known))


def unbroken(monthly: Sequence[float]) -> list[float]:
    """The last run of months that each have a positive level."""
    levels = list(monthly)
    gaps = [index for index, level in enumerate(levels) if not (math.isfinite(level) and level > 0)]
    return levels[gaps[-1] + 1 :] if gaps else levels


def changes(levels: Sequence[float]) -> list[float]:
    """Δ ln from each month to the next."""
    return [math.log(later / earlier) for earlier, later in pairwise(levels)]


def correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's correlation of the monthly changes of two series that end together; 0 where too little or nothing moves."""
    length = min(len(unbroken(one)), len(unbroken(other)))
    if length < FEWEST_MONTHS:
        return 0.0
    a, b = (np.array(changes(list(series)[-length:])) for series in (one, other))
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    if scale < _NO_MOVEMENT:
        return 0.0
    return min(max(float(a @ b) / scale, -MOST_TOGETHER), MOST_TOGETHER)


def _bounded(log: float) -> float:
    return min(max(log, math.log(LIMITS[0])), math.log(LIMITS[1]))


def draws(seed: int, name: str, count: int) -> Floats:
    """Standard normal draws in antithetic pairs (z and −z), the same for a name whatever else is drawn.

    Scenarios of one seed therefore differ by what they assume, not by luck: their comparison has no sampling noise of its own.
    """
    half = np.random.default_rng((seed, crc32(name.encode()))).standard_normal((count + 1) // 2)
    return np.concatenate((half, -half))[:count]
