"""The invented firm's replays: past contract tasks answered again on a cheaper rung, with the planted agreement. All invented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

import numpy as np

from breakeven.sample.traffic import month_start
from breakeven.sample.truth import CONTRACTS, OCTOBER, TASK_CLASSES, TaskClass

REPLAY_COLUMNS = (
    "id", "time", "feature", "class", "from_rung", "from_model", "to_rung", "to_model", "agreed", "cost", "scored_by",
)  # fmt: skip
_AGREED = REPLAY_COLUMNS.index("agreed")
_STRONG = "gpt-5.5-pro"
_TRIED = {"small": "gpt-5.4-mini", "mid": "gpt-5.6-sol", "handler": "contract-headers"}
_SPREAD = 0.35
"""How far the cost of single replays is spread about its planted mean."""
_NANO = Decimal("0.000000001")


Row = Sequence[object]
WITH_BODIES = {"clause lookup": (3, 6), "header fields": (0, 4)}
"""Of how many replays of a class that disagreed, and that agreed, both answers are kept (`replaybodies.py`)."""


def replays(seed: int) -> Iterator[Row]:
    """One row a replay, in the order in which they were made in the last days of October; without those that have bodies."""
    return (row for row, has_bodies in _all(seed) if not has_bodies)


def replays_with_bodies(seed: int) -> Iterator[Row]:
    """The replays of which both answers are kept, as rows alike: they need a call of the ledger, which no file can name."""
    return (row for row, has_bodies in _all(seed) if has_bodies)


def _all(seed: int) -> Iterator[tuple[Row, bool]]:
    random = np.random.default_rng(seed + 1)
    for number, item in enumerate(TASK_CLASSES):
        missing = dict(zip(("false", "true"), WITH_BODIES.get(item.name, (0, 0)), strict=True))
        for row in _of_class(number, item, random):
            agreed = str(row[_AGREED])
            yield row, missing[agreed] > 0
            missing[agreed] -= 1


def _of_class(number: int, item: TaskClass, random: np.random.Generator) -> Iterator[Row]:
    rung = item.enough if item.enough in ("small", "handler") else "mid"
    agreed = random.permutation(np.arange(item.replayed) < item.agreed)
    factors = random.lognormal(0.0, _SPREAD, item.replayed)
    factors /= factors.mean()  # the mean is the planted one, whatever the seed
    mean = Decimal(_cheap_cost(item)) / item.calls
    started = month_start(OCTOBER) + timedelta(days=24 + number)
    for index in range(item.replayed):
        at = started + timedelta(seconds=20 * index)
        cost = (mean * Decimal(repr(float(factors[index])))).quantize(_NANO)
        scorer = "exact" if rung == "handler" else "json"
        yield (
            f"replay-{number}-{index:05d}", f"{at:%Y-%m-%dT%H:%M:%SZ}", CONTRACTS, item.name,
            "frontier", _STRONG, rung, _TRIED[rung], str(bool(agreed[index])).lower(), cost, scorer,
        )  # fmt: skip


def _cheap_cost(item: TaskClass) -> int:
    """What all of October's calls of the class would cost on the rung that was tried, in dollars."""
    return item.spend - item.worth_per_month if item.worth_per_month else item.spend // 2
