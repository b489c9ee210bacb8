"""Bringing alerts to their sinks: a thread for each, so that one that hangs holds up neither the bookkeeper nor another sink."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from breakeven.exchange.sinks import NotSent, Sink, open_sink
from breakeven.service.alertbook import AlertBook, Delivery
from breakeven.settings import SinkSettings

LONGEST_NAP = 30.0
LEAVING_SECONDS = 2.0


class Courier:
    """Gives one sink what waits for it, until told to stop. What it could not deliver waits in the book for the next one."""

    def __init__(self, book: Path, settings: SinkSettings, environment: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self.settings = settings
        self._book = book
        self._sink: Sink = open_sink(settings, environment)
        self._now = now
        self._wake = threading.Event()
        self._stopping = False
        self._told: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"alerts to {settings.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something may wait."""
        self._wake.set()

    def leave(self) -> None:
        """Stop after what is being sent just now."""
        self._stopping = True
        self._wake.set()

    def gone(self, timeout: float) -> bool:
        """Whether it has stopped, waiting for a while."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping:
            try:
                nap = self._round()
            except Exception as error:  # noqa: BLE001 - alerts must not end with the first fault of a disk
                self._say(f"{type(error).__name__}: {error}")
                nap = LONGEST_NAP
            self._wake.wait(nap)
            self._wake.clear()

    def _round(self) -> float:
        """Deliver what is due; returns how long there is nothing to do."""
        book = AlertBook(self._book)
        try:
            for delivery in book.due(self.settings.name, self._now()):
                if self._stopping:
                    return 0.0
                self._deliver(book, delivery)
            due = book.next_at(self.settings.name)
        finally:
            book.close()
        return LONGEST_NAP if due is None else min(LONGEST_NAP, max(0.0, (due - self._now()).total_seconds()))

    def _deliver(self, book: AlertBook, delivery: Delivery) -> None:
        try:
            self._sink.send(delivery.alert)
        except NotSent as fault:
            self._failed(book, delivery, f"{fault.what}. {fault.remedy}", fault.after)
        except Exception as error:  # noqa: BLE001 - a fault with one alert must not hold up those behind it
            self._failed(book, delivery, f"{type(error).__name__}. Report this fault of Breakeven.")
        else:
            book.sent(delivery, self._now())
            self._told = None

    def _failed(self, book: AlertBook, delivery: Delivery, fault: str, after: float | None = None) -> None:
        book.failed(delivery, fault, self._now(), after)
        self._say(fault)

    def _say(self, fault: str) -> None:
        """Each new fault once, in the supervisor's log."""
        if fault != self._told:
            self._told = fault
            words = f"breakeven: alerts to {self.settings.name} wait and are tried again: {fault}"
            print(words, file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log


class Couriers:
    """The couriers of all sinks that are configured."""

    def __init__(self, book: Path, environment: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._book = book
        self._environment = environment
        self._now = now
        self._working: dict[str, Courier] = {}

    def employ(self, sinks: Mapping[str, SinkSettings]) -> None:
        """One courier per sink; those of sinks that are gone or have changed leave."""
        for name, courier in list(self._working.items()):
            if sinks.get(name) != courier.settings:
                courier.leave()
                del self._working[name]
        for name, settings in sinks.items():
            if name not in self._working:
                self._working[name] = Courier(self._book, settings, self._environment, self._now)

    def wake(self) -> None:
        """Something may wait."""
        for courier in self._working.values():
            courier.wake()

    def dismiss(self) -> None:
        """Let all of them leave; one that hangs in a sink is left behind, and what it carries waits in the book."""
        for courier in self._working.values():
            courier.leave()
        for courier in self._working.values():
            courier.gone(LEAVING_SECONDS / max(1, len(self._working)))
        self._working.clear()
