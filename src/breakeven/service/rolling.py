"""Rollouts go on, or back: the bookkeeper counts their checks, widens, rolls back, and notes every step in the decisions log."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from breakeven.alignment.rollout import Plan, State, Step, advanced, words
from breakeven.errors import BreakevenError
from breakeven.governance.decisions import Decision
from breakeven.ledger import Ledger
from breakeven.ledger.decisions import append
from breakeven.ledger.layout import Layout
from breakeven.ledger.rollouts import Standing, read, write
from breakeven.reports.question import statement
from breakeven.settings import load_settings

IDLE_SECONDS = 10.0
_FIRST_ID = "00000000-0000-0000-0000-000000000000"
_MILLION = 1_000_000


class Rolling:
    """Counts the checks of the rollouts that the configuration declares, beside the bookkeeper's other work."""

    def __init__(self, layout: Layout, config: Path | None) -> None:
        self._layout = layout
        self._config = config
        self._next = 0.0
        self._read_at = -1.0
        self._plans: tuple[Plan, ...] = ()

    def due(self, now: float) -> bool:
        """Whether the database is wanted although nothing was committed: a rollout is new, or may have expired."""
        if now < self._next:
            return False
        if self._declared():
            return True
        self._next = now + IDLE_SECONDS
        return False

    def look(self, ledger: Ledger, now: float, *, new: bool) -> int:
        """Count where checks are new or it is time; returns how many steps were taken. `now` is monotonic, in seconds."""
        if not new and now < self._next:
            return 0
        self._next = now + IDLE_SECONDS
        plans = self._declared()
        return count(ledger, plans, datetime.now(UTC).replace(tzinfo=None)) if plans else 0

    def _declared(self) -> tuple[Plan, ...]:
        """The rollouts of the configuration, read again where the file has changed; while it cannot be read, those before."""
        if self._config is None:
            return ()
        with suppress(OSError, BreakevenError):
            changed = self._config.stat().st_mtime
            if changed != self._read_at:
                settings = load_settings(self._config)
                self._plans = tuple(plan for feature in settings.features.values() for plan in feature.rollouts)
                self._read_at = changed
        return self._plans


def count(ledger: Ledger, plans: tuple[Plan, ...], now: datetime) -> int:
    """Bring every rollout up to its last check. A crash between note and state repeats a note, and never leaves one out."""
    standings = read(ledger.layout)
    steps: list[tuple[Plan, Step]] = []
    after = dict(standings)
    for plan in plans:
        standing, taken = _counted(ledger, plan, standings.get(plan.id), now)
        after[plan.id] = standing
        steps += [(plan, step) for step in taken]
    if steps:
        append(ledger.layout, *(_decision(plan, step, now) for plan, step in steps))
    if after != standings:
        write(ledger.layout, after)
    return len(steps)


def _counted(ledger: Ledger, plan: Plan, known: Standing | None, now: datetime) -> tuple[Standing, list[Step]]:
    begun = [] if known is not None else [Step("not running", words(plan, State()), "it is declared")]
    standing = known or Standing(State(), now.isoformat())
    rows = ledger.query(
        statement("rollout_checks"),
        {
            "feature": plan.feature,
            "task_class": plan.task_class,
            "to": plan.to,
            "since": standing.since,
            "seen_at": standing.seen_at or standing.since,
            "seen_id": standing.seen_id or _FIRST_ID,
        },
    )
    tested = rows[-1][1] if rows else None
    state, steps = advanced(plan, standing.state, [row[0] / _MILLION for row in rows], now, tested)
    seen = (rows[-1][2].isoformat(), rows[-1][3]) if rows else (standing.seen_at, standing.seen_id)
    return Standing(state, standing.since, *seen), [*begun, *steps]


def _decision(plan: Plan, step: Step, now: datetime) -> Decision:
    return Decision(
        at=now.isoformat(timespec="microseconds") + "Z",
        actor="bookkeeper",
        role="",
        action="roll out",
        subject=f"rollout {plan.id}",
        before=step.before,
        after=step.after,
        why=step.why,
        origin="the evidence of its checks",
    )
