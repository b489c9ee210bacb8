"""Whether traffic still is what the route was learned on: if not, the route answers for nothing and the strong rung takes over.

Four figures of every task are sorted into the bins they had in the replays: its points, the share of known words, its length, its
tag. Of each bin we know at most how likely it was, u(bin): the upper Clopper–Pearson bound, all bins together at 95%, times
`TOLERANCE`, because small changes are none of our business. Against that we bet that a bin's share is what it lately was, q(bin),
with e-values E = q / u and the Shiryaev–Roberts sum R ← (R + 1)·E. While no bin is likelier than u, the expected R grows by at most
one a task, so that the mean time to a false alarm at R ≥ `CALLS_PER_FALSE_ALARM` is at least so many tasks, whatever their order
(e-detectors: Shin, Ramdas & Rinaldo 2024). The four sums are averaged, which keeps the guarantee.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from breakeven.alignment.evidence.exact import share_at_most

if TYPE_CHECKING:
    from breakeven.alignment.routing.route_file import RouteFile

CALLS_PER_FALSE_ALARM = 1_000_000
TOLERANCE = 1.25
_ERROR = 0.05
_PRIOR, _MEMORY = 40.0, 400.0
"""What was expected counts as so many tasks when it is learned what lately was; what is older than this many is forgotten."""
_RESCALE = 1e12
NEW = "tags that no replay had"


class Detector:
    """The bet on one figure. `rows` are the replays per bin."""

    __slots__ = ("_at_most", "_lately", "_step", "_total", "evidence", "rows")

    def __init__(self, rows: list[int], error: float) -> None:
        total = sum(rows)
        self.rows = rows
        self._at_most = [min(1.0, TOLERANCE * share_at_most(count, total, 1 - error / len(rows))) for count in rows]
        self._lately = [_PRIOR * (count + 1) / (total + len(rows)) for count in rows]
        self._total, self._step, self.evidence = _PRIOR, 1.0, 0.0

    def add(self, place: int) -> None:
        """Settle the bet on the bin that came, and remember it."""
        self.evidence = (self.evidence + 1.0) * self._lately[place] / (self._total * self._at_most[place])
        self._lately[place] += self._step
        self._total += self._step
        self._step *= 1.0 + 1.0 / _MEMORY
        if self._step > _RESCALE:
            self._lately = [value / self._step for value in self._lately]
            self._total /= self._step
            self._step = 1.0

    def grown(self) -> int:
        """The bin whose share exceeds what was likely most."""
        shares = [value / self._total / most for value, most in zip(self._lately, self._at_most, strict=True)]
        return max(range(len(shares)), key=shares.__getitem__)


class DriftWatch:
    """The four bets together. Once it rings it stays: only a new route, trained on what traffic now is, begins anew."""

    def __init__(self, file: RouteFile) -> None:
        traffic = file.traffic
        self._edges = (traffic.points, traffic.known, traffic.length)
        self._names = ("expected uplift", "share of known words", "length")
        self._tags = {tag: place for place, tag in enumerate(file.tags)}
        rows = [traffic.points_rows, traffic.known_rows, traffic.length_rows]
        if file.tag is not None:
            rows.append([*(row.rows for row in file.tags.values()), 0])
        self._bets = [Detector(counts, _ERROR / len(rows)) for counts in rows]
        self.tasks = 0
        self.why = ""

    def add(self, points: float, known: float, characters: int, tag: str | None) -> bool:
        """Take in one task; whether traffic has drifted."""
        if self.why:
            return True
        self.tasks += 1
        bets = self._bets
        places = (points, known, float(characters))
        for bet, edges, value in zip(bets, self._edges, places, strict=False):
            bet.add(bisect_right(edges, value))
        if len(bets) > len(places):
            bets[-1].add(self._tags.get(tag or "", len(self._tags)))
        if sum(bet.evidence for bet in bets) >= CALLS_PER_FALSE_ALARM * len(bets):
            self.why = self._told()
        return bool(self.why)

    def _told(self) -> str:
        """What has drifted, in words."""
        strongest = max(range(len(self._bets)), key=lambda number: self._bets[number].evidence)
        place = self._bets[strongest].grown()
        if strongest == len(self._edges):
            what = next((f"the tag {tag}" for tag, at in self._tags.items() if at == place), NEW)
        else:
            edges = self._edges[strongest]
            low = f"{edges[place - 1]:.4g}" if place else "–"
            high = f"{edges[place]:.4g}" if place < len(edges) else "–"
            what = f"{self._names[strongest]} from {low} to {high}"
        return f"traffic has drifted from the replays after {self.tasks:,} tasks: more of {what}"
