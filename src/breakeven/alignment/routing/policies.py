"""Policies between two rungs as points on one curve: all strong, every threshold of a route, all weak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

LEAST_GAP = 0.03
"""Below a gap of three points between the rungs, shares of it say nothing and are not reported."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Mean score when the first share of tasks, in a route's order, goes to the weak rung; from 0 to all of them.

    Tasks with equal points cannot be told apart, so between the ends of such a group the score moves on the straight line.
    """

    shares: tuple[float, ...]
    scores: tuple[float, ...]

    @property
    def strong(self) -> float:
        """The mean score of the strong rung alone."""
        return self.scores[0]

    @property
    def weak(self) -> float:
        """The mean score of the weak rung alone."""
        return self.scores[-1]

    @property
    def gap(self) -> float:
        """What the strong rung scores more than the weak one, on average."""
        return self.strong - self.weak

    def gap_recovered(self) -> float | None:
        """The area under (score − weak) / gap against the share of weak: 0.5 for chance, 1 would be all gain at no strong call.

        None where the gap is below three points.
        """
        if self.gap < LEAST_GAP:
            return None
        area = 0.0
        for left, right, low, high in zip(self.shares, self.shares[1:], self.scores, self.scores[1:], strict=False):
            area += (right - left) * ((low + high) / 2 - self.weak)
        return area / self.gap

    def weak_share_at(self, kept: float) -> float | None:
        """The largest share of weak at which this part of the strong rung's score is kept; None where the strong rung scores 0."""
        if self.strong <= 0:
            return None
        least = kept * self.strong
        ends = list(zip(self.shares, self.scores, strict=True))
        for (left, high), (right, low) in zip(reversed(ends[:-1]), reversed(ends[1:]), strict=True):
            if low >= least:
                return right
            if high >= least:
                return left + (right - left) * (high - least) / (high - low)
        return 0.0


def curve(points: Sequence[float], weak: Sequence[float], strong: Sequence[float]) -> Curve:
    """The curve of tasks with these points and scores. Raises ValueError where there are none."""
    if not points:
        raise ValueError("a curve needs at least one task")
    rows = sorted(zip(points, weak, strong, strict=True), key=lambda row: row[0])
    count, total = len(rows), sum(strong)
    shares, scores, seen = [0.0], [total / count], 0
    for _, group in groupby(rows, key=lambda row: row[0]):
        for _, low, high in (members := list(group)):
            total += low - high
        seen += len(members)
        shares.append(seen / count)
        scores.append(total / count)
    return Curve(tuple(shares), tuple(scores))
