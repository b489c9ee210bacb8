"""Opening balances: what was spent on a budget before it was declared, or past the gateways, is read from the ledger.

The accounts know what their workers have spent themselves; everything else that a budget covers (earlier calls, imports, calls
counted by a store that was lost) is summed here, in SQL, and set as one figure per account, again whenever one of these
has changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from breakeven.accounts import open_books
from breakeven.errors import BreakevenError
from breakeven.governance.budgets import accounts_of
from breakeven.reports.drawn import drawn
from breakeven.service.governed import note
from breakeven.settings import Settings, load_settings

if TYPE_CHECKING:
    from breakeven.ledger.layout import Layout
    from breakeven.ledger.store import Ledger

LOOK_SECONDS = 1.0
IMPORTS_SECONDS = 60.0
"""How soon after an import its spending counts on budgets."""


class Openings:
    """Keeps the opening balances of all budgets true, beside the bookkeeper's other work."""

    def __init__(self, layout: Layout, config: Path | None, wall: Callable[[], float] = time.time) -> None:
        self._layout = layout
        self._config = config
        self._wall = wall
        self._looked_at = 0.0
        self._set_at = 0.0
        self._seen: object = None
        self._imported: object = None
        self._settings: tuple[object, Settings] | None = None

    def due(self, now: float) -> bool:
        """Whether balances may have changed: the configuration, the workers whose spending is counted, or what was imported."""
        if now - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = now
        if now - self._set_at >= IMPORTS_SECONDS and _imports(self._layout) != self._imported:
            return True
        return self._state() != self._seen

    def set(self, ledger: Ledger, now: float) -> None:
        """Sum what the ledger knows and set it. Everything that was written until now must have been committed."""
        state = self._state()
        self._set_at, self._imported = now, _imports(self._layout)
        settings = self._load()
        budgets = [each for each in settings.budgets if each.kind == "budget"]
        if budgets:
            books = open_books(settings.gateway.accounts, self._layout.root, os.environ)
            try:
                opened = books.generation()[1] >= books.opening_age
                workers = books.workers()
                name = ledger_name(self._layout)
                for budget in (kept for each in budgets for kept in accounts_of(each)):
                    books.set_outside(name, budget.identity, drawn(ledger, budget, self._wall(), besides=workers), opened=opened)
                books.prune()
            finally:
                books.close()
            state = self._state() if opened else None
        self._seen = state

    def _load(self) -> Settings:
        changed = None if self._config is None else _stamp(self._config)
        if self._settings is None or self._settings[0] != changed:
            self._settings = (changed, load_settings(self._config))
            note(self._settings[1], self._layout, self._config)
        return self._settings[1]

    def _state(self) -> object:
        """What balances follow from; equal states have equal balances."""
        try:
            settings = self._load()
            if not any(each.kind == "budget" for each in settings.budgets):
                return ("none",)
            books = open_books(settings.gateway.accounts, self._layout.root, os.environ)
            try:
                return (settings.budgets, books.workers(), books.opened(), books.generation()[0])
            finally:
                books.close()
        except BreakevenError:  # a faulty file or an unreachable store: the workers say so; here it is tried again
            return self._seen


def ledger_name(layout: Layout) -> str:
    """The id of a ledger, which tells its part of a balance from those of others."""
    return msgspec.json.decode(layout.identity.read_bytes(), type=_Identity).id


class _Identity(msgspec.Struct):
    id: str = "ledger"


def _imports(layout: Layout) -> Sequence[object]:
    """What changes with everything that is sealed."""
    try:
        return (layout.manifests.stat().st_mtime_ns,)
    except FileNotFoundError:
        return ()


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
