"""What a route works with: the ledger to read, the settings in force, the clock, and where things lie."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from breakeven.errors import DataError
from breakeven.ledger import Ledger
from breakeven.ledger.layout import Layout
from breakeven.pricebook import RateCard, card_of_texts
from breakeven.reports.question import Facts
from breakeven.settings import Settings, load_settings

Found = TypeVar("Found")
MOST_REMEMBERED = 256
REMEMBERED_SECONDS = 300.0
SHIPPED_SECONDS = 10.0


class Reading(Protocol):
    """A ledger that others may write to meanwhile (`service/books.py`)."""

    version: int

    def reading(self) -> AbstractContextManager[Ledger]:
        """The ledger as a reader sees it."""


@dataclass(slots=True)
class Desk:
    """One ledger with its configuration, as the routes see it. Used by many threads."""

    books: Reading
    ledger: Path
    config: Path | None
    clock: Callable[[], datetime]
    _settings: Settings | None = None
    _stamp: object = None
    _answers: OrderedDict[object, tuple[datetime, object]] = field(default_factory=OrderedDict)
    _under_way: dict[object, threading.Event] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def layout(self) -> Layout:
        """The files of the ledger."""
        return Layout(self.ledger)

    def settings(self) -> Settings:
        """The settings as the file says now; it is read again when it has changed. Raises ConfigError where it is faulty."""
        stamp = self._changed_at()
        if self._settings is None or stamp != self._stamp:
            self._settings, self._stamp = load_settings(self.config), stamp
        return self._settings

    def answer(self, asked: object, report: Callable[[Facts, Settings], Found]) -> Found:
        """A report; the same question about the same ledger is answered once, for all who ask it within a few minutes."""
        now = self.clock()
        settings = self.settings()
        with self._facts(settings) as ledger:
            key = (asked, self._version(settings, now), self._changed_at())
            while (waited := self._known_or_begun(key, now)) is not None:
                if not isinstance(waited, threading.Event):
                    return waited[1]  # type: ignore[return-value] # the key says which report it is
                waited.wait()
            try:
                found = report(ledger, settings)
                with self._lock:
                    self._answers[key] = (now, found)
                    while len(self._answers) > MOST_REMEMBERED:
                        self._answers.popitem(last=False)
            finally:
                with self._lock:
                    self._under_way.pop(key).set()
        return found

    def _known_or_begun(self, key: object, now: datetime) -> tuple[datetime, object] | threading.Event | None:
        """The answer if it is known, what to wait for where another thread is at it, or None: then it is the caller's to find."""
        with self._lock:
            known = self._answers.get(key)
            if known is not None and (now - known[0]).total_seconds() < REMEMBERED_SECONDS:
                return known
            if key not in self._under_way:
                self._under_way[key] = threading.Event()
                return None
            return self._under_way[key]

    def _facts(self, settings: Settings) -> AbstractContextManager[Facts]:
        """ClickHouse where the configuration says that reports ask it, else the books themselves."""
        if settings.clickhouse is None or not settings.clickhouse.answers:
            return self.books.reading()
        from breakeven.ledger.clickhouse.connection import facts_at  # noqa: PLC0415 - an extra

        return facts_at(settings.clickhouse.address)

    def _version(self, settings: Settings, now: datetime) -> object:
        """What changes when there is something new to read. Who ships to ClickHouse, and when, is not known here."""
        if settings.clickhouse is None or not settings.clickhouse.answers:
            return self.books.version
        return int(now.timestamp() // SHIPPED_SECONDS)

    def prices(self) -> RateCard:
        """The price book as it is known now; a report records nothing."""
        try:
            texts = [(str(file), file.read_text("utf-8-sig")) for file in self.settings().overlays]
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"a price file cannot be read: {error}", "Correct 'prices' in breakeven.yaml, or the file.") from None
        return card_of_texts(self.layout.prices, texts, self.clock())

    def _changed_at(self) -> object:
        if self.config is None:
            return None
        try:
            found = self.config.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
