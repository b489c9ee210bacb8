"""Ladders over more than two models: a cheap pair that must agree, and the model that is asked where it does not.

Policies of one family are compared: the strong model alone, any other model alone, and *two agree, else a third*. One half of the
questions chooses, the other half judges the one that was chosen, so that having chosen among hundreds flatters nothing:

    chosen = the cheapest policy whose mean of (score − keep · strong score), less `CAUTION` standard errors, is at least 0
    proven = the paired differences to the strong model on the other half certify the margin (`certifying`)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from breakeven.alignment.routing.certifying import p_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from breakeven.alignment.routing.certifying import Terms

    _Row = tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]

CAUTION = 1.5
_CHEAP = 0.5
"""A pair that together costs more than this part of the strong model is not tried: its agreement could hardly pay."""


class Answered(NamedTuple):
    """One model's answer to one question: what it states (None: nothing), its score from 0 to 1, its cost in 10⁻¹² of a dollar."""

    value: object
    score: float
    cost: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """One policy: a model alone, or a pair and whom to ask where it disagrees, with the share where that happens."""

    models: tuple[str, ...]
    escalated: float
    saved: float
    quality_kept: float | None

    @property
    def name(self) -> str:
        """`small-a + small-b → large`, or the model alone."""
        return self.models[0] if len(self.models) == 1 else f"{self.models[0]} + {self.models[1]} → {self.models[2]}"


@dataclass(frozen=True, slots=True)
class Found:
    """The ladder chosen on one half, as it does on the other."""

    questions: int
    tried: int
    strong: str
    chosen: Ladder
    """Its figures are those of the judging half."""
    promised: Ladder
    """The same ladder on the half that chose it."""
    p_value: float | None
    """Of losing the margin or more; None where the strong model itself was chosen."""
    enough: bool

    def sentence(self, terms: Terms) -> str:
        """What to do, in one sentence."""
        if self.p_value is None:
            return f"Stay on {self.strong}: none of {self.tried:,} ladders was both cheaper and good enough where it was chosen."
        kept = "an unknown part" if self.chosen.quality_kept is None else f"{self.chosen.quality_kept:.1%}"
        told = f"{self.chosen.name} saves {self.chosen.saved:.1%} of what {self.strong} costs and keeps {kept} of its score"
        if self.enough:
            return (
                f"{told} on questions that had no part in choosing it; it is shown to lose less than {100 * terms.margin:g} points."
            )
        if self.chosen.saved <= 0:
            return f"Stay on {self.strong}: {told}."
        return f"Stay on {self.strong} for now: {told}, but that it loses less than {100 * terms.margin:g} points is not shown yet."


class _Table(NamedTuple):
    """Scores and costs of every policy, one row each, one column per question."""

    names: list[tuple[str, ...]]
    scores: NDArray[np.float64]
    costs: NDArray[np.int64]
    escalated: NDArray[np.bool_]


def search(strong: str, answers: Mapping[str, Sequence[Answered]], terms: Terms, keep: float = 1.0, seed: int = 0) -> Found:
    """Choose a ladder on a drawn half of the questions and judge it on the other. Raises ValueError below 20 questions."""
    count = len(answers[strong])
    if count < 20:  # noqa: PLR2004 - a half of fewer than ten questions judges nothing
        raise ValueError(f"{count} questions, 20 are the fewest")
    table = _table(strong, answers)
    order = np.random.default_rng(seed).permutation(count)
    choosing, judging = order[: count // 2], order[count // 2 :]
    base = table.names.index((strong,))
    best = _choose(table, base, choosing, keep)
    differences = table.scores[base] - table.scores[best]
    proof = None if best == base else p_value(differences[judging], terms.margin, 1 - terms.confidence)
    chosen = _ladder(table, best, base, judging)
    enough = proof is not None and proof <= 1 - terms.confidence and chosen.saved > 0
    return Found(count, len(table.names), strong, chosen, _ladder(table, best, base, choosing), proof, enough)


def _table(strong: str, answers: Mapping[str, Sequence[Answered]]) -> _Table:
    scores = {name: np.array([one.score for one in rows], dtype=np.float64) for name, rows in answers.items()}
    costs = {name: np.array([one.cost for one in rows], dtype=np.int64) for name, rows in answers.items()}
    none = np.zeros(len(answers[strong]), dtype=bool)
    rows: list[_Row] = [((name,), scores[name], costs[name], none) for name in answers]
    for pair in combinations(answers, 2):
        if costs[pair[0]].sum() + costs[pair[1]].sum() > _CHEAP * costs[strong].sum():
            continue
        agreed = [
            one.value is not None and one.value == two.value for one, two in zip(*(answers[name] for name in pair), strict=True)
        ]
        differ = ~np.array(agreed)
        both = costs[pair[0]] + costs[pair[1]]
        for last in (name for name in answers if name not in pair):
            score = np.where(differ, scores[last], scores[pair[0]])
            rows.append(((*pair, last), score, both + np.where(differ, costs[last], 0), differ))
    return _Table([row[0] for row in rows], *(np.array([row[place] for row in rows]) for place in (1, 2, 3)))


def _choose(table: _Table, base: int, questions: NDArray[np.int64], keep: float) -> int:
    differences = table.scores[:, questions] - keep * table.scores[base, questions]
    error = differences.std(axis=1) / np.sqrt(len(questions))
    total = table.costs[:, questions].sum(axis=1)
    good = (differences.mean(axis=1) - CAUTION * error >= 0) & (total < total[base])
    return int(np.argmin(np.where(good, total, total.max() + 1))) if good.any() else base


def _ladder(table: _Table, place: int, base: int, questions: NDArray[np.int64]) -> Ladder:
    strong, whole = float(table.scores[base, questions].sum()), int(table.costs[base, questions].sum())
    saved = 1 - int(table.costs[place, questions].sum()) / whole if whole else 0.0
    kept = float(table.scores[place, questions].sum()) / strong if strong else None
    return Ladder(table.names[place], float(table.escalated[place, questions].mean()), saved, kept)
