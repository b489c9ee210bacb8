"""Replaying past examples through a handler in the making: how many it would have answered, and how many of those rightly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.certificate import AIM, FLOOR, lower_bound
from breakeven.alignment.compiled.learning import Learner
from breakeven.alignment.compiled.wording import agrees

if TYPE_CHECKING:
    from breakeven.alignment.compiled.documents import Document
    from breakeven.alignment.compiled.handler import Handler

FIRST_COMPILED = 24
"""Examples before rules are compiled for the first time."""
GROWTH = 10
"""Rules are compiled anew whenever the examples have grown by a tenth, and by four at least."""
_FEWEST_NEW = 4


@dataclass(frozen=True, slots=True)
class Past:
    """One past example: what it is called, how its input is read, and its answer."""

    name: str
    read: Callable[[], Document]
    truth: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One replayed example: whether it was answered, and which fields were right."""

    name: str
    answered: bool
    right: Mapping[str, bool]
    answer: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Replay:
    """The outcomes of a replay, and the time it took to answer."""

    outcomes: Sequence[Outcome]
    nanoseconds: int

    def figures(self) -> dict[str, float | int | None]:
        """The figures of the contract; agreement is None where nothing was answered."""
        answered = [one for one in self.outcomes if one.answered]
        whole = sum(all(one.right.values()) for one in answered)
        fields = [right for one in answered for right in one.right.values()]
        examples = len(self.outcomes)
        return {
            "examples": examples,
            "answered": len(answered),
            "coverage": len(answered) / examples if examples else None,
            "field_agreement": sum(fields) / len(fields) if fields else None,
            "agreement": whole / len(answered) if answered else None,
            "agreement_lower_bound": lower_bound(whole, len(answered)) if answered else None,
            "microseconds_per_example": self.nanoseconds / 1000 / examples if examples else None,
        }


def replay_stream(
    past: Sequence[Past], fields: Sequence[str], clock: Callable[[], int], seed: int, floor: float = FLOOR, aim: float = AIM
) -> Replay:
    """Answer the examples in a seeded random order, learning from each after it was answered (or declined).

    `clock` tells nanoseconds; only reading and answering are timed. A declined example would have gone to the model, whose recorded
    answer is learned from, and an answered one is checked against it: that is the checked share of live traffic, here all of it.
    """
    learner = Learner(fields, floor, aim, Random(seed))  # noqa: S311 - draws an order and folds, guards nothing
    handler: Handler | None = None
    due = FIRST_COMPILED
    outcomes: list[Outcome] = []
    spent = 0
    for one in shuffled(past, seed):
        began = clock()
        document = one.read()
        outcome = _answered(handler, document, one)
        spent += clock() - began
        outcomes.append(outcome)
        learner.learn(document, one.truth, one.name)
        if learner.examples >= due:
            handler = learner.compile()
            due = learner.examples + max(_FEWEST_NEW, learner.examples // GROWTH)
    return Replay(outcomes, spent)


def replay_halves(
    past: Sequence[Past], fields: Sequence[str], clock: Callable[[], int], seed: int, floor: float = FLOOR, aim: float = AIM
) -> Replay:
    """Learn from a seeded random half of the examples and answer the other half."""
    order = shuffled(past, seed)
    half = len(order) // 2
    learner = Learner(fields, floor, aim, Random(seed))  # noqa: S311 - draws folds, guards nothing
    for one in order[:half]:
        learner.learn(one.read(), one.truth, one.name)
    return replay_handler(order[half:], learner.compile(), clock)


def replay_handler(past: Sequence[Past], handler: Handler, clock: Callable[[], int]) -> Replay:
    """Answer the examples with a finished handler, learning nothing."""
    outcomes: list[Outcome] = []
    spent = 0
    for one in past:
        began = clock()
        outcome = _answered(handler, one.read(), one)
        spent += clock() - began
        outcomes.append(outcome)
    return Replay(outcomes, spent)


def shuffled(past: Sequence[Past], seed: int) -> list[Past]:
    """The examples in the seeded random order in which they arrive."""
    order = list(past)
    Random(seed).shuffle(order)  # noqa: S311 - an order, not a secret
    return order


def _answered(handler: Handler | None, document: Document, one: Past) -> Outcome:
    """What the handler says to one document, compared with the past answer."""
    if handler is None:
        return Outcome(one.name, answered=False, right={}, answer={})
    answer = handler.answer(document)
    right = {name: agrees(value, one.truth.get(name)) for name, value in answer.fields.items()}
    return Outcome(one.name, answer.answered, right, answer.fields)
