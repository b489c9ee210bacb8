"""When a handler may answer: promises that were kept on examples it was not learned from.

A promise is made per field: at least the floor (default 93%) of answered fields agree, with 95% confidence, and the record
shows at least the aim (98%). A whole answer of k fields is held to the k-th powers. Every answer has an *unsureness*, the sum over
its fields of one minus their sureness; answers up to a limit of unsureness are admitted when the tries within that limit kept both
promises. Limits are a fixed ladder; the widest that keeps the promises counts, and beyond `WIDEST` none does, whatever the record.
Besides, a class of rules whose own tries contradict the floor is withdrawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

CONFIDENCE = 0.95
FLOOR, AIM = 0.93, 0.98
LIMITS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
"""The ladder of unsureness, from the safest."""
WIDEST, EDGE = 0.1, 2.5
"""No answer is given that by its points is likelier wrong than one in ten, nor, per field, than 2.5 times what the aim allows."""
_HALVINGS = 40


def lower_bound(right: int, tries: int, confidence: float = CONFIDENCE) -> float:
    """The lowest true share of right answers under which `right` of `tries` is still plausible; 0 where nothing was right.

    Exact and one-sided (Clopper & Pearson 1934): the share at which so many right answers would be had by luck with probability
    one minus the confidence.
    """
    if right <= 0:
        return 0.0
    low, high = 0.0, right / tries
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_least(right, tries, middle) > 1 - confidence:
            high = middle
        else:
            low = middle
    return low


def _at_least(right: int, tries: int, share: float) -> float:
    """The chance of at least `right` right answers in `tries` at this true share (between 0 and 1, both excluded)."""
    if right <= tries // 2:  # the other tail has fewer terms
        return 1 - math.fsum(_exactly(count, tries, share) for count in range(right))
    return math.fsum(_exactly(count, tries, share) for count in range(right, tries + 1))


def _exactly(right: int, tries: int, share: float) -> float:
    ways = math.lgamma(tries + 1) - math.lgamma(right + 1) - math.lgamma(tries - right + 1)
    return math.exp(ways + right * math.log(share) + (tries - right) * math.log1p(-share))


@dataclass(slots=True)
class Tally:
    """Tries and how many of them were right."""

    tries: int = 0
    right: int = 0

    def add(self, *, right: bool) -> None:
        """One more try."""
        self.tries += 1
        self.right += right


@dataclass(slots=True)
class ClassRecord:
    """The tries of one field by class of rule, of those that its own points held sure enough to answer."""

    tallies: dict[str, Tally] = field(default_factory=dict)

    def add(self, rule_class: str, sureness: float, *, right: bool) -> None:
        """Record one try."""
        if 1 - sureness <= WIDEST:
            self.tallies.setdefault(rule_class, Tally()).add(right=right)

    def withdrawn(self, floor: float) -> frozenset[str]:
        """The classes whose tries contradict the floor: even the highest share right that is plausible lies below it."""
        return frozenset(name for name, one in self.tallies.items() if 1 - lower_bound(one.tries - one.right, one.tries) < floor)


@dataclass(slots=True)
class Certificate:
    """The tries of whole answers at every step of unsureness, and what they allow."""

    fields: int
    floor: float = FLOOR
    aim: float = AIM
    steps: list[Tally] = field(default_factory=lambda: [Tally() for _ in LIMITS])

    def add(self, unsureness: float, *, right: bool) -> None:
        """Record one try; one beyond the ladder says nothing about what may be answered."""
        step = next((number for number, limit in enumerate(LIMITS) if unsureness <= limit), None)
        if step is not None:
            self.steps[step].add(right=right)

    def within(self, limit: float) -> Tally:
        """All tries up to a limit of unsureness."""
        steps = [step for step, end in zip(self.steps, LIMITS, strict=True) if end <= limit]
        return Tally(sum(step.tries for step in steps), sum(step.right for step in steps))

    def limit(self) -> float:
        """Up to which unsureness answers are admitted; 0: none are."""
        widest = min(WIDEST, round(EDGE * (1 - self.aim) * self.fields, 6))
        return max((limit for limit in LIMITS if limit <= widest and self._kept(self.within(limit))), default=0.0)

    def _kept(self, tally: Tally) -> bool:
        """Whether these tries kept both promises."""
        if not tally.tries or tally.right < self.aim**self.fields * tally.tries:
            return False
        return lower_bound(tally.right, tally.tries) >= self.floor**self.fields
