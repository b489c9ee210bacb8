"""Rollouts go on, or back: the bookkeeper counts their checks, widens, rolls back, and notes every step in the decisions log."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from breakeven.alignment.rollout import ENDED, Plan, State, Step, advanced, words
from breakeven.errors import BreakevenError
from breakeven.governance.decisions import Decision
from breakeven.ledger import Ledger
from breakeven.ledger.decisions import append
from breakeven.ledger.layout import Layout
from breakeven.ledger.rollouts import FILE, Standing, read, write
from breakeven.reports.question import statement
from breakeven.settings import load_settings
from breakeven.settings.rollouts import tested_of

IDLE_SECONDS = 10.0
_FIRST_ID = "00000000-0000-0000-0000-000000000000"
_MILLION = 1_000_000
_LOOK_BACK = timedelta(hours=1)
_MOST_PROMPTS = 50
"""A class whose every call has a prompt of its own would fill the decisions log."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A rollout as the configuration has it, and what its rung is there now (None: it has no such rung)."""

    plan: Plan
    tested: str | None = None


class Rolling:
    """Counts the checks of the rollouts that the configuration declares, beside the bookkeeper's other work."""

    def __init__(self, layout: Layout, config: Path | None) -> None:
        self._layout = layout
        self._config = config
        self._next = 0.0
        self._read_at = -1.0
        self._plans: tuple[Declared, ...] = ()

    def due(self, now: float) -> bool:
        """Whether the database is wanted although nothing was committed: a rollout is new, or may have expired."""
        if now < self._next:
            return False
        if self._declared() or self._forgotten():
            return True
        self._next = now + IDLE_SECONDS
        return False

    def look(self, ledger: Ledger, now: float, *, new: bool) -> int:
        """Count where checks are new or it is time; returns how many steps were taken. `now` is monotonic, in seconds."""
        if not new and now < self._next:
            return 0
        self._next = now + IDLE_SECONDS
        plans = self._declared()
        return count(ledger, plans, datetime.now(UTC).replace(tzinfo=None)) if plans or self._forgotten() else 0

    def _declared(self) -> tuple[Declared, ...]:
        """The rollouts of the configuration, read again where the file has changed; while it cannot be read, those before."""
        if self._config is None:
            return ()
        with suppress(OSError, BreakevenError):
            changed = self._config.stat().st_mtime
            if changed != self._read_at:
                settings = load_settings(self._config)
                self._plans = tuple(
                    Declared(plan, tested_of(plan, feature.ladder))
                    for feature in settings.features.values()
                    for plan in feature.rollouts
                )
                self._read_at = changed
        return self._plans

    def _forgotten(self) -> bool:
        """Whether all rollouts were taken out of the file that was read, and some are still noted as standing."""
        return self._read_at >= 0 and not self._plans and (self._layout.root / FILE).is_file() and bool(read(self._layout))


def count(ledger: Ledger, plans: Sequence[Declared], now: datetime) -> int:
    """Bring every rollout up to its last check. A crash between note and state repeats a note, and never leaves one out.

    A rollout that was taken out of the file is forgotten: written there again, it begins anew.
    """
    standings = read(ledger.layout)
    steps: list[tuple[str, Step]] = []
    after: dict[str, Standing] = {}
    for one in plans:
        standing, taken = _counted(ledger, one, standings.get(one.plan.id), now)
        after[one.plan.id] = standing
        steps += [(one.plan.id, step) for step in taken]
    gone = Step("declared", "not declared", "it was taken out of the configuration")
    steps += [(name, gone) for name in standings if name not in after]
    if steps:
        append(ledger.layout, *(_decision(name, step, now) for name, step in steps))
    if after != standings:
        write(ledger.layout, after)
    return len(steps)


def _counted(ledger: Ledger, one: Declared, known: Standing | None, now: datetime) -> tuple[Standing, list[Step]]:
    plan = one.plan
    standing, begun = known or Standing(State(), now.isoformat()), list[Step]()
    if known is None:
        begun = [Step("not running", words(plan, State()), "it is declared")]
    elif known.state.status in ENDED and known.certificate != plan.certificate:
        standing = Standing(State(), now.isoformat())
        begun = [Step(known.state.status, words(plan, State()), "it is declared with another certificate")]
    rows = ledger.query(
        statement("rollout_checks"),
        {
            "feature": plan.feature,
            "task_class": plan.task_class,
            "to": plan.to,
            "model": plan.model,
            "since": standing.since,
            "seen_at": standing.seen_at or standing.since,
            "seen_id": standing.seen_id or _FIRST_ID,
        },
    )
    state, steps = advanced(plan, standing.state, [row[0] / _MILLION for row in rows], now, one.tested)
    seen_at, seen_id = (rows[-1][1].isoformat(), rows[-1][2]) if rows else (standing.seen_at, standing.seen_id)
    untested, told = _untested(ledger, plan, state, standing, now)
    return Standing(state, standing.since, seen_at, seen_id, plan.certificate, untested), [*begun, *steps, *told]


def _untested(ledger: Ledger, plan: Plan, state: State, standing: Standing, now: datetime) -> tuple[tuple[str, ...], list[Step]]:
    """Prompts of the class that were not tested, each noted once: calls with them are not moved."""
    if not plan.templates or state.status in ENDED:
        return standing.untested, []
    since = max(datetime.fromisoformat(standing.since), now - _LOOK_BACK)
    asked = {"feature": plan.feature, "task_class": plan.task_class, "since": since, "tested": list(plan.templates)}
    found = [str(row[0]) for row in ledger.query(statement("rollout_untested"), asked)]
    fresh = [name for name in found if name not in standing.untested][: _MOST_PROMPTS - len(standing.untested)]
    why = "its calls come with a prompt that was not tested; they stay where they are until replays prove it (breakeven audit run)"
    steps = [Step(words(plan, state), f"{words(plan, state)}, prompt {name} stays", why) for name in fresh]
    return (*standing.untested, *fresh), steps


def _decision(name: str, step: Step, now: datetime) -> Decision:
    return Decision(
        at=now.isoformat(timespec="microseconds") + "Z",
        actor="bookkeeper",
        role="",
        action="roll out",
        subject=f"rollout {name}",
        before=step.before,
        after=step.after,
        why=step.why,
        origin="the evidence of its checks",
    )
