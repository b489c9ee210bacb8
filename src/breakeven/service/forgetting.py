"""The end of what is kept: bodies by their features' charters, several times an hour; calls by `privacy`, a few times a day."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.economics.money import digits
from breakeven.errors import BreakevenError, LedgerLocked
from breakeven.governance.decisions import Decision
from breakeven.governance.privacy import Privacy
from breakeven.ledger.captures import FOLDER, sweep
from breakeven.ledger.decisions import append
from breakeven.ledger.retaining import retain_calls
from breakeven.settings import load_settings

if TYPE_CHECKING:
    from breakeven.ledger.layout import Layout

SWEEP_SECONDS = 600.0
FIRST_SECONDS = 60.0
"""Old calls are not looked at while everything starts."""
RETAIN_SECONDS = 6 * 3600.0
_AGAIN_SECONDS = 300.0


class Forgetting:
    """Takes out kept bodies whose time is over, beside the bookkeeper's other work."""

    def __init__(self, layout: Layout, config: Path | None) -> None:
        self._layout = layout
        self._config = config
        self._next = 0.0
        self._retain_at: float | None = None

    def look(self, now: float) -> int:
        """Sweep where it is time; returns how many exchanges went. `now` is monotonic, in seconds.

        While the configuration cannot be read the times noted with the exchanges hold.
        """
        if now < self._next or not (self._layout.root / FOLDER).is_dir():
            return 0
        self._next = now + SWEEP_SECONDS
        return sweep(self._layout, self._retentions(), datetime.now(UTC).replace(tzinfo=None))

    def calls_if_due(self, now: float, let_go: Callable[[], None]) -> None:
        """Drop and roll up where it is time; `let_go` closes the database before."""
        if self.calls_due(now):
            let_go()
            self.calls(now)

    def calls_due(self, now: float) -> bool:
        """Whether it is time to look for calls that are kept no longer, and whether any ever are."""
        if self._retain_at is None:
            self._retain_at = now + FIRST_SECONDS
        if now < self._retain_at:
            return False
        self._retain_at = now + RETAIN_SECONDS
        return self._privacy().forgets

    def calls(self, now: float) -> bool:
        """Drop identities and roll up calls whose time is over; whether there was anything. The database must be closed.

        Where another process writes it is tried again soon.
        """
        at = datetime.now(UTC).replace(tzinfo=None)
        try:
            done = retain_calls(self._layout.root, self._privacy().ends(at))
        except LedgerLocked:
            self._retain_at = now + _AGAIN_SECONDS
            return False
        if done is None:
            return False
        sums = ", ".join(f"{name} {digits(total)}" for name, total in done.sums.items())
        before, after = (f"{rows['calls']} calls, {rows['cost_lines']} cost lines; {sums}" for rows in (done.before, done.after))
        origin = f"bookkeeper on {socket.gethostname()}, as privacy: keep says"
        stamp = f"{at.isoformat(timespec='microseconds')}Z"
        append(self._layout, Decision(stamp, "configuration", "", "apply retention", "calls", before, after, origin=origin))
        return True

    def _privacy(self) -> Privacy:
        try:
            return load_settings(self._config).privacy
        except BreakevenError:
            return Privacy()  # nothing is forgotten by a file that cannot be read

    def _retentions(self) -> dict[str, int | None]:
        """How long each feature's bodies may stay; None: as noted with each."""
        try:
            return {name: feature.retention for name, feature in load_settings(self._config).features.items()}
        except BreakevenError:
            return {}
