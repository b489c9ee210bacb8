"""The decision: which of two rungs a task needs, in microseconds and with the standard library alone.

Points are a sum over what was read of the task; they say where it stands in the order of uplift, the calibration says what uplift
they stand for. A task goes to the weak rung only where a certificate covers its points and traffic is what the route was learned
on; in every other case it stays on the strong one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from breakeven.alignment.routing.drift import DriftWatch
from breakeven.alignment.routing.reading import clipped, form, tag_words, tokens, words

if TYPE_CHECKING:
    from breakeven.alignment.routing.route_file import RouteFile
    from breakeven.alignment.task import Task

FORM_SCALE, FORM_MOST = 0.1, 3.0
"""How much a figure of form counts beside words, and how many deviations it counts at most."""
_REMEMBERED_TAGS = 4_096


@dataclass(frozen=True, slots=True)
class Decision:
    """The rung a task goes to, the uplift that the stronger rung is expected to bring it, and why."""

    rung: str
    uplift: float | None
    why: str


class Reason(NamedTuple):
    """One thing that was read of a task, and the points it gave: above 0 it asks for the stronger rung."""

    what: str
    points: float


class Reading(NamedTuple):
    """A task's points, and what drift is watched by."""

    points: float
    known: float
    characters: int


class Route:
    """A trained route, ready to decide. `watch` is None where drift is not watched, as in a replay."""

    def __init__(self, file: RouteFile, *, watched: bool = True) -> None:
        self.file = file
        self.watch = DriftWatch(file) if watched else None
        rows = file.learned.rows
        # points and squared weight of a word as one complex number: looked up once, and both are summed in one pass
        self._words = {word: complex(points, rarity(rows, file.seen[word]) ** 2) for word, points in file.words.items()}
        self._form = [(row.mean, FORM_SCALE / row.deviation if row.deviation else 0.0, row.points) for row in file.form]
        self._tags: dict[str, float] = {}
        self._at = [points for points, _ in file.calibration]
        self._uplift = [uplift for _, uplift in file.calibration]

    def decide(self, task: Task) -> Decision:
        """Choose the rung for one task; one without text, or with more than text, stays on the strong rung."""
        file, limit = self.file, self.file.certificate.threshold
        if limit is None:
            return Decision(file.strong, None, "nothing is certified")
        if task.media or not task.prompt:
            return Decision(file.strong, None, "the route reads only text")
        tag = self.tag_of(task)
        read = self.read(task.prompt, tag)
        uplift = self.uplift(read.points)
        if self.watch is not None and self.watch.add(read.points, read.known, read.characters, tag):
            return Decision(file.strong, uplift, self.watch.why)
        if read.points <= limit:
            return Decision(file.weak, uplift, "its expected uplift lies within what is certified")
        return Decision(file.strong, uplift, "its expected uplift lies above what is certified")

    def tag_of(self, task: Task) -> str | None:
        """The task's workflow tag: the tag of the name that the replays had, else its workflow."""
        if self.file.tag is None:
            return None
        return task.tags.get(self.file.tag) or task.workflow

    def read(self, text: str, tag: str | None) -> Reading:
        """A task's points, the share of its words that the replays had, and its length."""
        part = clipped(text)
        found = tokens(part)
        terms = words(found)
        known = list(filter(None, map(self._words.get, terms)))
        points = self.file.base + (self._tag_points(tag) if tag else 0.0)
        if known:
            total = sum(known, 0j)
            points += total.real / math.sqrt(total.imag)
        if self._form:
            for value, (mean, scale, per) in zip(form(text, part, found), self._form, strict=True):
                points += per * scaled(value, mean, scale)
        return Reading(points, len(known) / (len(terms) or 1), len(text))

    def _tag_points(self, tag: str) -> float:
        """The points of a tag, of a new one by the words it shares with those of the replays; the sum is kept."""
        found = self._tags.get(tag)
        if found is None:
            known = [self.file.tag_parts[part] for part in tag_words(tag) if part in self.file.tag_parts]
            length = math.sqrt(sum(weight * weight for _, weight in known))
            found = sum(points for points, _ in known) / length if known else 0.0
            if len(self._tags) < _REMEMBERED_TAGS:
                self._tags[tag] = found
        return found

    def uplift(self, points: float) -> float:
        """The uplift that so many points stand for, on the calibrated line."""
        at = bisect_right(self._at, points)
        if at == 0 or at == len(self._at):
            return self._uplift[0 if at == 0 else -1]
        low, high = self._at[at - 1], self._at[at]
        share = (points - low) / (high - low)
        return self._uplift[at - 1] * (1 - share) + self._uplift[at] * share

    def explain(self, text: str, tag: str | None, count: int = 8) -> list[Reason]:
        """The strongest reasons behind a task's points, strongest first."""
        part = clipped(text)
        found = tokens(part)
        known = {term: self._words[term] for term in words(found) if term in self._words}
        length = math.sqrt(sum(known.values(), 0j).imag) or 1.0
        reasons = [Reason(f"“{term}”", both.real / length) for term, both in known.items()]
        if tag:
            reasons.append(Reason(f"workflow {tag}" if tag in self.file.tags else f"workflow {tag} (new)", self._tag_points(tag)))
        if self._form:
            figures = zip(self.file.form, form(text, part, found), self._form, strict=True)
            reasons += [Reason(row.name, per * scaled(value, mean, scale)) for row, value, (mean, scale, per) in figures]
        return sorted(reasons, key=lambda one: (-abs(one.points), one.what))[:count]


def rarity(rows: int, seen: int) -> float:
    """How heavy a word is that stands in `seen` of so many texts: ln((1 + rows) / (1 + seen)) + 1."""
    return math.log((1 + rows) / (1 + seen)) + 1


def scaled(value: float, mean: float, scale: float) -> float:
    """A figure of form in deviations from its mean, bounded, times its weight; `scale` holds both, 0 where it never varied."""
    most = FORM_MOST * FORM_SCALE
    return min(max((value - mean) * scale, -most), most)
