"""Policies that no single rung is: two cheap rungs that must agree, and a route that judges single tasks.

    cascade on a task  =  the answer of two cheap rungs where they say the same, else the dear rung's
    its loss           =  none where they differ; else what the cheaper of them loses
    its cost           =  both cheap answers  +  the dear one's where they differ

    route on a task    =  the cheap rung where its points are within the threshold, else the dear rung
    its loss and cost  =  those of the rung that answers

They are judged as rungs are: on the same replays, under the same error budget. Whether two cheap answers differ from each other
is known where one agrees with the dear rung's and the other does not, or where they were scored differently. Where both are worse,
it is not: then they count as agreeing for the loss, and as differing for the cost, so that neither is flattered. A route is judged
only by tasks that had no part in it (`ledger/routecandidates.py`). The dear rung's cost is the mean of the class's calls there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import combinations
from typing import Any

import numpy as np

from breakeven.alignment.audit import Evidence
from breakeven.economics.money import ATTO
from breakeven.ledger.routecandidates import Candidate, held_out
from breakeven.reports.auditfacts import MILLION, ClassKey, ClassSpend, Replayed, rank

FEWEST = 20
"""Tasks that both rungs, or the route, must have answered before a policy is a question at all."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task as one rung answered it: difference and score in millionths (no score: None), cost in dollars (unknown: None)."""

    difference: int
    score: int | None
    agreed: bool
    weight: float
    cost: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """The tasks of one class that one model rung has answered, by task, in the order in which they count."""

    rung: str
    model: str | None
    tested: str
    from_rung: str | None
    tasks: Mapping[str, Task]
    paired: bool
    slack: float
    scored_by: tuple[str, ...]
    templates: tuple[str, ...]
    last_at: datetime


def answered_of(row: Sequence[Any]) -> tuple[ClassKey, Answered]:
    """One row of `audit_tasks.sql`."""
    feature, task_class, rung, model, tested, from_rung, tasks, recorded, *lists = row[:13]
    differences, scores, agreed, propensities, costs, paired = (*lists, row[13])[:6]
    found = {
        task: Task(difference, None if score < 0 else score, same, 1 / float(chance), None if cost < 0 else float(cost), at)
        for task, at, difference, score, same, chance, cost in zip(
            tasks, recorded, differences, scores, agreed, propensities, costs, strict=True
        )
    }
    scored_by, templates = (tuple(name for name in names if name) for names in row[15:17])
    one = Answered(rung, model, tested, from_rung, found, bool(paired), float(row[14]), scored_by, templates, row[17])
    return (feature, task_class), one


def composed(
    rungs: Mapping[ClassKey, Sequence[Answered]],
    spend: Mapping[ClassKey, ClassSpend],
    margins: Mapping[ClassKey, float],
    candidates: Sequence[Candidate],
) -> dict[ClassKey, list[Replayed]]:
    """Every cascade and every route that the replays can judge, by class."""
    found: dict[ClassKey, list[Replayed]] = defaultdict(list)
    for key, answered in rungs.items():
        paid = spend.get(key, ClassSpend())
        for one in (*_cascades(answered, paid, margins[key]), *_routes(key[0], answered, paid, margins[key], candidates)):
            found[key].append(one)
    return found


def _cascades(answered: Sequence[Answered], spend: ClassSpend, margin: float) -> Iterator[Replayed]:
    for first, second in combinations(sorted(answered, key=lambda one: (rank(one.rung), one.rung)), 2):
        both = sorted(first.tasks.keys() & second.tasks.keys(), key=lambda task: _order(task, first, second))
        dear = _dear_cost(spend, second)
        if len(both) < FEWEST or dear is None:
            continue
        pairs = [(first.tasks[task], second.tasks[task]) for task in both]
        differ = [_differ(a, b) for a, b in pairs]
        worse = [not apart and a.difference < 0 for (a, _), apart in zip(pairs, differ, strict=True)]
        costs = [
            None if a.cost is None or b.cost is None else a.cost + b.cost + (dear if apart or doubtful else 0.0)
            for (a, b), apart, doubtful in zip(pairs, differ, worse, strict=True)
        ]
        yield _replayed(
            f"{first.rung} + {second.rung}", "cascade", (first, second), margin,
            [0 if apart else a.difference for (a, _), apart in zip(pairs, differ, strict=True)],
            [apart or a.agreed for (a, _), apart in zip(pairs, differ, strict=True)],
            [(a.weight * b.weight) ** 0.5 for a, b in pairs], costs, [not apart for apart in differ],
        )  # fmt: skip


def _differ(ours: Task, theirs: Task) -> bool:
    """Whether two cheap answers are known to differ from each other."""
    return ours.agreed != theirs.agreed or ours.score != theirs.score


def _order(task: str, first: Answered, second: Answered) -> tuple[datetime, bytes]:
    """A pair counts from when the later of its two answers was there; among equals by a hash, so that outcomes move nothing."""
    return max(first.tasks[task].at, second.tasks[task].at), blake2b(task.encode(), digest_size=8).digest()


def _routes(
    feature: str | None, answered: Sequence[Answered], spend: ClassSpend, margin: float, candidates: Sequence[Candidate]
) -> Iterator[Replayed]:
    by_rung = {(one.rung, one.tested): one for one in answered}
    for candidate in candidates:
        one = by_rung.get((candidate.rung, candidate.tested))
        if candidate.feature != feature or candidate.threshold is None or one is None:
            continue
        tasks = [(task, name) for name, task in one.tasks.items() if held_out(name) and name in candidate.points]
        dear = _dear_cost(spend, one)
        if len(tasks) < FEWEST or dear is None:
            continue
        sent = [candidate.points[name] <= candidate.threshold for _, name in tasks]
        yield _replayed(
            f"route to {one.rung}", "route", (one,), margin,
            [task.difference if goes else 0 for (task, _), goes in zip(tasks, sent, strict=True)],
            [task.agreed or not goes for (task, _), goes in zip(tasks, sent, strict=True)],
            [task.weight for task, _ in tasks],
            [task.cost if goes else dear for (task, _), goes in zip(tasks, sent, strict=True)], sent,
        )  # fmt: skip


def _dear_cost(spend: ClassSpend, cheap: Answered) -> float | None:
    """What a call of the class costs on the rungs above, in dollars; None where there is none."""
    calls, cost = spend.above(cheap.rung, cheap.model)
    return cost / calls / ATTO if calls else None


def _replayed(  # noqa: PLR0913, PLR0917 - what a policy is judged by
    name: str, by: str, members: Sequence[Answered], margin: float, differences: Sequence[int], agreed: Sequence[bool],
    weights: Sequence[float], costs: Sequence[float | None], moved: Sequence[bool],
) -> Replayed:  # fmt: skip
    known = [(cost, weight) for cost, weight in zip(costs, weights, strict=True) if cost is not None]
    total = sum(weight for _, weight in known)
    mean = sum(cost * weight for cost, weight in known) / total if known else None
    spread = float(np.std([cost for cost, _ in known], ddof=1)) if len(known) > 1 else 0.0
    kept = [set(one.templates) for one in members if one.templates]
    return Replayed(
        rung=name,
        model=members[0].model,
        tested=" + ".join(one.tested for one in members),
        from_rung=members[0].from_rung,
        evidence=Evidence(
            differences=np.array(differences, dtype=np.float64) / MILLION,
            agreed=np.array(agreed, dtype=np.bool_),
            weights=np.array(weights, dtype=np.float64),
            margin=margin,
            paired=all(one.paired for one in members),
            slack=max(one.slack for one in members),
        ),
        mean_cost=mean,
        cost_error=spread / len(known) ** 0.5 if known else 0.0,
        scored_by=tuple(sorted({scorer for one in members for scorer in one.scored_by})),
        templates=tuple(sorted(set.intersection(*kept))) if kept else (),
        last_at=max(one.last_at for one in members),
        agreed=sum(agreed),
        by=by,
        members=tuple((one.rung, one.model) for one in members),
        moved=sum(weight for weight, goes in zip(weights, moved, strict=True) if goes) / sum(weights),
    )
