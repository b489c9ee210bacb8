"""How likely a passage is to be needed, from its words: a logistic regression that is read from data and summed in plain Python."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from breakeven.alignment.passages.splitting import Passage

NEIGHBOUR = 0.25
"""Which part of its neighbours' scores counts for a passage: a clause seldom ends where a passage does."""
LOWEST = -3.0
"""A neighbour pulls down no further than this."""
_FIRST, _LAST = 4, 3
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")


def features_of(passages: Sequence[Passage]) -> list[frozenset[str]]:
    """What is observed of each passage: its words, its pairs of words, whether it has digits, and where it stands."""
    found: list[frozenset[str]] = []
    for number, passage in enumerate(passages):
        words = _WORD.findall(passage.text.casefold())
        seen = {*words, *(f"{one} {other}" for one, other in pairwise(words)), f"passage {min(number, _FIRST)}"}
        if number >= len(passages) - _LAST:
            seen.add("near the end")
        if _DIGIT.search(passage.text):
            seen.add("has digits")
        found.append(frozenset(seen))
    return found


def scores(features: Sequence[frozenset[str]], weights: Mapping[str, float], bias: float) -> list[float]:
    """The log-odds that each passage is needed, with its neighbours' part."""
    return with_neighbours([bias + alone(seen, weights) for seen in features])


def alone(seen: frozenset[str], weights: Mapping[str, float]) -> float:
    """A passage's own score without the bias: the sum of its weights over the root of how many things were observed."""
    return math.fsum(weights[one] for one in seen if one in weights) / math.sqrt(len(seen) or 1)


def with_neighbours(own: Sequence[float]) -> list[float]:
    """Each score with the part of the one before and the one after; at an end the passage stands in for its missing neighbour."""
    raised = [max(each, LOWEST) for each in own]
    before, after = [*raised[:1], *raised[:-1]], [*raised[1:], *raised[-1:]]
    return [each + NEIGHBOUR * (one + other) for each, one, other in zip(own, before, after, strict=True)]
