"""Alerts, beside the bookkeeper's other work: look now and then, remember what is crossed, let the couriers tell it.

A look costs a bounded part of the bookkeeper's time: the longer it took, the later the next one. Nothing is sent from here; what is
told is in the book (`alertbook.py`) before a courier (`couriers.py`) takes it. A fault here is said and never stops the bookkeeper.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from breakeven.errors import BreakevenError
from breakeven.governance.alerts import (
    Alert,
    AlertKind,
    BudgetStatus,
    Crossing,
    Projection,
    Reading,
    Turn,
    run_rate,
    told_together,
    turn,
)
from breakeven.ledger.layout import Layout
from breakeven.reports.alertfacts import Asked, gathered
from breakeven.reports.question import Facts
from breakeven.service.alertbook import FILE, AlertBook
from breakeven.service.couriers import Couriers
from breakeven.settings import Settings, load_settings
from breakeven.settings.alerts import alert_kind

SOON = frozenset({"unpriced", "gap"})
"""Kinds that are looked at right after a commit."""
SOON_SECONDS = 1.0
SELDOM = frozenset({"forecast"})
"""Kinds that read weeks of history, which changes slowly."""
SELDOM_SECONDS = 300.0
UNASKED_SECONDS = 300.0
"""While nothing is committed, imported or configured, only time passes, and a look now and then is enough."""
SETTLING_SECONDS = 30.0
"""Workers tell the budgets' accounts of a call a little later than the ledger."""
SHARE = 20
"""A look may take a twentieth of the time between looks."""
FAULT_SECONDS = 30.0

Statuses = Callable[[Settings, datetime], Sequence[BudgetStatus]]
"""How the accounts of all budgets stand at an instant (naive UTC)."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found: what it changes, every alert that is crossed now, and which sinks are told what."""

    turn: Turn
    crossed: Mapping[str, Alert]
    told: tuple[tuple[Alert, tuple[str, ...]], ...]


def look(asked: Asked, known: Mapping[str, Crossing], kinds: Sequence[AlertKind]) -> Look:
    """Evaluate the rules of these kinds. Crossings of other kinds stay; those of kinds without any rule are over."""
    rules = [(rule, kind) for rule in asked.rules if (kind := alert_kind(rule.when)) is not None and kind in kinds]
    facts = gathered(replace(asked, rules=tuple(rule for rule, _ in rules)))
    readings: list[Reading] = []
    routes: dict[str, tuple[str, ...]] = {}
    for rule, kind in rules:
        found = kind.evaluate(rule, facts, asked.at)
        readings += found
        for reading in found:
            if reading.state == "crossed":
                routes[reading.crossing] = (*routes.get(reading.crossing, ()), *rule.to)
    ruled, looked = {rule.when for rule in asked.rules}, {kind.name for kind in kinds}
    judged = {key: each for key, each in known.items() if each.kind in looked or each.kind not in ruled}
    complete = {kind.name for kind in kinds if kind.listed} | {each.kind for each in judged.values()} - ruled
    found_now = turn(judged, readings, complete, asked.at)
    crossed = {reading.crossing: reading.alert for reading in readings if reading.alert is not None}
    return Look(found_now, crossed, _told(found_now, routes, asked.at))


def _told(found: Turn, routes: Mapping[str, tuple[str, ...]], at: datetime) -> tuple[tuple[Alert, tuple[str, ...]], ...]:
    single, summaries = told_together(found.told, at)
    sinks = {alert.kind: routes.get(alert.crossing, ()) for alert in found.told}
    return (
        *((alert, routes.get(alert.crossing, ())) for alert in single),
        *((alert, sinks[alert.kind]) for alert in summaries),
    )


class Alerting:
    """Evaluates the rules of one ledger's configuration, and keeps couriers for its sinks."""

    def __init__(
        self,
        layout: Layout,
        config: Path | None,
        statuses: Statuses,
        project: Projection = run_rate,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._layout = layout
        self._config = config
        self._statuses = statuses
        self._project = project
        self._wall = wall
        self._settings = Settings()
        self._stamp: object = ("never read",)
        self._book: AlertBook | None = None
        self._couriers = Couriers(layout.root / FILE, os.environ, self._now)
        self._fresh = self._changed = True
        self._imported: object = None
        self._soon_at = self._next_at = self._seldom_at = self._staff_at = 0.0
        self._looked_at = self._settled_at = 0.0
        self._staffed: Settings | None = None
        self._said = ""

    def committed(self, now: float) -> None:
        """Facts have been committed: what is looked at soon after a commit is due."""
        self._fresh = self._changed = True
        self._settled_at = now + SETTLING_SECONDS

    def due(self, now: float) -> bool:
        """Whether a look is due. `now` is monotonic, in seconds."""
        if self._reread(now):
            self._changed = True
        if self._staffed is not self._settings and now >= self._staff_at:
            self._staff(now)
        if not self._settings.alerts.rules:
            return False
        if (imported := _stamp(self._layout.manifests)) != self._imported:
            self._imported, self._fresh, self._changed = imported, True, True
        return bool(self._kinds(now))

    def look(self, ledger: Facts, now: float) -> None:
        """One look at everything that is due. Faults are said and tried again later."""
        kinds = self._kinds(now)
        started = time.monotonic()
        try:
            self._look(ledger, kinds)
        except Exception as error:  # noqa: BLE001 - alerts are no reason to stop keeping the books
            self._say(f"alerts are looked at again in {FAULT_SECONDS:g} s: {error}")
            self._close_book()
            self._soon_at = self._next_at = self._seldom_at = now + FAULT_SECONDS
            return
        pause = SHARE * (time.monotonic() - started)
        names = {kind.name for kind in kinds}
        self._fresh, self._soon_at = False, now + max(SOON_SECONDS, pause)
        if names - SOON:
            self._changed, self._looked_at = False, now
            self._next_at = now + max(self._settings.alerts.every, pause)
        if names & SELDOM:
            self._seldom_at = now + max(SELDOM_SECONDS, pause)

    def wake(self) -> None:
        """Something was queued for a sink by somebody else."""
        self._couriers.wake()

    def close(self) -> None:
        """Let the couriers go; what they could not deliver waits in the book."""
        self._couriers.dismiss()
        self._close_book()

    def _kinds(self, now: float) -> list[AlertKind]:
        """The kinds that are due."""
        moving = self._changed or now < self._settled_at or now - self._looked_at >= UNASKED_SECONDS
        full = now >= self._next_at and moving
        soon = self._fresh and now >= self._soon_at
        return [
            kind
            for kind in self._settings.alerts.kinds()
            if (soon and kind.name in SOON) or (full and (kind.name not in SELDOM or now >= self._seldom_at))
        ]

    def _look(self, ledger: Facts, kinds: Sequence[AlertKind]) -> None:
        book = self._book = self._book or AlertBook(self._layout.root / FILE)
        at = self._now()
        statuses: Sequence[BudgetStatus] = ()
        if any(kind.reads in ("budgets", "forecasts") for kind in kinds):
            try:
                statuses = self._statuses(self._settings, at)
            except Exception as error:  # noqa: BLE001 - accounts that cannot be reached must not hide what the ledger knows
                self._say(f"budgets are not looked at for alerts: {error}")
                kinds = [kind for kind in kinds if kind.reads not in ("budgets", "forecasts")]
        asked = Asked(ledger, self._settings, self._settings.alerts.rules, at, statuses, self._project)
        found = look(asked, book.crossings(), kinds)
        if found.turn.opened or found.turn.closed:
            book.record(found.turn, found.told, at)
        if found.told:
            self._couriers.wake()

    def _reread(self, now: float) -> bool:
        """Whether the configuration has changed. A faulty one is said by those who serve; the last good one holds here."""
        stamp = None if self._config is None else _stamp(self._config)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._settings = load_settings(self._config)
        except BreakevenError as error:
            self._say(f"alerts keep their old rules: {error.what}")
        self._next_at = self._seldom_at = self._staff_at = now
        return True

    def _staff(self, now: float) -> None:
        """A courier for each sink that is configured; what waits for others is given up."""
        sinks, path = self._settings.alerts.sinks, self._layout.root / FILE
        try:
            if sinks or path.exists():
                self._book = self._book or AlertBook(path)
                self._book.abandon(tuple(sinks), self._now())
            self._couriers.employ(sinks)
        except Exception as error:  # noqa: BLE001 - alerts are no reason to stop keeping the books
            self._say(f"alerts are sent again in {FAULT_SECONDS:g} s: {error}")
            self._close_book()
            self._staff_at = now + FAULT_SECONDS
        else:
            self._staffed = self._settings

    def _close_book(self) -> None:
        book, self._book = self._book, None
        if book is not None:
            book.close()

    def _say(self, words: str) -> None:
        """Each new fault once, in the supervisor's log."""
        if words != self._said:
            self._said = words
            print(f"breakeven: {words}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC).replace(tzinfo=None)


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
