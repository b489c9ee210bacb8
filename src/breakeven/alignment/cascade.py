"""Agreement cascades on past answers: two cheap models answer, equal answers are taken, else the strong one is asked as well.

    cost of a cascade     =  Σ cheap costs  +  Σ strong costs where they disagree
    saved                 =  1 − cost / cost of the strong model on everything
    quality kept          =  Σ scores / Σ scores of the strong model on everything

“All strong” and “all of one cheap model” are always candidates, so a cascade that loses money or quality refuses itself.
It is proven where its scores are not worse than the strong model's by more than the margin, on questions drawn like these, by a
betting test of the paired differences (Waudby-Smith & Ramdas 2024), at a level shared by all candidates that save money.

The best of many candidates looks better than it is on the questions that chose it. So the choosing itself is tried as well: on each
half of the questions the cheapest candidate whose scores are, less one standard error, within the margin is chosen, and it answers
the other half (twofold cross-fitting; Stone 1974). What that saves and keeps is what choosing so may be expected to bring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import fmean, stdev
from zlib import crc32

MARGIN, ALPHA = 0.02, 0.05
_MOST_OF_LIMIT = 0.75
"""Stakes stay within three quarters of what could be lost, so that one bad question cannot end the test."""
_PRIOR_VARIANCE = 0.25


@dataclass(frozen=True, slots=True)
class Answered:
    """One model's answer to one question: the value it states (None: none), its score from 0 to 1, its cost in atto-units."""

    value: object
    score: float
    cost: int


Answers = Mapping[str, Answered]
"""By question."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to answer all questions, and how it compares with the strong model alone."""

    models: tuple[str, ...]
    """The strong model alone, one cheap model alone, or the two that must agree."""
    kind: str
    questions: int
    cost: int
    score: float
    saved: float
    quality_kept: float
    agreed: float | None
    """Share of questions on which the two agreed; None where none must."""
    proven: bool
    """Whether it is shown to lose no more than the margin."""

    @property
    def name(self) -> str:
        """`gpt-a` or `small-a + small-b`."""
        return " + ".join(self.models)


@dataclass(frozen=True, slots=True)
class Choosing:
    """What is saved and kept where the candidate is chosen on one half of the questions and answers the other, both ways."""

    chosen: tuple[str, str]
    """The names chosen on the halves."""
    saved: float
    quality_kept: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All candidates, cheapest first, and the one to take."""

    strong: Policy
    candidates: tuple[Policy, ...]
    chosen: Policy
    margin: float
    sentence: str
    choosing: Choosing


def compare(
    strong: str, answers: Mapping[str, Answers], cheap: Sequence[str], margin: float = MARGIN, alpha: float = ALPHA
) -> Comparison:
    """Every cheap model alone and every pair of them against the strong one, on the questions that all of them answered."""
    questions = [one for one in answers[strong] if all(one in answers[name] for name in cheap)]
    base = [answers[strong][one] for one in questions]
    top = _policy((strong,), "strong", base, base, None, proven=True)
    runs: list[tuple[tuple[str, ...], list[Answered], float | None]] = [
        ((name,), [answers[name][one] for one in questions], None) for name in cheap
    ]
    runs += [
        (pair, *_cascade(base, *([answers[name][one] for one in questions] for name in pair))) for pair in combinations(cheap, 2)
    ]
    paying = [run for run in runs if sum(one.cost for one in run[1]) < top.cost]
    found: list[Policy] = []
    for models, given, agreed in runs:
        level = alpha / max(1, len(paying))
        differences = [one.score - other.score for one, other in zip(given, base, strict=True)]
        pays = any(run[0] == models for run in paying)
        proven = pays and not_worse(differences, margin, level)
        found.append(_policy(models, "cheap" if len(models) == 1 else "agreement", given, base, agreed, proven=proven))
    found.sort(key=lambda policy: policy.cost)
    chosen = next((policy for policy in found if policy.proven), top)
    choosing = _choosing(strong, questions, base, [(models, given) for models, given, _ in runs], margin)
    return Comparison(top, tuple(found), chosen, margin, _sentence(top, found, chosen, margin), choosing)


def _choosing(
    strong: str,
    questions: Sequence[str],
    base: Sequence[Answered],
    runs: Sequence[tuple[tuple[str, ...], Sequence[Answered]]],
    margin: float,
) -> Choosing:
    """Chosen on each half, judged on the other; the halves are drawn by a hash, so that they are the same each time."""
    first = [crc32(question.encode()) % 2 == 0 for question in questions]
    names, given = [], list(base)
    candidates = [((strong,), base), *runs]
    for half in (True, False):
        learned = [number for number, each in enumerate(first) if each is half]
        models, answers = _best(base, candidates, learned, margin)
        names.append(" + ".join(models))
        for number, each in enumerate(first):
            if each is not half:
                given[number] = answers[number]
    whole = _policy((), "", given, base, None, proven=False)
    return Choosing((names[0], names[1]), whole.saved, whole.quality_kept)


def _best(
    base: Sequence[Answered],
    candidates: Sequence[tuple[tuple[str, ...], Sequence[Answered]]],
    on: Sequence[int],
    margin: float,
) -> tuple[tuple[str, ...], Sequence[Answered]]:
    """The cheapest of those whose mean difference to the strong model, less one standard error, is within the margin.

    The strong model is the first of the candidates, and is one of those.
    """
    able = [candidates[0]]
    for models, answers in candidates[1:]:
        differences = [answers[number].score - base[number].score for number in on]
        if len(differences) > 1 and fmean(differences) - stdev(differences) / sqrt(len(differences)) >= -margin:
            able.append((models, answers))
    return min(able, key=lambda each: sum(each[1][number].cost for number in on))


def _cascade(base: Sequence[Answered], first: Sequence[Answered], second: Sequence[Answered]) -> tuple[list[Answered], float]:
    """What the agreement of two gives, question by question, and on which share they agreed."""
    given: list[Answered] = []
    agreed = 0
    for strong, one, other in zip(base, first, second, strict=True):
        if one.value is not None and one.value == other.value:
            agreed += 1
            given.append(Answered(one.value, one.score, one.cost + other.cost))
        else:
            given.append(Answered(strong.value, strong.score, one.cost + other.cost + strong.cost))
    return given, agreed / len(base) if base else 0.0


def _policy(
    models: tuple[str, ...], kind: str, given: Sequence[Answered], base: Sequence[Answered], agreed: float | None, *, proven: bool
) -> Policy:
    cost, whole = sum(one.cost for one in given), sum(one.cost for one in base)
    score, best = sum(one.score for one in given), sum(one.score for one in base)
    saved, kept = (1 - cost / whole if whole else 0.0), (score / best if best else 1.0)
    return Policy(models, kind, len(given), cost, score / len(given) if given else 0.0, saved, kept, agreed, proven)


def not_worse(differences: Sequence[float], margin: float, alpha: float) -> bool:
    """Whether paired differences (policy minus strong, from −1 to 1) refute that their mean is −margin or less.

    The wealth of a bettor against it, K = Π (1 + λ (difference + margin)), with λ from what came before, reaches 1 / alpha with a
    chance of at most alpha where it is true (Ville), however often it is looked at.
    """
    wealth, total, squares = 1.0, 0.0, 0.0
    for seen, difference in enumerate(differences, 1):
        mean = total / seen
        variance = (_PRIOR_VARIANCE + squares) / seen
        stake = min(max(mean / (variance + mean * mean), 0.0), _MOST_OF_LIMIT / (1 - margin))
        wealth *= 1 + stake * (difference + margin)
        if wealth >= 1 / alpha:
            return True
        total += difference + margin
        squares += (difference + margin - total / seen) ** 2
    return False


def _sentence(top: Policy, found: Sequence[Policy], chosen: Policy, margin: float) -> str:
    if not top.questions:
        return "No question was answered by all of these models, so nothing can be compared."
    if chosen is not top:
        way = "asked alone" if chosen.kind == "cheap" else "taken where they agree"
        return (
            f"{chosen.name}, {way}, saves {chosen.saved:.1%} of what {top.name} costs and keeps {chosen.quality_kept:.1%} of its "
            f"quality on {top.questions:,} questions; it is shown to lose no more than {margin * 100:g} points."
        )
    losing = sum(policy.saved <= 0 for policy in found)
    reason = (
        f"all {losing} candidates cost more"
        if losing == len(found)
        else f"{losing} of {len(found)} candidates cost more, and none of the others is shown to lose only {margin * 100:g} points"
    )
    return f"{top.name} stays on all {top.questions:,} questions: {reason}."


def extracted(
    rows: Sequence[tuple[str, str, object, float, int]], value: Callable[[object], object]
) -> dict[str, dict[str, Answered]]:
    """Rows of question, model, answer, score and cost, by model and question."""
    found: dict[str, dict[str, Answered]] = {}
    for question, model, answer, score, cost in rows:
        found.setdefault(model, {})[question] = Answered(None if answer is None else value(answer), score, cost)
    return found
