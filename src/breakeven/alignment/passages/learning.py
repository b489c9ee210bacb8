"""Learning which passages are needed, and proving how much of the evidence the chosen ones hold.

Examples are cut into folds; each is tried with weights fitted without its fold. The recall of an example is the share of its pieces
of evidence that were sent; the mean over examples is bounded from below by betting (`alignment/evidence/bounds.py`), because pieces
of one document are not independent and documents are. Of a fixed ladder of thresholds the highest that keeps the promise is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from breakeven.alignment.compiled.fitting import Floats, Integers, lowest
from breakeven.alignment.evidence.bounds import lower_bound
from breakeven.alignment.passages.scoring import features_of, scores
from breakeven.alignment.passages.selector import FORMAT, PassageFile, TryRow, chosen_by, selection
from breakeven.alignment.passages.splitting import Passage, holds, is_covered, passages_of, places_of

FLOOR, CONFIDENCE = 0.95, 0.95
FOLDS = 4
FEWEST = 5
"""An observation made in fewer passages than this gets no weight."""
RIDGE = 0.3
LADDER = (*(round(1.0 - 0.25 * step, 2) for step in range(25)), *(-5.5 - 0.5 * step for step in range(10)))
"""Thresholds on the log-odds, from the highest."""
LEAST_WEIGHT, DIGITS = 0.02, 3


@dataclass(frozen=True, slots=True)
class Evidenced:
    """One example: its text, and where its pieces of evidence stand, by field."""

    name: str
    text: str
    passages: tuple[Passage, ...]
    features: tuple[frozenset[str], ...]
    evidence: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    missing: int
    """Pieces of evidence that do not stand in the text."""

    @property
    def needed(self) -> list[bool]:
        """Which passages hold evidence."""
        return [any(holds(one, places) for _, places in self.evidence) for one in self.passages]

    def recall(self, sent: Sequence[Passage]) -> float | None:
        """The share of the pieces of evidence that were sent; None where there is none."""
        covered = [is_covered(places, sent) for _, places in self.evidence]
        return sum(covered) / len(covered) if covered else None


def evidenced(name: str, text: str, pieces: Sequence[tuple[str, str]]) -> Evidenced:
    """An example made ready; `pieces` pair a field with a passage of the text that its answer rests on."""
    passages = passages_of(text)
    found = [(field, tuple(places_of(piece, text))) for field, piece in pieces]
    there = tuple((field, places) for field, places in found if places)
    return Evidenced(name, text, tuple(passages), tuple(features_of(passages)), there, len(found) - len(there))


@dataclass(frozen=True, slots=True)
class _Table:
    """Passages as a sparse table of what is observed of them; `value`: one over the root of a passage's observations."""

    names: tuple[str, ...]
    row: Integers
    item: Integers
    value: Floats
    right: Floats
    example: Integers


def learn_passages(examples: Sequence[Evidenced], fields: Sequence[str], floor: float, random: Random) -> PassageFile:
    """A selector, with the record of every threshold behind it."""
    table = _tabulated(examples)
    fold_of = np.array([random.randrange(FOLDS) for _ in examples])
    tried: list[list[float]] = [[] for _ in examples]
    for fold in range(FOLDS):
        inside = np.flatnonzero(fold_of == fold).tolist()
        weights, bias = _named(table, _fit(table, ~np.isin(table.example, inside)))
        for number in inside:
            tried[number] = scores(examples[number].features, weights, bias)
    record = [_try(examples, tried, threshold) for threshold in LADDER]
    kept = next((row for row in record if row.recall_lower_bound >= floor), None)
    weights, bias = _named(table, _fit(table, np.ones(len(table.right), dtype=bool)))
    return PassageFile(
        FORMAT, len(examples), list(fields), floor, CONFIDENCE, None if kept is None else kept.threshold, bias, record, weights
    )


def tried_at(examples: Sequence[Evidenced], tried: Sequence[list[float]], threshold: float | None) -> tuple[list[float], float]:
    """The recall of every example that has evidence, and the share of all characters that is sent."""
    recalls: list[float] = []
    sent_characters = characters = 0
    for one, found in zip(examples, tried, strict=True):
        sent = [passage for passage, taken in zip(one.passages, chosen_by(found, threshold), strict=True) if taken]
        characters += len(one.text)
        sent_characters += len(selection(one.text, sent).text)
        recall = one.recall(sent)
        recalls += [] if recall is None else [recall]
    return recalls, sent_characters / characters if characters else 1.0


def bounded(recalls: Sequence[float]) -> float:
    """What the mean recall is at least, with the confidence of the certificate; 0 without any example."""
    return 1.0 + lower_bound(np.array(recalls) - 1.0, 1 - CONFIDENCE, lowest=-1.0) if recalls else 0.0


def _try(examples: Sequence[Evidenced], tried: Sequence[list[float]], threshold: float) -> TryRow:
    recalls, sent = tried_at(examples, tried, threshold)
    mean = sum(recalls) / len(recalls) if recalls else 0.0
    return TryRow(threshold, round(mean, 4), round(bounded(recalls), 4), round(sent, 4))


def _tabulated(examples: Sequence[Evidenced]) -> _Table:
    counts = Counter(one for example in examples for seen in example.features for one in seen)
    names = tuple(sorted(name for name, count in counts.items() if count >= FEWEST))
    number = {name: place for place, name in enumerate(names)}
    row: list[int] = []
    item: list[int] = []
    value: list[float] = []
    rows = 0
    for example in examples:
        for seen in example.features:
            known = sorted(number[one] for one in seen if one in number)
            row += [rows] * len(known)
            item += known
            value += [len(seen) ** -0.5] * len(known)
            rows += 1
    right = np.array([needed for example in examples for needed in example.needed], dtype=np.float64)
    owner = np.repeat(np.arange(len(examples)), [len(example.passages) for example in examples])
    return _Table(names, np.array(row), np.array(item), np.array(value), right, owner)


def _fit(table: _Table, used: NDArray[np.bool_]) -> Floats:
    """Weights, then the bias: a logistic regression with a ridge on every weight but the bias; `used` are the passages to fit."""
    inside = used[table.row]
    row, item, value = table.row[inside], table.item[inside], table.value[inside]
    right, count = table.right, len(table.right)

    def loss(points: Floats) -> tuple[float, Floats]:
        weights, bias = points[:-1], points[-1]
        odds = bias + np.bincount(row, weights[item] * value, count)
        surprise = np.logaddexp(0.0, odds) - right * odds
        pull = np.where(used, 1 / (1 + np.exp(-odds)) - right, 0.0)
        slope = np.bincount(item, pull[row] * value, len(weights)) + RIDGE * weights
        return float(surprise[used].sum() + RIDGE / 2 * weights @ weights), np.append(slope, pull.sum())

    return lowest(loss, np.zeros(len(table.names) + 1))


def _named(table: _Table, points: Floats) -> tuple[dict[str, float], float]:
    found = zip(table.names, points[:-1].tolist(), strict=True)
    return {name: round(weight, DIGITS) for name, weight in found if abs(weight) >= LEAST_WEIGHT}, round(float(points[-1]), DIGITS)


Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class PassageReplay:
    """How a selector did on examples it was not learned from."""

    examples: int
    pieces: int
    recall: float | None
    recall_lower_bound: float | None
    fields_answerable: float | None
    """The share of fields with evidence of which at least one piece was sent."""
    sent: float
    microseconds_per_example: float


def replay_passages(file: PassageFile, examples: Sequence[Evidenced], clock: Clock) -> PassageReplay:
    """Choose the passages of every example and see which evidence they hold. `clock` tells nanoseconds."""
    began = clock()
    tried = [scores(features_of(passages_of(one.text)), file.weights, file.bias) for one in examples]
    spent = clock() - began
    recalls, sent = tried_at(examples, tried, file.threshold)
    answerable: list[bool] = []
    for one, found in zip(examples, tried, strict=True):
        taken = [passage for passage, chosen in zip(one.passages, chosen_by(found, file.threshold), strict=True) if chosen]
        fields = dict.fromkeys(name for name, _ in one.evidence)
        answerable += [any(is_covered(places, taken) for name, places in one.evidence if name == field) for field in fields]
    return PassageReplay(
        len(examples),
        sum(len(one.evidence) for one in examples),
        sum(recalls) / len(recalls) if recalls else None,
        bounded(recalls) if recalls else None,
        sum(answerable) / len(answerable) if answerable else None,
        sent,
        spent / 1000 / len(examples) if examples else 0.0,
    )
