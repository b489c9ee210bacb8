"""The series of a forecast's rows and the outlook on each: the dearest groups by themselves, the smallest together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from breakeven.economics.forecast import WEEK
from breakeven.economics.outlook import Outlook, outlook, summed
from breakeven.reports.history import DAY, Floats, History, Key
from breakeven.reports.pricechanges import Repriced
from breakeven.reports.question import Question

MOST_GROUPS = 12
"""More groups than these are forecast together as `All others`."""
LATELY_DAYS = 56
OTHERS = "All others"


@dataclass(frozen=True, slots=True)
class Group:
    """One row's series of cost, and the outlook on its cost and value; None where fewer than two days are known.

    `plain` is the cumulated cost forecast before known price changes.
    """

    label: str
    kind: str
    keys: tuple[Key, ...]
    series: Floats
    cost: Outlook | None
    value: Outlook | None
    plain: Floats | None

    def price_effect(self, start: int, end: int) -> float | None:
        """By which share known price changes raise the cost of steps start+1 … end; None where there is none."""
        if self.cost is None or self.plain is None or end <= start or self.plain is self.cost.point:
            return None
        sums = [float(path[end - 1] - (path[start - 1] if start else 0.0)) for path in (self.cost.point, self.plain)]
        return sums[0] / sums[1] - 1 if sums[1] > 0 and sums[0] != sums[1] else None


def groups_of(question: Question, known: History, effects: Repriced, horizon: int) -> list[Group]:
    """The rows that have something lately or in the period."""
    return [_group(label, kind, keys, known, effects, horizon) for label, kind, keys in _named(question, known)]


def _named(question: Question, known: History) -> list[tuple[str, str, tuple[Key, ...]]]:
    """The dearest first, nobody's last, the smallest together."""
    start = min(known.origin - LATELY_DAYS * DAY, question.period.start)
    end = known.origin + DAY
    spent = {key: known.within(known.cost, [key], start, end) for key in {**known.cost, **known.value}}
    active = [key for key in spent if spent[key] or known.within(known.value, [key], start, end)]
    keys = sorted(active, key=lambda key: (_nobody(key), -spent[key], str(key)))
    own, rest = (keys, ()) if len(keys) <= MOST_GROUPS + 1 else (keys[:MOST_GROUPS], tuple(keys[MOST_GROUPS:]))
    named: list[tuple[str, str, tuple[Key, ...]]] = [
        (_label(key, question.by), "unattributed" if _nobody(key) else "group", (key,)) for key in own
    ]
    return [*named, (OTHERS, "others", rest)] if rest else named


def _nobody(key: Key) -> bool:
    return all(part is None for part in key)


def _label(key: Key, by: Sequence[str]) -> str:
    if _nobody(key):
        return "Unattributed" if by == ("feature",) else f"No {by[0]}"
    return " · ".join(part if part is not None else f"no {name}" for part, name in zip(key, by, strict=True))


def _group(label: str, kind: str, keys: tuple[Key, ...], known: History, effects: Repriced, horizon: int) -> Group:
    series = known.series(known.cost, keys)
    added = [effects.past[key] for key in keys if key in effects.past]
    if added and len(series):
        series = (series + np.sum(added, axis=0)[-len(series) :]).clip(min=0.0)
    factor = effects.ahead.get(keys[0]) if len(keys) == 1 else None
    earned = known.series(known.value, keys)
    cost = outlook(series, horizon, WEEK, factor)
    plain = None if cost is None else cost.point if factor is None else np.cumsum(np.diff(cost.point, prepend=0.0) / factor)
    return Group(label, kind, keys, series, cost, outlook(earned, horizon, WEEK), plain)


def whole_of(groups: Sequence[Group], known: History) -> Group:
    """The total: its point is the sum of the groups' points."""
    costs = [group.cost for group in groups if group.cost is not None]
    values = [group.value for group in groups if group.value is not None]
    cost = summed(costs) if costs else None
    changed = any(group.plain is not None and group.cost is not None and group.plain is not group.cost.point for group in groups)
    plain = np.sum([group.plain for group in groups if group.plain is not None], axis=0) if changed else None
    keys = tuple(key for group in groups for key in group.keys)
    series = known.series(known.cost, keys)
    return Group("Total", "total", keys, series, cost, summed(values) if values else None, plain)
