"""Rollouts as calls meet them: which share a class's cheaper rung has now, and the facts of their checks.

The bookkeeper decides and writes down how each stands; a worker reads that again when the file has changed, at most once a second.
What the file does not name has no share yet; while it cannot be read, nothing is moved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from breakeven.alignment.comparing import SaysTheSame, agree
from breakeven.alignment.task import Reply
from breakeven.errors import BreakevenError
from breakeven.gateway.asides import Aside
from breakeven.gateway.facts import named_id
from breakeven.gateway.handling import draw
from breakeven.ledger import rollouts
from breakeven.settings.ladders import CACHE

if TYPE_CHECKING:
    from breakeven.alignment.checks import Checks
    from breakeven.alignment.rollout import Plan
    from breakeven.gateway.application import Application
    from breakeven.gateway.call import Call
    from breakeven.gateway.climbing import Climb
    from breakeven.gateway.replies import Said
    from breakeven.gateway.rungs import Rungs
    from breakeven.gateway.targets import Target
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


def ask_dear(  # noqa: PLR0917 - what one check is made of
    call: Call,
    application: Application,
    plan: Plan,
    rung: Rung,
    dear: Rung,
    targets: tuple[Target, ...],
    answer: Reply,
    template: str | None,
) -> None:
    """Ask the dear rung what the cheaper one has answered, off the caller's path, and write down whether they say the same."""

    def heard(said: Said | None, why: str) -> None:
        del why
        if said is None or not said.complete or said.more:
            return
        agreed = agree(answer, Reply(said.text))
        at = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        application.metrics.add("rollout_checks", 1, (("rung", rung.name), ("agreed", "yes" if agreed else "no")))
        line = check_line(call, plan, rung, dear, at, agreed=agreed, template=template)
        application.recorder.keep(line, 1, lambda _kept: None)

    Aside(call, application, targets, call.request, call.hints, dear.name, 0.0, heard).ask_apart()


def check_line(call: Call, plan: Plan, rung: Rung, dear: Rung, recorded_at: str, *, agreed: bool, template: str | None) -> bytes:
    """The fact of one check: the caller's answer, of the cheaper rung, says the same as the dear one's or not."""
    row = {
        "fact": "replays",
        "replay_id": named_id(f"check:{call.id}:{plan.id}"),
        "recorded_at": recorded_at,
        "occurred_at": recorded_at,
        "feature": plan.feature,
        "task_class": plan.task_class,
        "call_id": call.id,
        "from_rung": dear.name,
        "from_model": dear.model,
        "to_rung": plan.to,
        "to_model": rung.model or rung.handler,
        "agreed": agreed,
        "scored_by": "agreement",
        "kind": "check",
        "template": template,
        "source": "gateway:check",
    }
    return msgspec.json.encode(row) + b"\n"
