"""Ladders over many models: cheap ones are asked in turn until enough of them agree, and one more where they do not.

Policies of one family are compared: the strong model alone, any other model alone, and every *agreement ladder*: up to
`MOST_ASKED` models, cheapest first, are asked one after the other; an answer that two, or three, of them state is taken; where so
many can no longer agree, a last model decides. One half of the questions chooses, the other half judges, so that having chosen
among thousands flatters nothing:

    good enough, with caution z = mean of (score − keep · strong score) ≥ 0,
                                  and mean of (score − strong score) − z · standard error ≥ −margin
    sequence = of the policies that save at least half of what the cheapest saves, the one that is good enough with the greatest
               caution; then for each lesser caution the cheapest that is good enough
    proven   = the last of the sequence before the first that does not certify the margin on the other half (`certifying`)

The sequence is fixed before the other half is looked at, so each of its tests has the whole α (Learn-then-Test).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from breakeven.alignment.evidence.certificate import fixed_sequence
from breakeven.alignment.routing.certifying import p_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from breakeven.alignment.routing.certifying import Terms

    _Scores = NDArray[np.float64]
    _Costs = NDArray[np.int64]
    _Flags = NDArray[np.bool_]
    _Places = NDArray[np.int64]

CAUTIONS = (5.0, 4.5, 4.0, 3.5, 3.0, 2.5)
"""Standard errors by which a policy must stay within the margin where it is chosen, from the safest choice to the boldest."""
AGREEING = (2, 3)
"""How many must state the same."""
MOST_ASKED = 4
_MOST_CHEAP = 16
"""Of so many models, the cheapest, ladders are made; any may be the last."""
_CHEAP = 0.5
"""Models that together cost more than this part of the strong one are not asked first: agreement could hardly pay."""
_WORTHWHILE = 0.5
"""Part of the boldest policy's saving that the safest must have: to prove less would help nobody."""
_FEWEST, _TINY = 20, 1e-9


class Answered(NamedTuple):
    """One model's answer to one question: what it states (None: nothing), its score from 0 to 1, its cost in 10⁻¹² of a dollar."""

    value: object
    score: float
    cost: int


class Policy(NamedTuple):
    """Whom to ask in turn, how many must state the same, and who decides where they do not; `last` alone where none is asked."""

    asked: tuple[str, ...]
    agreeing: int
    last: str

    @property
    def name(self) -> str:
        """`small-a + small-b → large`, `2 of small-a, small-b, small-c → large`, or the model alone."""
        if not self.asked:
            return self.last
        if len(self.asked) == self.agreeing:
            return f"{' + '.join(self.asked)} → {self.last}"
        return f"{self.agreeing} of {', '.join(self.asked)} → {self.last}"


@dataclass(frozen=True, slots=True)
class Ladder:
    """One policy on some questions, with the share where the last model decides."""

    policy: Policy
    escalated: float
    saved: float
    quality_kept: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was chosen on one half, as it does on the other."""

    questions: int
    tried: int
    strong: str
    chosen: Ladder
    """What to take: the boldest that is proven, else the cheapest that was good enough; as the judging half has it."""
    promised: Ladder
    """The same on the half that chose it."""
    cheapest: Ladder
    """The cheapest that was good enough where it was chosen, on the judging half: what more questions may prove."""
    p_value: float | None
    """Of losing the margin or more; None where the strong model itself was chosen."""
    enough: bool

    def sentence(self, terms: Terms) -> str:
        """What to do, in one sentence."""
        if self.p_value is None:
            return f"Stay on {self.strong}: none of {self.tried:,} ladders was both cheaper and good enough where it was chosen."
        kept = "an unknown part" if self.chosen.quality_kept is None else f"{self.chosen.quality_kept:.1%}"
        told = f"{self.chosen.policy.name} saves {self.chosen.saved:.1%} of what {self.strong} costs and keeps {kept} of its score"
        if self.enough:
            return (
                f"{told} on questions that had no part in choosing it; it is shown to lose less than {100 * terms.margin:g} points."
            )
        if self.chosen.saved <= 0:
            return f"Stay on {self.strong}: {told}."
        return f"Stay on {self.strong} for now: {told}, but that it loses less than {100 * terms.margin:g} points is not shown yet."


class _Judged(NamedTuple):
    """The answers as columns of questions, one row per model: numbers that are equal where the same is stated, scores, costs."""

    names: list[str]
    values: _Places
    scores: _Scores
    costs: _Costs

    def at(self, questions: _Places) -> _Judged:
        """Some of the questions only."""
        return _Judged(self.names, self.values[:, questions], self.scores[:, questions], self.costs[:, questions])


class _Start(NamedTuple):
    """What asking some models in turn comes to: the score and cost so far, and where the last model must decide."""

    asked: tuple[int, ...]
    agreeing: int
    scores: _Scores
    costs: _Costs
    undecided: _Flags


class _Figures(NamedTuple):
    """Each policy on the choosing half: means of what it gains on the strong model, its error, what it keeps, its cost."""

    policies: list[Policy]
    gain: _Scores
    error: _Scores
    kept: _Scores
    cost: _Scores


def search(strong: str, answers: Mapping[str, Sequence[Answered]], terms: Terms, keep: float = 1.0, seed: int = 0) -> Found:
    """Choose a ladder on a drawn half of the questions and judge it on the other. Raises ValueError below 20 questions."""
    count = len(answers[strong])
    if count < _FEWEST:  # a half of fewer than ten questions judges nothing
        raise ValueError(f"{count} questions, {_FEWEST} are the fewest")
    judged = _judged(answers)
    order = np.random.default_rng(seed).permutation(count)
    choosing, judging = judged.at(order[: count // 2]), judged.at(order[count // 2 :])
    figures = _figures(choosing, strong, keep)
    sequence = _sequence(figures, terms.margin, float(choosing.costs[choosing.names.index(strong)].sum()))
    proofs = [p_value(_losses(judging, policy, strong), terms.margin, 1 - terms.confidence) for policy in sequence]
    place = fixed_sequence(proofs, 1 - terms.confidence)
    boldest = sequence[-1] if sequence else Policy((), 0, strong)
    taken, proof = (boldest, proofs[-1] if proofs else None) if place is None else (sequence[place], proofs[place])
    chosen = _ladder(judging, taken, strong)
    enough = place is not None and chosen.saved > 0
    return Found(
        count,
        len(figures.policies),
        strong,
        chosen,
        _ladder(choosing, taken, strong),
        _ladder(judging, boldest, strong),
        proof,
        enough,
    )


def _judged(answers: Mapping[str, Sequence[Answered]]) -> _Judged:
    """Equal statements of one question get equal numbers; what states nothing gets one of its own."""
    known: dict[object, int] = {}
    values = [
        [-1 - place if one.value is None else known.setdefault(one.value, len(known)) for one in rows]
        for place, rows in enumerate(answers.values())
    ]
    scores = [[one.score for one in rows] for rows in answers.values()]
    costs = [[one.cost for one in rows] for rows in answers.values()]
    return _Judged(list(answers), np.array(values), np.array(scores, dtype=np.float64), np.array(costs, dtype=np.int64))


def _starts(judged: _Judged, strong: int) -> Iterator[_Start]:
    """Every way to ask some cheap models in turn, cheapest first."""
    totals = judged.costs.sum(axis=1)
    order = sorted(range(len(totals)), key=lambda place: (int(totals[place]), place))
    cheap = [place for place in order if totals[place] < totals[strong] and (judged.values[place] >= 0).any()][:_MOST_CHEAP]
    for agreeing in AGREEING:
        for count in range(agreeing, MOST_ASKED + 1):
            for asked in combinations(cheap, count):
                if totals[list(asked[:agreeing])].sum() <= _CHEAP * totals[strong]:
                    yield _asked(judged, asked, agreeing)


def _asked(judged: _Judged, asked: tuple[int, ...], agreeing: int) -> _Start:
    """Ask in turn until so many state the same, or can no longer."""
    questions = judged.values.shape[1]
    scores, costs = np.zeros(questions), np.zeros(questions, dtype=np.int64)
    going, hopeless, most = np.ones(questions, dtype=bool), np.zeros(questions, dtype=bool), np.zeros(questions, dtype=np.int64)
    for turn, place in enumerate(asked):
        costs += np.where(going, judged.costs[place], 0)
        votes = (judged.values[list(asked[: turn + 1])] == judged.values[place]).sum(axis=0)
        most = np.maximum(most, votes)
        settled = going & (votes >= agreeing)
        scores[settled] = judged.scores[place][settled]
        going &= ~settled
        lost = going & (most + len(asked) - turn - 1 < agreeing)
        hopeless |= lost
        going &= ~lost
    return _Start(asked, agreeing, scores, costs, going | hopeless)


def _figures(judged: _Judged, strong: str, keep: float) -> _Figures:
    """Every policy of the family on these questions."""
    base, names = judged.names.index(strong), judged.names
    totals = judged.costs.sum(axis=1)
    policies = [Policy((), 0, name) for name in names]
    scores, costs = [_moments(judged.scores, judged.scores[base])], [totals.astype(np.float64)]
    for start in _starts(judged, base):
        lasts = [
            place
            for place in range(len(names))
            if place not in start.asked and totals[start.asked[-1]] <= totals[place] <= totals[base]
        ]
        policies += [Policy(tuple(names[one] for one in start.asked), start.agreeing, names[last]) for last in lasts]
        given = np.where(start.undecided, judged.scores[lasts], start.scores)
        scores.append(_moments(given, judged.scores[base]))
        costs.append(start.costs.sum() + np.where(start.undecided, judged.costs[lasts], 0).sum(axis=1).astype(np.float64))
    gain, error = np.concatenate(scores, axis=1)
    kept = gain + (1 - keep) * float(judged.scores[base].mean())
    return _Figures(policies, gain, error, kept, np.concatenate(costs))


def _moments(scores: _Scores, strong: _Scores) -> _Scores:
    """The mean gain on the strong model and its standard error, one column per policy."""
    gains = scores - strong
    return np.array([gains.mean(axis=1), gains.std(axis=1) / np.sqrt(gains.shape[1])])


def _sequence(figures: _Figures, margin: float, whole: float) -> list[Policy]:
    """From the safest to the boldest, each once: the safest that saves enough, then the cheapest at each lesser caution."""
    caution = np.where((figures.kept >= 0) & (figures.cost < whole), (figures.gain + margin) / (figures.error + _TINY), -np.inf)
    if not (caution >= CAUTIONS[-1]).any():
        return []
    saved = whole - figures.cost
    safest = int(np.argmax(np.where(saved >= _WORTHWHILE * saved[caution >= CAUTIONS[-1]].max(), caution, -np.inf)))
    reached = [least for least in CAUTIONS if caution[safest] >= least]
    places = [safest, *(int(np.argmin(np.where(caution >= least, figures.cost, np.inf))) for least in reached)]
    return [figures.policies[place] for place in dict.fromkeys(places)]


def _given(judged: _Judged, policy: Policy) -> _Start:
    """A policy's scores and costs on these questions, and where its last model decides."""
    start = _asked(judged, tuple(judged.names.index(name) for name in policy.asked), policy.agreeing)
    last = judged.names.index(policy.last)
    scores = np.where(start.undecided, judged.scores[last], start.scores)
    return start._replace(scores=scores, costs=start.costs + np.where(start.undecided, judged.costs[last], 0))


def _losses(judged: _Judged, policy: Policy, strong: str) -> _Scores:
    return np.asarray(judged.scores[judged.names.index(strong)] - _given(judged, policy).scores)


def _ladder(judged: _Judged, policy: Policy, strong: str) -> Ladder:
    base, given = judged.names.index(strong), _given(judged, policy)
    score, whole = float(judged.scores[base].sum()), int(judged.costs[base].sum())
    saved = 1 - int(given.costs.sum()) / whole if whole else 0.0
    escalated = float(given.undecided.mean()) if policy.asked else 0.0
    return Ladder(policy, escalated, saved, float(given.scores.sum()) / score if score else None)
