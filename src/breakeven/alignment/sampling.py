"""Which past tasks are replayed: strata by cost, every task with a known chance, so that the sample speaks for the whole class.

Tasks are sorted by cost into strata of equal spend. Half of the sample goes to the strata in proportion to their tasks and half in
proportion to their spend, so that dear tasks are drawn more often and no task less than half as often as by a plain draw: its
weight is at most 2, but for rounding to whole tasks. The *propensity* of a task is its chance against that of a uniform draw of as
many.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

STRATA = 4


class Drawn(NamedTuple):
    """One task of the sample: its place among all tasks, and how likely it was drawn against a uniform draw."""

    place: int
    propensity: float


def sample(costs: Sequence[int], count: int, random: Random) -> list[Drawn]:
    """`count` tasks (all, where there are no more), in an order that says nothing about them. `costs` are of any one unit."""
    total = len(costs)
    if count >= total:
        order = list(range(total))
        random.shuffle(order)
        return [Drawn(place, 1.0) for place in order]
    strata = _strata(costs, min(STRATA, count))
    spend = sum(costs) or 1
    drawn: list[Drawn] = []
    for stratum, number in zip(strata, _divided(strata, costs, count, spend), strict=True):
        propensity = (number / len(stratum)) / (count / total)
        drawn += [Drawn(place, propensity) for place in random.sample(stratum, number)]
    random.shuffle(drawn)
    return drawn


def _strata(costs: Sequence[int], most: int) -> list[list[int]]:
    """Places by cost, cut where the spend of the cheaper ones passes each of `most` equal parts."""
    order = sorted(range(len(costs)), key=costs.__getitem__)
    spend = sum(costs)
    strata: list[list[int]] = [[]]
    passed = 0
    for place in order:
        if len(strata) < most and strata[-1] and spend and passed * most >= spend * len(strata):
            strata.append([])
        strata[-1].append(place)
        passed += costs[place]
    return strata


def _divided(strata: Sequence[Sequence[int]], costs: Sequence[int], count: int, spend: int) -> list[int]:
    """How many of each stratum: at least one, never more than there are, `count` together."""
    total = len(costs)
    wanted = [count * (len(stratum) / total + sum(costs[place] for place in stratum) / spend) / 2 for stratum in strata]
    numbers = [min(len(stratum), max(1, int(want))) for stratum, want in zip(strata, wanted, strict=True)]
    while (missing := count - sum(numbers)) != 0:
        step = 1 if missing > 0 else -1
        able = [at for at, stratum in enumerate(strata) if (numbers[at] < len(stratum) if step > 0 else numbers[at] > 1)]
        if not able:
            break
        most = max(able, key=lambda at: step * (wanted[at] - numbers[at]))
        numbers[most] += step
    return numbers
