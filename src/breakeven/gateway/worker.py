"""One gateway process: `python -m breakeven.gateway.worker SPEC`, started by the supervisor with the listening socket.

SIGTERM stops it without losing a call: no new connections, answers under way completed, streams whose caller has gone drained,
facts synced, the segment handed over. SIGHUP loads the configuration anew; a faulty one is reported and the old one stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from breakeven.accounts import JOURNALS, AccountStore, open_store
from breakeven.accounts.journal import Journal
from breakeven.accounts.leases import Leases, recover
from breakeven.errors import BreakevenError
from breakeven.gateway.application import Application, Snapshot
from breakeven.gateway.caches import CacheStore, open_cache
from breakeven.gateway.capturing import Capturing
from breakeven.gateway.handling import Handling
from breakeven.gateway.metrics import Metrics
from breakeven.gateway.preparation import prepared
from breakeven.gateway.recorder import Recorder
from breakeven.gateway.rolling import Rolling
from breakeven.gateway.rundir import Loaded, RunDirectory
from breakeven.gateway.wire.server import ClientConnection
from breakeven.gateway.worker_spec import WorkerSpec
from breakeven.handlers.host import Host
from breakeven.handlers.standings import Standings
from breakeven.ledger.layout import Layout
from breakeven.ledger.segments import SegmentWriter

TICK_SECONDS = 0.05
SWEEP_SECONDS = 1.0
BACKLOG = 2048
_LAST_WORDS_SECONDS = 2.0
GC_ALLOCATIONS = 20_000
"""Calls make no reference cycles, so collecting seldom costs no memory and saves a twentieth of the time."""


class Worker:
    """The life of one process."""

    def __init__(self, spec: WorkerSpec, loop: asyncio.AbstractEventLoop) -> None:
        self._spec = spec
        self._loop = loop
        self._run = RunDirectory(Path(spec.ledger))
        self._metrics = Metrics()
        self._generation = 0
        self._stop = asyncio.Event()
        self._store: AccountStore | None = None
        self._journal: Path | None = None
        self._erased = Path(spec.ledger) / "erased.json"
        self._erased_at = self._when_erased()
        self._tasks: set[asyncio.Task[None]] = set()
        layout = Layout(Path(spec.ledger))
        recorder = Recorder(lambda: SegmentWriter(layout), self._metrics, loop.call_soon, loop.call_soon_threadsafe)
        self.application = Application(
            loop,
            self._prepare(),
            recorder,
            self._metrics,
            peers=lambda: self._run.metrics_of_others(spec.number),
            leases=self._open_leases,
            caches=self._open_cache,
            handling=self._open_handlers,
            rolling=Rolling(layout),
        )
        self.application.capturing = Capturing(layout, f"{spec.number}-{secrets.token_hex(4)}", self._metrics)

    def _open_handlers(self, snapshot: Snapshot) -> Handling:
        """What answers without a model; its processes are started at once."""
        host = Host(snapshot.handlers, self._loop)
        return Handling(host, Standings(Path(self._spec.ledger)), snapshot.handlers, self._metrics)

    def _open_cache(self, snapshot: Snapshot) -> CacheStore:
        """Where exact answers are kept; done when the first ladder has a cache."""
        return open_cache(snapshot.cached_in, Path(self._spec.ledger), os.environ, self._spawn)

    def _open_leases(self, snapshot: Snapshot) -> Leases:
        """This worker's part of the accounts that all share; done when the first limit is declared."""
        ledger = Path(self._spec.ledger)
        self._store = open_store(snapshot.accounts, ledger, os.environ, self._spawn)
        name = secrets.token_hex(4)
        self._journal = self._run.path / JOURNALS.replace("*", name)
        return Leases(self._store, Journal(self._journal), name, self._loop.time, time.time)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _recover(self) -> None:
        """Settle what workers left that were killed; whoever comes first does it."""
        if self._store is None or self._journal is None or self.application.admission is None:
            return
        for path in self._run.path.glob(JOURNALS):
            if path != self._journal:
                recover(self._store, path, time.time(), _recovered)

    async def serve(self) -> None:
        """Serve until told to stop."""
        for number, action in (
            (signal.SIGTERM, self._stop.set),
            (signal.SIGINT, self._stop.set),
            (signal.SIGHUP, self._begin_reload),
        ):
            self._loop.add_signal_handler(number, action)
        application = self.application
        server = await self._listen(application, self._spec.listen_fd)
        self._run.report(self._spec.number, Loaded(os.getpid(), self._generation))
        timers = [self._loop.create_task(self._ticks()), self._loop.create_task(self._sweeps())]
        self._recover()
        gc.freeze()  # what was loaded stays; collections need not look at it again
        gc.set_threshold(GC_ALLOCATIONS)
        await self._stop.wait()
        server.close()
        application.stop()
        await self._wind_down()
        for timer in timers:
            timer.cancel()
        await asyncio.gather(*timers, return_exceptions=True)
        application.close()
        await self._close_accounts()
        self._run.write_metrics(self._spec.number, self._metrics.snapshot())

    async def _listen(self, application: Application, descriptor: int) -> asyncio.Server:
        listening = socket.socket(fileno=descriptor)
        listening.setblocking(False)  # noqa: FBT003 - the socket module's own flag
        return await self._loop.create_server(lambda: ClientConnection(application, self._loop), sock=listening, backlog=BACKLOG)

    async def _wind_down(self) -> None:
        """Wait for what is under way, at most as long as the grace lasts; then give it up, which is recorded too."""
        until = self._loop.time() + self._spec.grace_seconds
        while self.application.busy and self._loop.time() < until:  # noqa: ASYNC110 - many things can be busy, none of them tells
            await asyncio.sleep(TICK_SECONDS)
        self.application.give_up()

    async def _close_accounts(self) -> None:
        """Everything told, the journal is not needed any more; what could not be told stays in it for the next worker."""
        admission, store, journal = self.application.admission, self._store, self._journal
        if admission is None or store is None or journal is None:
            return
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_WORDS_SECONDS)
        if admission.leases.clear:
            journal.unlink(missing_ok=True)
        store.close()

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                self.application.tick()
            except Exception:  # noqa: BLE001 - time-outs and syncs go on, whatever one of them met
                self.application.fault()

    async def _sweeps(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.application.sweep()
            self._recover()
            self._rotate_after_an_erasure()
            with contextlib.suppress(OSError):  # a full disk stops no call
                self._run.write_metrics(self._spec.number, self._metrics.snapshot())

    def _when_erased(self) -> int:
        try:
            return self._erased.stat().st_mtime_ns
        except OSError:
            return 0

    def _rotate_after_an_erasure(self) -> None:
        """Somebody was erased: what this worker has written so far must be sealed without the name."""
        at = self._when_erased()
        if at != self._erased_at:
            self._erased_at = at
            self.application.recorder.rotate_soon()

    def _prepare(self) -> Snapshot:
        spec = self._spec
        return prepared(Path(spec.ledger), Path(spec.config) if spec.config else None, spec.host)

    def _begin_reload(self) -> None:
        self._reloading = self._loop.create_task(self._reload())

    async def _reload(self) -> None:
        self._generation += 1
        generation, fault, remedy = self._generation, "", ""
        try:
            self.application.replace(await asyncio.to_thread(self._prepare))
        except BreakevenError as error:
            fault, remedy = error.what, "; ".join([str(problem) for problem in getattr(error, "problems", ())] or [error.remedy])
            print(f"breakeven: worker {self._spec.number} keeps its configuration: {fault}: {remedy}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log
        self._run.report(self._spec.number, Loaded(os.getpid(), generation, fault, remedy))


def main() -> None:
    """Run one worker."""
    spec = msgspec.json.decode(sys.argv[1], type=WorkerSpec)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(spec))
    except BreakevenError as error:  # what was fine when `serve` began is not any more
        problems = "; ".join(str(problem) for problem in getattr(error, "problems", ()))
        sys.exit(f"breakeven: worker {spec.number} cannot start: {error.what}. {problems or error.remedy}")


def _recovered(reached: bool) -> None:  # noqa: FBT001 - the answer to the question whether
    """What could not be settled stays in its journal and is tried again."""
    del reached


async def _serve(spec: WorkerSpec) -> None:
    await Worker(spec, asyncio.get_running_loop()).serve()


if __name__ == "__main__":
    main()
