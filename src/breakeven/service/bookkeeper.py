"""The bookkeeper: `python -m breakeven.service.bookkeeper SPEC`, the only writer of the database while a gateway runs.

It commits what gateways append, several times a second, and seals what they have closed. When a command wants the database it lets
go of it for a moment; while another writes (an import, say), live facts wait in their segments, where they are durable already.
The web API answers from the same process, in threads of its own, because only one process can have the database open for writing.
"""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from breakeven.app import now
from breakeven.errors import BreakevenError, LedgerLocked
from breakeven.ledger import handoff
from breakeven.ledger.live import Progress, commit_segments, pending, seal_closed
from breakeven.ledger.segments import close_abandoned
from breakeven.ledger.store import locate
from breakeven.reports.standing import budget_statuses
from breakeven.service.alerting import Alerting
from breakeven.service.bookkeeper_spec import BookkeeperSpec
from breakeven.service.books import Books
from breakeven.service.forgetting import Forgetting
from breakeven.service.keycopies import KeyCopies
from breakeven.service.openings import Openings
from breakeven.service.reporting import Reporting
from breakeven.service.rolling import Rolling
from breakeven.service.shipping import Shipping
from breakeven.service.telemetry import Telemetry
from breakeven.service.transfers import Transfers, rounds_of, shipping_settings

LOOK_SECONDS = 0.1
SEAL_SECONDS = 5.0
IDLE_SECONDS = 2.0
_LONGEST_PAUSE = 30.0


class Bookkeeper:
    """Keeps one ledger up to date. Everything it does can be interrupted by a kill and is taken up again."""

    def __init__(self, path: Path, config: Path | None = None) -> None:
        self.books = Books(path)
        self._layout = locate(path)
        self._openings = Openings(self._layout, config)
        root = self._layout.root
        self._alerting = Alerting(self._layout, config, lambda settings, at: budget_statuses(settings, root, at))
        self._reporting = Reporting(self._layout, config, self.books.reading, self._alerting.wake)
        self._presence = handoff.Presence(self._layout)
        self._forgetting = Forgetting(self._layout, config)
        self._keys = KeyCopies(self._layout, config)
        self._handing = shipping_settings(config)
        self._transfers: Transfers | None = None
        self._rolling = Rolling(self._layout, config)
        self._progress = Progress()
        self._quiet_until = 0.0
        self._seal_at = 0.0

    def take_office(self) -> bool:
        """Whether this process is the ledger's bookkeeper now; False where another one is."""
        if not self._presence.take():
            return False
        self._reporting.start()
        if self._handing is not None:
            self._transfers = Transfers(rounds_of(self._layout, self._handing), self._handing.every)
        return True

    def look(self, now: float) -> None:
        """One look: let go if asked, else commit and seal what there is. `now` is monotonic, in seconds."""
        if handoff.asked(self._layout):
            self.books.let_go(handoff.QUIET_SECONDS)
            self._quiet_until = now + handoff.QUIET_SECONDS
        if now < self._quiet_until:
            return
        self._forgetting.look(now)
        self._keys.look(now)
        if self._handing is None or self._handing.role != "ship":  # else what is metered here is committed where it is collected
            self._keep(now)

    def _keep(self, now: float) -> None:
        """Commit, seal, set balances, look for alerts; whatever there is."""
        self._forgetting.calls_if_due(now, self.books.let_go)
        sealing = now >= self._seal_at
        if sealing:
            close_abandoned(self._layout)
        opening, alerting = self._openings.due(now), self._alerting.due(now)
        rolling = self._rolling.due(now)
        if not opening and not alerting and not rolling and not pending(self._layout, self._progress):
            if self.books.open and self.books.idle_for(now) > IDLE_SECONDS:
                self.books.let_go()  # nothing happens: readers need not ask
            return
        with suppress(LedgerLocked):  # somebody reads or writes: the next look tries again
            ledger = self.books.to_write(now)
            done = commit_segments(ledger, self._progress)
            self._rolling.look(ledger, now, new=bool(done.facts_added.get("replays")))
            if done.calls_added or done.lines_added or any(done.facts_added.values()):
                self.books.committed()
                self._alerting.committed(now)
            if sealing:
                seal_closed(ledger)
                self._seal_at = now + SEAL_SECONDS
            if opening:
                self._openings.set(ledger, now)
            if alerting:
                self._alerting.look(ledger, now)

    def close(self) -> None:
        """Commit and seal everything, and leave office."""
        if self._transfers is not None:
            self._transfers.close()
        self._reporting.stop()
        ships = self._handing is not None and self._handing.role == "ship"
        until = time.monotonic() + (0.0 if ships else handoff.PATIENCE_SECONDS)
        self._quiet_until = self._seal_at = 0.0
        while time.monotonic() < until:
            self.look(time.monotonic())
            if not pending(self._layout, self._progress):
                break
            self._seal_at = 0.0
            time.sleep(LOOK_SECONDS)
        self._alerting.close()
        self.books.let_go()
        self._presence.release()


def run(spec: BookkeeperSpec, stop: threading.Event) -> None:
    """Keep the books until told to stop. A fault is told and tried again later: facts are safe in their segments meanwhile."""
    keeper = Bookkeeper(Path(spec.ledger), Path(spec.config) if spec.config else None)
    while not keeper.take_office():
        if stop.wait(LOOK_SECONDS):
            return
    shipping = Shipping(locate(Path(spec.ledger)), Path(spec.config) if spec.config else None)
    telemetry = Telemetry(locate(Path(spec.ledger)), Path(spec.config) if spec.config else None)
    shipping.start()
    telemetry.start()
    web = threading.Thread(target=answer, args=(spec, keeper.books, stop), name="answering", daemon=True)
    web.start()
    pause = 0.0
    while not stop.wait(pause or LOOK_SECONDS):
        try:
            keeper.look(time.monotonic())
            pause = 0.0
        except BreakevenError as error:
            pause = min(_LONGEST_PAUSE, max(1.0, pause * 2))
            print(f"breakeven: the bookkeeper waits {pause:g} s: {error.what}. {error.remedy}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log
            with suppress(BreakevenError):
                keeper.books.let_go()
    web.join()
    keeper.close()
    shipping.close()
    telemetry.close()


def answer(spec: BookkeeperSpec, books: Books, stop: threading.Event) -> None:
    """Serve the web API on the socket that was inherited, until told to stop; the first overview is prepared meanwhile.

    In a thread of its own: what the API needs takes most of a second to import, and calls are committed before it is there.
    """
    if spec.web_fd is None:
        return
    try:
        from breakeven.web.application import application  # noqa: PLC0415 - see above
        from breakeven.web.desk import Desk  # noqa: PLC0415 - see above
        from breakeven.web.serving import WebServer  # noqa: PLC0415 - see above
        from breakeven.web.warming import warm  # noqa: PLC0415 - see above

        desk = Desk(books, Path(spec.ledger), Path(spec.config) if spec.config else None, now)
        warm(desk, stop)  # before the API is put together: the ledger is read meanwhile
        server = WebServer(application(desk, spec.host), socket.socket(fileno=spec.web_fd))
        server.start()
        stop.wait()
        server.stop()
    finally:
        stop.set()  # without its API the bookkeeper is of half a use: the supervisor starts another one


def main() -> None:
    """Run the bookkeeper that the command line describes."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor passes reloads on to all; there is nothing to reload here
    spec = msgspec.json.decode(sys.argv[1], type=BookkeeperSpec)
    run(spec, stop)


if __name__ == "__main__":
    main()
