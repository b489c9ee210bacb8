"""Compiling a handler from past examples.

The known answers are counted over all examples; the points are fitted in folds, so that every example is tried with rules it had no
part in; those tries make the expectation and the certificate; the points that are kept are then fitted to all examples.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import numpy as np

from breakeven.alignment.compiled.certificate import Certificate, ClassRecord
from breakeven.alignment.compiled.documents import Document
from breakeven.alignment.compiled.fields import NONE, Choice, FieldRules, Reading, best, candidates, prepare
from breakeven.alignment.compiled.fitting import Candidates, fit, tabulate
from breakeven.alignment.compiled.handler import Handler, unsureness_of
from breakeven.alignment.compiled.handler_file import RuleRow, to_file
from breakeven.alignment.compiled.layouts import Layouts
from breakeven.alignment.compiled.proposals import Proposals
from breakeven.alignment.compiled.recognition import Recogniser
from breakeven.alignment.compiled.shape import TaskShape
from breakeven.alignment.compiled.sources import SourceCounts, Sources
from breakeven.alignment.compiled.wording import agrees, answer_text, folded

FOLDS = 10
NAMED = 3
"""Examples named behind each rule."""
MOST_TRIED = 2000
"""So many examples, the first that are learned, are tried and fitted; past answers are counted over all."""


@dataclass(frozen=True, slots=True)
class Example:
    """One past input and its answer."""

    reading: Reading
    truth: Mapping[str, object]
    fold: int
    name: str


@dataclass(slots=True)
class FieldLearner:
    """One field in the making: its rules so far, and what need not be worked out again when more examples come."""

    name: str
    rules: FieldRules = field(default_factory=FieldRules)
    counts: SourceCounts = field(default_factory=SourceCounts)
    printed: list[Proposals] = field(default_factory=list)
    """What each tried example prints, by the present sources."""
    keys: list[str] = field(default_factory=list)
    proposals: list[Proposals] = field(default_factory=list)
    """All candidates of every tried example, as they were last fitted."""

    def learn(self, example: Example, *, tried: bool) -> None:
        """Count one example."""
        answer = example.truth.get(self.name)
        if tried:
            self.counts.add(example.reading.document, example.reading.anchors, answer, self.rules.known)
            self.keys.append(folded(answer_text(answer)))
        self.rules.known.learn(example.reading.anchors, answer)

    def compile(self, tried: Sequence[Example], floor: float) -> list[Choice | None]:
        """Fit the rules; returns what each tried example would have been answered by rules it had no part in."""
        self._choose_sources(self.counts.choose(self.rules.known.times))
        self.printed += [self.rules.propose_printed(example.reading) for example in tried[len(self.printed) :]]
        proposals = [found.copied() for found in self.printed]
        stood = self._remember_places(proposals, tried)
        for found, example, key, own in zip(proposals, tried, self.keys, stood, strict=True):
            self.rules.propose_recalled(example.reading, found, key, own)
        self.proposals = proposals
        folds = [example.fold for example in tried]
        self.rules.points, choices = _cross_fit(proposals, self.keys, folds, self.rules)
        self.rules.classes = ClassRecord()
        for choice, key in zip(choices, self.keys, strict=True):
            if choice is not None:
                self.rules.classes.add(choice.rule_class, choice.sureness, right=choice.key == key)
        self.rules.withdrawn = self.rules.classes.withdrawn(floor)
        return [self.rules.admitted(choice) for choice in choices]

    def explain(self, tried: Sequence[Example]) -> list[RuleRow]:
        """Every rule with the examples behind it, the weightiest first."""
        seen: Counter[str] = Counter()
        right: Counter[str] = Counter()
        names: dict[str, list[str]] = defaultdict(list)
        for found, key, example in zip(self.proposals, self.keys, tried, strict=True):
            carried = {item for proposal in found.values() for item in proposal.evidence if item in self.rules.points}
            seen.update(carried)
            by_right = carried & found[key].evidence.keys() if key in found else set()
            right.update(by_right)
            for item in by_right:
                if len(names[item]) < NAMED:
                    names[item].append(example.name)
        ordered = sorted(self.rules.points.items(), key=lambda rule: (-abs(rule[1]), rule[0]))
        return [RuleRow(item, points, seen[item], right[item], tuple(names[item])) for item, points in ordered]

    def _remember_places(self, proposals: Sequence[Proposals], tried: Sequence[Example]) -> list[frozenset[str]]:
        """Count by layout where the answers stood; returns what each example has contributed."""
        self.rules.places, self.rules.stood = {}, {}
        stood: list[frozenset[str]] = []
        for found, example, key in zip(proposals, tried, self.keys, strict=True):
            layout = example.reading.layout
            if layout is None or key not in found:
                stood.append(frozenset())
                continue
            places = ["", *found[key].evidence]
            stood.append(frozenset(places))
            self.rules.places.setdefault(layout, Counter()).update(places)
        return stood

    def _choose_sources(self, sources: Sources) -> None:
        if sources != self.rules.sources:
            self.rules.sources = sources
            self.printed = []


@dataclass(slots=True)
class Learner:
    """A handler in the making. Past answers count at once; `compile` fits and certifies the rules anew."""

    names: Sequence[str]
    floor: float
    aim: float
    random: Random
    fields: dict[str, FieldLearner] = field(init=False)
    layouts: Layouts = field(default_factory=Layouts)
    recogniser: Recogniser = field(default_factory=Recogniser)
    tried: list[Example] = field(default_factory=list)
    examples: int = 0

    def __post_init__(self) -> None:
        self.fields = {name: FieldLearner(name) for name in self.names}

    def learn(self, document: Document, truth: Mapping[str, object], name: str = "") -> None:
        """Count one example; the rules change at the next `compile`."""
        self.recogniser.learn(document)
        reading = prepare(document, self.layouts)
        reading = replace(reading, layout=self.layouts.learn(reading.anchors))
        example = Example(reading, truth, self.random.randrange(FOLDS), name)
        tried = len(self.tried) < MOST_TRIED
        for one in self.fields.values():
            one.learn(example, tried=tried)
        if tried:
            self.tried.append(example)
        self.examples += 1

    def compile(self) -> Handler:
        """The handler that the examples so far support; without evidence it declines everything."""
        choices = {name: one.compile(self.tried, self.floor) for name, one in self.fields.items()}
        self.recogniser.choose([example.reading.document for example in self.tried])
        certificate = Certificate(len(self.names), self.floor, self.aim)
        for number, example in enumerate(self.tried):
            tried = {name: chosen[number] for name, chosen in choices.items()}
            unsureness = unsureness_of(tried)
            if unsureness is not None:
                certificate.add(unsureness, right=all_right(tried, example.truth))
        return Handler(
            {name: one.rules for name, one in self.fields.items()}, certificate, self.layouts, self.recogniser, self.examples
        )

    def write(self, shape: TaskShape | None = None) -> tuple[Handler, bytes]:
        """The handler with its file, without the lines that tell nothing; those are forgotten before it is certified."""
        self.layouts.trim()
        for one in self.fields.values():
            one.rules.known.trim()
        handler = self.compile()
        return handler, to_file(handler, {name: one.explain(self.tried) for name, one in self.fields.items()}, shape)


def all_right(choices: Mapping[str, Choice | None], truth: Mapping[str, object]) -> bool:
    """Whether every field agrees with the past answer."""
    return all(choice is not None and agrees(choice.answer, truth.get(name)) for name, choice in choices.items())


def _cross_fit(
    proposals: Sequence[Proposals], keys: Sequence[str], folds: Sequence[int], rules: FieldRules
) -> tuple[dict[str, float], list[Choice | None]]:
    """The points from all examples, and every example's choice by points fitted without its fold."""
    elsewhere = rules.sources.elsewhere
    right = [key if key in found else NONE for found, key in zip(proposals, keys, strict=True)]
    usable = [number for number, key in enumerate(right) if elsewhere or key != NONE]
    table = tabulate([Candidates(candidates(proposals[number], elsewhere=elsewhere), right[number]) for number in usable])
    points = fit(table, rules.points)
    fold_of = np.array([folds[number] for number in usable])
    by_fold = [fit(table, points, without=np.flatnonzero(fold_of == fold)) for fold in range(FOLDS)]
    return points, [best(found, by_fold[fold], elsewhere=elsewhere) for found, fold in zip(proposals, folds, strict=True)]
