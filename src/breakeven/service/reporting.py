"""Reports on a schedule, beside the bookkeeper's other work: made when due, remembered with their deliveries, sent by couriers.

A thread of its own, because a report takes seconds and commits must not wait for it; it reads as the web API does. A report and its
deliveries are written in one transaction (`alertbook.py`), so that a kill at any step sends each report once to each sink, or twice
with one id where it comes between sending and noting.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from breakeven.economics.periods import Period
from breakeven.errors import BreakevenError, DataError
from breakeven.governance.alerts import Alert, Document
from breakeven.governance.schedule import Form, Schedule, identity, latest_due, period_of
from breakeven.ledger import Ledger
from breakeven.ledger.layout import Layout
from breakeven.pricebook import RateCard, card_of_texts
from breakeven.service.alertbook import FILE, AlertBook
from breakeven.settings import Settings, load_settings

if TYPE_CHECKING:
    from breakeven.reports.packs import Pack

LOOK_SECONDS = 5.0
FAULT_SECONDS = 60.0
LEAVING_SECONDS = 2.0
MEDIA_TYPES: dict[Form, str] = {"html": "text/html", "md": "text/markdown", "json": "application/json"}
_NEXT = "The report is attached; print the HTML for a PDF. It was sent as `reports` in breakeven.yaml says."


class Reporting:
    """Makes the reports that are due, one after the other, until told to stop."""

    def __init__(
        self,
        layout: Layout,
        config: Path | None,
        reading: Callable[[], AbstractContextManager[Ledger]],
        wake: Callable[[], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._layout = layout
        self._config = config
        self._reading = reading
        self._wake = wake
        self._wall = wall
        self._stop = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)

    def start(self) -> None:
        """Begin, where there is a configuration that could ask for reports."""
        if self._config is not None and not self._thread.is_alive():
            self._thread.start()

    def stop(self) -> None:
        """End; a report that is being made just now is made again by the next process."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(LEAVING_SECONDS)

    def look(self) -> int:
        """Make what is due; returns how many reports were queued. Raises what goes wrong."""
        settings = load_settings(self._config)
        if not settings.reports:
            return 0
        book = AlertBook(self._layout.root / FILE)
        try:
            return sum(self._made(book, settings, schedule) for schedule in settings.reports if not self._stop.is_set())
        finally:
            book.close()

    def _made(self, book: AlertBook, settings: Settings, schedule: Schedule) -> bool:
        now = datetime.fromtimestamp(self._wall(), UTC).replace(tzinfo=None)
        due = latest_due(schedule, now)
        period = period_of(schedule, due)
        name = identity(schedule, period)
        if due < book.scheduled_since(schedule.name, now) or book.reported(name):
            return False
        from breakeven.reports.packs import Sources, compose  # noqa: PLC0415 - numpy and all reports, needed once a month

        with self._reading() as ledger:
            pack = compose(
                schedule.report, Sources(ledger, settings, self._layout, period, now, lambda: self._prices(settings, now))
            )
        told = _told(schedule, pack, period, name, now)
        queued = book.report(name, told, schedule.to, now)
        if queued:
            self._wake()
        return queued

    def _prices(self, settings: Settings, at: datetime) -> RateCard:
        try:
            texts = [(str(file), file.read_text("utf-8-sig")) for file in settings.overlays]
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"a price file cannot be read: {error}", "Correct 'prices' in breakeven.yaml, or the file.") from None
        return card_of_texts(self._layout.prices, texts, at)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                self.look()
                pause = LOOK_SECONDS
            except BreakevenError as error:
                pause = self._fault(f"{error.what}. {error.remedy}")
            except Exception as error:  # noqa: BLE001 - a report is no reason to stop keeping the books
                pause = self._fault(f"{type(error).__name__}: {error}")

    def _fault(self, words: str) -> float:
        """Each new fault once, in the supervisor's log."""
        if words != self._said and not self._stop.is_set():
            self._said = words
            print(f"breakeven: reports are made again in {FAULT_SECONDS:g} s: {words}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log
        return FAULT_SECONDS


def _told(schedule: Schedule, pack: Pack, period: Period, name: str, at: datetime) -> Alert:
    """The report as sinks take it: its headline in the message, the whole of it as a document."""
    from breakeven.reports.packs import html_of, markdown_of  # noqa: PLC0415 - as above

    text = {
        "html": lambda: html_of(pack),
        "md": lambda: markdown_of(pack),
        "json": lambda: msgspec.json.encode(pack).decode(),
    }[schedule.form]()
    document = Document(f"{schedule.report}-{period.name}.{schedule.form}", MEDIA_TYPES[schedule.form], text)
    figures = {figure.name.lower(): figure.value for figure in pack.figures if isinstance(figure.value, str | float | None)}
    subject = f"{pack.title}, {pack.label}"
    return Alert("report", subject, "info", pack.sentence, _NEXT, None, f"report|{name}", at, figures, document)
