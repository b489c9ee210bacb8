"""Rollouts as calls meet them: which share a class's cheaper rung has now, and which calls it is given.

The bookkeeper decides and writes down how each stands; a worker reads that again when the file has changed, at most once a second.
What the file does not name has no share yet; while it cannot be read, nothing is moved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from breakeven.alignment.comparing import SaysTheSame
from breakeven.errors import BreakevenError
from breakeven.gateway.handling import draw
from breakeven.ledger import rollouts
from breakeven.settings.ladders import CACHE

if TYPE_CHECKING:
    from breakeven.alignment.checks import Checks
    from breakeven.alignment.rollout import Plan
    from breakeven.gateway.call import Call
    from breakeven.gateway.climbing import Climb
    from breakeven.gateway.rungs import Rungs
    from breakeven.ledger.layout import Layout
    from breakeven.settings.ladders import Rung

READ_SECONDS = 1.0


class Rolling:
    """How the rollouts stand, as last read. `now` is monotonic, in seconds."""

    def __init__(self, layout: Layout, now: Callable[[], float] = time.monotonic) -> None:
        self._layout = layout
        self._now = now
        self._next = -READ_SECONDS
        self._changed = -1.0
        self._standings: Mapping[str, rollouts.Standing] = {}

    def share(self, plan: Plan) -> float:
        """The share of the class's calls that the cheaper rung gets now."""
        now = self._now()
        if now >= self._next:
            self._next = now + READ_SECONDS
            self._read()
        standing = self._standings.get(plan.id)
        return 0.0 if standing is None else standing.state.share(plan)

    def _read(self) -> None:
        try:
            changed = (self._layout.root / rollouts.FILE).stat().st_mtime
            if changed != self._changed:
                self._standings = rollouts.read(self._layout)
                self._changed = changed
        except (OSError, BreakevenError):
            self._standings = {}
            self._changed = -1.0


@dataclass(slots=True)
class Move:
    """One call that is moved: to which rung, who has to say the same, and whether the dear rung is still to be asked besides."""

    plan: Plan
    rung: Rung
    second: Rung | None
    due: bool

    def checks(self, own: Checks) -> Checks:
        """What the cheaper rung's answer has to pass: what the ladder asks, and that the second rung says the same."""
        return own if self.second is None else replace(own, agreement=SaysTheSame(self.second.name))


def moved(
    call: Call, rungs: Rungs, rolling: Rolling | None, usual: list[Rung], climb: Climb
) -> tuple[list[Rung], Move | None, list[str]]:
    """The rungs that a call tries, whether it is moved to a cheaper one, and what is to be told about that."""
    found = rungs.rolled(climb.task_class or call.attribution.workflow, climb.template)
    if found is None or rolling is None:
        return usual, None, []
    plan, rung = found
    drawn = draw(f"{call.id}:{plan.id}") < rolling.share(plan)
    goes, why = rungs.goes(plan, climb.task) if drawn else (False, "")
    told = [f"route of {plan.task_class}: {why}"] if why else []
    goes, way = path(usual, rung, goes)
    if not goes:
        return way, None, told
    told.append(f"rollout of {plan.task_class} to {rung.name}")
    return way, Move(plan, rung, rungs.second(plan), draw(f"{call.id}:{plan.id}:check") < plan.checked), told


def path(usual: Sequence[Rung], rung: Rung, moved: bool) -> tuple[bool, list[Rung]]:  # noqa: FBT001 - where the call's draw fell
    """Whether a call is moved, and the rungs it tries: the cheaper one before the models, or not at all."""
    rest = [each for each in usual if each.name != rung.name]
    if not moved:
        return False, rest
    before = [each for each in rest if each.kind == CACHE or (rung.kind == "model" and each.kind != "model")]
    return True, [*before, rung, *(each for each in rest if each not in before)]
