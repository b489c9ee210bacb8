"""The bookkeeper: `python -m breakeven.service.bookkeeper LEDGER [CONFIG]`, the only writer of the database while a gateway runs.

It commits what gateways append, several times a second, and seals what they have closed. When a command wants the database it lets
go of it for a moment; while another writes (an import, say), live facts wait in their segments, where they are durable already.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from breakeven.errors import BreakevenError, LedgerLocked
from breakeven.ledger import handoff
from breakeven.ledger.live import Progress, commit_segments, pending, seal_closed
from breakeven.ledger.segments import close_abandoned
from breakeven.ledger.store import Ledger, locate, open_as_bookkeeper
from breakeven.reports.standing import budget_statuses
from breakeven.service.alerting import Alerting
from breakeven.service.forgetting import Forgetting
from breakeven.service.openings import Openings
from breakeven.service.rolling import Rolling

LOOK_SECONDS = 0.1
SEAL_SECONDS = 5.0
IDLE_SECONDS = 2.0
_LONGEST_PAUSE = 30.0
_WITH_CONFIG = 2


class Bookkeeper:
    """Keeps one ledger up to date. Everything it does can be interrupted by a kill and is taken up again."""

    def __init__(self, path: Path, config: Path | None = None) -> None:
        self._path = path
        self._layout = locate(path)
        self._openings = Openings(self._layout, config)
        root = self._layout.root
        self._alerting = Alerting(self._layout, config, lambda settings, at: budget_statuses(settings, root, at))
        self._presence = handoff.Presence(self._layout)
        self._forgetting = Forgetting(self._layout, config)
        self._rolling = Rolling(self._layout, config)
        self._progress = Progress()
        self._ledger: Ledger | None = None
        self._quiet_until = 0.0
        self._seal_at = 0.0
        self._used_at = 0.0

    def take_office(self) -> bool:
        """Whether this process is the ledger's bookkeeper now; False where another one is."""
        return self._presence.take()

    def look(self, now: float) -> None:
        """One look: let go if asked, else commit and seal what there is. `now` is monotonic, in seconds."""
        if handoff.asked(self._layout):
            self.let_go()
            self._quiet_until = now + handoff.QUIET_SECONDS
        if now < self._quiet_until:
            return
        self._forgetting.look(now)
        sealing = now >= self._seal_at
        if sealing:
            close_abandoned(self._layout)
        opening, alerting = self._openings.due(now), self._alerting.due(now)
        rolling = self._rolling.due(now)
        if not opening and not alerting and not rolling and not pending(self._layout, self._progress):
            if self._ledger is not None and now - self._used_at > IDLE_SECONDS:
                self.let_go()  # nothing happens: readers need not ask
            return
        with suppress(LedgerLocked):  # somebody reads or writes: the next look tries again
            ledger = self._ledger = self._ledger or open_as_bookkeeper(self._path)
            self._used_at = now
            done = commit_segments(ledger, self._progress)
            self._rolling.look(ledger, now, new=bool(done.facts_added.get("replays")))
            if done.calls_added or done.lines_added or any(done.facts_added.values()):
                self._alerting.committed(now)
            if sealing:
                seal_closed(ledger)
                self._seal_at = now + SEAL_SECONDS
            if opening:
                self._openings.set(ledger, now)
            if alerting:
                self._alerting.look(ledger, now)

    def let_go(self) -> None:
        """Close the database."""
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            ledger.close()

    def close(self) -> None:
        """Commit and seal everything, and leave office."""
        until = time.monotonic() + handoff.PATIENCE_SECONDS
        self._quiet_until = self._seal_at = 0.0
        while time.monotonic() < until:
            self.look(time.monotonic())
            if not pending(self._layout, self._progress):
                break
            self._seal_at = 0.0
            time.sleep(LOOK_SECONDS)
        self._alerting.close()
        self.let_go()
        self._presence.release()


def run(path: Path, stop: threading.Event, config: Path | None = None) -> None:
    """Keep the books until told to stop. A fault is told and tried again later: facts are safe in their segments meanwhile."""
    keeper = Bookkeeper(path, config)
    while not keeper.take_office():
        if stop.wait(LOOK_SECONDS):
            return
    pause = 0.0
    while not stop.wait(pause or LOOK_SECONDS):
        try:
            keeper.look(time.monotonic())
            pause = 0.0
        except BreakevenError as error:
            pause = min(_LONGEST_PAUSE, max(1.0, pause * 2))
            print(f"breakeven: the bookkeeper waits {pause:g} s: {error.what}. {error.remedy}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log
            with suppress(BreakevenError):
                keeper.let_go()
    keeper.close()


def main() -> None:
    """Run the bookkeeper of the ledger named on the command line."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor passes reloads on to all; there is nothing to reload here
    run(Path(sys.argv[1]), stop, Path(sys.argv[2]) if len(sys.argv) > _WITH_CONFIG else None)


if __name__ == "__main__":
    main()
