"""The handlers of a worker: who answers under which name, on the spot or in a process of its own."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.errors import BreakevenError
from breakeven.handlers.answering import ISOLATED, Answers, answers_of
from breakeven.handlers.framing import Boot, Outcome
from breakeven.handlers.loading import said
from breakeven.handlers.pool import Pool
from breakeven.settings.handlers import HandlerSettings

LARGEST_ON_THE_SPOT = 20_000
"""Characters of a prompt up to which a compiled or built-in handler answers on the spot: one or two milliseconds at most."""
_LOOK_SECONDS = 0.005


class Station(Protocol):
    """Where one handler works."""

    @property
    def fault(self) -> str:
        """Why it cannot answer at all; empty where it can."""

    @property
    def ready(self) -> bool:
        """Whether it can answer, or is known not to."""

    def ask(self, task: Task, seconds: float, then: Callable[[Reply | Declined], None]) -> None:
        """Answer a task."""

    def check(self, task: Task, reply: Reply, seconds: float, then: Callable[[str | None], None]) -> None:
        """Judge an answer."""

    def close(self) -> None:
        """Stop working."""


class Host:
    """Implements `Capabilities` for the handlers that `breakeven.yaml` declares; made and used in the thread of its event loop.

    Processes are started at once, so that the first call does not wait for them. Close it when the configuration is replaced.
    """

    def __init__(self, handlers: Mapping[str, HandlerSettings], loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._stations: dict[str, Station] = {
            name: _station(one, loop) for name, one in handlers.items() if one.terms.mode != "off"
        }

    def ask(self, name: str, task: Task, seconds: float, then: Callable[[Reply | Declined], None]) -> None:
        """Ask the handler `name` for an answer to `task`, waiting for it at most `seconds`."""
        station = self._stations.get(name)
        if station is None:
            then(Declined(f"there is no handler {name!r}, or it is off"))
            return
        station.ask(task, seconds, then)

    def check(self, name: str, task: Task, reply: Reply, seconds: float, then: Callable[[str | None], None]) -> None:
        """Ask the check function `name` whether `reply` stands: None where it does, else why it does not."""
        station = self._stations.get(name)
        if station is None:
            then(f"there is no function {name!r}, or it is off")
            return
        station.check(task, reply, seconds, then)

    async def ready(self, name: str, seconds: float) -> None:
        """Wait until a handler can answer, or cannot, at most so long; the gateway need not, a question waits by itself."""
        end = self._loop.time() + seconds
        station = self._stations.get(name)
        while station is not None and not station.ready and self._loop.time() < end:  # noqa: ASYNC110 - a command waits once
            await asyncio.sleep(_LOOK_SECONDS)

    def fault(self, name: str) -> str:
        """Why a handler cannot answer at all; empty where it can."""
        station = self._stations.get(name)
        return f"there is no handler {name!r}, or it is off" if station is None else station.fault

    def pids(self, name: str) -> tuple[int, ...]:
        """The processes of a handler."""
        return getattr(self._stations.get(name), "pids", ())

    def close(self) -> None:
        """End every process; what waits is declined."""
        for station in self._stations.values():
            station.close()


def _station(handler: HandlerSettings, loop: AbstractEventLoop) -> Station:
    isolated = handler.kind in {"function", "entry_point"} or (handler.kind == "builtin" and handler.source in ISOLATED)
    return Apart(handler, loop) if isolated else OnTheSpot(handler, loop)


class Apart:
    """A handler with processes of its own."""

    def __init__(self, handler: HandlerSettings, loop: AbstractEventLoop) -> None:
        boot = Boot(handler.name, handler.kind, handler.source, handler.options, handler.memory)
        self._pool = Pool(boot, handler.processes, loop)

    @property
    def fault(self) -> str:
        """Why its function cannot be had, or its process not be kept."""
        return self._pool.fault

    @property
    def ready(self) -> bool:
        """Whether one of its processes has started."""
        return self._pool.ready

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes."""
        return self._pool.pids

    def ask(self, task: Task, seconds: float, then: Callable[[Reply | Declined], None]) -> None:
        """Ask a process."""
        self._pool.ask(task, None, seconds, partial(_spoken, then))

    def check(self, task: Task, reply: Reply, seconds: float, then: Callable[[str | None], None]) -> None:
        """Ask a process."""
        self._pool.ask(task, reply, seconds, partial(_judged, then))

    def close(self) -> None:
        """End its processes."""
        self._pool.close()


class OnTheSpot:
    """A compiled or built-in handler, in the worker itself; only what is long goes to a process, started when first needed."""

    def __init__(self, handler: HandlerSettings, loop: AbstractEventLoop) -> None:
        self._handler, self._loop = handler, loop
        self._apart: Apart | None = None
        self._answers: Answers | None = None
        self.fault = ""
        """Why it cannot be had."""
        self.ready = True
        try:
            self._answers = answers_of(handler.kind, handler.source, handler.options)
        except BreakevenError as error:
            self.fault = error.what

    def ask(self, task: Task, seconds: float, then: Callable[[Reply | Declined], None]) -> None:
        """Answer now."""
        if self._answers is None:
            then(Declined(self.fault))
            return
        if len(task.prompt) > LARGEST_ON_THE_SPOT:
            if self._apart is None:
                self._apart = Apart(self._handler, self._loop)
            self._apart.ask(task, seconds, then)
            return
        try:
            found = self._answers(task)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not break the call either
            found = Declined(f"it raised {said(error)}")
        then(found)

    def check(self, task: Task, reply: Reply, seconds: float, then: Callable[[str | None], None]) -> None:
        """It does not judge."""
        del task, reply, seconds
        then(f"{self._handler.name} is a {self._handler.kind} handler and judges nothing")

    def close(self) -> None:
        """End the process for long inputs, where there is one."""
        if self._apart is not None:
            self._apart.close()


def _spoken(then: Callable[[Reply | Declined], None], outcome: Outcome) -> None:
    then(outcome.spoken())


def _judged(then: Callable[[str | None], None], outcome: Outcome) -> None:
    then(None if outcome.kind == "stands" else outcome.text or "it gives no reason")
