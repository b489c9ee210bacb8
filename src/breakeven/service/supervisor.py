"""The parent of all processes of `breakeven serve`: binds the port, starts workers and the bookkeeper, restarts what dies.

The listening socket belongs to the supervisor, so that callers who connect while a worker is restarted wait in its queue instead of
being turned away. A process that dies again and again is restarted more and more slowly, up to every ten seconds.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from breakeven.errors import Unreachable
from breakeven.gateway.rundir import RunDirectory, Serving
from breakeven.gateway.worker_spec import WorkerSpec
from breakeven.service.bookkeeper_spec import BookkeeperSpec

BACKLOG = 2048
_LONGEST_PAUSE = 10.0
_STABLE_SECONDS = 30.0
_POLL_SECONDS = 0.1
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is meant by every address


@dataclass(slots=True)
class Child:
    """One process and how it is started."""

    name: str
    command: Sequence[str]
    descriptors: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = 0.0
    start_again_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Runs the children until told to stop."""

    ledger: Path
    config: Path | None
    host: str
    port: int
    web_port: int
    workers: int
    grace_seconds: float = 30.0
    say: Callable[[str], None] = field(default=lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201 - prose goes to stderr
    _children: list[Child] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _run: RunDirectory = field(init=False)

    def __post_init__(self) -> None:
        self._run = RunDirectory(self.ledger)

    def run(self, ready: Callable[[Serving], None] | None = None) -> None:
        """Serve until SIGTERM or SIGINT. `ready` gets the addresses once the workers serve.

        Raises Unreachable where the port is taken, or the ledger is served already.
        """
        other = self._run.serving()
        if other is not None:
            raise Unreachable(
                f"process {other.pid} serves this ledger already at {other.gateway}",
                "Stop it, or name another ledger with --ledger.",
            )
        listening, web = self._bound(self.port, "--gateway-port"), self._bound(self.web_port, "--web-port")
        self._run.create()
        self._children = [self._worker(number, listening.fileno()) for number in range(self.workers)]
        self._children.append(self._bookkeeper(web.fileno()))
        self._handle_signals()
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        serving = Serving(os.getpid(), _url(listening), _url(web), started, self.workers)
        self._run.announce(serving)
        try:
            for child in self._children:
                self._start(child)
            if self._all_loaded() and ready is not None:
                ready(serving)
            while not self._stopping.wait(_POLL_SECONDS):
                self._revive()
        finally:
            self._stop_all()
            self._run.withdraw()
            listening.close()
            web.close()

    def stop(self) -> None:
        """Begin to stop; `run` returns when everything has ended."""
        self._stopping.set()

    # --- children -----------------------------------------------------------------------------------------------------------------

    def _worker(self, number: int, descriptor: int) -> Child:
        config = str(self.config) if self.config else None
        spec = WorkerSpec(number, descriptor, str(self.ledger), config, self.host, self.grace_seconds)
        command = [sys.executable, "-m", "breakeven.gateway.worker", msgspec.json.encode(spec).decode()]
        return Child(f"worker {number}", command, (descriptor,))

    def _bookkeeper(self, web: int) -> Child:
        spec = BookkeeperSpec(str(self.ledger), str(self.config) if self.config else None, web, self.host)
        command = [sys.executable, "-m", "breakeven.service.bookkeeper", msgspec.json.encode(spec).decode()]
        return Child("bookkeeper", command, (web,))

    def _start(self, child: Child) -> None:
        # A child of its own session: Ctrl-C reaches the supervisor, which stops the children in order.
        child.process = subprocess.Popen(child.command, pass_fds=child.descriptors, start_new_session=True)  # noqa: S603 - our own modules
        child.started_at = time.monotonic()

    def _revive(self) -> None:
        now = time.monotonic()
        for child in self._children:
            process = child.process
            if process is not None and process.poll() is not None:
                stable = now - child.started_at > _STABLE_SECONDS
                child.pause = 0.0 if stable else min(_LONGEST_PAUSE, max(0.1, child.pause * 2))
                child.start_again_at = now + child.pause
                child.process = None
                self.say(f"breakeven: {child.name} ended ({_how(process.returncode)}); it is started again in {child.pause:g} s")
            if child.process is None and now >= child.start_again_at:
                self._start(child)

    def _all_loaded(self) -> bool:
        """Whether every worker serves; false where the supervisor was told to stop before."""
        while not self._stopping.wait(_POLL_SECONDS / 5):
            if all(self._run.loaded(number) is not None for number in range(self.workers)):
                return True
            self._revive()
        return False

    def _stop_all(self) -> None:
        """Workers first, so that the bookkeeper commits what they wrote last."""
        *workers, bookkeeper = self._children
        self._end(workers, self.grace_seconds + 5.0)
        self._end([bookkeeper], self.grace_seconds + 30.0)

    def _end(self, children: Sequence[Child], patience: float) -> None:
        running = [child.process for child in children if child.process is not None and child.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + patience
        for process in running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # --- the outside --------------------------------------------------------------------------------------------------------------

    def _bound(self, port: int, option: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self.host, port))
        except OSError as error:
            listening.close()
            raise Unreachable(
                f"cannot listen on {self.host}:{port}: {error.strerror}",
                f"Stop what listens there, or choose another port with {option}.",
            ) from error
        listening.listen(BACKLOG)
        listening.set_inheritable(True)
        return listening

    def _handle_signals(self) -> None:
        signal.signal(signal.SIGTERM, lambda _number, _frame: self.stop())
        signal.signal(signal.SIGINT, lambda _number, _frame: self.stop())
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._pass_on(signal.SIGHUP))

    def _pass_on(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(number)


def _url(listening: socket.socket) -> str:
    """Where to reach it from this machine: who listens on every address is reached at this machine's own."""
    host, port = listening.getsockname()[:2]
    host = _LOOPBACK.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _how(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
